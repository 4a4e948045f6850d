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

enum {
	PLAN_FRESH_MS = 5000,     /* how old what is told may be */
	PLAN_LAZY_MS = 60 * 1000, /* and whom it is due to, which changes seldom */
};

/* What a group's people must be told, as the store had it a moment ago. */
struct plan {
	char group[INCIDENT_ID_SIZE];
	struct incidents incidents; /* copies */
	struct affected *affected;  /* one an incident */
	struct notice_case *cases;
	struct notices notices;
	struct people people;
	bool cut[DELIVERY_CHANNEL_COUNT]; /* the way leads through what has died (dependence.h) */
	struct admins admins;             /* `imported` is WHEN_UNKNOWN if there is none */
	int64_t made;                     /* CLOCK_MONOTONIC */
	int64_t cost;                     /* milliseconds */
	bool asked;                       /* on_incident ran again because `settle` passed */
	bool looked;                      /* the plan is from after that */
};

struct plans {
	struct plan **items;
	size_t count, capacity;
};

void plans_done(struct plans *plans);
/* The plan of a group not older than MAX_AGE milliseconds; NULL if the store does not tell (said). Borrowed until the next round. */
struct plan *plans_get(struct plans *plans, struct state *state, const char *group, int64_t max_age);
/* The plan of all open incidents of hosts together, likewise. */
struct plan *plans_get_all(struct plans *plans, struct state *state, int64_t max_age);
/* Whether the policy of OWNER's has PERSON (a key) told in their stead sometime. */
bool plan_stands_in(const struct state *state, const struct plan *plan, const struct notice *owner,
		    const char *person);
/* Whether OWNER, or somebody who was told in their stead, has answered for INCIDENT. */
bool plan_is_answered(const struct state *state, const struct plan *plan, const struct incident *incident,
		      const struct notice *owner);
/* Forgets those of groups that are not in the copy any more. */
void plans_sweep(struct plans *plans, struct state *state);

#endif
