/* conf_scan.c - what libconfuse does not see: a cut, a duplicate, ${ENV}. */
#include "config.h"

#include <string.h>

#include "conf_scan.h"

enum { WORD_MAX = 63 };

#define WORD_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.%-"

/* What stands before the next token. */
enum before { BEFORE_NOTHING, BEFORE_NAME, BEFORE_EQUALS, BEFORE_VALUE };

struct scan {
	const char *path;
	const char *next;
	unsigned line;
	enum before before;
	char name[WORD_MAX + 1];
	unsigned name_line;
	char section[WORD_MAX + 1]; /* "" outside */
	unsigned section_line;
	bool in_list;
	unsigned list_line;
	conf_scan_name *found;
	void *context;
	struct err *e;
};

static int fail(const struct scan *scan, const char *text)
{
	return err_set(scan->e, ERR_USAGE, "%s:%u: %s", scan->path, scan->line, text);
}

static int announce(struct scan *scan, bool is_section)
{
	return scan->found(scan->context, scan->section[0] ? scan->section : NULL, scan->name, is_section,
			   scan->name_line, scan->e);
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

static int take_string(struct scan *scan)
{
	if (!scan->in_list && scan->before != BEFORE_EQUALS)
		return fail(scan, "expected a name before a string");
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
	scan->before = BEFORE_VALUE;
	return 0;
}

static int take_equals(struct scan *scan)
{
	scan->next++;
	if (scan->in_list || scan->before != BEFORE_NAME)
		return fail(scan, "expected a name before =");
	scan->before = BEFORE_EQUALS;
	return announce(scan, false);
}

static int take_open(struct scan *scan)
{
	scan->next++;
	if (!scan->in_list && scan->before == BEFORE_EQUALS) {
		scan->in_list = true;
		scan->list_line = scan->line;
		return 0;
	}
	if (scan->in_list || scan->before != BEFORE_NAME)
		return fail(scan, "expected a name before {");
	if (scan->section[0])
		return err_set(scan->e, ERR_USAGE, "%s:%u: section %s inside section %s", scan->path,
			       scan->line, scan->name, scan->section);
	int result = announce(scan, true);
	memcpy(scan->section, scan->name, sizeof scan->section);
	scan->section_line = scan->line;
	scan->before = BEFORE_NOTHING;
	return result;
}

static int take_close(struct scan *scan)
{
	scan->next++;
	if (scan->in_list) {
		scan->in_list = false;
		scan->before = BEFORE_VALUE;
		return 0;
	}
	if (scan->before == BEFORE_NAME || scan->before == BEFORE_EQUALS)
		return err_set(scan->e, ERR_USAGE, "%s:%u: %s has no value", scan->path, scan->line, scan->name);
	if (!scan->section[0])
		return fail(scan, "} without {");
	scan->section[0] = '\0';
	scan->before = BEFORE_NOTHING;
	return 0;
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

static int check_end(const struct scan *scan)
{
	if (scan->in_list)
		return err_set(scan->e, ERR_USAGE,
			       "%s:%u: the list of line %u is not closed: the file is cut short", scan->path,
			       scan->line, scan->list_line);
	if (scan->before == BEFORE_NAME || scan->before == BEFORE_EQUALS)
		return err_set(scan->e, ERR_USAGE, "%s:%u: %s has no value: the file is cut short",
			       scan->path, scan->name_line, scan->name);
	if (scan->section[0])
		return err_set(scan->e, ERR_USAGE,
			       "%s:%u: section %s of line %u is not closed: the file is cut short",
			       scan->path, scan->line, scan->section, scan->section_line);
	return 0;
}

int conf_scan(const char *path, const char *text, conf_scan_name *found, void *context, struct err *e)
{
	struct scan scan = {.path = path, .next = text, .line = 1, .found = found, .context = context, .e = e};

	while (*scan.next) {
		int result = take_token(&scan);
		if (result < 0)
			return result;
	}
	return check_end(&scan);
}
