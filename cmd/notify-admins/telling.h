/*
 * telling.h - who must hear what: each kind of message a file of its own.
 *
 * Each of these looks at the copy as it is now, and puts into the outbox what it misses
 * there: a message for each person who has no cell yet, so that what could not
 * be taken is found again. What stands in the copy for everybody is a step done. None of them sends,
 * and none knows whether another round is needed to finish.
 */
#ifndef NOTIFY_TELLING_H
#define NOTIFY_TELLING_H

#include <stdbool.h>
#include <stdint.h>

#include "notice.h"
#include "outbox.h"
#include "plan.h"
#include "state.h"

/* What all of them work with. */
struct telling {
	struct state *state;
	struct plans *plans;
	struct outbox *outbox;
	int64_t now; /* wall clock */
};

/* One round of all. */
void tell(struct telling *telling);

/* ---- the kinds; GROUP is one of those that the copy has ---- */

/* first.c: what happened. */
void tell_first(struct telling *telling, const char *group);
/* failed.c: to the fallback, whom that did not reach. */
void tell_failed(struct telling *telling, const char *group);
/* follow.c: where their VMs are since. */
void tell_follow_up(struct telling *telling, const char *group);
/* end.c: what becomes of incidents that are closed. */
void tell_end(struct telling *telling);
/* again.c: what was begun before and is due. */
void tell_again(struct telling *telling);

/* ---- what they share ---- */

/* Adds a cell to the message unless the copy has it: for each channel of the person's, as soon as there is another than mail. */
void telling_add(struct telling *telling, struct ledger *message, const char *incident,
		 enum delivery_kind kind, unsigned part, const struct notice *notice);
/* That step has been seen to for everybody. */
void telling_step(struct telling *telling, struct incident *incident, enum incident_step step);
/* Open; or over, but whoever was not told of it yet must still be: the return of a host brings no VM back. */
bool telling_is_needed(const struct incident *incident);
bool telling_is_open_without(const struct incident *incident, enum incident_step step);
/* Whether the cell is of an incident of that group. */
bool telling_is_of_group(struct telling *telling, const struct delivery *cell, const char *group);

#endif
