/* ledger_private.h - what the parts of ledger share. */
#ifndef VMROLL_LEDGER_PRIVATE_H
#define VMROLL_LEDGER_PRIVATE_H

#include "keys.h"
#include "ledger.h"
#include "rate.h"

enum { LEDGER_LEASE_MS = 10 * 60 * 1000, LEDGER_TRIES_MAX = 64 };

struct key *ledger_cell_key(struct key *key, const struct delivery *delivery);
/* 1 with the cell that WANTED names and its bytes, 0 if it is not in the store. */
int ledger_read_cell(struct store_view *view, const struct delivery *wanted, struct delivery *stored,
		     struct bytes *raw, struct err *e);
/* Adds to BATCH that the cell is written over BEFORE (data NULL: nothing). */
void ledger_write_cell(struct store_batch *batch, const struct delivery *delivery, const struct bytes *before);

/* Whether the cell asks for an answer, so that an acknowledgement ends it. */
bool ledger_asks(const struct delivery *delivery);
/* What somebody acknowledged is not tried again. */
void ledger_mark_answered(struct delivery *delivery);

/* The counter of somebody, as a transaction finds and leaves it. */
struct ledger_counter {
	enum rate_kind kind;
	const char *person; /* "": of all; borrowed from a cell */
	struct rate rate;
	struct bytes raw;
	bool changed;
};
struct ledger_counters {
	struct ledger_counter *items;
	size_t count, capacity;
};
void ledger_counters_done(struct ledger_counters *counters);
/* Adds what has changed to BATCH: at most 2 operations for each person, and 4. */
void ledger_counters_write(const struct ledger_counters *counters, struct store_batch *batch);
/* 1 and counted, or 0 with *NEXT and *WHY (freed before) as ledger_check_limits; LIMITS NULL: none. */
int ledger_counters_add(struct ledger_counters *counters, struct store_view *view,
			const struct delivery *cell, const struct ledger_limits *limits, int64_t now,
			int64_t *next, char **why, struct err *e);
/* What was counted for the cell at CLAIMED did not go out. */
int ledger_counters_take_back(struct ledger_counters *counters, struct store_view *view,
			      const struct delivery *cell, int64_t claimed, struct err *e);

#endif
