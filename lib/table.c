/* table.c - aligned tables by libsmartcols, of which this is the only user. */
#include "config.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>

#include "mem.h"
#include "table.h"

struct table {
	struct libscols_table *scols;
	size_t columns;
};

/* smartcols reports want of memory only, for every call made here. */
static void checked(int result)
{
	if (result < 0)
		mem_exhausted();
}

struct table *table_new(const struct table_heading *headings, size_t count, bool no_headings)
{
	struct table *table = mem_zalloc(1, sizeof *table);

	table->scols = scols_new_table();
	if (!table->scols)
		mem_exhausted();
	table->columns = count;
	checked(scols_table_enable_noheadings(table->scols, no_headings));
	/* The cells are escaped already: its own way would do it twice. */
	checked(scols_table_enable_noencoding(table->scols, true));
	checked(scols_table_set_column_separator(table->scols, "  "));
	checked(scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER));
	for (size_t i = 0; i < count; i++)
		if (!scols_table_new_column(table->scols, headings[i].name, 0,
					    headings[i].right ? SCOLS_FL_RIGHT : 0))
			mem_exhausted();
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->scols);
	free(table);
}

void table_add(struct table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table->scols, NULL);

	if (!line)
		mem_exhausted();
	for (size_t i = 0; i < table->columns; i++)
		checked(scols_line_set_data(line, i, cells[i] ? cells[i] : "-"));
}

int table_print(struct table *table, FILE *out, struct err *e)
{
	checked(scols_table_set_stream(table->scols, out));
	if (scols_print_table(table->scols) < 0 || ferror(out))
		return err_set_errno(e, ERR_ENV, errno, "cannot print the table");
	return 0;
}
