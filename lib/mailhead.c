/* mailhead.c - the header of a mail that came from anywhere: reading, and taking it apart. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailhead.h"
#include "mem.h"
#include "str.h"
#include "vec.h"

enum { CHUNK = 16 * 1024 };

void mailhead_done(struct mailhead *head)
{
	free(head->envelope);
	vec_foreach(head, field) {
		free(field->name);
		free(field->value);
	}
	vec_done(head);
	*head = (struct mailhead){0};
}

/* ---- taking apart ---- */

/* One line, without its end. */
struct line {
	const char *text;
	size_t length;
};

/* False if nothing is left of what begins at *PLACE. */
static bool next_line(const char *bytes, size_t length, size_t *place, struct line *line)
{
	if (*place >= length)
		return false;
	const char *begin = bytes + *place;
	const char *end = memchr(begin, '\n', length - *place);
	line->text = begin;
	line->length = end ? (size_t)(end - begin) : length - *place;
	*place += line->length + 1;
	if (line->length > 0 && begin[line->length - 1] == '\r')
		line->length--;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(char *text)
{
	size_t length = strlen(text);
	size_t begin = 0;

	while (length > 0 && is_blank(text[length - 1]))
		length--;
	while (begin < length && is_blank(text[begin]))
		begin++;
	memmove(text, text + begin, length - begin);
	text[length - begin] = '\0';
}

/* Printable ASCII without blanks and colon (RFC 5322, 3.6.8); blanks before the colon were allowed once (4.5). */
static size_t name_length(const struct line *line)
{
	size_t length = 0;

	while (length < line->length && line->text[length] > ' ' && line->text[length] < 0x7F &&
	       line->text[length] != ':')
		length++;
	size_t colon = length;
	while (colon < line->length && is_blank(line->text[colon]))
		colon++;
	return colon < line->length && line->text[colon] == ':' ? length : 0;
}

static void add_field(struct mailhead *head, const struct line *line, const struct str *unfolded)
{
	size_t length = name_length(line);
	struct mailhead_field field;

	if (length == 0)
		return;
	field.name = mem_string_n(line->text, length);
	for (char *c = field.name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	field.value = mem_string(strchr(str_text(unfolded), ':') + 1);
	trim(field.value);
	vec_push(head, field);
}

static void take_envelope(struct mailhead *head, const struct line *line)
{
	static const size_t mark = sizeof "From " - 1;
	size_t length = 0;

	while (mark + length < line->length && !is_blank(line->text[mark + length]))
		length++;
	head->envelope = mem_string_n(line->text + mark, length);
}

static bool is_envelope(const struct line *line)
{
	return line->length >= 5 && memcmp(line->text, "From ", 5) == 0;
}

/* A field, with the lines after it that belong to it; *PLACE goes behind them. */
static void take_field(struct mailhead *head, const char *bytes, size_t length, size_t *place,
		       const struct line *first)
{
	cleanup(str_done) struct str unfolded = {0};
	struct line line;

	str_add_n(&unfolded, first->text, first->length);
	for (size_t next = *place; next_line(bytes, length, &next, &line); *place = next) {
		if (line.length == 0 || !is_blank(line.text[0]))
			break;
		str_add_n(&unfolded, line.text, line.length);
	}
	add_field(head, first, &unfolded);
}

static int take_lines(struct mailhead *head, const char *bytes, size_t length, struct err *e)
{
	struct line line;
	size_t place = 0;

	if (next_line(bytes, length, &place, &line) && is_envelope(&line))
		take_envelope(head, &line);
	else
		place = 0;
	while (next_line(bytes, length, &place, &line) && line.length > 0)
		take_field(head, bytes, length, &place, &line);
	if (place > MAILHEAD_MAX + 1)
		return err_set(e, ERR_TOO_LARGE, "its header is longer than %d bytes", MAILHEAD_MAX);
	if (memchr(bytes, '\0', place < length ? place : length))
		return err_set(e, ERR_USAGE, "there is a NUL in its header");
	return 0;
}

int mailhead_parse(struct mailhead *head, const char *bytes, size_t length, struct err *e)
{
	struct mailhead read = {0};
	size_t kept = length > MAILHEAD_MAX + 2 ? MAILHEAD_MAX + 2 : length;

	if (take_lines(&read, bytes, kept, e) < 0) {
		mailhead_done(&read);
		return e->code;
	}
	*head = read;
	return 0;
}

const char *mailhead_next(const struct mailhead *head, const char *name, size_t *place)
{
	for (; *place < head->count; ++*place)
		if (strcmp(head->items[*place].name, name) == 0)
			return head->items[(*place)++].value;
	return NULL;
}

/* ---- reading ---- */

static ssize_t read_some(int fd, char *chunk)
{
	ssize_t length;

	do
		length = read(fd, chunk, CHUNK);
	while (length < 0 && errno == EINTR);
	return length;
}

int mailhead_read(struct mailhead *head, int fd, struct err *e)
{
	cleanup(str_done) struct str kept = {0};
	char chunk[CHUNK];
	ssize_t length;

	while ((length = read_some(fd, chunk)) > 0)
		if (kept.length < MAILHEAD_MAX + CHUNK)
			str_add_n(&kept, chunk, (size_t)length);
	if (length < 0)
		return err_set_errno(e, ERR_ENV, errno, "reading the mail");
	return mailhead_parse(head, str_text(&kept), kept.length, e);
}
