/*
 * notice_page.h - a page, written as plain text and as HTML at once.
 *
 * Names must be escaped by str_escape before they come here, but those of page_add_row; what HTML needs is done here.
 */
#ifndef VMROLL_NOTICE_PAGE_H
#define VMROLL_NOTICE_PAGE_H

#include <stddef.h>

#include "str.h"

enum { PAGE_COLUMNS = 3 };

/* All zero bytes is an empty one. */
struct page {
	struct str text;
	struct str html;
};

struct page_row {
	char *cells[PAGE_COLUMNS];
};

struct page_table {
	struct page_row *items;
	size_t count, capacity;
};

/* A paragraph, wrapped in the text. */
void page_add_line(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An empty line in the text. */
void page_end_block(struct page *page);
/* BEFORE, and a command to be typed. */
void page_add_command(struct page *page, const char *before, const char *command);

/* A row of names, escaped here; NULL is "-". */
void page_add_row(struct page_table *table, const char *a, const char *b, const char *c);
/* Aligned by display width (East Asian characters are two columns). */
void page_add_table(struct page *page, const struct page_table *table);
void page_table_done(struct page_table *table);

/* Hands both forms to the caller, who frees them; the page is empty again. */
void page_finish(struct page *page, char **text, char **html);

#endif
