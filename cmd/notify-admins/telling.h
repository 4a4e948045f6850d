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

/* ---- turn.c: one person's turns ---- */

/* One person's escalation within a group. */
struct course {
	struct telling *telling;
	const struct plan *plan;
	const struct notice *notice; /* the person's */
	int64_t elapsed;             /* milliseconds since the first notice was due */
};

/* ZERO is when the first notice was due. */
struct course course_of(struct telling *telling, const struct plan *plan, const struct notice *notice);
/* Puts into the outbox what the first turn misses; true if there was something. */
bool course_tell_first(const struct course *course);
/* The same of the turns after it that are due. */
void course_escalate(const struct course *course);

/* ---- the kinds; GROUP is one of those that the copy has ---- */

/* first.c: what happened, to each whom it concerns. */
void tell_first(struct telling *telling, const char *group);
/* escalate.c: the turns of their policies after that, until somebody answers. */
void tell_escalation(struct telling *telling, const char *group);
/* failed.c: to the fallback, whom that did not reach. */
void tell_failed(struct telling *telling, const char *group);
/* follow.c: where their VMs are since. */
void tell_follow_up(struct telling *telling, const char *group);
/* end.c: what becomes of incidents that are closed. */
void tell_end(struct telling *telling);
/* summary.c: one message instead of the many that the limits hold back. */
void tell_summary(struct telling *telling);
/* again.c: what was begun before and is due. */
void tell_again(struct telling *telling);

/* ---- what they share ---- */

/* What the cells of one message have in common. All is borrowed. */
struct draft {
	enum delivery_kind kind;
	unsigned part; /* ledger.h */
	unsigned step; /* of the policy, from 1; 0: none */
	enum delivery_channel channel;
	const char *person, *name;
	const char *address; /* for that channel */
	bool fallback;
};

/* Adds a cell to the message unless the copy has it. */
void telling_add(struct telling *telling, struct ledger *message, const char *incident,
		 const struct draft *draft);
/* Tries a cell no more that nobody is at. How the last call ended stays to be read. */
void telling_stop(struct telling *telling, struct delivery *cell);
/* Empties MESSAGE. Puts into the outbox what is for PERSON (NULL: who is not known any more); true if there was something. A call waits until their quiet hours are over. */
bool telling_hand_out(struct telling *telling, const struct person *person, struct ledger *message);
/* Whether its first notice is still to be given to somebody. */
bool telling_wants_first(const struct state *state, const struct incident *incident);
/* That step has been seen to for everybody. */
void telling_step(struct telling *telling, struct incident *incident, enum incident_step step);
/* Open; or over, but whoever was not told of it yet must still be: the return of a host brings no VM back. */
bool telling_is_needed(const struct incident *incident);
/* Open, and nobody has taken it on for everybody. */
bool telling_is_unanswered(const struct incident *incident);
bool telling_is_open_without(const struct incident *incident, enum incident_step step);
/* Whether the cell is of an incident of that group. */
bool telling_is_of_group(struct telling *telling, const struct delivery *cell, const char *group);

#endif
