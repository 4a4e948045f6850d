/* table.h - aligned tables by libsmartcols, of which this is the only user. */
#ifndef VMROLL_TABLE_H
#define VMROLL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"

struct table;

struct table_heading {
	const char *name;
	bool right; /* numbers */
};

/* COUNT columns. What is printed never depends on the terminal: no cell is cut. The caller frees. */
struct table *table_new(const struct table_heading *headings, size_t count, bool no_headings);
void table_free(struct table *table); /* NULL-safe */
/* One line of COUNT cells, printable UTF-8 without control characters; copied. NULL is "-". */
void table_add(struct table *table, const char *const *cells);
/* Prints what was added; nothing, not even headings, if nothing was. ERR_ENV if OUT failed. */
int table_print(struct table *table, FILE *out, struct err *e);

#endif
