/* history.c - the whole life of a VM. */
#include "config.h"

#include <stdlib.h>

#include "mem.h"
#include "vmwhere.h"

static int show_interval(struct show *show, const struct roll_interval *interval, struct err *e)
{
	show_attributes(show, &interval->vm, interval->host);
	rows_time(show->rows, COLUMN_SINCE, interval->from);
	rows_time(show->rows, COLUMN_UNTIL, interval->until);
	rows_text(show->rows, COLUMN_GRADE,
		  affected_grade_name(interval->followed ? AFFECTED_CERTAIN : AFFECTED_PROBABLE));
	rows_number(show->rows, COLUMN_SNAPSHOT, interval->snapshot ? interval->snapshot : ROWS_UNKNOWN);
	return rows_end(show->rows, e);
}

static int show_life(struct show *show, const unsigned char *uuid, struct err *e)
{
	struct roll_interval *intervals = NULL;
	size_t count = 0;

	int result = roll_history(show->view, uuid, &intervals, &count, e);
	for (size_t i = 0; i < count; i++) {
		if (result == 0)
			result = show_interval(show, &intervals[i], e);
		roll_interval_done(&intervals[i]);
	}
	free(intervals);
	return result;
}

int where_history(const struct options *options, struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_mem) unsigned char *uuids = NULL;
	cleanup(show_done) struct show show = {0};
	struct err e = {0};
	size_t count = 0;

	int result = store_view_open(&view, store, &e);
	if (result == 0)
		result = show_begin(&show, options, view, &e);
	/* For its message of a store that has no snapshot yet. */
	if (result == 0)
		result = show_roll(&show, options->at, &e);
	if (result == 0)
		result = roll_find_ever(view, options->subject, &uuids, &count, &e);
	if (result == 0 && count == 0)
		result = err_set(&e, ERR_NOT_FOUND, "%s: no such VM, now or ever", options->subject);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = show_life(&show, uuids + i * VM_UUID_SIZE, &e);
	if (result == 0)
		result = show_end(&show, &e);
	return result < 0 ? told(&e) : 0;
}
