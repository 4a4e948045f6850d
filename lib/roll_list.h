/* roll_list.h - private to roll: a host's answer, compared with what the store has. */
#ifndef VMROLL_ROLL_LIST_H
#define VMROLL_ROLL_LIST_H

#include "roll_private.h"

/* One host's complete list, and where it stands in the order of changes. */
struct roll_answer {
	const struct roll_host *host;
	const struct vm **sorted; /* by UUID, none twice */
	size_t count;
	int64_t answered;
	uint64_t snapshot;
	uint64_t base;   /* the newest change when its snapshot began */
	uint64_t change; /* the number that it gets if it differs */
};

/*
 * Plans what differs. 1 with *ENTRY, if the host's history goes on; 0 if at most the notes about its XML
 * are planned, which need no number.
 */
int roll_plan_list(struct roll_plan *plan, struct store_view *view, struct roll_answer *answer,
		   struct roll_changes *changes, struct roll_entry *entry, struct err *e);

/* What MERGED, whose XML was not read, keeps of OLD. */
void roll_merge_known(struct vm *merged, const struct vm *old);

#endif
