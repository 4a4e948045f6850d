/* template.c - reading templates: every mistake is found here, with its line. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "template_private.h"
#include "textfile.h"
#include "vec.h"

enum { TAG_MAX = 100, WORDS_MAX = 2 };

struct parser {
	struct template *template;
	const char *path;
	unsigned line;
	const struct template_name *scopes[TEMPLATE_DEPTH_MAX + 1];
	unsigned scope_count;            /* at least 1 */
	size_t open[TEMPLATE_DEPTH_MAX]; /* nodes */
	unsigned open_count;
	struct err *e;
};

void template_free(struct template *template)
{
	if (!template)
		return;
	str_done(&template->text);
	vec_done(&template->nodes);
	free(template);
}

void cleanup_template(struct template **template)
{
	template_free(*template);
}

/* ---- names ---- */

static const struct template_name *find_in(const struct template_name *names, const char *wanted)
{
	for (; names->name; names++)
		if (strcmp(names->name, wanted) == 0)
			return names;
	return NULL;
}

static const struct template_name *find_name(const struct parser *p, const char *wanted, unsigned *scope)
{
	for (unsigned i = p->scope_count; i-- > 0;) {
		const struct template_name *found = find_in(p->scopes[i], wanted);
		*scope = i;
		if (found)
			return found;
	}
	return NULL;
}

static int complain_of_unknown(const struct parser *p, const char *name)
{
	cleanup(str_done) struct str known = {0};

	for (unsigned i = p->scope_count; i-- > 0;)
		for (const struct template_name *n = p->scopes[i]; n->name; n++)
			str_addf(&known, "%s%s", known.length ? ", " : "", n->name);
	return err_set(p->e, ERR_USAGE, "%s:%u: there is no '%s' here: expected one of %s", p->path, p->line,
		       name, str_text(&known));
}

static int check_type(const struct parser *p, enum node_type type, const struct template_name *name)
{
	if (type == NODE_EACH && name->type != TEMPLATE_LIST)
		return err_set(p->e, ERR_USAGE, "%s:%u: '%s' is no list: expected ${%s%s}", p->path, p->line,
			       name->name, name->type == TEMPLATE_TRUTH ? "if " : "", name->name);
	if (type == NODE_VALUE && name->type == TEMPLATE_LIST)
		return err_set(p->e, ERR_USAGE, "%s:%u: '%s' is a list: expected ${each %s}", p->path,
			       p->line, name->name, name->name);
	if (type == NODE_VALUE && name->type == TEMPLATE_TRUTH)
		return err_set(p->e, ERR_USAGE, "%s:%u: '%s' is yes or no: expected ${if %s}", p->path,
			       p->line, name->name, name->name);
	return 0;
}

/* ---- what stands in braces ---- */

static struct node *add_node(struct parser *p, enum node_type type)
{
	struct node *node = vec_push_zero(&p->template->nodes);

	node->type = type;
	node->line = p->line;
	return node;
}

static int open_node(struct parser *p)
{
	if (p->open_count == TEMPLATE_DEPTH_MAX)
		return err_set(p->e, ERR_USAGE, "%s:%u: more than %d each and if within each other", p->path,
			       p->line, TEMPLATE_DEPTH_MAX);
	p->open[p->open_count++] = p->template->nodes.count - 1;
	return 0;
}

static int add_named(struct parser *p, enum node_type type, const char *word)
{
	static const struct template_name more = {"more", TEMPLATE_TRUTH, NULL};
	unsigned scope = p->scope_count - 1;
	bool is_more = strcmp(word, more.name) == 0 && scope > 0;
	const struct template_name *name = is_more ? &more : find_name(p, word, &scope);

	if (!name)
		return complain_of_unknown(p, word);
	if (check_type(p, type, name) < 0)
		return p->e->code;
	struct node *node = add_node(p, type);
	node->name = is_more ? NULL : name->name;
	node->scope = scope;
	if (type == NODE_VALUE)
		return 0;
	if (open_node(p) < 0)
		return p->e->code;
	if (type == NODE_EACH)
		p->scopes[p->scope_count++] = name->items;
	return 0;
}

static struct node *innermost(const struct parser *p)
{
	return p->open_count ? &p->template->nodes.items[p->open[p->open_count - 1]] : NULL;
}

static int add_else(struct parser *p)
{
	struct node *opened = innermost(p);

	if (!opened || opened->type != NODE_IF)
		return err_set(p->e, ERR_USAGE, "%s:%u: ${else} without ${if NAME} before it", p->path, p->line);
	if (opened->otherwise)
		return err_set(p->e, ERR_USAGE, "%s:%u: a second ${else}: expected ${end}", p->path, p->line);
	opened->otherwise = p->template->nodes.count;
	add_node(p, NODE_ELSE);
	return 0;
}

static int add_end(struct parser *p)
{
	struct node *opened = innermost(p);
	size_t place = p->template->nodes.count;

	if (!opened)
		return err_set(p->e, ERR_USAGE, "%s:%u: ${end} without ${each LIST} or ${if NAME} before it",
			       p->path, p->line);
	opened->end = place;
	if (!opened->otherwise)
		opened->otherwise = place;
	if (opened->type == NODE_EACH)
		p->scope_count--;
	p->open_count--;
	add_node(p, NODE_END);
	return 0;
}

