/* grouptext_read.c - definitions of groups as text: read, line by line. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "grouptext.h"
#include "map.h"
#include "mem.h"
#include "textfile.h"

struct reader {
	struct grouptext *text;
	unsigned line;
	bool open;           /* within a group, the last */
	struct map *groups;  /* names: their lines */
	struct map *members; /* names of the open group's: their lines */
};

static void reader_done(struct reader *reader)
{
	map_free(reader->groups);
	map_free(reader->members);
}

static struct grouptext_group *open_group(const struct reader *reader)
{
	return &reader->text->items[reader->text->count - 1];
}

/* NAME, borrowed, stands at LINE: once. */
static int claim(struct map *names, const char *what, const char *name, unsigned line, struct err *e)
{
	if (map_add(names, name, strlen(name), (void *)(uintptr_t)line))
		return 0;
	return err_set(e, ERR_USAGE, "%s %s is on line %u already", what, name,
		       (unsigned)(uintptr_t)map_find(names, name, strlen(name)));
}

/* A copy of the word at *TEXT, which one of ENDS ends; blanks around it are passed over. */
static char *take_word(char **text, const char *ends)
{
	char *word = *text + strspn(*text, " \t");
	size_t length = strcspn(word, ends);
	char *end = word + length;

	*text = end + strspn(end, " \t");
	while (end > word && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return mem_string_n(word, (size_t)(end - word));
}

static int take_name(char **text, const char *ends, const char *what, char **name, struct err *e)
{
	char *word = take_word(text, ends);

	if (image_check_name(word, e) < 0) {
		free(word);
		return err_wrap(e, "%s", what);
	}
	*name = word;
	return 0;
}

static int at_end(const char *rest, const char *expected, struct err *e)
{
	if (*rest == '\0')
		return 0;
	cleanup(cleanup_mem) char *word = str_escape(rest);
	return err_set(e, ERR_USAGE, "'%.64s': expected %s", word, expected);
}

/* ---- members ---- */

static int take_count(char **text, uint64_t *count, struct err *e)
{
	*count = 1;
	if (**text != '*')
		return 0;
	(*text)++;
	cleanup(cleanup_mem) char *word = take_word(text, " \t");
	return str_parse_number(word, 1, GROUP_COUNT_MAX, count, e) < 0 ? err_wrap(e, "count") : 0;
}

/* NAME = IMAGE [* COUNT], or IMAGE alone, whose name the machine has. */
static int take_image(struct grouptext_member *member, char *text, struct err *e)
{
	static const char expected[] = "image NAME = IMAGE [* COUNT]";

	if (take_name(&text, "=* \t", "image", &member->of, e) < 0)
		return e->code;
	if (*text == '=') {
		member->name = member->of;
		member->of = NULL;
		text++;
		if (take_name(&text, "=* \t", "image", &member->of, e) < 0)
			return e->code;
	} else {
		member->name = mem_string(member->of);
	}
	return take_count(&text, &member->count, e) < 0 ? e->code : at_end(text, expected, e);
}

static int take_group(struct grouptext_member *member, char *text, struct err *e)
{
	if (take_name(&text, " \t", "group", &member->of, e) < 0)
		return e->code;
	return at_end(text, "group NAME, one a line: what is in it is defined beside this one", e);
}

static int take_member(struct reader *reader, char *text, bool is_group, struct err *e)
{
	struct grouptext_member *member = vec_push_zero(&open_group(reader)->members);

	member->line = reader->line;
	return is_group ? take_group(member, text, e) : take_image(member, text, e);
}

/* Machines have names, groups theirs: the same word may be both. */
static int check_members(struct reader *reader, const struct grouptext_group *group, struct err *e)
{
	cleanup(cleanup_map) struct map *groups = map_new();
	cleanup(cleanup_map) struct map *names = map_new();

	vec_foreach(&group->members, member) {
		int result = member->name ? claim(names, "member", member->name, member->line, e)
					  : claim(groups, "group", member->of, member->line, e);
		if (result < 0) {
			reader->line = member->line;
			return result;
		}
	}
	return 0;
}

/* ---- groups ---- */

static int take_comment(struct grouptext_group *group, const char *text, struct err *e)
{
	size_t length;

	if (group->comment)
		return err_set(e, ERR_USAGE, "a second comment");
	if (str_unescape(text, &group->comment, &length, e) < 0)
		return err_wrap(e, "comment");
	if (length != strlen(group->comment) || str_has_control(group->comment) || length > GROUP_COMMENT_MAX)
		return err_set(e, ERR_USAGE, "a comment of UTF-8 without control characters, at most %d bytes",
			       GROUP_COMMENT_MAX);
	return 0;
}

static int begin_group(struct reader *reader, char *text, struct err *e)
{
	struct grouptext_group *group = vec_push_zero(reader->text);

	group->line = reader->line;
	if (take_name(&text, "{ \t", "group", &group->name, e) < 0)
		return e->code;
	if (*text != '{')
		return err_set(e, ERR_USAGE, "expected group NAME {");
	if (at_end(text + 1 + strspn(text + 1, " \t"), "a line of its own for each member", e) < 0)
		return e->code;
	reader->open = true;
	return claim(reader->groups, "group", group->name, reader->line, e);
}

static int end_group(struct reader *reader, const char *text, struct err *e)
{
	reader->open = false;
	if (at_end(text, "the end of the line", e) < 0)
		return e->code;
	return check_members(reader, open_group(reader), e);
}

static int take_line_within(struct reader *reader, const char *word, char *rest, struct err *e)
{
	if (strcmp(word, "image") == 0)
		return take_member(reader, rest, false, e);
	if (strcmp(word, "group") == 0)
		return take_member(reader, rest, true, e);
	if (strcmp(word, "comment") == 0)
		return take_comment(open_group(reader), rest, e);
	if (strcmp(word, "}") == 0)
		return end_group(reader, rest, e);
	return err_set(e, ERR_USAGE, "'%.64s': expected image, group, comment or }", word);
}

static int take_line(struct reader *reader, char *line, struct err *e)
{
	size_t length = strlen(line);

	while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		line[--length] = '\0';
	char *rest = line;
	cleanup(cleanup_mem) char *word = take_word(&rest, " \t");
	if (*word == '\0' || *word == '#')
		return 0;
	if (reader->open)
		return take_line_within(reader, word, rest, e);
	if (strcmp(word, "group") != 0)
		return err_set(e, ERR_USAGE, "'%.64s': expected group NAME {", word);
	return begin_group(reader, rest, e);
}

static int take_lines(struct reader *reader, char *text, struct err *e)
{
	/* The last line has an end: what follows it is no line. */
	for (char *line; (line = strsep(&text, "\n")) && (text || *line);) {
		reader->line++;
		if (take_line(reader, line, e) < 0)
			return e->code;
	}
	if (!reader->open)
		return 0;
	return err_set(e, ERR_USAGE, "group %s of line %u has no closing brace: the file is cut short",
		       open_group(reader)->name, open_group(reader)->line);
}

int grouptext_read(const char *path, const char *text, size_t length, struct grouptext *definitions,
		   struct err *e)
{
	cleanup(grouptext_done) struct grouptext read = {.path = mem_string(path)};
	cleanup(reader_done) struct reader reader = {.text = &read, .groups = map_new()};

	if (textfile_check(path, text, length, e) < 0)
		return e->code;
	cleanup(cleanup_mem) char *copy = mem_string_n(text, length);
	if (take_lines(&reader, copy, e) < 0)
		return err_wrap(e, "%s:%u", path, reader.line);
	*definitions = read;
	read = (struct grouptext){0};
	return 0;
}
