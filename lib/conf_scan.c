/* conf_scan.c - what libconfuse does not see: a cut, a duplicate, ${ENV}. */
#include "config.h"

#include <string.h>

#include "conf_scan.h"
#include "mem.h"
#include "str.h"

enum { WORD_MAX = 63 };

#define WORD_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.%-"

/* What stands before the next token. */
enum before { BEFORE_NOTHING, BEFORE_NAME, BEFORE_TITLE, BEFORE_EQUALS, BEFORE_VALUE };

struct open_section {
	char name[WORD_MAX + 1];
	unsigned line;
};

struct scan {
	const char *path;
	const char *next;
	unsigned line;
	enum before before;
	char name[WORD_MAX + 1];
	unsigned name_line;
	char title[CONF_SCAN_TITLE_MAX + 1]; /* of BEFORE_TITLE */
	struct open_section open[CONF_SCAN_DEPTH];
	size_t depth;
	bool in_list;
	unsigned list_line;
	conf_scan_note *note;
	void *context;
	struct err *e;
};

static int fail(const struct scan *scan, const char *text)
{
	return err_set(scan->e, ERR_USAGE, "%s:%u: %s", scan->path, scan->line, text);
}

static int announce(const struct scan *scan, enum conf_scan_kind kind)
{
	const struct conf_scan_found found = {
		.kind = kind,
		.name = kind == CONF_SCAN_CLOSE ? NULL : scan->name,
		.title = kind == CONF_SCAN_OPEN && scan->before == BEFORE_TITLE ? scan->title : NULL,
		.line = kind == CONF_SCAN_CLOSE ? scan->line : scan->name_line,
	};

	return scan->note(scan->context, &found, scan->e);
}

/* The title itself is not shown: it may be a secret that lacks its =. */
static int fail_after_title(const struct scan *scan)
{
	return err_set(scan->e, ERR_USAGE, "%s:%u: expected = before the value of \"%s\", or { behind its title",
		       scan->path, scan->line, scan->name);
}

static int take_word(struct scan *scan)
{
	size_t length = strspn(scan->next, WORD_CHARACTERS);
	const char *word = scan->next;

	scan->next += length;
	if (scan->in_list || scan->before == BEFORE_EQUALS) {
		scan->before = BEFORE_VALUE;
		return 0;
	}
	if (scan->before == BEFORE_TITLE)
		return fail_after_title(scan);
	if (scan->before == BEFORE_NAME)
		return err_set(scan->e, ERR_USAGE, "%s:%u: expected = or { after \"%s\"", scan->path,
			       scan->line, scan->name);
	if (length > WORD_MAX)
		return fail(scan, "a name that long is unknown");
	memcpy(scan->name, word, length);
	scan->name[length] = '\0';
	scan->name_line = scan->line;
	scan->before = BEFORE_NAME;
	return 0;
}

/* The string that begins with the quote at BEGIN, without its quotes and escapes. */
static int keep_title(struct scan *scan, const char *begin)
{
	size_t length = 0;

	for (const char *c = begin + 1; *c != '"'; c++) {
		if (*c == '\\')
			c++;
		if (length == CONF_SCAN_TITLE_MAX)
			return fail(scan, "a title that long is not allowed");
		scan->title[length++] = *c;
	}
	scan->title[length] = '\0';
	return 0;
}

static int pass_string(struct scan *scan)
{
	for (scan->next++; *scan->next != '"'; scan->next++) {
		if (*scan->next == '\n' || *scan->next == '\0')
			return fail(scan, "a string without its closing \": it must end on its line");
		if (scan->next[0] == '$' && scan->next[1] == '{')
			return fail(scan, "${ is not allowed: settings never come from the environment");
		if (*scan->next != '\\')
			continue;
		scan->next++;
		if (*scan->next != '"' && *scan->next != '\\')
			return fail(scan, "unknown escape in a string: there are \\\" and \\\\");
	}
	scan->next++;
	return 0;
}

static int take_string(struct scan *scan)
{
	const char *begin = scan->next;
	bool is_title = !scan->in_list && scan->before == BEFORE_NAME;

	if (!scan->in_list && scan->before == BEFORE_TITLE)
		return fail_after_title(scan);
	if (!scan->in_list && !is_title && scan->before != BEFORE_EQUALS)
		return fail(scan, "expected a name before a string");
	int result = pass_string(scan);
	if (result == 0 && is_title)
		result = keep_title(scan, begin);
	scan->before = is_title ? BEFORE_TITLE : BEFORE_VALUE;
	return result;
}

