/*
 * rate.h - how many messages a person, and all together, were given within an hour.
 *
 * A counter holds a number for each minute of the hour, so that it is small however
 * much goes out. It is changed only in the transaction that claims a message or takes
 * the claim back (ledger.h): any number of processes keep one limit.
 */
#ifndef VMROLL_RATE_H
#define VMROLL_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "store.h"
#include "str.h"

enum { RATE_MINUTES = 61 /* the one that has begun, and 60 before it */ };

struct rate {
	struct {
		int64_t minute; /* since the epoch */
		unsigned count;
	} minutes[RATE_MINUTES];
	size_t used;
};

/* Within the hour before NOW. What lies ahead is of a clock that was put back since, and does not count. */
unsigned rate_count(const struct rate *rate, int64_t now);
/* One more at NOW; forgets what is past. */
void rate_add(struct rate *rate, int64_t now);
/* One less of those at AT, if there is one. */
void rate_take_back(struct rate *rate, int64_t at);

/* The counter of PERSON, "": of all. */
struct key *rate_key(struct key *key, const char *person);
/* 1 with the counter and its bytes (RAW may be NULL), 0 and an empty one if there is none. */
int rate_read(struct store_view *view, const char *person, struct rate *rate, struct bytes *raw, struct err *e);
void rate_encode(const struct rate *rate, struct str *out);
/* Removes the counters of those who had nothing within the hour before NOW. *REMOVED is added to. */
int rate_prune(struct store *store, int64_t now, uint64_t *removed, struct err *e);

#endif
