/* page.c - a message as a template makes it, set as plain text and as HTML. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "mem.h"
#include "page.h"
#include "str.h"
#include "vec.h"

enum { LINE_WIDTH = 76, COLUMNS_MAX = 12 };

struct row {
	char *cells[COLUMNS_MAX];
	size_t count;
};

struct page {
	struct str text;
	struct str html;
	bool gap;              /* an empty line is due before what comes next */
	VEC(struct row) table; /* the rows so far of the one that is being read */
};

/* ---- widths ---- */

/* Terminal columns of a character: two for those of East Asian width (UAX 11, W and F, by block). */
static size_t character_width(uint32_t c)
{
	bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
		    (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
		    (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
		    (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
		    (c >= 0x20000 && c <= 0x3FFFD);

	return wide ? 2 : 1;
}

static size_t text_width(const char *text, size_t length)
{
	size_t width = 0;

	while (length > 0) {
		uint32_t c;
		size_t size = str_utf8_character(text, length, &c);
		width += size ? character_width(c) : 1;
		size = size ? size : 1;
		text += size;
		length -= size;
	}
	return width;
}

/* ---- paragraphs ---- */

/* What must not begin a line where words are not parted by blanks (JIS X 4051: closing brackets, stops, small kana, the long mark). */
static bool cannot_begin_line(uint32_t c)
{
	static const uint32_t closing[] = {0x3001, 0x3002, 0x300D, 0x300F, 0x3011, 0x3063, 0x3083,
					   0x3085, 0x3087, 0x30C3, 0x30E3, 0x30E5, 0x30E7, 0x30FB,
					   0x30FC, 0xFF01, 0xFF09, 0xFF0C, 0xFF0E, 0xFF1A, 0xFF1F};

	for (size_t i = 0; i < sizeof closing / sizeof closing[0]; i++)
		if (c == closing[i])
			return true;
	bool small_vowel = ((c >= 0x3041 && c <= 0x3049) || (c >= 0x30A1 && c <= 0x30A9)) && c % 2 == 1;
	return small_vowel || (c < 0x80 && strchr(",.:;!?)]}%", (int)c));
}

/* What must not end one: opening brackets. */
static bool cannot_end_line(uint32_t c)
{
	return c == 0x300C || c == 0x300E || c == 0x3010 || c == 0xFF08 || c == '(' || c == '[';
}

/* Bytes of TEXT up to the next place where a line may be broken: a blank, or beside a wide character. */
static size_t unbroken(const char *text)
{
	size_t length = strcspn(text, " ");
	uint32_t before = 0;

	for (size_t at = 0; at < length;) {
		uint32_t c = 0;
		size_t size = str_utf8_character(text + at, length - at, &c);
		bool wide = character_width(c) == 2 || character_width(before) == 2;
		if (at > 0 && wide && !cannot_begin_line(c) && !cannot_end_line(before))
			return at;
		before = c;
		at += size ? size : 1;
	}
	return length;
}

static void add_wrapped(struct str *out, const char *text)
{
	size_t column = 0;
	bool blank = false;

	while (*text) {
		size_t length = unbroken(text);
		size_t width = text_width(text, length);
		if (column > 0 && column + blank + width > LINE_WIDTH) {
			str_add_char(out, '\n');
			column = 0;
		} else if (column > 0 && blank) {
			str_add_char(out, ' ');
			column++;
		}
		str_add_n(out, text, length);
		column += width;
		text += length;
		blank = *text == ' ';
		text += blank;
	}
	str_add_char(out, '\n');
}

static void add_paragraph(struct page *page, const char *line)
{
	add_wrapped(&page->text, line);
	str_add(&page->html, "<p>");
	mail_add_html(&page->html, line);
	str_add(&page->html, "</p>\n");
}

/* BEFORE is what stands in LINE up to the two blanks. */
static void add_command(struct page *page, const char *line, size_t before)
{
	cleanup(cleanup_mem) char *words = mem_string_n(line, before);

	str_addf(&page->text, "%s\n", line);
	str_add(&page->html, "<p>");
	mail_add_html(&page->html, words);
	str_add(&page->html, " <code>");
	mail_add_html(&page->html, line + before + 2);
	str_add(&page->html, "</code></p>\n");
}

/* ---- tables ---- */

static void add_row(struct page *page, const char *line)
{
	struct row *row = vec_push_zero(&page->table);

	for (const char *cell = line; cell && row->count < COLUMNS_MAX;) {
		const char *tab = row->count + 1 < COLUMNS_MAX ? strchr(cell, '\t') : NULL;
		size_t length = tab ? (size_t)(tab - cell) : strlen(cell);
		row->cells[row->count++] = length ? mem_string_n(cell, length) : mem_string("-");
		cell = tab ? tab + 1 : NULL;
	}
}

static void set_row(struct page *page, const struct row *row, const size_t *widths)
{
	str_add(&page->html, "<tr>");
	for (size_t i = 0; i < row->count; i++) {
		size_t width = text_width(row->cells[i], strlen(row->cells[i]));
		str_addf(&page->text, "  %s", row->cells[i]);
		if (i + 1 < row->count)
			str_addf(&page->text, "%*s", (int)(widths[i] - width), "");
		str_add(&page->html, "<td>");
		mail_add_html(&page->html, row->cells[i]);
		str_add(&page->html, "</td>");
	}
	str_add_char(&page->text, '\n');
	str_add(&page->html, "</tr>\n");
}

/* Puts down the rows that were read, if any. */
static void end_table(struct page *page)
{
	size_t widths[COLUMNS_MAX] = {0};

	if (page->table.count == 0)
		return;
	vec_foreach(&page->table, row)
		for (size_t i = 0; i < row->count; i++) {
			size_t width = text_width(row->cells[i], strlen(row->cells[i]));
			widths[i] = width > widths[i] ? width : widths[i];
		}
	str_add(&page->html, "<table>\n");
	vec_foreach(&page->table, row)
		set_row(page, row, widths);
	str_add(&page->html, "</table>\n");
	vec_foreach(&page->table, row)
		for (size_t i = 0; i < row->count; i++)
			free(row->cells[i]);
	vec_done(&page->table);
}

/* ---- all of it ---- */

static void end_gap(struct page *page)
{
	if (page->gap && page->text.length > 0)
		str_add_char(&page->text, '\n');
	page->gap = false;
}

static void add_line(struct page *page, const char *line)
{
	const char *words = line + strspn(line, " ");
	const char *command = strstr(words, "  ");
	bool is_row = strchr(line, '\t');

	if (!is_row)
		end_table(page);
	if (!*words) {
		page->gap = true;
		return;
	}
	if (page->table.count == 0)
		end_gap(page);
	if (is_row)
		add_row(page, line);
	else if (command && command[2])
		add_command(page, words, (size_t)(command - words));
	else
		add_paragraph(page, words);
}

void page_set(const char *source, char **text, char **html)
{
	struct page page = {0};

	while (*source) {
		size_t length = strcspn(source, "\n");
		cleanup(cleanup_mem) char *line = mem_string_n(source, length);
		add_line(&page, line);
		source += length + (source[length] == '\n');
	}
	end_table(&page);
	*text = str_take(&page.text);
	*html = mem_format(
		"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n%s</body></html>\n",
		str_text(&page.html));
	str_done(&page.html);
}
