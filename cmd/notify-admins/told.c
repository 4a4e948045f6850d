/* told.c - what a message tells: of what concerns a person, that which its cells are about. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "standing.h"
#include "told.h"
#include "vec.h"

static bool tells(const struct ledger *cells, const char *id)
{
	vec_foreach(cells, cell)
		if (strcmp(cell->incident, id) == 0)
			return true;
	return false;
}

/* Of what concerns the person only what these cells tell; a summary is of everything. */
static struct notice narrow(const struct plan *plan, const struct notice *notice, const struct ledger *cells)
{
	struct notice narrowed = *notice;

	narrowed.concerned = mem_zalloc(plan->incidents.count, sizeof *narrowed.concerned);
	narrowed.items = NULL;
	narrowed.count = narrowed.capacity = 0;
	for (size_t i = 0; i < plan->incidents.count; i++)
		narrowed.concerned[i] = notice->concerned[i] && (cells->items[0].kind == DELIVERY_SUMMARY ||
								 tells(cells, plan->incidents.items[i].id));
	vec_foreach(notice, item)
		if (narrowed.concerned[item->incident])
			vec_push(&narrowed, *item);
	return narrowed;
}

/* Who was told and is not in the list any more is told the end, without VMs. */
static struct notice only_told(const struct plan *plan, const struct delivery *cell, const struct ledger *cells)
{
	struct notice notice = {.person = cell->person, .name = cell->name, .address = cell->address};

	notice.concerned = mem_zalloc(plan->incidents.count, sizeof *notice.concerned);
	for (size_t i = 0; i < plan->incidents.count; i++)
		notice.concerned[i] = tells(cells, plan->incidents.items[i].id);
	return notice;
}

static int find_failed(struct told *told, struct state *state, struct err *e)
{
	vec_foreach(&state->cells.all, cell) {
		const struct incident *incident = state_incident(state, cell->incident);
		if (standing_is_lost(&state->cells, cell) && incident &&
		    str_equal(incident->group, told->plan->group))
			vec_push(&told->failed, cell);
	}
	return told->failed.count > 0 ? 0 : err_set(e, ERR_NOT_FOUND, "nobody is left who could not be told");
}

/* Whether it falls to PERSON because OWNER has not answered, or has passed it on to whoever is next. */
static bool falls_to(const struct state *state, const struct plan *plan, const struct notice *owner,
		     const struct delivery *cell)
{
	const struct incident *incident = NULL;
	struct standing standing = standing_of(&state->cells, cell->incident, owner->person);

	vec_foreach(&plan->incidents, each)
		if (strcmp(each->id, cell->incident) == 0 && owner->concerned[each - plan->incidents.items])
			incident = each;
	if (!incident || owner->copy || strcmp(owner->person, cell->person) == 0)
		return false;
	if (!standing.passed && !plan_stands_in(state, plan, owner, cell->person))
		return false;
	return !plan_is_answered(state, plan, incident, owner);
}

static bool any_falls_to(const struct state *state, const struct plan *plan, const struct notice *owner,
			 const struct ledger *cells)
{
	vec_foreach(cells, cell)
		if (falls_to(state, plan, owner, cell))
			return true;
	return false;
}

/* What those who did not answer were told. */
static int find_others(struct told *told, struct state *state, const struct ledger *cells, struct err *e)
{
	const struct delivery *first = &cells->items[0];
	struct {
		const struct notice **items;
		size_t count, capacity;
	} owners = {0};

	vec_foreach(&told->plan->notices, owner)
		if (any_falls_to(state, told->plan, owner, cells))
			vec_push(&owners, owner);
	size_t count = owners.count;
	if (count > 0) {
		notice_for_others(&told->others, &told->plan->notices, first->person, first->name,
				  first->address, owners.items, count);
		told->notice = narrow(told->plan, &told->others, cells);
	}
	vec_done(&owners);
	return count > 0 ? 0 : err_set(e, ERR_NOT_FOUND, "somebody has answered meanwhile");
}

static int find_own(struct told *told, const struct state *state, struct ledger *cells, struct err *e)
{
	const struct delivery *first = &cells->items[0];
	const struct notice *notice = notices_find(&told->plan->notices, first->person);

	bool untold = first->kind == DELIVERY_FIRST && !first->fallback &&
		      !standing_of(&state->cells, first->incident, first->person).told;
	if (!notice && untold)
		return err_set(e, ERR_PERMANENT, "not listed any more, and was not told before");
	if (!notice && first->kind != DELIVERY_RECOVERY)
		return err_set(e, ERR_NOT_FOUND, "%s is not concerned any more", first->person);
	told->notice = notice ? narrow(told->plan, notice, cells) : only_told(told->plan, first, cells);
	bool complete = notice_is_complete(&told->notice);
	vec_foreach(cells, cell)
		cell->complete = complete;
	return 0;
}

/* A summary is of all that is open, since what is held back is of many groups. */
static const struct plan *find_plan(struct state *state, struct plans *plans, const struct delivery *first)
{
	const struct incident *incident = state_incident(state, first->incident);
	const char *group = incident && incident->group ? incident->group : first->incident;

	return first->kind == DELIVERY_SUMMARY ? plans_get_all(plans, state, PLAN_FRESH_MS)
					       : plans_get(plans, state, group, PLAN_FRESH_MS);
}

int told_find(struct told *told, struct state *state, struct plans *plans, struct ledger *cells, struct err *e)
{
	const struct delivery *first = &cells->items[0];

	*told = (struct told){.kind = first->kind, .plan = find_plan(state, plans, first)};
	if (!told->plan)
		return err_set(e, ERR_ENV, "incident %s: not in the store", first->incident);
	switch (first->kind) {
	case DELIVERY_UNDELIVERED:
		return find_failed(told, state, e);
	case DELIVERY_ESCALATION:
		return find_others(told, state, cells, e);
	case DELIVERY_FIRST:
	case DELIVERY_FOLLOW_UP:
	case DELIVERY_RECOVERY:
	case DELIVERY_SUMMARY:
		break;
	}
	return find_own(told, state, cells, e);
}

void told_done(struct told *told)
{
	free(told->notice.concerned);
	vec_done(&told->notice);
	vec_done(&told->failed);
	notice_done(&told->others);
}

struct wording told_wording(const struct told *told, const struct state *state, const struct delivery *cell)
{
	const struct person *person = people_find(&told->plan->people, cell->person);

	return (struct wording){.folder = state->conf->notify.templates,
				.lang = person ? person->voice_lang : NULL};
}

void told_complain_of_template(struct state *state, int result, const struct err *e)
{
	if (result > 0 && state_say_once(state, e->text))
		log_warning("%s: the built-in text is used", e->text);
}