static bool is_control(const char *word)
{
	return strcmp(word, "each") == 0 || strcmp(word, "if") == 0 || strcmp(word, "else") == 0 ||
	       strcmp(word, "end") == 0;
}

static int add_tag(struct parser *p, char **words, size_t count)
{
	if (count == 2 && strcmp(words[0], "each") == 0)
		return add_named(p, NODE_EACH, words[1]);
	if (count == 2 && strcmp(words[0], "if") == 0)
		return add_named(p, NODE_IF, words[1]);
	if (count == 1 && strcmp(words[0], "else") == 0)
		return add_else(p);
	if (count == 1 && strcmp(words[0], "end") == 0)
		return add_end(p);
	if (count == 1 && !is_control(words[0]))
		return add_named(p, NODE_VALUE, words[0]);
	return err_set(p->e, ERR_USAGE, "%s:%u: expected ${NAME}, ${each LIST}, ${if NAME}, ${else} or ${end}",
		       p->path, p->line);
}

/* ---- lines ---- */

/* What begins with a dollar at TEXT. */
struct tag {
	size_t size; /* in the template */
	bool dollar; /* $$ */
	char copy[TAG_MAX + 1];
	char *words[WORDS_MAX];
	size_t word_count;
};

static int read_tag(const struct parser *p, const char *text, size_t length, struct tag *tag)
{
	if (length >= 2 && text[1] == '$') {
		*tag = (struct tag){.size = 2, .dollar = true};
		return 0;
	}
	if (length < 2 || text[1] != '{')
		return err_set(p->e, ERR_USAGE, "%s:%u: '$' alone: expected ${NAME}, or $$ for a dollar",
			       p->path, p->line);
	const char *close = memchr(text, '}', length);
	size_t inside = close ? (size_t)(close - text) - 2 : 0;
	if (!close || inside > TAG_MAX)
		return err_set(p->e, ERR_USAGE, "%s:%u: '${' is not closed: expected '}' in the same line",
			       p->path, p->line);
	*tag = (struct tag){.size = inside + 3};
	memcpy(tag->copy, text + 2, inside);
	tag->word_count = str_split_blanks(tag->copy, tag->words, WORDS_MAX);
	return 0;
}

/* Whether the line is control words and blanks alone, and one at least: it vanishes. What is wrong in it is found later. */
static bool vanishes(const struct parser *p, const char *text, size_t length)
{
	struct err ignored = {0};
	struct parser quiet = *p;
	bool control = false;

	quiet.e = &ignored;
	for (size_t at = 0; at < length;) {
		struct tag tag;
		if (text[at] == ' ' || text[at] == '\t') {
			at++;
			continue;
		}
		if (text[at] != '$' || read_tag(&quiet, text + at, length - at, &tag) < 0 || tag.dollar ||
		    tag.word_count == 0 || !is_control(tag.words[0]))
			return false;
		control = true;
		at += tag.size;
	}
	return control;
}

static void add_text(struct parser *p, const char *text, size_t length)
{
	struct str *all = &p->template->text;

	if (length == 0)
		return;
	if (p->template->nodes.count > 0) {
		struct node *last = &p->template->nodes.items[p->template->nodes.count - 1];
		if (last->type == NODE_TEXT) {
			last->length += length;
			str_add_n(all, text, length);
			return;
		}
	}
	struct node *node = add_node(p, NODE_TEXT);
	node->start = all->length;
	node->length = length;
	str_add_n(all, text, length);
}

/* LENGTH is with the line break. */
static int parse_line(struct parser *p, const char *text, size_t length)
{
	bool gone = vanishes(p, text, length - 1);

	for (size_t at = 0; at < length;) {
		struct tag tag;
		const char *dollar = memchr(text + at, '$', length - at);
		size_t plain = dollar ? (size_t)(dollar - text) - at : length - at;
		if (!gone)
			add_text(p, text + at, plain);
		at += plain;
		if (at == length)
			break;
		if (read_tag(p, text + at, length - at, &tag) < 0)
			return p->e->code;
		if (tag.dollar)
			add_text(p, "$", 1);
		else if (add_tag(p, tag.words, tag.word_count) < 0)
			return p->e->code;
		at += tag.size;
	}
	return 0;
}

static int parse_lines(struct parser *p, const char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t line = (size_t)(end - text) + 1 - at;
		p->line++;
		if (parse_line(p, text + at, line) < 0)
			return p->e->code;
		at += line;
	}
	const struct node *left = innermost(p);
	if (left)
		return err_set(p->e, ERR_USAGE, "%s:%u: ${%s ...} is not closed: expected ${end}", p->path,
			       left->line, left->type == NODE_EACH ? "each" : "if");
	return 0;
}

int template_parse(struct template **template, const char *path, const char *text, size_t length,
		   const struct template_name *names, struct err *e)
{
	struct err own;
	struct parser parser = {.path = path, .scopes = {names}, .scope_count = 1, .e = e ? e : &own};

	if (length > TEMPLATE_SIZE_MAX)
		return err_set(e, ERR_USAGE, "%s: larger than %d KiB", path, TEMPLATE_SIZE_MAX >> 10);
	int result = textfile_check(path, text, length, e);
	if (result < 0)
		return result;
	parser.template = mem_zalloc(1, sizeof *parser.template);
	result = parse_lines(&parser, text, length);
	if (result < 0)
		template_free(parser.template);
	else
		*template = parser.template;
	return result;
}
