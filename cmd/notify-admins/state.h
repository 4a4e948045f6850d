/*
 * state.h - what notify-admins knows while it delivers.
 *
 * The store is the truth; this holds a copy of what is unfinished in it, which is
 * read anew whenever nothing of our own is still to be written, and acted on at
 * once. Beside it stands what this process alone knows: when to look again, and
 * how it went. Everything else in this folder stands above.
 */
#ifndef NOTIFY_STATE_H
#define NOTIFY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cells.h"
#include "conf.h"
#include "hooks.h"
#include "hosts.h"
#include "incident.h"
#include "ledger.h"
#include "recorder.h"
#include "silence.h"
#include "store.h"
#include "surroundings.h"

enum {
	STATE_NEWS_MS = 24 * 60 * 60 * 1000 /* what is over for longer when we learn of it is told to nobody */
};

struct state {
	const struct conf *conf;
	struct hosts *hosts;
	struct store *store;       /* for reading only */
	struct recorder *recorder; /* NULL: dry run */
	char *owner;
	struct ledger_limits limits;
	bool dry_run;
	struct hooks hooks;
	struct surroundings *surroundings; /* NULL: dry run, or it could not be started */

	struct incidents incidents;
	struct cells cells;
	struct silences silences; /* those in force */
	int64_t listed; /* when the administrators' list in force was imported; WHEN_UNKNOWN: there is none */
	bool stale;     /* the copy is to be read anew */
	int64_t loaded; /* CLOCK_MONOTONIC */
	uint64_t revision; /* of the store, when it was */

	struct {
		char **items;
		size_t count, capacity;
	} said; /* what was complained of once */

	bool soon;           /* something is due within group_wait: not the time to end */
	bool later;          /* something is due after that */
	int64_t wake;        /* CLOCK_MONOTONIC: when to look again, -1: no need */
	size_t sent, failed; /* messages */
	bool untold;         /* somebody should have heard, and nobody can */
	bool broken;         /* the store could not be read or written */
};

int state_start(struct state *state, const struct conf *conf, struct hosts *hosts, bool dry_run, struct err *e);
void state_done(struct state *state);

/* Reads the copy anew if that is due and the recorder has written all; true if it did. */
bool state_refresh(struct state *state);
/* Reads hosts(5) again; a bad file keeps the old, and is said. */
int state_read_hosts(struct state *state);
/* Asks to be woken in MS milliseconds at the latest. */
void state_wake(struct state *state, int64_t ms);
/* Whether TEXT is said for the first time. */
bool state_say_once(struct state *state, const char *text);
/* Writes, unless it is a dry run; takes ownership. */
void state_record(struct state *state, struct record *record);

/* The incident of that id in the copy, or NULL. */
struct incident *state_incident(struct state *state, const char *id);
/* The silence of its host that is in force, or NULL. */
const struct silence *state_silence(const struct state *state, const struct incident *incident);
/* Whether nobody is to hear of it now because of that. */
bool state_is_silenced(const struct state *state, const struct incident *incident);

/* WAIT has passed since SINCE; also if the clock was put back before SINCE. */
bool state_has_passed(int64_t now, int64_t since, int64_t wait);

#endif
