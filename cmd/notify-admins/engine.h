/*
 * engine.h - what the parts of notify-admins share while it delivers.
 *
 * The store is the truth; the engine keeps a copy of what is unfinished, reads it
 * anew whenever nothing of its own is still to be written, and acts on the copy
 * at once. Each part has one job:
 *
 *	events.c  what happened: opens and closes incidents
 *	plan.c    what they touch, and whom that concerns
 *	tell.c    who must hear what of them: groups, kinds of message
 *	end.c     what becomes of those that are closed
 *	post.c    the messages under way: claim, send, settle
 *	compose.c how a message reads
 *	hooks.c   the commands of on_incident
 *	run.c     the loop
 */
#ifndef NOTIFY_ENGINE_H
#define NOTIFY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admins.h"
#include "conf.h"
#include "hooks.h"
#include "hosts.h"
#include "http.h"
#include "hoststate.h"
#include "incident.h"
#include "ledger.h"
#include "map.h"
#include "notice.h"
#include "recorder.h"
#include "store.h"

/* What a group's people must be told, as the store had it a moment ago. */
struct plan {
	char group[INCIDENT_ID_SIZE];
	struct incidents incidents; /* copies */
	struct affected *affected;  /* one an incident */
	struct notice_case *cases;
	struct notices notices;
	struct admins admins;
	int64_t made; /* CLOCK_MONOTONIC */
	int64_t cost; /* milliseconds */
	bool asked;   /* on_incident ran again because `settle` passed */
	bool looked;  /* the plan is from after that */
};

/* One message under way to one person: a cell an incident that it tells. */
struct post {
	uint64_t tag;
	struct ledger cells;
	enum { POST_CLAIMING, POST_SENDING, POST_SETTLING } state;
	int64_t since;  /* CLOCK_MONOTONIC, of POST_CLAIMING */
	uint64_t claim; /* tag of the record that claims it, 0: not handed over yet */
	bool claimed;   /* the store has the claim */
	bool answered;  /* the claim was: nothing is to be waited for */
};

struct engine {
	const struct conf *conf;
	struct hosts *hosts;
	struct store *store;       /* for reading only */
	struct recorder *recorder; /* NULL: dry run */
	struct smtp *smtp;         /* NULL: dry run, or not needed yet */
	char *owner;
	bool dry_run;

	struct incidents incidents;
	struct ledger cells;
	struct map *cell_index; /* keys of key_texts to indices of cells, plus one */
	struct {
		char **items;
		size_t count, capacity;
	} key_texts;
	bool stale;     /* the copy is to be read anew */
	int64_t loaded; /* CLOCK_MONOTONIC */

	struct {
		struct plan **items;
		size_t count, capacity;
	} plans;
	struct {
		struct post **items;
		size_t count, capacity;
	} posts;
	uint64_t next_tag;
	struct record *claims; /* gathered, to be written together */
	struct record *puts;
	size_t puts_pending; /* records of RECORD_PUT under way */
	uint64_t revision;   /* of the store, when claims were last waited for */
	int64_t progress;    /* CLOCK_MONOTONIC: when that was seen to change */
	struct {
		struct rate *items;
		size_t count, capacity;
	} rates;
	bool rates_read; /* what others sent within the hour is among them */
	struct hooks hooks;

	struct {
		char **items;
		size_t count, capacity;
	} seen_up; /* hosts of which a line said UP */
	struct {
		char **items;
		size_t count, capacity;
	} said;                 /* what was complained of once */
	int64_t isolated_since; /* WHEN_UNKNOWN: not */
	int64_t isolation_over; /* the newest end of one; what is said of before is history */

	bool soon;           /* something is due within group_wait: not the time to end */
	bool later;          /* something is due after that */
	int64_t wake;        /* CLOCK_MONOTONIC: when to look again, -1: no need */
	size_t sent, failed; /* messages */
	bool untold;         /* somebody should have heard, and nobody can */
	bool broken;         /* the store could not be read or written */
};

