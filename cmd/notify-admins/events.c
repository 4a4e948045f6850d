/* events.c - what happened: opens and closes incidents. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"
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
static bool stands_in_copy(struct events *events, const struct incident *wanted)
{
	vec_foreach(&events->state->incidents, incident)
		if (same_subject(incident, wanted) &&
		    (incident->closed == WHEN_UNKNOWN ||
		     incident_is_history(wanted->at, incident->closed, wanted->opened)))
			return true;
	return false;
}

static int check(struct events *events, struct incident *incident, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, events->state->store, e) < 0)
		return e->code;
	return incident_check(view, incident, e);
}

static void open_incident(struct events *events, enum incident_kind kind, const char *host, int64_t at,
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
		.listed = WHEN_UNKNOWN,
		.silenced_until = WHEN_UNKNOWN,
	};
	int result = stands_in_copy(events, &incident) ? INCIDENT_STANDS : check(events, &incident, &e);
	if (result < 0) {
		events->state->broken = true;
		log_err(&e);
	}
	if (result != INCIDENT_OPENED) {
		incident_done(&incident);
		return;
	}
	struct record *record = record_new(RECORD_OPEN);
	incident_copy(&record->incident, &incident);
	vec_push(&events->state->incidents, incident);
	state_record(events->state, record);
	if (kind == INCIDENT_HOST && !events->state->dry_run)
		hooks_start(&events->state->hooks, events->state->conf);
	log_info("incident %s: %s %s", incident.id, host, incident_kind_name(kind));
}

void events_opened(struct events *events, const struct record *record)
{
	/* Another process was first: its incident is in the store, ours is none. */
	if (record->result != INCIDENT_OPENED)
		vec_foreach(&events->state->incidents, incident)
			if (same_subject(incident, &record->incident) && incident->at == record->incident.at) {
				incident_done(incident);
				*incident = events->state->incidents.items[--events->state->incidents.count];
				break;
			}
	events->state->stale = true;
}

/* ---- closing ---- */

static void close_incident(struct events *events, struct incident *incident, int64_t at, const char *why,
			   bool recovered)
{
	incident->closed = at > incident->at ? at : incident->at;
	incident->closing = when_now();
	incident->recovered = recovered;
	mem_replace(&incident->closed_why, why);
	struct record *record = record_new(RECORD_CLOSE);
	incident_copy(&record->incident, incident);
	state_record(events->state, record);
	log_info("incident %s: closed: %s", incident->id, why);
}

/* One that began ahead of now is from before the clock was put back: whatever is said since is later. */
static void close_subject(struct events *events, enum incident_kind kind, const char *host, int64_t at,
			  const char *why)
{
	int64_t now = when_now();

	vec_foreach(&events->state->incidents, incident)
		if (incident->kind == kind && incident->closed == WHEN_UNKNOWN &&
		    strcmp(incident->host, host) == 0 && (at >= incident->at || incident->at > now))
			close_incident(events, incident, at, why, true);
}

/* ---- changes of hosts ---- */

static bool was_seen_up(struct events *events, const char *host)
{
	vec_foreach(&events->seen_up, seen)
		if (strcmp(*seen, host) == 0)
			return true;
	return false;
}

static bool was_ever_up(struct events *events, const char *host)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(hoststate_done) struct hoststate state = {0};
	struct err e = {0};

	if (was_seen_up(events, host))
		return true;
	if (store_view_open(&view, events->state->store, &e) < 0 || hoststate_get(view, host, &state, &e) < 0) {
		/* Rather one message too many than silence. */
		log_err(&e);
		return true;
	}
	return state.ever_up;
}

/* hostping may have read a newer hosts(5) than we have; if ours cannot be read now, rather one message too many. */
static bool is_listed(struct events *events, const char *host)
{
	if (hosts_find(events->state->hosts, host))
		return true;
	return state_read_hosts(events->state) < 0 || hosts_find(events->state->hosts, host);
}

