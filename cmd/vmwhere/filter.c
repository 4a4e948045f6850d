/* filter.c - lines of hostping in, the VMs that each death touches out. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "vmwhere.h"
#include "watchline.h"
#include "when.h"

static const char *now_name(enum affected_now now)
{
	switch (now) {
	case AFFECTED_RESTARTED:
		return "restarted";
	case AFFECTED_BACK:
		return "back";
	case AFFECTED_NOT_SEEN:
		return "not seen";
	default:
		return "no newer list";
	}
}

static int show_affected(struct show *show, const struct affected *affected, const struct affected_vm *vm,
			 const struct roll_list *list, struct err *e)
{
	struct rows *rows = show->rows;

	show_attributes(show, &vm->vm, affected->host);
	show_list(show, list);
	rows_time(rows, COLUMN_SINCE, vm->since);
	rows_time(rows, COLUMN_SEEN, affected->answered);
	rows_text(rows, COLUMN_GRADE, affected_grade_name(vm->grade));
	rows_time(rows, COLUMN_DIED, affected->died);
	rows_text(rows, COLUMN_NOW, now_name(vm->now));
	rows_text(rows, COLUMN_NOW_HOST, vm->now_host);
	rows_time(rows, COLUMN_NOW_SINCE, vm->now_since);
	return rows_end(rows, e);
}

/* The host as it was: its manager and cluster. */
static int find_list(struct show *show, const struct affected *affected, struct roll_list *list, struct err *e)
{
	cleanup(cleanup_roll) struct roll *roll = NULL;

	int result = roll_open(&roll, show->view, affected->died, e);
	return result < 0 ? result : roll_find_host(roll, affected->host, list, e);
}

static int show_death(struct show *show, const struct hoststate_change *change, struct err *e)
{
	cleanup(affected_done) struct affected affected = {0};
	cleanup(roll_list_done) struct roll_list list = {.answered = WHEN_UNKNOWN};
	char when[WHEN_TEXT_SIZE];

	int result = affected_find(show->view, change->host, change->at, &affected, e);
	if (result < 0)
		return result;
	if (!affected.snapshot)
		return err_set(e, ERR_NOT_FOUND, "%s: no list before %s", change->host,
			       when_format(change->at, WHEN_RFC3339, when));
	result = find_list(show, &affected, &list, e);
	show->clock = affected.died;
	for (size_t i = 0; result >= 0 && i < affected.count; i++)
		result = show_affected(show, &affected, &affected.vms[i], &list, e);
	if (result >= 0 && fflush(stdout) != 0)
		return err_set_errno(e, ERR_ENV, errno, "standard output: cannot write");
	return result < 0 ? result : 0;
}

/* Each death is judged by the store as it is then. */
static int take_change(const struct options *options, struct store *store,
		       const struct hoststate_change *change, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(show_done) struct show show = {0};

	if (change->state != HOST_DOWN)
		return 0;
	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = show_begin(&show, options, view, e);
	return result < 0 ? result : show_death(&show, change, e);
}

/* The lines that are whole; a bad one, or a death without a list, is told and makes the end PARTIAL. */
static int take_lines(const struct options *options, struct store *store, struct watchline_reader *reader,
		      bool *partial, struct err *e)
{
	for (;;) {
		cleanup(hoststate_change_done) struct hoststate_change change = {0};
		int result = watchline_next(reader, &change, e);
		if (result == 0)
			return 0;
		if (result > 0)
			result = take_change(options, store, &change, e);
		if (result < 0 && result != ERR_USAGE && result != ERR_NOT_FOUND)
			return result;
		if (result < 0) {
			*partial = true;
			log_err(e);
		}
	}
}

int where_affected(const struct options *options, struct store *store)
{
	cleanup(watchline_reader_done) struct watchline_reader reader = {0};
	bool partial = false;
	char buffer[8192];
	struct err e = {0};
	ssize_t length;
	int result = 0;

	while (result == 0 && (length = read(STDIN_FILENO, buffer, sizeof buffer)) != 0) {
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			result = err_set_errno(&e, ERR_ENV, errno, "standard input");
		else
			watchline_feed(&reader, buffer, (size_t)length);
		if (result == 0)
			result = take_lines(options, store, &reader, &partial, &e);
	}
	if (result < 0)
		return told(&e);
	return partial ? ERR_PARTIAL : 0;
}