/* A mail went to PERSON. */
struct rate {
	char *person;
	int64_t at;
};

int engine_start(struct engine *engine, const struct conf *conf, struct hosts *hosts, bool dry_run,
		 struct err *e);
void engine_done(struct engine *engine);

/* Reads the copy anew if that is due and nothing of our own is unwritten. */
void engine_refresh(struct engine *engine);
/* One look at everything: opens, groups, tells, retires. Sets soon, later and wake. */
void engine_tick(struct engine *engine);
/* Takes what the recorder and the relay have finished. */
void engine_collect(struct engine *engine);
/* Whether nothing is under way. */
bool engine_is_idle(const struct engine *engine);
/* Reads hosts(5) again; a bad file keeps the old, and is said. */
int engine_read_hosts(struct engine *engine);
/* Asks to be woken in MS milliseconds at the latest. */
void engine_wake(struct engine *engine, int64_t ms);
/* Whether TEXT is said for the first time. */
bool engine_say_once(struct engine *engine, const char *text);
/* Writes, unless it is a dry run; takes ownership. */
void engine_record(struct engine *engine, struct record *record);

/* The incident of that id in the copy, or NULL. */
struct incident *engine_incident(struct engine *engine, const char *id);
/* The cell in the copy, or NULL. */
struct delivery *engine_cell(struct engine *engine, const struct delivery *wanted);
/* Puts a copy of CELL into the copy, in place of what it has. */
void engine_set_cell(struct engine *engine, const struct delivery *cell);

/* WAIT has passed since SINCE; also if the clock was put back before SINCE. */
bool engine_has_passed(int64_t now, int64_t since, int64_t wait);

/* ---- events.c ---- */

/* One change of a host, from a line or from the store. */
void events_take(struct engine *engine, const struct hoststate_change *change);
/* What the store knows that no line said: dead hosts, hosts that left hosts(5). */
void events_catch_up(struct engine *engine);
/* Whether hostping and vmsnap do their work. */
void events_watch_ourselves(struct engine *engine);
/* Isolation that lasts. */
void events_tick(struct engine *engine);
/* The recorder opened the incident, or found another. */
void events_opened(struct engine *engine, const struct record *record);

/* ---- plan.c ---- */

void plan_free(struct plan *plan);
/* The plan of a group not older than MAX_AGE milliseconds; NULL if the store does not tell (said). Borrowed until the next tick. */
struct plan *plan_get(struct engine *engine, const char *group, int64_t max_age);

void plan_forget(struct engine *engine, const char *group);

/* ---- tell.c ---- */

/* Begins every message that is due. */
void tell_tick(struct engine *engine);

/* ---- post.c ---- */

/* How many messages more may be begun now. */
size_t post_room(const struct engine *engine);
/* Begins a message: CELLS (all of one person and kind, taken over) are claimed, then told. */
void post_begin(struct engine *engine, struct ledger *cells);
/* Whether a rate limit lets a message to PERSON begin now. */
bool post_is_allowed(struct engine *engine, const char *person, int64_t now);
/* Hands the claims that were gathered to the recorder: what is recorded after them must not be in the store before them. */
void post_hand_over_claims(struct engine *engine);
/* Hands over what was gathered, and goes on without a claim that the store does not answer in time. */
void post_tick(struct engine *engine);
void post_claimed(struct engine *engine, struct record *record);
void post_settled(struct engine *engine, struct record *record);
void post_sent(struct engine *engine, uint64_t tag, const struct err *outcome);
void post_free(struct post *post);
/* Writes a cell that changed without a message, and the copy. */
void post_put(struct engine *engine, const struct delivery *cell);

/* ---- compose.c ---- */

/* The message for CELLS (of one person and kind) as bytes for the relay, or (dry run) on stdout. ERR_NOT_FOUND: it does not concern the person any more. Sets `complete` of the cells. */
int compose(struct engine *engine, struct ledger *cells, struct str *message, struct err *e);
/* The address that it really goes to. */
const char *compose_recipient(const struct engine *engine, const struct delivery *cell);

#endif
