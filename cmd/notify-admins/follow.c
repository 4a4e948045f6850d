/* follow.c - the follow-up: where their VMs are since, once all of a person's are back or `settle` has passed. */
#include "config.h"

#include "news.h"
#include "standing.h"
#include "telling.h"
#include "vec.h"

/* Told, but not that all of theirs is back, nor told where it is since. */
static bool needs_follow_up(struct state *state, const char *incident, const char *person)
{
	struct standing standing = standing_of(&state->cells, incident, person);

	return standing.told && !standing.complete && !standing.followed;
}

/* One more look, so that what is told is not from before the restart. True while it runs. */
static bool is_looking_again(struct state *state, struct plan *plan)
{
	if (state->dry_run)
		return false;
	if (!plan->asked) {
		plan->asked = true;
		hooks_start(&state->hooks, state->conf);
	}
	if (!hooks_are_running(&state->hooks))
		return false;
	state->soon = true;
	return true;
}

/* The plan after that look, NULL while it goes on. */
static struct plan *plan_after_look(struct telling *telling, struct plan *plan)
{
	if (is_looking_again(telling->state, plan))
		return NULL;
	if (!plan->looked && (plan = plans_get(telling->plans, telling->state, plan->group, 0)))
		plan->looked = true;
	return plan;
}

static bool tell_incident(struct telling *telling, const struct notice *notice,
			  const struct incident *incident, struct ledger messages[DELIVERY_CHANNEL_COUNT])
{
	struct draft drafts[NEWS_WAYS_MAX];

	if (!telling_is_open_without(incident, INCIDENT_FOLLOWED) || state_is_silenced(telling->state, incident) ||
	    !needs_follow_up(telling->state, incident->id, notice->person))
		return false;
	size_t count = news_ways(&telling->state->cells, notice->contact, incident->id, notice->person,
				 DELIVERY_FOLLOW_UP, drafts);
	for (size_t i = 0; i < count; i++)
		telling_add(telling, &messages[drafts[i].channel], incident->id, &drafts[i]);
	return count > 0;
}

/* True if the person had to hear something and has no cell yet. */
static bool tell_person(struct telling *telling, const struct plan *plan, const struct notice *notice)
{
	struct ledger messages[DELIVERY_CHANNEL_COUNT] = {0};
	bool missing = false;

	for (size_t i = 0; i < plan->incidents.count; i++)
		missing = tell_incident(telling, notice, &plan->incidents.items[i], messages) || missing;
	for (size_t i = 0; i < DELIVERY_CHANNEL_COUNT; i++)
		outbox_add(telling->outbox, &messages[i]);
	return missing;
}

/* How far the group's first notices are: while one is not settled, the time for the last step has not come. */
struct progress {
	size_t unsettled;
	size_t needing; /* cells to which a follow-up is due sometime */
};

static struct progress progress_of(struct telling *telling, const char *group)
{
	struct progress progress = {0};

	/* A call may be tried for hours: it is not waited for. */
	vec_foreach(&telling->state->cells.all, cell) {
		if (cell->kind != DELIVERY_FIRST || cell->channel == DELIVERY_VOICE ||
		    !telling_is_of_group(telling, cell, group))
			continue;
		progress.unsettled += delivery_is_open(cell);
		progress.needing += needs_follow_up(telling->state, cell->incident, cell->person);
	}
	return progress;
}

static const struct incident *oldest_to_follow(struct state *state, const char *group)
{
	const struct incident *oldest = NULL;

	vec_foreach(&state->incidents, incident)
		if (str_equal(incident->group, group) && incident->kind == INCIDENT_HOST &&
		    (incident->steps & INCIDENT_TOLD) && telling_is_open_without(incident, INCIDENT_FOLLOWED) &&
		    (!oldest || incident->opened < oldest->opened))
			oldest = incident;
	return oldest;
}

static void end_follow_up(struct telling *telling, const char *group)
{
	vec_foreach(&telling->state->incidents, incident)
		if (str_equal(incident->group, group) && telling_is_open_without(incident, INCIDENT_FOLLOWED))
			telling_step(telling, incident, INCIDENT_FOLLOWED);
}

void tell_follow_up(struct telling *telling, const char *group)
{
	struct state *state = telling->state;
	const struct incident *oldest = oldest_to_follow(state, group);
	bool missing = false;

	if (!oldest)
		return;
	int64_t settle = state->conf->notify.settle_ms;
	bool settled = state_has_passed(telling->now, oldest->opened, settle);
	struct progress progress = progress_of(telling, group);
	if (progress.needing == 0) {
		if (settled || progress.unsettled == 0)
			end_follow_up(telling, group);
		return;
	}
	state->later = true;
	if (!settled)
		state_wake(state, oldest->opened + settle - telling->now);
	struct plan *plan = plans_get(telling->plans, state, group, PLAN_FRESH_MS);
	if (plan && settled)
		plan = plan_after_look(telling, plan);
	if (!plan)
		return;
	vec_foreach(&plan->notices, notice)
		if (settled || notice_is_complete(notice))
			missing = tell_person(telling, plan, notice) || missing;
	/* Of whom nothing is known any more, nothing can be told. */
	if (settled && progress.unsettled == 0 && !missing)
		end_follow_up(telling, group);
}
