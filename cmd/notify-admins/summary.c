/* summary.c - one message instead of the many that the limits hold back. */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "map.h"
#include "mem.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

enum { HOUR_MS = 60 * 60 * 1000 };

/* Held back by a limit; calls aside, of which a summary makes no sense. */
static bool is_held(const struct delivery *cell)
{
	return cell->held && cell->state == DELIVERY_PENDING && cell->kind == DELIVERY_FIRST &&
	       cell->channel == DELIVERY_MAIL;
}

static unsigned hour_of(int64_t now)
{
	return (unsigned)(now / HOUR_MS);
}

static const struct delivery *summary_of(struct state *state, const struct delivery *held)
{
	struct cell_walk walk = cells_walk(&state->cells, held->incident, held->person);
	struct delivery *cell;

	while ((cell = cells_step(&walk)))
		if (cell->kind == DELIVERY_SUMMARY)
			return cell;
	return NULL;
}

/* Persons: to the place of their message in the outbox, plus one; or to NOTHING_MORE. */
struct addressees {
	struct map *places;
};

static const size_t NOTHING_MORE = SIZE_MAX;

/* One summary an hour is enough for anybody. */
static void pass_over_those_who_had_one(struct addressees *addressees, struct telling *telling)
{
	vec_foreach(&telling->state->cells.all, cell)
		if (cell->kind == DELIVERY_SUMMARY && cell->part == hour_of(telling->now))
			map_add(addressees->places, cell->person, strlen(cell->person),
				(void *)(uintptr_t)NOTHING_MORE);
}

/* All that is held back for a person goes into one message; NULL: they get none. */
static struct ledger *message_of(struct addressees *addressees, struct outbox *outbox, const struct delivery *held)
{
	size_t place = (size_t)(uintptr_t)map_find(addressees->places, held->person, strlen(held->person));

	if (place == NOTHING_MORE)
		return NULL;
	if (place == 0) {
		vec_push_zero(outbox);
		place = outbox->count;
		map_add(addressees->places, held->person, strlen(held->person), (void *)(uintptr_t)place);
	}
	return &outbox->items[place - 1];
}

static void sum_up(struct addressees *addressees, struct telling *telling, const struct delivery *held)
{
	struct ledger *message = message_of(addressees, telling->outbox, held);
	struct draft draft = {
		.kind = DELIVERY_SUMMARY,
		.part = hour_of(telling->now),
		.channel = DELIVERY_MAIL,
		.person = held->person,
		.name = held->name,
		.address = held->address,
		.fallback = held->fallback,
	};

	if (message)
		telling_add(telling, message, held->incident, &draft);
}

/* What the summary has told needs no message of its own any more. */
static void take_as_told(struct telling *telling, struct delivery *held, const struct delivery *summary)
{
	held->state = DELIVERY_SENT;
	held->sent = summary->sent;
	held->held = false;
	mem_replace(&held->message_id, summary->message_id);
	mem_replace(&held->error, NULL);
	outbox_change(telling->outbox, held);
}

/* Whether it tells of what would have been one message all the same. */
static bool is_one_message(struct state *state, const struct ledger *summary)
{
	const struct incident *first = state_incident(state, summary->items[0].incident);

	vec_foreach(summary, cell) {
		const struct incident *incident = state_incident(state, cell->incident);
		if (!first || !incident || !str_equal(first->group, incident->group))
			return false;
	}
	return true;
}

/* One in place of one saves nothing: that one waits for its turn. */
static void drop_pointless(struct telling *telling, size_t from)
{
	struct outbox *outbox = telling->outbox;

	for (size_t i = outbox->count; i-- > from;) {
		if (!is_one_message(telling->state, &outbox->items[i]))
			continue;
		ledger_done(&outbox->items[i]);
		outbox->items[i] = outbox->items[--outbox->count];
	}
}

static bool is_any_held(const struct cells *cells)
{
	vec_foreach(&cells->all, cell)
		if (is_held(cell))
			return true;
	return false;
}

void tell_summary(struct telling *telling)
{
	struct state *state = telling->state;

	if (!is_any_held(&state->cells))
		return;
	struct addressees addressees = {.places = map_new()};
	size_t before = telling->outbox->count;
	pass_over_those_who_had_one(&addressees, telling);
	vec_foreach(&state->cells.all, cell) {
		const struct delivery *summary = is_held(cell) ? summary_of(state, cell) : NULL;
		if (summary && summary->state == DELIVERY_SENT)
			take_as_told(telling, cell, summary);
		else if (!summary && is_held(cell))
			sum_up(&addressees, telling, cell);
	}
	map_free(addressees.places);
	drop_pointless(telling, before);
}
