/* line.c - the lines of vmsnap --follow. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "line.h"
#include "mem.h"
#include "rows.h"
#include "virt.h"
#include "vm.h"
#include "when.h"

enum column_number { C_TIME, C_HOST, C_VM, C_UUID, C_EVENT, C_DETAIL, COLUMNS };

/* The time is text: an event has milliseconds. */
static const struct column columns[COLUMNS] = {
	[C_TIME] = {.name = "TIME", .json = "time", .help = "when it happened"},
	[C_HOST] = {.name = "HOST", .json = "host", .help = "name of the host"},
	[C_VM] = {.name = "VM", .json = "vm", .help = "name of the VM"},
	[C_UUID] = {.name = "UUID", .json = "uuid", .help = "UUID of the VM"},
	[C_EVENT] = {.name = "EVENT", .json = "event", .help = "what happened"},
	[C_DETAIL] = {.name = "DETAIL", .json = "detail", .help = "how, or why"},
};

struct lines {
	struct rows *rows;
};

int lines_new(struct lines **lines, bool json, struct err *e)
{
	struct rows *rows;
	int result = rows_new(&rows, columns, COLUMNS, json ? ROWS_JSON : ROWS_RAW, NULL, true, 1, stdout, e);

	if (result < 0)
		return result;
	*lines = mem_alloc(sizeof **lines);
	(*lines)->rows = rows;
	return 0;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	rows_free(lines->rows);
	free(lines);
}

static int print(struct lines *lines, int64_t at, const char *host, const char *event, const char *detail,
		 struct err *e)
{
	char time[WHEN_TEXT_SIZE];

	rows_text(lines->rows, C_TIME, when_format(at, WHEN_EVENT, time));
	rows_text(lines->rows, C_HOST, host);
	rows_text(lines->rows, C_EVENT, event);
	rows_text(lines->rows, C_DETAIL, detail);
	int result = rows_end(lines->rows, e);
	if (result < 0)
		return result;
	if (fflush(stdout) != 0)
		return err_set_errno(e, ERR_ENV, errno, "standard output");
	return 0;
}

int lines_event(struct lines *lines, const char *host, const struct shard_event *event, const char *name,
		struct err *e)
{
	char uuid[VM_UUID_TEXT_SIZE];
	bool lifecycle = event->kind == VIRT_EVENT_LIFECYCLE;

	rows_text(lines->rows, C_VM, name);
	rows_text(lines->rows, C_UUID, vm_uuid_format(event->uuid, uuid));
	return print(lines, event->at, host, lifecycle ? virt_event_name(event->event) : "changed",
		     lifecycle ? virt_event_detail(event->event, event->detail) : NULL, e);
}

int lines_host(struct lines *lines, int64_t at, const char *host, const char *event, const char *detail,
	       struct err *e)
{
	return print(lines, at, host, event, detail, e);
}
