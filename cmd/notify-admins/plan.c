/* plan.c - what a group of incidents touches and whom that concerns, looked up when it is needed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "plan.h"
#include "policy.h"
#include "standing.h"
#include "vec.h"
#include "when.h"

enum {
	COST_SHARE = 10, /* looking again may take this part of the time */
	STORE_RETRY_MS = 5000
};

static void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	notices_done(&plan->notices);
	people_done(&plan->people);
	for (size_t i = 0; i < plan->incidents.count; i++)
		affected_done(&plan->affected[i]);
	free(plan->affected);
	free(plan->cases);
	incidents_done(&plan->incidents);
	people_done(&plan->people);
	admins_done(&plan->admins);
	free(plan);
}

/* No group has this name. */
static const char everything[] = "";

static bool is_of(const struct incident *incident, const char *group)
{
	return *group ? str_equal(incident->group, group)
		      : incident->kind == INCIDENT_HOST && incident->closed == WHEN_UNKNOWN && incident->group;
}

static void copy_group(struct state *state, const char *group, struct incidents *copies)
{
	vec_foreach(&state->incidents, incident)
		if (is_of(incident, group)) {
			struct incident *copy = vec_push_zero(copies);
			incident_copy(copy, incident);
		}
}

static int fill(struct state *state, struct plan *plan, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, state->store, e) < 0)
		return e->code;
	plan->admins.imported = WHEN_UNKNOWN;
	int have_admins = admins_load(view, &plan->admins, e);
	if (have_admins < 0)
		return have_admins;
	for (size_t i = 0; i < plan->incidents.count; i++) {
		const struct incident *incident = &plan->incidents.items[i];
		plan->cases[i].incident = incident;
		if (incident->kind != INCIDENT_HOST)
			continue;
		if (affected_find(view, incident->host, incident->at, &plan->affected[i], e) < 0)
			return err_wrap(e, "%s", incident->host);
		plan->cases[i].affected = &plan->affected[i];
	}
	const struct admins *admins = have_admins ? &plan->admins : NULL;
	people_build(&plan->people, admins, state->conf);
	notices_build(&plan->notices, plan->cases, plan->incidents.count, admins, &plan->people, state->conf);
	return 0;
}

/* Whether the ways to reach people have died with the hosts. */
static void look_for_cuts(struct state *state, struct plan *plan)
{
	VEC(struct dependence_death) deaths = {0};
	cleanup(str_done) struct str why = {0};

	for (size_t i = 0; i < plan->incidents.count; i++) {
		const struct incident *incident = &plan->incidents.items[i];
		if (incident->kind == INCIDENT_HOST && incident->closed == WHEN_UNKNOWN)
			vec_push(&deaths, (struct dependence_death){hosts_find(state->hosts, incident->host),
								    &plan->affected[i]});
	}
	if (state->surroundings && deaths.count > 0)
		surroundings_judge_all(state->surroundings, state->conf, deaths.items, deaths.count,
				       plan->cut, &why);
	if (why.length > 0 && state_say_once(state, str_text(&why)))
		log_warning("%s: the other way is tried at once", str_text(&why));
	vec_done(&deaths);
}

/* They were in the settings when the list was imported. */
static void complain_of_policies(struct state *state, const struct people *people)
{
	vec_foreach(people, person) {
		if (!person->unknown_policy)
			continue;
		cleanup(cleanup_mem) char *shown = str_escape(person->key);
		cleanup(cleanup_mem) char *text = mem_format(
			"%s: the settings have no policy \"%s\", which the list names: \"%s\" holds", shown,
			person->unknown_policy, state->conf->notify.policy);
		if (state_say_once(state, text))
			log_warning("%s", text);
	}
}

static struct plan *make_plan(struct state *state, const char *group, struct err *e)
{
	int64_t begun = when_monotonic();
	struct plan *plan = mem_zalloc(1, sizeof *plan);

