/* events.c - what happened: opens and closes incidents. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "mem.h"
#include "roll.h"
#include "vec.h"
#include "when.h"

enum { HEARTBEAT_MAX_MS = 5 * 60 * 1000 };

/* ---- opening ---- */

static bool same_subject(const struct incident *a, const struct incident *b)
{
	return a->kind == b->kind && strcmp(a->host, b->host) == 0;
}

/* What is in the copy and maybe not in the store yet. */
static bool stands_in_copy(struct engine *engine, const struct incident *wanted)
{
	vec_foreach(&engine->incidents, incident)
		if (same_subject(incident, wanted) &&
		    (incident->closed == WHEN_UNKNOWN ||
		     incident_is_history(wanted->at, incident->closed, wanted->opened)))
			return true;
	return false;
}

static int check(struct engine *engine, struct incident *incident, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, engine->store, e) < 0)
		return e->code;
	return incident_check(view, incident, e);
}

static void open_incident(struct engine *engine, enum incident_kind kind, const char *host, int64_t at,
			  const char *detail)
{
	struct err e = {0};
	struct incident incident = {
		.kind = kind,
		.host = mem_string(host),
		.at = at,
		.opened = when_now(),
		.detail = mem_string(detail),
		.acknowledged = WHEN_UNKNOWN,
		.closed = WHEN_UNKNOWN,
		.closing = WHEN_UNKNOWN,
	};
	int result = stands_in_copy(engine, &incident) ? INCIDENT_STANDS : check(engine, &incident, &e);
	if (result < 0) {
		engine->broken = true;
		log_err(&e);
	}
	if (result != INCIDENT_OPENED) {
		incident_done(&incident);
		return;
	}
	struct record *record = record_new(RECORD_OPEN);
	incident_copy(&record->incident, &incident);
	vec_push(&engine->incidents, incident);
	engine_record(engine, record);
	if (kind == INCIDENT_HOST && !engine->dry_run)
		hooks_start(&engine->hooks, engine->conf);
	log_info("incident %s: %s %s", incident.id, host, incident_kind_name(kind));
}

void events_opened(struct engine *engine, const struct record *record)
{
	/* Another process was first: its incident is in the store, ours is none. */
	if (record->result != INCIDENT_OPENED)
		vec_foreach(&engine->incidents, incident)
			if (same_subject(incident, &record->incident) && incident->at == record->incident.at) {
				incident_done(incident);
				*incident = engine->incidents.items[--engine->incidents.count];
				break;
			}
	engine->stale = true;
}

/* ---- closing ---- */

static void close_incident(struct engine *engine, struct incident *incident, int64_t at, const char *why,
			   bool recovered)
{
	incident->closed = at > incident->at ? at : incident->at;
	incident->closing = when_now();
	incident->recovered = recovered;
	mem_replace(&incident->closed_why, why);
	struct record *record = record_new(RECORD_CLOSE);
	incident_copy(&record->incident, incident);
	engine_record(engine, record);
	log_info("incident %s: closed: %s", incident->id, why);
}

/* One that began ahead of now is from before the clock was put back: whatever is said since is later. */
static void close_subject(struct engine *engine, enum incident_kind kind, const char *host, int64_t at,
			  const char *why)
{
	int64_t now = when_now();

	vec_foreach(&engine->incidents, incident)
		if (incident->kind == kind && incident->closed == WHEN_UNKNOWN &&
		    strcmp(incident->host, host) == 0 && (at >= incident->at || incident->at > now))
			close_incident(engine, incident, at, why, true);
}

/* ---- changes of hosts ---- */

static bool was_seen_up(struct engine *engine, const char *host)
{
	vec_foreach(&engine->seen_up, seen)
		if (strcmp(*seen, host) == 0)
			return true;
	return false;
}

static bool was_ever_up(struct engine *engine, const char *host)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(hoststate_done) struct hoststate state = {0};
	struct err e = {0};

	if (was_seen_up(engine, host))
		return true;
	if (store_view_open(&view, engine->store, &e) < 0 || hoststate_get(view, host, &state, &e) < 0) {
		/* Rather one message too many than silence. */
		log_err(&e);
		return true;
	}
	return state.ever_up;
}

/* hostping may have read a newer hosts(5) than we have; if ours cannot be read now, rather one message too many. */
static bool is_listed(struct engine *engine, const char *host)
{
	if (hosts_find(engine->hosts, host))
		return true;
	return engine_read_hosts(engine) < 0 || hosts_find(engine->hosts, host);
}

static void take_down(struct engine *engine, const struct hoststate_change *change)
{
	if (!is_listed(engine, change->host)) {
		cleanup(cleanup_mem) char *text =
			mem_format("%s: not in %s: nobody is told of it", change->host, engine->hosts->path);
		if (engine_say_once(engine, text))
			log_warning("%s", text);
		return;
	}
	if (!was_ever_up(engine, change->host)) {
		log_info("%s: down, but was never seen up", change->host);
		return;
	}
	open_incident(engine, INCIDENT_HOST, change->host, change->at, change->detail);
}

