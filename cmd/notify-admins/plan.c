/* plan.c - what a group of incidents touches and whom that concerns, looked up when it is needed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum {
	COST_SHARE = 10, /* looking again may take this part of the time */
	STORE_RETRY_MS = 5000
};

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	notices_done(&plan->notices);
	for (size_t i = 0; i < plan->incidents.count; i++)
		affected_done(&plan->affected[i]);
	free(plan->affected);
	free(plan->cases);
	incidents_done(&plan->incidents);
	admins_done(&plan->admins);
	free(plan);
}

static void copy_group(struct engine *engine, const char *group, struct incidents *copies)
{
	vec_foreach(&engine->incidents, incident)
		if (str_equal(incident->group, group)) {
			struct incident *copy = vec_push_zero(copies);
			incident_copy(copy, incident);
		}
}

static int fill(struct engine *engine, struct plan *plan, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, engine->store, e) < 0)
		return e->code;
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
	notices_build(&plan->notices, plan->cases, plan->incidents.count, have_admins ? &plan->admins : NULL,
		      &engine->conf->notify.fallback);
	return 0;
}

static struct plan *make_plan(struct engine *engine, const char *group, struct err *e)
{
	int64_t begun = when_monotonic();
	struct plan *plan = mem_zalloc(1, sizeof *plan);

	snprintf(plan->group, sizeof plan->group, "%s", group);
	copy_group(engine, group, &plan->incidents);
	plan->affected = mem_zalloc(plan->incidents.count, sizeof *plan->affected);
	plan->cases = mem_zalloc(plan->incidents.count, sizeof *plan->cases);
	if (plan->incidents.count == 0 || fill(engine, plan, e) < 0) {
		plan_free(plan);
		return NULL;
	}
	plan->made = when_monotonic();
	plan->cost = plan->made - begun;
	return plan;
}

/* What is said of an incident changes more often than whom it touches. */
static void renew_incidents(struct engine *engine, struct plan *plan)
{
	vec_foreach(&plan->incidents, copy) {
		const struct incident *now = engine_incident(engine, copy->id);
		if (!now)
			continue;
		incident_done(copy);
		incident_copy(copy, now);
	}
}

static size_t count_group(struct engine *engine, const char *group)
{
	size_t count = 0;

	vec_foreach(&engine->incidents, incident)
		count += str_equal(incident->group, group);
	return count;
}

struct plan *plan_get(struct engine *engine, const char *group, int64_t max_age)
{
	struct plan **place = NULL;
	struct err e = {0};

	vec_foreach(&engine->plans, plan)
		if (strcmp((*plan)->group, group) == 0)
			place = plan;
	int64_t wanted = place && (*place)->cost * COST_SHARE > max_age ? (*place)->cost * COST_SHARE : max_age;
	if (place && (*place)->incidents.count == count_group(engine, group) &&
	    when_monotonic() - (*place)->made <= wanted) {
		renew_incidents(engine, *place);
		return *place;
	}
	struct plan *plan = make_plan(engine, group, &e);
	if (!plan) {
		engine->broken = true;
		if (e.code && engine_say_once(engine, e.text))
			log_err(&e);
		engine_wake(engine, STORE_RETRY_MS);
		return NULL;
	}
	if (!place) {
		vec_push(&engine->plans, plan);
		return plan;
	}
	plan->asked = (*place)->asked;
	plan->looked = (*place)->looked;
	plan_free(*place);
	*place = plan;
	return plan;
}

void plan_forget(struct engine *engine, const char *group)
{
	vec_foreach(&engine->plans, plan)
		if (strcmp((*plan)->group, group) == 0) {
			plan_free(*plan);
			*plan = engine->plans.items[--engine->plans.count];
			return;
		}
}
