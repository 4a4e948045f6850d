/* state.c - the copy of what is unfinished, and its upkeep. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "admins.h"
#include "log.h"
#include "mem.h"
#include "state.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { REFRESH_MS = 1000 };

bool state_has_passed(int64_t now, int64_t since, int64_t wait)
{
	return now < since || now - since >= wait;
}

void state_wake(struct state *state, int64_t ms)
{
	int64_t at = when_monotonic() + (ms > 0 ? ms : 0);

	if (state->wake < 0 || at < state->wake)
		state->wake = at;
}

bool state_say_once(struct state *state, const char *text)
{
	vec_foreach(&state->said, said)
		if (strcmp(*said, text) == 0)
			return false;
	vec_push(&state->said, mem_string(text));
	return true;
}

void state_record(struct state *state, struct record *record)
{
	if (state->recorder)
		recorder_add(state->recorder, record);
	else
		record_free(record);
}

int state_read_hosts(struct state *state)
{
	struct hosts fresh;
	struct err e = {0};

	if (hosts_read(&fresh, state->conf->hosts, &e) < 0)
		return log_err(&e);
	hosts_done(state->hosts);
	*state->hosts = fresh;
	return 0;
}

struct incident *state_incident(struct state *state, const char *id)
{
	vec_foreach(&state->incidents, incident)
		if (strcmp(incident->id, id) == 0)
			return incident;
	return NULL;
}

/* ---- cells ---- */

static char *cell_text(const struct delivery *cell)
{
	return mem_format("%s %d.%u %d %s", cell->incident, (int)cell->kind, cell->part, (int)cell->channel,
			  cell->person);
}

struct delivery *state_cell(struct state *state, const struct delivery *wanted)
{
	cleanup(cleanup_mem) char *text = cell_text(wanted);
	size_t place = (size_t)(uintptr_t)map_find(state->cell_index, text, strlen(text));

	return place ? &state->cells.items[place - 1] : NULL;
}

struct delivery *state_cell_of(struct state *state, const char *incident, enum delivery_kind kind,
			       const char *person)
{
	struct delivery wanted = {.kind = kind, .person = (char *)person};

	snprintf(wanted.incident, sizeof wanted.incident, "%s", incident);
	return state_cell(state, &wanted);
}

static void index_cell(struct state *state, size_t place)
{
	char *text = cell_text(&state->cells.items[place]);

	vec_push(&state->key_texts, text);
	map_add(state->cell_index, text, strlen(text), (void *)(uintptr_t)(place + 1));
}

void state_set_cell(struct state *state, const struct delivery *cell)
{
	struct delivery *place = state_cell(state, cell);
	struct delivery copy;

	delivery_copy(&copy, cell);
	if (place) {
		delivery_done(place);
		*place = copy;
		return;
	}
	vec_push(&state->cells, copy);
	index_cell(state, state->cells.count - 1);
}

static void forget_copy(struct state *state)
{
	incidents_done(&state->incidents);
	ledger_done(&state->cells);
	map_free(state->cell_index);
	state->cell_index = NULL;
	vec_foreach(&state->key_texts, text)
		free(*text);
	vec_done(&state->key_texts);
}

/* ---- reading anew ---- */

static int read_all(struct state *state, struct incidents *incidents, struct ledger *cells, int64_t *listed,
		    struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	*listed = WHEN_UNKNOWN;
	if (store_view_open(&view, state->store, e) < 0 || incident_active(view, incidents, e) < 0 ||
	    admins_imported(view, listed, e) < 0)
		return e->code;
	vec_foreach(incidents, incident)
		if (ledger_read(view, incident->id, cells, e) < 0)
			return e->code;
	return 0;
}

static int read_copy(struct state *state, struct err *e)
{
	cleanup(incidents_done) struct incidents incidents = {0};
	cleanup(ledger_done) struct ledger cells = {0};
	int64_t listed;

	if (read_all(state, &incidents, &cells, &listed, e) < 0)
		return e->code;
	forget_copy(state);
	state->incidents = incidents;
	state->cells = cells;
	state->listed = listed;
	incidents = (struct incidents){0};
	cells = (struct ledger){0};
	state->cell_index = map_new();
	for (size_t i = 0; i < state->cells.count; i++)
		index_cell(state, i);
	state->stale = false;
	state->loaded = when_monotonic();
	return 0;
}

bool state_refresh(struct state *state)
{
	struct err e = {0};

	if (state->dry_run && state->loaded)
		return false;
	if (state->recorder && recorder_pending(state->recorder) > 0)
		return false;
	if (!state->stale && when_monotonic() - state->loaded < REFRESH_MS)
		return false;
	if (read_copy(state, &e) == 0)
		return true;
	state->broken = true;
	if (state_say_once(state, e.text))
		log_err(&e);
	return false;
}

/* ---- start and end ---- */

int state_start(struct state *state, const struct conf *conf, struct hosts *hosts, bool dry_run, struct err *e)
{
	*state = (struct state){
		.conf = conf,
		.hosts = hosts,
		.dry_run = dry_run,
		.stale = true,
		.wake = -1,
		.listed = WHEN_UNKNOWN,
		.owner = ledger_owner(),
		.cell_index = map_new(),
	};
	if (store_open(&state->store, conf->store, STORE_READ, e) < 0)
		return e->code;
	struct ledger_limits limits = {.person = conf->notify.rate_person, .total = conf->notify.rate_total};
	return dry_run ? 0 : recorder_start(&state->recorder, conf->store, state->owner, &limits, e);
}

void state_done(struct state *state)
{
	vec_foreach(&state->said, text)
		free(*text);
	vec_done(&state->said);
	forget_copy(state);
	hooks_done(&state->hooks);
	recorder_free(state->recorder);
	store_close(state->store);
	free(state->owner);
}