static void take_up(struct engine *engine, const struct hoststate_change *change)
{
	if (!was_seen_up(engine, change->host))
		vec_push(&engine->seen_up, mem_string(change->host));
	close_subject(engine, INCIDENT_HOST, change->host, change->at, "up");
}

static void take_ours(struct engine *engine, const struct hoststate_change *change)
{
	if (change->state == HOST_ISOLATED) {
		/* The record in the store may be older than the line that ended it. */
		if (engine->isolation_over == WHEN_UNKNOWN || change->at > engine->isolation_over)
			engine->isolated_since = change->at;
		return;
	}
	if (change->state != HOST_UP)
		return;
	engine->isolated_since = WHEN_UNKNOWN;
	engine->isolation_over = change->at;
	close_subject(engine, INCIDENT_ISOLATED, "-", change->at, "not isolated");
}

void events_take(struct engine *engine, const struct hoststate_change *change)
{
	if (strcmp(change->host, "-") == 0)
		take_ours(engine, change);
	else if (change->state == HOST_DOWN)
		take_down(engine, change);
	else if (change->state == HOST_UP)
		take_up(engine, change);
}

void events_tick(struct engine *engine)
{
	int64_t limit = engine->conf->ping.isolation_max_ms;
	int64_t now = when_now();

	if (engine->isolated_since == WHEN_UNKNOWN)
		return;
	if (engine_has_passed(now, engine->isolated_since, limit))
		open_incident(engine, INCIDENT_ISOLATED, "-", engine->isolated_since, NULL);
	else
		engine_wake(engine, engine->isolated_since + limit - now);
}

/* ---- what no line said ---- */

static void take_state(struct engine *engine, const struct hoststate *state)
{
	struct hoststate_change change = {
		.host = state->host, .state = state->state, .at = state->since, .detail = state->detail};

	/* One that left hosts(5) keeps its last state for ever: of that nobody needs to hear. */
	if (state->since == WHEN_UNKNOWN ||
	    (state->state == HOST_DOWN && !hosts_find(engine->hosts, state->host)))
		return;
	/* That it was seen UP stands in the store already: with many hosts, remembering it here too takes long. */
	if (state->state == HOST_UP && strcmp(state->host, "-") != 0)
		close_subject(engine, INCIDENT_HOST, state->host, state->since, "up");
	else
		events_take(engine, &change);
}

static void close_departed(struct engine *engine)
{
	vec_foreach(&engine->incidents, incident)
		if (incident->kind == INCIDENT_HOST && incident->closed == WHEN_UNKNOWN &&
		    !hosts_find(engine->hosts, incident->host))
			close_incident(engine, incident, when_now(), "left hosts(5)", false);
}

void events_catch_up(struct engine *engine)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct hoststate *states = NULL;
	size_t count = 0;
	struct err e = {0};

	engine_refresh(engine);
	if (store_view_open(&view, engine->store, &e) < 0 || hoststate_all(view, &states, &count, &e) < 0) {
		engine->broken = true;
		log_err(&e);
		return;
	}
	store_view_close(view);
	view = NULL;
	for (size_t i = 0; i < count; i++) {
		take_state(engine, &states[i]);
		hoststate_done(&states[i]);
	}
	free(states);
	close_departed(engine);
}

/* ---- ourselves ---- */

/*
 * LAST is the newest sign that all is well: trouble begins just after it, and ends
 * with the next one, so that the sign that ended it does not count as history if it stays the last.
 */
static void judge(struct engine *engine, enum incident_kind kind, int64_t last, int64_t limit,
		  const char *detail, const char *well)
{
	if (when_now() - last > limit)
		open_incident(engine, kind, "-", last + 1, detail);
	else
		close_subject(engine, kind, "-", last, well);
}

static int watch_heartbeat(struct engine *engine, struct store_view *view, struct err *e)
{
	bool stopped = false;
	int64_t last = WHEN_UNKNOWN;

	if (hoststate_heartbeat(view, &last, &stopped, e) < 0)
		return e->code;
	if (last != WHEN_UNKNOWN)
		judge(engine, INCIDENT_HEARTBEAT, last, HEARTBEAT_MAX_MS,
		      stopped ? "hostping was stopped then, and not started again"
			      : "that was its last sign of life",
		      "hostping is back");
	return 0;
}

static int watch_list(struct engine *engine, struct store_view *view, struct err *e)
{
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot newest = {0};

	if (roll_snapshots_open(&list, view, e) < 0)
		return e->code;
	int result = roll_snapshots_next(list, &newest, e);
	if (result == 1)
		judge(engine, INCIDENT_LIST, newest.ended, 2 * engine->conf->snapshot.period_ms,
		      "that is when the newest one was taken", "a list was taken");
	return result < 0 ? result : 0;
}

void events_watch_ourselves(struct engine *engine)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	engine_refresh(engine);
	if (store_view_open(&view, engine->store, &e) < 0 || watch_heartbeat(engine, view, &e) < 0 ||
	    watch_list(engine, view, &e) < 0) {
		engine->broken = true;
		log_err(&e);
	}
}
