/* csv.c - rows of comma-separated values, RFC 4180. */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "csv.h"

void csv_open(struct csv *csv, const char *text, size_t length)
{
	bool marked = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;

	*csv = (struct csv){.next = text + (marked ? 3 : 0), .end = text + length, .next_line = 1};
}

void csv_done(struct csv *csv)
{
	str_done(&csv->text);
	vec_done(&csv->starts);
}

size_t csv_count(const struct csv *csv)
{
	return csv->starts.count;
}

const char *csv_field(const struct csv *csv, size_t index, size_t *length)
{
	size_t start = csv->starts.items[index];
	size_t end = index + 1 < csv->starts.count ? csv->starts.items[index + 1] : csv->text.length;

	if (length)
		*length = end - start - 1;
	return csv->text.data + start;
}

static bool at_line_break(const struct csv *csv)
{
	return csv->next < csv->end &&
	       (csv->next[0] == '\n' ||
		(csv->next[0] == '\r' && csv->next + 1 < csv->end && csv->next[1] == '\n'));
}

static void take_line_break(struct csv *csv)
{
	csv->next += csv->next[0] == '\r' ? 2 : 1;
	csv->next_line++;
}

/* A field without its end: up to the next comma, quote or line break. */
static void take_plain(struct csv *csv)
{
	const char *start = csv->next;

	while (csv->next < csv->end && *csv->next != ',' && *csv->next != '"' && !at_line_break(csv))
		csv->next++;
	str_add_n(&csv->text, start, (size_t)(csv->next - start));
}

static int take_quoted(struct csv *csv, struct err *e)
{
	unsigned opened = csv->next_line;

	for (;;) {
		const char *start = ++csv->next;
		const char *quote = memchr(start, '"', (size_t)(csv->end - start));
		const char *stop = quote ? quote : csv->end;

		for (const char *c = start; c < stop; c++)
			csv->next_line += *c == '\n';
		csv->next = stop;
		if (!quote) {
			csv->line = opened;
			return err_set(e, ERR_USAGE, "a quote that is not closed");
		}
		str_add_n(&csv->text, start, (size_t)(stop - start));
		csv->next++;
		if (csv->next == csv->end || *csv->next != '"')
			return 0;
		str_add_char(&csv->text, '"');
	}
}

static int take_field(struct csv *csv, struct err *e)
{
	bool quoted = csv->next < csv->end && *csv->next == '"';
	size_t start = csv->text.length;

	vec_push(&csv->starts, start);
	if (quoted) {
		int result = take_quoted(csv, e);
		if (result < 0)
			return result;
	} else {
		take_plain(csv);
	}
	str_add_char(&csv->text, '\0');
	if (csv->next == csv->end)
		return err_set(e, ERR_USAGE, "the last row has no line break: the list is cut short");
	if (*csv->next == ',' || at_line_break(csv))
		return 0;
	return err_set(e, ERR_USAGE,
		       quoted ? "text behind a closing quote" : "a quote inside of a field that is not quoted");
}

static void skip_line(struct csv *csv)
{
	const char *newline = memchr(csv->next, '\n', (size_t)(csv->end - csv->next));

	csv->next = newline ? newline + 1 : csv->end;
	csv->next_line++;
}

int csv_next(struct csv *csv, struct err *e)
{
	str_reset(&csv->text);
	csv->starts.count = 0;
	while (at_line_break(csv))
		take_line_break(csv);
	csv->line = csv->next_line;
	if (csv->next == csv->end)
		return 0;
	for (;;) {
		int result = take_field(csv, e);
		if (result < 0) {
			skip_line(csv);
			return result;
		}
		if (*csv->next != ',') {
			take_line_break(csv);
			return 1;
		}
		csv->next++;
	}
}
