/* plan.h - what a group of incidents touches and whom that concerns, looked up when it is needed. */
#ifndef NOTIFY_PLAN_H
#define NOTIFY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admins.h"
#include "affected.h"
#include "notice.h"
#include "people.h"
#include "state.h"

enum { PLAN_FRESH_MS = 5000 /* how old what is told may be */ };

/* What a group's people must be told, as the store had it a moment ago. */
struct plan {
	char group[INCIDENT_ID_SIZE];
	struct incidents incidents; /* copies */
	struct affected *affected;  /* one an incident */
	struct notice_case *cases;
	struct notices notices;
	struct people people;
	struct admins admins; /* `imported` is WHEN_UNKNOWN if there is none */
	int64_t made;         /* CLOCK_MONOTONIC */
	int64_t cost;         /* milliseconds */
	bool asked;           /* on_incident ran again because `settle` passed */
	bool looked;          /* the plan is from after that */
};

struct plans {
	struct plan **items;
	size_t count, capacity;
};

void plans_done(struct plans *plans);
/* The plan of a group not older than MAX_AGE milliseconds; NULL if the store does not tell (said). Borrowed until the next round. */
struct plan *plans_get(struct plans *plans, struct state *state, const char *group, int64_t max_age);
/* Forgets those of groups that are not in the copy any more. */
void plans_sweep(struct plans *plans, struct state *state);

#endif
