/* events.h - what happened: opens and closes incidents in the copy, and has that recorded. */
#ifndef NOTIFY_EVENTS_H
#define NOTIFY_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "hoststate.h"
#include "recorder.h"
#include "state.h"

struct events {
	struct state *state;
	struct {
		char **items;
		size_t count, capacity;
	} seen_up;              /* hosts of which a line said UP */
	int64_t isolated_since; /* WHEN_UNKNOWN: not */
	int64_t isolation_over; /* the newest end of one; what is said of before is history */
};

/* STATE must outlive it. */
void events_start(struct events *events, struct state *state);
void events_done(struct events *events);

/* One change of a host, from a line or from the store. */
void events_take(struct events *events, const struct hoststate_change *change);
/* What the store knows that no line said: dead hosts, hosts that left hosts(5). */
void events_catch_up(struct events *events);
/* Whether hostping and vmsnap do their work. */
void events_watch_ourselves(struct events *events);
/* Isolation that lasts. */
void events_step(struct events *events);
/* The recorder opened the incident, or found another. */
void events_opened(struct events *events, const struct record *record);

#endif
