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

enum {
	REFRESH_MS = 1000,
	REREAD_MS = 15 * 1000 /* also if nobody has written: a change of ours may have been turned down */
};

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

const struct silence *state_silence(const struct state *state, const struct incident *incident)
{
	vec_foreach(&state->silences, silence)
		if (incident->kind == INCIDENT_HOST && strcmp(silence->host, incident->host) == 0 &&
		    silence_is_active(silence, when_now()))
			return silence;
	return NULL;
}

bool state_is_silenced(const struct state *state, const struct incident *incident)
{
	return state_silence(state, incident) != NULL;
}

static void forget_copy(struct state *state)
{
	incidents_done(&state->incidents);
	cells_done(&state->cells);
	silences_done(&state->silences);
}

/* ---- reading anew ---- */

static int read_all(struct state *state, struct incidents *incidents, struct ledger *cells,
		    struct silences *silences, int64_t *listed, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	*listed = WHEN_UNKNOWN;
	if (store_view_open(&view, state->store, e) < 0)
		return e->code;
	state->revision = store_view_revision(view);
	if (incident_active(view, incidents, e) < 0 || admins_imported(view, listed, e) < 0 ||
	    silence_all(view, silences, e) < 0)
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
	cleanup(silences_done) struct silences silences = {0};
	int64_t listed;

	if (read_all(state, &incidents, &cells, &silences, &listed, e) < 0)
		return e->code;
	forget_copy(state);
	state->incidents = incidents;
	cells_take(&state->cells, &cells);
	state->silences = silences;
	silences = (struct silences){0};
	state->listed = listed;
	incidents = (struct incidents){0};
	state->stale = false;
	state->loaded = when_monotonic();
	return 0;
}

/* With tens of thousands of cells that is most of what a round costs. */
static bool is_unchanged(const struct state *state)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	return when_monotonic() - state->loaded < REREAD_MS &&
	       store_view_open(&view, state->store, &e) == 0 && store_view_revision(view) == state->revision;
}

bool state_refresh(struct state *state)
{
	struct err e = {0};

	if (state->dry_run && state->loaded)
		return false;
	if (state->recorder && recorder_pending(state->recorder) > 0)
		return false;
	if (!state->stale && (when_monotonic() - state->loaded < REFRESH_MS || is_unchanged(state)))
		return false;
	if (read_copy(state, &e) == 0)
		return true;
	state->broken = true;
	if (state_say_once(state, e.text))
		log_err(&e);
	return false;
}

/* ---- start and end ---- */

/* Messages go out without it, too. */
static void look_around(struct state *state)
{
	struct err e = {0};

	if (surroundings_start(&state->surroundings, state->conf, &e) < 0)
		log_warning("%s: what messages depend on is not looked up", e.text);
}

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
		.limits = {.person = conf->notify.rate_person,
			   .total = conf->notify.rate_total,
			   .voice_minute = conf->notify.voice_minute,
			   .voice_quarter = conf->notify.voice_quarter,
			   .voice_hour = conf->notify.voice_hour,
			   .voice_total = conf->notify.voice_total},
	};
	if (store_open(&state->store, conf->store, STORE_READ, e) < 0)
		return e->code;
	if (!dry_run)
		look_around(state);
	return dry_run ? 0 : recorder_start(&state->recorder, conf->store, state->owner, &state->limits, e);
}

void state_done(struct state *state)
{
	vec_foreach(&state->said, text)
		free(*text);
	vec_done(&state->said);
	forget_copy(state);
	hooks_done(&state->hooks);
	surroundings_free(state->surroundings);
	recorder_free(state->recorder);
	store_close(state->store);
	free(state->owner);
}
