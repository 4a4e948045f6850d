/*
 * policy.h - when whom by which way: the turns of an escalation.
 *
 * A turn is one step in one round; with `repeat` there is always a next round.
 */
#ifndef VMROLL_POLICY_H
#define VMROLL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "people.h"

struct turn {
	unsigned number;              /* from 0: round * steps + index; `part` of its cells in the ledger */
	unsigned step;                /* from 1: for people, and the ledger's `step` */
	unsigned round;               /* from 0 */
	int64_t after_ms;             /* since the first notice was due */
	const struct conf_step *what; /* borrowed from the policy */
};

/* True with the turn of that number; false: the policy has none. */
bool policy_turn(const struct conf_policy *policy, unsigned number, struct turn *turn);

enum { POLICY_NO_TURN = UINT32_MAX };

/*
 * The turn by which PERSON gets the first notice: the first of their own in which a way reaches them. It is
 * due at once, whenever it would be otherwise: nothing came before it. Whom none reaches, be it that the policy
 * only tells others, gets a mail: POLICY_NO_TURN is its number then. False: they cannot be told themselves.
 */
bool policy_first_turn(const struct person *person, const struct conf *conf, struct turn *first);

/*
 * The persons whom the turn of OWNER's tells, one after the other: OWNER, or whom `to` names, groups
 * expanded, each once, in order. *PLACE starts at 0; NULL at the end. Who is named and is nobody's key
 * in PEOPLE is passed over, as is an empty group; "fallback" is who stands in notify.fallback.
 */
const struct person *policy_next_person(const struct people *people, const struct conf *conf,
					const struct person *owner, const struct turn *turn, size_t *place);

#endif