	snprintf(plan->group, sizeof plan->group, "%s", group);
	copy_group(state, group, &plan->incidents);
	plan->affected = mem_zalloc(plan->incidents.count, sizeof *plan->affected);
	plan->cases = mem_zalloc(plan->incidents.count, sizeof *plan->cases);
	if (plan->incidents.count == 0 || fill(state, plan, e) < 0) {
		plan_free(plan);
		return NULL;
	}
	look_for_cuts(state, plan);
	complain_of_policies(state, &plan->people);
	plan->made = when_monotonic();
	plan->cost = plan->made - begun;
	return plan;
}

/* What is said of an incident changes more often than whom it touches. */
static void renew_incidents(struct state *state, struct plan *plan)
{
	vec_foreach(&plan->incidents, copy) {
		const struct incident *now = state_incident(state, copy->id);
		if (!now)
			continue;
		incident_done(copy);
		incident_copy(copy, now);
	}
}

static size_t count_group(struct state *state, const char *group)
{
	size_t count = 0;

	vec_foreach(&state->incidents, incident)
		count += is_of(incident, group);
	return count;
}

static struct plan **find_plan(struct plans *plans, const char *group)
{
	vec_foreach(plans, plan)
		if (strcmp((*plan)->group, group) == 0)
			return plan;
	return NULL;
}

static bool is_fresh(struct state *state, const struct plan *plan, int64_t max_age)
{
	int64_t wanted = plan->cost * COST_SHARE > max_age ? plan->cost * COST_SHARE : max_age;

	return plan->incidents.count == count_group(state, plan->group) &&
	       when_monotonic() - plan->made <= wanted;
}

struct plan *plans_get(struct plans *plans, struct state *state, const char *group, int64_t max_age)
{
	struct plan **place = find_plan(plans, group);
	struct err e = {0};

	if (place && is_fresh(state, *place, max_age)) {
		renew_incidents(state, *place);
		return *place;
	}
	struct plan *plan = make_plan(state, group, &e);
	if (!plan) {
		state->broken = true;
		if (e.code && state_say_once(state, e.text))
			log_err(&e);
		state_wake(state, STORE_RETRY_MS);
		return NULL;
	}
	if (!place) {
		vec_push(plans, plan);
		return plan;
	}
	plan->asked = (*place)->asked;
	plan->looked = (*place)->looked;
	plan_free(*place);
	*place = plan;
	return plan;
}

struct plan *plans_get_all(struct plans *plans, struct state *state, int64_t max_age)
{
	return plans_get(plans, state, everything, max_age);
}

bool plan_stands_in(const struct state *state, const struct plan *plan, const struct notice *owner,
		    const char *person)
{
	const struct person *other;
	struct turn turn;

	for (unsigned number = 0; number < owner->contact->policy->step_count; number++) {
		size_t place = 0;
		if (!policy_turn(owner->contact->policy, number, &turn) || turn.what->to.count == 0)
			continue;
		while ((other = policy_next_person(&plan->people, state->conf, owner->contact, &turn, &place)))
			if (strcmp(other->key, person) == 0)
				return true;
	}
	return false;
}

/* Those who were told in somebody's stead are few; who they are is asked only of them. */
bool plan_is_answered(const struct state *state, const struct plan *plan, const struct incident *incident,
		      const struct notice *owner)
{
	struct cell_walk walk = cells_walk_escalations(&state->cells, incident->id);
	const struct delivery *cell;

	if (standing_of(&state->cells, incident->id, owner->person).acknowledged)
		return true;
	while ((cell = cells_step(&walk)))
		if (cell->acknowledged_by && plan_stands_in(state, plan, owner, cell->person))
			return true;
	return false;
}

void plans_sweep(struct plans *plans, struct state *state)
{
	for (size_t i = plans->count; i-- > 0;) {
		struct plan *plan = plans->items[i];
		if (count_group(state, plan->group) > 0)
			continue;
		plan_free(plan);
		plans->items[i] = plans->items[--plans->count];
	}
}

void plans_done(struct plans *plans)
{
	vec_foreach(plans, plan)
		plan_free(*plan);
	vec_done(plans);
}
