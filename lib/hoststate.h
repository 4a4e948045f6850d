/* hoststate.h - what the store keeps of hostping: states, transitions, round trips, the heartbeat. */
#ifndef VMROLL_HOSTSTATE_H
#define VMROLL_HOSTSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"

enum host_state { HOST_UNKNOWN, HOST_UP, HOST_DOWN, HOST_ISOLATED /* only on the line of host "-" */ };

const char *hoststate_name(enum host_state state); /* "UNKNOWN" "UP" "DOWN" "ISOLATED" */
int hoststate_parse(const char *text, enum host_state *state, struct err *e);

/* One change of one host, as a line of `hostping --watch` and as a record. */
struct hoststate_change {
	char *host; /* hosts(5) name; "-" for ourselves */
	enum host_state state;
	int64_t at;   /* DOWN: when the first lost probe was sent; else when the reply came */
	char *detail; /* for people: "3 of 4 pings lost; ports 16509 and 22 silent; …"; or NULL */
};
void hoststate_change_done(struct hoststate_change *change);

/* The newest state of one host. */
struct hoststate {
	char *host;
	char *address;
	enum host_state state;
	int64_t since;         /* WHEN_UNKNOWN if UNKNOWN for ever */
	int64_t rtt_us;        /* last round trip, -1: none */
	unsigned loss_percent; /* over the window */
	char *detail;
	int64_t recorded; /* when this was written */
	bool ever_up;
};
void hoststate_done(struct hoststate *state);

/*
 * Records the states of hosts: a new one as a transition, history and newest
 * state in one transaction; one that the host was recorded in already only
 * renews the rest, and its `since` stays. `ever_up` is worked out here.
 */
int hoststate_put(struct store *store, const struct hoststate *state, struct err *e);
/* The same for many, in as few transactions as they fit in. What was written before a failure stays. */
int hoststate_put_all(struct store *store, const struct hoststate *states, size_t count, struct err *e);
/* 1 with the newest state of HOST, 0 if never recorded. */
int hoststate_get(struct store_view *view, const char *host, struct hoststate *state, struct err *e);
/* All newest states, by host name, with round trip and loss of the last minute that was recorded: the caller frees each, then the array. */
int hoststate_all(struct store_view *view, struct hoststate **states, size_t *count, struct err *e);
/* Transitions of HOST (NULL: all) from SINCE on, oldest first; the caller frees. */
int hoststate_history(struct store_view *view, const char *host, int64_t since,
		      struct hoststate_change **changes, size_t *count, struct err *e);
/* Newest state of HOST at the instant AT. 1/0. */
int hoststate_at(struct store_view *view, const char *host, int64_t at, struct hoststate_change *change,
		 struct err *e);

/* One host's minute: mean round trip in microseconds (-1 none), probes sent and lost. */
struct hoststate_minute {
	const char *host; /* NULL: this one is not recorded */
	int32_t rtt_us;
	uint16_t sent, lost;
};
/* One packed record for the minute that begins at MINUTE (ms), in a ring of a day; and the heartbeat, set to NOW. */
int hoststate_put_minute(struct store *store, int64_t minute, const struct hoststate_minute *hosts,
			 size_t count, int64_t now, struct err *e);

struct hoststate_minutes {
	struct hoststate_minute *items; /* hosts borrowed from names */
	size_t count;
	char *names;
};
void hoststate_minutes_done(struct hoststate_minutes *minutes);
/* 1 with what was recorded of the minute that begins at MINUTE, 0 if nothing (any more). */
int hoststate_get_minute(struct store_view *view, int64_t minute, struct hoststate_minutes *minutes,
			 struct err *e);
/* 1 with the beginning of the last minute recorded, 0 if there is none. */
int hoststate_last_minute(struct store_view *view, int64_t *minute, struct err *e);

/* When a recorder last wrote, WHEN_UNKNOWN if never; and whether it says that it stopped on purpose. */
int hoststate_heartbeat(struct store_view *view, int64_t *at, bool *stopped, struct err *e);
int hoststate_put_heartbeat(struct store *store, int64_t now, bool stopped, struct err *e);
/* Removes what only matters to instants before BEFORE: the transition in force then stays, and the newest of each host. *REMOVED: records. */
int hoststate_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e);
/* hosts(5) renamed it. What the new name has already stays; nothing happens for a name without records. */
int hoststate_rename(struct store *store, const char *old_name, const char *new_name, struct err *e);

#endif
