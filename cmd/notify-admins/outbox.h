/*
 * outbox.h - what should be said and written of deliveries, found anew in each round.
 *
 * Those who decide who must hear what (first.c, follow.c, end.c, again.c) fill it; post.c takes
 * of it what there is room for. What is not taken is found again in the next round, from
 * the cells that are still missing: neither side waits for the other or knows it.
 */
#ifndef NOTIFY_OUTBOX_H
#define NOTIFY_OUTBOX_H

#include "ledger.h"
#include "state.h"

struct outbox {
	struct ledger *items; /* messages: each the cells of one person and kind that it tells, one an incident */
	size_t count, capacity;
	struct ledger changes; /* cells that changed without a message */
};

void outbox_done(struct outbox *outbox);
/* Takes MESSAGE over and empties it; one without cells is none. True if it was one. */
bool outbox_add(struct outbox *outbox, struct ledger *message);
/* Whether a message of the outbox has that cell. */
bool outbox_has(const struct outbox *outbox, const struct delivery *cell);
/* CELL of the copy was changed, and is to be written. */
void outbox_change(struct outbox *outbox, const struct delivery *cell);

#endif
