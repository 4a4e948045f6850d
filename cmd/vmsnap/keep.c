/* keep.c - looks after what is stored: lists snapshots, prunes, renames. */
#include "config.h"

#include "group.h"
#include "hoststate.h"
#include "incident.h"
#include "keep.h"
#include "ledger.h"
#include "log.h"
#include "mem.h"
#include "roll.h"
#include "silence.h"
#include "when.h"

enum column_number { C_ID, C_BEGUN, C_ENDED, C_HOSTS, C_ANSWERED, C_FAILED, C_VMS };

static const struct column keep_columns[] = {
	[C_ID] = {.name = "ID", .json = "id", .help = "number of the snapshot", .kind = ROWS_NUMBER},
	[C_BEGUN] = {.name = "BEGUN", .json = "begun", .help = "when it began", .kind = ROWS_TIME},
	[C_ENDED] = {.name = "ENDED", .json = "ended", .help = "when it ended", .kind = ROWS_TIME},
	[C_HOSTS] = {.name = "HOSTS", .json = "hosts", .help = "hosts in the list", .kind = ROWS_NUMBER},
	[C_ANSWERED] = {.name = "ANSWERED", .json = "answered", .help = "hosts that answered", .kind = ROWS_NUMBER},
	[C_FAILED] = {.name = "FAILED",
		      .json = "failed",
		      .help = "hosts that failed or were not asked",
		      .kind = ROWS_NUMBER},
	[C_VMS] = {.name = "VMS", .json = "vms", .help = "VMs on the hosts that answered", .kind = ROWS_NUMBER},
};

const struct cli_listing keep_listing = {keep_columns, sizeof keep_columns / sizeof keep_columns[0]};

static int print_snapshot(struct rows *rows, const struct roll_snapshot *snapshot, struct err *e)
{
	rows_number(rows, C_ID, snapshot->id);
	rows_time(rows, C_BEGUN, snapshot->begun);
	rows_time(rows, C_ENDED, snapshot->ended);
	rows_number(rows, C_HOSTS, snapshot->hosts);
	rows_number(rows, C_ANSWERED, snapshot->answered);
	rows_number(rows, C_FAILED, snapshot->failed + snapshot->not_asked);
	rows_number(rows, C_VMS, snapshot->vms);
	return rows_end(rows, e);
}

int keep_list(const struct cli *cli, struct store *store, int64_t since, struct err *e)
{
	cleanup(cleanup_rows) struct rows *rows = cli_rows(cli, e);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot snapshot;
	size_t printed = 0;

	if (!rows)
		return e->code;
	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = roll_snapshots_open(&list, view, e);
	if (result < 0)
		return result;
	while ((result = roll_snapshots_next(list, &snapshot, e)) > 0) {
		/* In the order of their numbers; a clock that was set back makes no end. */
		if (since != WHEN_UNKNOWN && snapshot.begun < since)
			continue;
		result = print_snapshot(rows, &snapshot, e);
		if (result < 0)
			return result;
		printed++;
	}
	if (result == 0)
		result = rows_finish(rows, e);
	if (result == 0 && printed == 0)
		return since == WHEN_UNKNOWN ? err_set(e, ERR_ENV, "no snapshot yet: run vmsnap first")
					     : err_set(e, ERR_NOT_FOUND, "no snapshot since then");
	return result;
}

int keep_prune(struct store *store, int64_t age_ms, struct err *e)
{
	uint64_t removed = 0, transitions = 0;
	int64_t before = when_now() - age_ms;
	int result = roll_prune(store, before, &removed, e);

	if (result == 0)
		result = hoststate_prune(store, before, &transitions, e);
	removed += transitions;
	/* What an incident's people were told goes first: by the incident it is known to be old. */
	if (result == 0)
		result = ledger_prune(store, before, &removed, e);
	if (result == 0)
		result = incident_prune(store, before, &removed, e);
	if (result == 0)
		result = silence_prune(store, before, &removed, e);
	if (result == 0)
		result = group_log_prune(store, before, &removed, e);
	if (result == 0)
		log_info("%llu records removed", (unsigned long long)removed);
	return result;
}

int keep_rename(struct store *store, const char *old_name, const char *new_name, struct err *e)
{
	int result = roll_rename(store, old_name, new_name, e);

	if (result >= 0)
		result = hoststate_rename(store, old_name, new_name, e);
	return result < 0 ? result : silence_rename(store, old_name, new_name, e);
}
