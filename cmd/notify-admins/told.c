/* told.c - what a message tells: of what concerns a person, that which its cells are about. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "told.h"
#include "vec.h"

static bool tells(const struct ledger *cells, const char *id)
{
	vec_foreach(cells, cell)
		if (strcmp(cell->incident, id) == 0)
			return true;
	return false;
}

/* Of what concerns the person only what these cells tell. */
static struct notice narrow(const struct plan *plan, const struct notice *notice, const struct ledger *cells)
{
	struct notice narrowed = *notice;

	narrowed.concerned = mem_zalloc(plan->incidents.count, sizeof *narrowed.concerned);
	narrowed.items = NULL;
	narrowed.count = narrowed.capacity = 0;
	for (size_t i = 0; i < plan->incidents.count; i++)
		narrowed.concerned[i] = notice->concerned[i] && tells(cells, plan->incidents.items[i].id);
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
	vec_foreach(&state->cells, cell) {
		const struct incident *incident = state_incident(state, cell->incident);
		if (cell->kind == DELIVERY_FIRST && cell->state == DELIVERY_FAILED && !cell->fallback &&
		    incident && str_equal(incident->group, told->plan->group))
			vec_push(&told->failed, cell);
	}
	return told->failed.count > 0 ? 0 : err_set(e, ERR_NOT_FOUND, "nobody is left who could not be told");
}

int told_find(struct told *told, struct state *state, struct plans *plans, struct ledger *cells, struct err *e)
{
	struct delivery *first = &cells->items[0];
	const struct incident *incident = state_incident(state, first->incident);
	const char *group = incident && incident->group ? incident->group : first->incident;

	*told = (struct told){.kind = first->kind, .plan = plans_get(plans, state, group, PLAN_FRESH_MS)};
	if (!told->plan)
		return err_set(e, ERR_ENV, "incident %s: not in the store", first->incident);
	if (first->kind == DELIVERY_UNDELIVERED)
		return find_failed(told, state, e);
	const struct notice *notice = notices_find(&told->plan->notices, first->person);
	if (!notice && first->kind == DELIVERY_FIRST && !first->fallback)
		return err_set(e, ERR_PERMANENT, "not listed any more, and was not told before");
	if (!notice && first->kind != DELIVERY_RECOVERY)
		return err_set(e, ERR_NOT_FOUND, "%s is not concerned any more", first->person);
	told->notice = notice ? narrow(told->plan, notice, cells) : only_told(told->plan, first, cells);
	bool complete = notice_is_complete(&told->notice);
	vec_foreach(cells, cell)
		cell->complete = complete;
	return 0;
}

void told_done(struct told *told)
{
	free(told->notice.concerned);
	vec_done(&told->notice);
	vec_done(&told->failed);
}

struct wording told_wording(const struct told *told, const struct state *state, const struct delivery *cell)
{
	const struct person *person = people_find(&told->plan->people, cell->person);

	return (struct wording){.folder = state->conf->notify.templates,
				.lang = person ? person->voice_lang : NULL};
}
