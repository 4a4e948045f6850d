/*
 * rate.h - how many messages a person, and all together, were given lately: calls apart from the rest.
 *
 * A counter holds a number for each minute of the hour, and for the calls of a person one for each
 * second in which there was one, so that it is small however much goes out. It is changed only in
 * the transaction that claims a message or takes the claim back (ledger.h): any number of processes
 * keep one limit. A limit holds for a window that slides: what went out is counted for the length of
 * it, rounded up to the minute or second that the counter knows.
 */
#ifndef VMROLL_RATE_H
#define VMROLL_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "store.h"
#include "str.h"

enum { RATE_SLOTS = 61 /* the minute that has begun, and 60 before it */ };
enum {
	RATE_MINUTE_MS = 60 * 1000,
	RATE_QUARTER_MS = 15 * RATE_MINUTE_MS,
	RATE_HOUR_MS = 60 * RATE_MINUTE_MS
};

enum rate_kind { RATE_MESSAGES, RATE_CALLS };

/* All zero bytes is an empty one that counts by the minute. */
struct rate {
	int64_t slot_ms; /* length of a slot; 0: a minute */
	struct {
		int64_t number; /* of slots since the epoch */
		unsigned count;
	} slots[RATE_SLOTS]; /* of more than that the oldest are counted as one, as long as its newest */
	size_t used;
};

/* Within WINDOW_MS (at most an hour) before NOW. What lies ahead is of a clock that was put back since, and does not count. */
unsigned rate_count(const struct rate *rate, int64_t window_ms, int64_t now);
/* When one more is within LIMIT for WINDOW_MS: NOW, or later. A LIMIT of 0 allows none: a window later. */
int64_t rate_next(const struct rate *rate, int64_t window_ms, unsigned limit, int64_t now);
/* One more at NOW; forgets what is past. */
void rate_add(struct rate *rate, int64_t now);
/* One less of those at AT, if there is one. */
void rate_take_back(struct rate *rate, int64_t at);

/* The counter of PERSON, "": of all. */
struct key *rate_key(struct key *key, enum rate_kind kind, const char *person);
/* 1 with the counter and its bytes (RAW may be NULL), 0 and an empty one if there is none. */
int rate_read(struct store_view *view, enum rate_kind kind, const char *person, struct rate *rate,
	      struct bytes *raw, struct err *e);
void rate_encode(const struct rate *rate, struct str *out);
/* Removes the counters of those who had nothing within the hour before NOW. *REMOVED is added to. */
int rate_prune(struct store *store, int64_t now, uint64_t *removed, struct err *e);

#endif
