/* notice_page.c - a page, written as plain text and as HTML at once. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "mem.h"
#include "notice_page.h"
#include "vec.h"

enum { LINE_WIDTH = 76 };

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

static void add_wrapped(struct str *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t length = strcspn(text, " ");
		size_t width = text_width(text, length);
		if (column > 0 && column + 1 + width > LINE_WIDTH) {
			str_add_char(out, '\n');
			column = 0;
		} else if (column > 0) {
			str_add_char(out, ' ');
			column++;
		}
		str_add_n(out, text, length);
		column += width;
		text += length;
		text += *text == ' ';
	}
	str_add_char(out, '\n');
}

void page_end_block(struct page *page)
{
	str_add_char(&page->text, '\n');
}

void page_add_line(struct page *page, const char *format, ...)
{
	va_list arguments;
	char *line = NULL;

	va_start(arguments, format);
	int length = vasprintf(&line, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	add_wrapped(&page->text, line);
	str_add(&page->html, "<p>");
	mail_add_html(&page->html, line);
	str_add(&page->html, "</p>\n");
	free(line);
}

void page_add_row(struct page_table *table, const char *a, const char *b, const char *c)
{
	const char *cells[PAGE_COLUMNS] = {a, b, c};
	struct page_row *row = vec_push_zero(table);

	for (size_t i = 0; i < PAGE_COLUMNS; i++)
		row->cells[i] = str_escape(cells[i] ? cells[i] : "-");
}

void page_table_done(struct page_table *table)
{
	vec_foreach(table, row)
		for (size_t i = 0; i < PAGE_COLUMNS; i++)
			free(row->cells[i]);
	vec_done(table);
}

void page_add_table(struct page *page, const struct page_table *table)
{
	size_t widths[PAGE_COLUMNS] = {0};

	vec_foreach(table, row)
		for (size_t i = 0; i < PAGE_COLUMNS; i++) {
			size_t width = text_width(row->cells[i], strlen(row->cells[i]));
			widths[i] = width > widths[i] ? width : widths[i];
		}
	str_add(&page->html, "<table>\n");
	vec_foreach(table, row) {
		str_add(&page->html, "<tr>");
		for (size_t i = 0; i < PAGE_COLUMNS; i++) {
			size_t width = text_width(row->cells[i], strlen(row->cells[i]));
			str_addf(&page->text, "  %s", row->cells[i]);
			if (i + 1 < PAGE_COLUMNS)
				str_addf(&page->text, "%*s", (int)(widths[i] - width), "");
			str_add(&page->html, "<td>");
			mail_add_html(&page->html, row->cells[i]);
			str_add(&page->html, "</td>");
		}
		str_add_char(&page->text, '\n');
		str_add(&page->html, "</tr>\n");
	}
	str_add(&page->html, "</table>\n");
}

void page_add_command(struct page *page, const char *before, const char *command)
{
	str_addf(&page->text, "%s  %s\n", before, command);
	str_add(&page->html, "<p>");
	mail_add_html(&page->html, before);
	str_add(&page->html, " <code>");
	mail_add_html(&page->html, command);
	str_add(&page->html, "</code></p>\n");
}

void page_finish(struct page *page, char **text, char **html)
{
	*text = str_take(&page->text);
	*html = mem_format(
		"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n%s</body></html>\n",
		str_text(&page->html));
	str_done(&page->html);
}
