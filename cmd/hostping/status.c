/* status.c - the states as they stand in the store, with their age. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hoststate.h"
#include "hostping.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "when.h"

struct status {
	const struct options *o;
	struct hosts hosts;
	struct hoststate *states;
	size_t state_count;
	struct map *by_host;
	int64_t beat; /* WHEN_UNKNOWN: nobody ever recorded */
	bool stopped;
	size_t shown, down, unknown;
	bool isolated;
};

static void status_done(struct status *status)
{
	map_free(status->by_host);
	for (size_t i = 0; i < status->state_count; i++)
		hoststate_done(&status->states[i]);
	free(status->states);
	hosts_done(&status->hosts);
}

static int load(struct status *status, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (cli_hosts(&status->o->conf, &status->hosts, e) < 0 ||
	    cli_store(&status->o->conf, STORE_READ, &store, e) < 0 || store_view_open(&view, store, e) < 0 ||
	    hoststate_all(view, &status->states, &status->state_count, e) < 0 ||
	    hoststate_heartbeat(view, &status->beat, &status->stopped, e) < 0)
		return e->code;
	status->by_host = map_new();
	for (size_t i = 0; i < status->state_count; i++) {
		const struct hoststate *state = &status->states[i];
		map_add(status->by_host, state->host, strlen(state->host), &status->states[i]);
		/* A heartbeat comes once a minute, a change at once. */
		if (status->beat < state->since)
			status->beat = state->since;
	}
	store_view_close(view);
	view = NULL;
	return 0;
}

static int print_host(struct status *status, struct rows *rows, const struct host *host, int64_t now,
		      struct err *e)
{
	const struct hoststate *state = map_find(status->by_host, host->name, strlen(host->name));

	rows_text(rows, COLUMN_HOST, host->name);
	rows_text(rows, COLUMN_ADDRESS, state && state->address ? state->address : host->address);
	rows_text(rows, COLUMN_STATE, hoststate_name(state ? state->state : HOST_UNKNOWN));
	rows_time(rows, COLUMN_SEEN, status->beat);
	if (status->beat != WHEN_UNKNOWN)
		rows_number(rows, COLUMN_AGE, now > status->beat ? (uint64_t)(now - status->beat) / 1000 : 0);
	status->shown++;
	status->down += state && state->state == HOST_DOWN;
	status->unknown += !state || state->state == HOST_UNKNOWN;
	if (!state)
		return rows_end(rows, e);
	rows_time(rows, COLUMN_SINCE, state->since);
	rows_rtt(rows, COLUMN_RTT, state->state == HOST_DOWN ? -1 : state->rtt_us);
	rows_number(rows, COLUMN_LOSS, state->loss_percent);
	rows_text(rows, COLUMN_DETAIL, state->detail);
	return rows_end(rows, e);
}

static int print_named(struct status *status, struct rows *rows, int64_t now, struct err *e)
{
	for (size_t i = 0; i < status->o->name_count; i++) {
		const struct host *host;
		if (hosts_require(&status->hosts, status->o->names[i], &host, e) < 0)
			return e->code;
		if (print_host(status, rows, host, now, e) < 0)
			return e->code;
	}
	return 0;
}

static int print_all(struct status *status, struct rows *rows, int64_t now, struct err *e)
{
	for (size_t i = 0; i < status->hosts.count; i++) {
		const struct host *host = &status->hosts.items[i];
		if (!host->off && host->address && print_host(status, rows, host, now, e) < 0)
			return e->code;
	}
	return 0;
}

/* The age that the rows carry as a key, in words under a table. */
static void print_age(const struct status *status, int64_t now)
{
	char at[WHEN_TEXT_SIZE];
	char age[WHEN_TEXT_SIZE];

	if (status->beat == WHEN_UNKNOWN)
		printf("no hostping has recorded yet\n");
	else
		printf("as of %s (%s ago%s)\n", when_format(status->beat, WHEN_LOCAL, at),
		       when_format_duration(now > status->beat ? now - status->beat : 0, age),
		       status->stopped ? "; hostping was stopped then" : "");
}

/* What the recorder last knew of itself: whoever reads the states must know how far to believe them. */
static void say_self(struct status *status)
{
	const struct hoststate *self = map_find(status->by_host, "-", 1);
	char since[WHEN_TEXT_SIZE];

	status->isolated = self && self->state == HOST_ISOLATED;
	if (status->isolated)
		log_warning("isolated since %s: %s", when_format(self->since, WHEN_LOCAL, since),
			    self->detail ? self->detail : "no host is called DOWN");
	else if (self && self->detail && status->o->cli.format == ROWS_TABLE)
		printf("%s\n", self->detail);
}

int run_status(const struct options *o, struct err *e)
{
	cleanup(status_done) struct status status = {.o = o, .beat = WHEN_UNKNOWN};
	cleanup(cleanup_rows) struct rows *rows = NULL;
	int64_t now = when_now();

	if (load(&status, e) < 0)
		return e->code;
	rows = rows_of(o, e);
	if (!rows)
		return e->code;
	if ((o->names ? print_named(&status, rows, now, e) : print_all(&status, rows, now, e)) < 0 ||
	    rows_finish(rows, e) < 0)
		return e->code;
	if (o->cli.format == ROWS_TABLE)
		print_age(&status, now);
	say_self(&status);
	if (status.isolated || (status.unknown > 0 && status.unknown == status.shown))
		return ERR_ENV;
	if (status.down > 0)
		return 1;
	return status.unknown > 0 ? ERR_PARTIAL : 0;
}
