/* first.c - the first notice: what happened, to each person whom it concerns. */
#include "config.h"

#include "log.h"
#include "policy.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

static void complain_of_untold(struct state *state, const struct plan *plan)
{
	state->untold = true;
	if (state_say_once(state, plan->group))
		log_error("incident %s: %s: nobody to tell for %zu VM%s: no administrator can be reached and "
			  "notify.fallback is empty",
			  plan->group, plan->incidents.items[0].host, plan->notices.untold,
			  plan->notices.untold == 1 ? "" : "s");
}

static bool is_wanted_of_group(struct state *state, const char *group)
{
	vec_foreach(&state->incidents, incident)
		if (str_equal(incident->group, group) && telling_wants_first(state, incident))
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

/* Who only hears of everything, such as a chat room: by one way, once. True if that is missing. */
static bool tell_copy(struct telling *telling, const struct plan *plan, const struct notice *notice)
{
	cleanup(ledger_done) struct ledger message = {0};
	struct turn first;
	const struct conf_way *way;

	if (!policy_first_turn(notice->contact, telling->state->conf, &first))
		return false;
	way = &first.what->ways[0];
	struct draft draft = {
		.kind = DELIVERY_FIRST,
		.channel = (enum delivery_channel)way->channel,
		.person = notice->person,
		.name = notice->name,
		.address = person_address(notice->contact, way),
	};

	for (size_t i = 0; i < plan->incidents.count; i++) {
		const struct incident *incident = &plan->incidents.items[i];
		if (notice->concerned[i] && telling_wants_first(telling->state, incident))
			telling_add(telling, &message, incident->id, &draft);
	}
	return outbox_add(telling->outbox, &message);
}

/* True if the person has no cell yet for one of them. */
static bool tell_person(struct telling *telling, const struct plan *plan, const struct notice *notice)
{
	struct course course = course_of(telling, plan, notice);

	return notice->copy ? tell_copy(telling, plan, notice) : course_tell_first(&course);
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
		if (all && str_equal(incident->group, group) && telling_wants_first(state, incident))
			mark_told(state, incident, plan->admins.imported);
}