static void take_down(struct events *events, const struct hoststate_change *change)
{
	if (!is_listed(events, change->host)) {
		cleanup(cleanup_mem) char *text = mem_format("%s: not in %s: nobody is told of it",
							     change->host, events->state->hosts->path);
		if (state_say_once(events->state, text))
			log_warning("%s", text);
		return;
	}
	if (!was_ever_up(events, change->host)) {
		log_info("%s: down, but was never seen up", change->host);
		return;
	}
	open_incident(events, INCIDENT_HOST, change->host, change->at, change->detail);
}

static void take_up(struct events *events, const struct hoststate_change *change)
{
	if (!was_seen_up(events, change->host))
		vec_push(&events->seen_up, mem_string(change->host));
	close_subject(events, INCIDENT_HOST, change->host, change->at, "up");
}

static void take_ours(struct events *events, const struct hoststate_change *change)
{
	if (change->state == HOST_ISOLATED) {
		/* The record in the store may be older than the line that ended it. */
		if (events->isolation_over == WHEN_UNKNOWN || change->at > events->isolation_over)
			events->isolated_since = change->at;
		return;
	}
	if (change->state != HOST_UP)
		return;
	events->isolated_since = WHEN_UNKNOWN;
	events->isolation_over = change->at;
	close_subject(events, INCIDENT_ISOLATED, "-", change->at, "not isolated");
}

void events_take(struct events *events, const struct hoststate_change *change)
{
	if (strcmp(change->host, "-") == 0)
		take_ours(events, change);
	else if (change->state == HOST_DOWN)
		take_down(events, change);
	else if (change->state == HOST_UP)
		take_up(events, change);
}

void events_step(struct events *events)
{
	int64_t limit = events->state->conf->ping.isolation_max_ms;
	int64_t now = when_now();

	if (events->isolated_since == WHEN_UNKNOWN)
		return;
	if (state_has_passed(now, events->isolated_since, limit))
		open_incident(events, INCIDENT_ISOLATED, "-", events->isolated_since, NULL);
	else
		state_wake(events->state, events->isolated_since + limit - now);
}

/* ---- what no line said ---- */

static void take_state(struct events *events, const struct hoststate *state)
{
	struct hoststate_change change = {
		.host = state->host, .state = state->state, .at = state->since, .detail = state->detail};

	/* One that left hosts(5) keeps its last state for ever: of that nobody needs to hear. */
	if (state->since == WHEN_UNKNOWN ||
	    (state->state == HOST_DOWN && !hosts_find(events->state->hosts, state->host)))
		return;
	/* That it was seen UP stands in the store already: with many hosts, remembering it here too takes long. */
	if (state->state == HOST_UP && strcmp(state->host, "-") != 0)
		close_subject(events, INCIDENT_HOST, state->host, state->since, "up");
	else
		events_take(events, &change);
}

/* 1 or 0 */
static int was_up_before(struct store_view *view, const struct hoststate_change *down, struct err *e)
{
	struct hoststate_change before;
	int result = hoststate_at(view, down->host, down->at - 1, &before, e);

	if (result != 1)
		return result;
	result = before.state == HOST_UP;
	hoststate_change_done(&before);
	return result;
}

/* The death that the newest return of a host ended, if the host had lived before it: 1 and *DOWN, which the caller frees. */
static int find_death(struct store_view *view, const struct hoststate *state, struct hoststate_change *down,
		      struct err *e)
{
	int result = hoststate_at(view, state->host, state->since - 1, down, e);

	if (result != 1)
		return result;
	result = down->state == HOST_DOWN ? was_up_before(view, down, e) : 0;
	if (result != 1)
		hoststate_change_done(down);
	return result;
}

static bool is_back_lately(const struct events *events, const struct hoststate *state, int64_t now)
{
	return state->state == HOST_UP && state->since != WHEN_UNKNOWN &&
	       now - state->since < STATE_NEWS_MS && hosts_find(events->state->hosts, state->host);
}

