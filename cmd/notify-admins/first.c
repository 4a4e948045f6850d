/* first.c - the first notice: what happened, to each person whom it concerns. */
#include "config.h"

#include "log.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

static void complain_of_untold(struct state *state, const struct plan *plan)
{
	state->untold = true;
	if (state_say_once(state, plan->group))
		log_error("incident %s: %s: nobody to tell for %zu VM%s: no administrator is listed and "
			  "notify.fallback is empty",
			  plan->group, plan->incidents.items[0].host, plan->notices.untold,
			  plan->notices.untold == 1 ? "" : "s");
}

/* Not told by this list: somebody else may stand in it since. */
static bool is_list_newer(const struct state *state, const struct incident *incident)
{
	return incident->closed == WHEN_UNKNOWN && incident->kind == INCIDENT_HOST &&
	       incident->listed != state->listed;
}

static bool is_wanted(const struct state *state, const struct incident *incident)
{
	return telling_is_needed(incident) &&
	       (!(incident->steps & INCIDENT_TOLD) || is_list_newer(state, incident));
}

static bool is_wanted_of_group(struct state *state, const char *group)
{
	vec_foreach(&state->incidents, incident)
		if (str_equal(incident->group, group) && is_wanted(state, incident))
			return true;
	return false;
}

static void mark_told(struct state *state, struct incident *incident, int64_t listed)
{
	/* The plan may still be from before a new list. */
	if ((incident->steps & INCIDENT_TOLD) && incident->listed == listed)
		return;
	struct record *record = record_new(RECORD_TOLD);
	incident->steps |= INCIDENT_TOLD;
	incident->listed = listed;
	incident_copy(&record->incident, incident);
	state_record(state, record);
}

/* True if the person has no cell yet for one of them. */
static bool tell_person(struct telling *telling, const struct plan *plan, const struct notice *notice)
{
	cleanup(ledger_done) struct ledger message = {0};

	for (size_t i = 0; i < plan->incidents.count; i++) {
		const struct incident *incident = &plan->incidents.items[i];
		if (notice->concerned[i] && is_wanted(telling->state, incident))
			telling_add(telling, &message, incident->id, DELIVERY_FIRST, 0, notice);
	}
	return outbox_add(telling->outbox, &message);
}

void tell_first(struct telling *telling, const char *group)
{
	struct state *state = telling->state;
	struct plan *plan = is_wanted_of_group(state, group)
				    ? plans_get(telling->plans, state, group, PLAN_FRESH_MS)
				    : NULL;
	bool all = true;

	if (!plan)
		return;
	if (plan->notices.untold > 0)
		complain_of_untold(state, plan);
	vec_foreach(&plan->notices, notice)
		all = !tell_person(telling, plan, notice) && all;
	vec_foreach(&state->incidents, incident)
		if (all && str_equal(incident->group, group) && is_wanted(state, incident))
			mark_told(state, incident, plan->admins.imported);
}
