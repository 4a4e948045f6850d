/* escalate.c - what follows while nobody answers: the turns of each person's policy that are due. */
#include "config.h"

#include "telling.h"
#include "vec.h"

static bool is_open(struct state *state, const char *group)
{
	vec_foreach(&state->incidents, incident)
		if (str_equal(incident->group, group) && telling_is_unanswered(incident) &&
		    !state_is_silenced(state, incident))
			return true;
	return false;
}

void tell_escalation(struct telling *telling, const char *group)
{
	struct plan *plan = is_open(telling->state, group)
				    ? plans_get(telling->plans, telling->state, group, PLAN_LAZY_MS)
				    : NULL;

	if (!plan)
		return;
	vec_foreach(&plan->notices, notice) {
		struct course course = course_of(telling, plan, notice);
		if (!notice->copy)
			course_escalate(&course);
	}
}