/* Hosts that died and returned while nobody of us looked: what ran there was ended all the same. */
static int take_passed_deaths(struct events *events, const struct hoststate *states, size_t count, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	VEC(struct hoststate_change) deaths = {0};
	int64_t now = when_now();
	int result = store_view_open(&view, events->state->store, e);

	for (size_t i = 0; i < count && result >= 0; i++) {
		struct hoststate_change down;
		if (is_back_lately(events, &states[i], now) &&
		    (result = find_death(view, &states[i], &down, e)) == 1)
			vec_push(&deaths, down);
	}
	store_view_close(view);
	view = NULL;
	vec_foreach(&deaths, down) {
		events_take(events, down);
		hoststate_change_done(down);
	}
	vec_done(&deaths);
	return result < 0 ? result : 0;
}

static void close_departed(struct events *events)
{
	vec_foreach(&events->state->incidents, incident)
		if (incident->kind == INCIDENT_HOST && incident->closed == WHEN_UNKNOWN &&
		    !hosts_find(events->state->hosts, incident->host))
			close_incident(events, incident, when_now(), "left hosts(5)", false);
}

void events_catch_up(struct events *events)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct hoststate *states = NULL;
	size_t count = 0;
	struct err e = {0};

	if (store_view_open(&view, events->state->store, &e) < 0 || hoststate_all(view, &states, &count, &e) < 0) {
		events->state->broken = true;
		log_err(&e);
		return;
	}
	store_view_close(view);
	view = NULL;
	if (take_passed_deaths(events, states, count, &e) < 0) {
		events->state->broken = true;
		log_err(&e);
	}
	for (size_t i = 0; i < count; i++) {
		take_state(events, &states[i]);
		hoststate_done(&states[i]);
	}
	free(states);
	close_departed(events);
}

/* ---- ourselves ---- */

/*
 * LAST is the newest sign that all is well: trouble begins just after it, and ends
 * with the next one, so that the sign that ended it does not count as history if it stays the last.
 */
static void judge(struct events *events, enum incident_kind kind, int64_t last, int64_t limit,
		  const char *detail, const char *well)
{
	if (when_now() - last > limit)
		open_incident(events, kind, "-", last + 1, detail);
	else
		close_subject(events, kind, "-", last, well);
}

static int watch_heartbeat(struct events *events, struct store_view *view, struct err *e)
{
	bool stopped = false;
	int64_t last = WHEN_UNKNOWN;

	if (hoststate_heartbeat(view, &last, &stopped, e) < 0)
		return e->code;
	if (last != WHEN_UNKNOWN)
		judge(events, INCIDENT_HEARTBEAT, last, HEARTBEAT_MAX_MS,
		      stopped ? "hostping was stopped then, and not started again"
			      : "that was its last sign of life",
		      "hostping is back");
	return 0;
}

static int watch_list(struct events *events, struct store_view *view, struct err *e)
{
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot newest = {0};

	if (roll_snapshots_open(&list, view, e) < 0)
		return e->code;
	int result = roll_snapshots_next(list, &newest, e);
	if (result == 1)
		judge(events, INCIDENT_LIST, newest.ended, 2 * events->state->conf->snapshot.period_ms,
		      "that is when the newest one was taken", "a list was taken");
	return result < 0 ? result : 0;
}

void events_watch_ourselves(struct events *events)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	if (store_view_open(&view, events->state->store, &e) < 0 || watch_heartbeat(events, view, &e) < 0 ||
	    watch_list(events, view, &e) < 0) {
		events->state->broken = true;
		log_err(&e);
	}
}

void events_start(struct events *events, struct state *state)
{
	*events = (struct events){.state = state, .isolated_since = WHEN_UNKNOWN, .isolation_over = WHEN_UNKNOWN};
}

void events_done(struct events *events)
{
	vec_foreach(&events->seen_up, host)
		free(*host);
	vec_done(&events->seen_up);
}
