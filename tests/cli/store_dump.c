/* store_dump.c - prints the records of a store, key and value escaped, one a line: store_dump URI [PREFIX] */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "store.h"
#include "str.h"

static int dump(const char *uri, const char *prefix, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	cleanup(str_done) struct str line = {0};
	struct store_item item;

	int found = store_open(&store, uri, STORE_READ, e);
	if (found == 0)
		found = store_view_open(&view, store, e);
	if (found == 0)
		found = store_cursor_open(&cursor, view, prefix, strlen(prefix), false, e);
	while (found >= 0 && (found = store_cursor_next(cursor, &item, e)) == 1) {
		str_reset(&line);
		str_add_escaped(&line, (const char *)item.key, item.key_length);
		str_add_char(&line, '\t');
		str_add_escaped(&line, (const char *)item.value, item.value_length);
		puts(str_text(&line));
	}
	return found;
}

int main(int count, char **arguments)
{
	struct err e = {0};

	if (count < 2 || count > 3) {
		fputs("usage: store_dump URI [PREFIX]\n", stderr);
		return 2;
	}
	int result = dump(arguments[1], count > 2 ? arguments[2] : "", &e);
	if (result < 0)
		fprintf(stderr, "store_dump: %s\n", e.text);
	return err_exit_status(result);
}