static int take_equals(struct scan *scan)
{
	scan->next++;
	if (scan->in_list || scan->before != BEFORE_NAME)
		return fail(scan, "expected a name before =");
	scan->before = BEFORE_EQUALS;
	return announce(scan, CONF_SCAN_SETTING);
}

static int take_open(struct scan *scan)
{
	scan->next++;
	if (!scan->in_list && scan->before == BEFORE_EQUALS) {
		scan->in_list = true;
		scan->list_line = scan->line;
		return 0;
	}
	if (scan->in_list || (scan->before != BEFORE_NAME && scan->before != BEFORE_TITLE))
		return fail(scan, "expected a name before {");
	int result = announce(scan, CONF_SCAN_OPEN);
	if (result < 0)
		return result;
	if (scan->depth == CONF_SCAN_DEPTH)
		return fail(scan, "sections stand too deep in each other");
	struct open_section *open = &scan->open[scan->depth++];
	memcpy(open->name, scan->name, sizeof open->name);
	open->line = scan->line;
	scan->before = BEFORE_NOTHING;
	return 0;
}

static int take_close(struct scan *scan)
{
	scan->next++;
	if (scan->in_list) {
		scan->in_list = false;
		scan->before = BEFORE_VALUE;
		return 0;
	}
	if (scan->before == BEFORE_TITLE)
		return fail_after_title(scan);
	if (scan->before == BEFORE_NAME || scan->before == BEFORE_EQUALS)
		return err_set(scan->e, ERR_USAGE, "%s:%u: %s has no value", scan->path, scan->line, scan->name);
	if (scan->depth == 0)
		return fail(scan, "} without {");
	scan->depth--;
	scan->before = BEFORE_NOTHING;
	return announce(scan, CONF_SCAN_CLOSE);
}

static int take_comma(struct scan *scan)
{
	scan->next++;
	if (!scan->in_list || scan->before != BEFORE_VALUE)
		return fail(scan, "a comma stands only between the values of a list");
	scan->before = BEFORE_EQUALS;
	return 0;
}

static int take_other(struct scan *scan)
{
	if (scan->next[0] == '$' && scan->next[1] == '{')
		return fail(scan, "${ is not allowed: settings never come from the environment");
	return err_set(scan->e, ERR_USAGE, "%s:%u: unexpected character near \"%.1s\": put values in quotes",
		       scan->path, scan->line, (unsigned char)scan->next[0] < 0x80 ? scan->next : "?");
}

static int take_token(struct scan *scan)
{
	switch (*scan->next) {
	case '\n':
		scan->line++;
		scan->next++;
		return 0;
	case ' ':
	case '\t':
		scan->next++;
		return 0;
	case '#':
		scan->next += strcspn(scan->next, "\n");
		return 0;
	case '"':
		return take_string(scan);
	case '=':
		return take_equals(scan);
	case '{':
		return take_open(scan);
	case '}':
		return take_close(scan);
	case ',':
		return take_comma(scan);
	default:
		return strchr(WORD_CHARACTERS, *scan->next) ? take_word(scan) : take_other(scan);
	}
}

/* The innermost first: there the text ended. */
static int fail_open(const struct scan *scan)
{
	cleanup(str_done) struct str what = {0};

	for (size_t i = scan->depth; i-- > 0;)
		str_addf(&what, "section %s of line %u%s", scan->open[i].name, scan->open[i].line,
			 i > 0 ? " inside " : "");
	return err_set(scan->e, ERR_USAGE, "%s:%u: %s is not closed: the file is cut short", scan->path,
		       scan->line, str_text(&what));
}

static int check_end(const struct scan *scan)
{
	if (scan->in_list)
		return err_set(scan->e, ERR_USAGE,
			       "%s:%u: the list of line %u is not closed: the file is cut short", scan->path,
			       scan->line, scan->list_line);
	if (scan->before == BEFORE_TITLE)
		return err_set(scan->e, ERR_USAGE, "%s:%u: %s has a title and no {: the file is cut short",
			       scan->path, scan->name_line, scan->name);
	if (scan->before == BEFORE_NAME || scan->before == BEFORE_EQUALS)
		return err_set(scan->e, ERR_USAGE, "%s:%u: %s has no value: the file is cut short",
			       scan->path, scan->name_line, scan->name);
	if (scan->depth > 0)
		return fail_open(scan);
	return 0;
}

int conf_scan(const char *path, const char *text, conf_scan_note *note, void *context, struct err *e)
{
	struct scan scan = {.path = path, .next = text, .line = 1, .note = note, .context = context, .e = e};

	while (*scan.next) {
		int result = take_token(&scan);
		if (result < 0)
			return result;
	}
	return check_end(&scan);
}
