/* again.c - what was begun before and is due: tried again, as the message that it was. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "mem.h"
#include "people.h"
#include "standing.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

enum { SILENCE_LOOK_MS = 60 * 1000 };

/* Cells of one message belong together: its name, to its place in the outbox, plus one. */
struct messages {
	struct map *places;
	struct {
		char **items;
		size_t count, capacity;
	} names;
};

static void messages_done(struct messages *messages)
{
	map_free(messages->places);
	vec_foreach(&messages->names, name)
		free(*name);
	vec_done(&messages->names);
}

static struct ledger *message_of(struct messages *messages, struct outbox *outbox, const struct delivery *cell)
{
	char *name = mem_format("%d.%u %d %s %s", (int)cell->kind, cell->part, (int)cell->channel,
				cell->message_id ? cell->message_id : "", cell->person);
	size_t place = (size_t)(uintptr_t)map_find(messages->places, name, strlen(name));

	if (place > 0) {
		free(name);
		return &outbox->items[place - 1];
	}
	struct ledger *message = vec_push_zero(outbox);
	vec_push(&messages->names, name);
	map_add(messages->places, name, strlen(name), (void *)(uintptr_t)outbox->count);
	return message;
}

static bool is_due(struct state *state, const struct delivery *cell, int64_t now)
{
	if (cell->state == DELIVERY_SENDING && str_equal(cell->owner, state->owner))
		return false;
	return delivery_is_due(cell, now);
}

static bool is_notice(const struct delivery *cell)
{
	return cell->kind == DELIVERY_FIRST || cell->kind == DELIVERY_ESCALATION;
}

static const struct plan *plan_of(struct telling *telling, const struct incident *incident)
{
	return incident->group ? plans_get(telling->plans, telling->state, incident->group, PLAN_LAZY_MS) : NULL;
}

/* Whether nobody need call this person any more for their own: they have answered, or somebody in their stead. */
static bool is_own_call_answered(struct telling *telling, const struct delivery *cell,
				 const struct incident *incident)
{
	const struct plan *plan = plan_of(telling, incident);
	const struct notice *owner = plan ? notices_find(&plan->notices, cell->person) : NULL;

	return owner && plan_is_answered(telling->state, plan, incident, owner);
}

/* Who has answered is left in peace; but who sees to their own has not answered yet for those in whose stead they are told. */
static bool is_stopped_by_acknowledgement(struct telling *telling, const struct delivery *cell)
{
	const struct incident *incident = state_incident(telling->state, cell->incident);
	bool call = cell->channel == DELIVERY_VOICE;

	if (!is_notice(cell) || !incident)
		return false;
	struct standing standing = standing_of(&telling->state->cells, cell->incident, cell->person);
	if (cell->kind == DELIVERY_ESCALATION)
		return standing.stood_in || incident->whole;
	return standing.acknowledged ||
	       (call && (incident->whole || is_own_call_answered(telling, cell, incident)));
}

static void wait_until(struct telling *telling, struct delivery *cell, int64_t until)
{
	telling->state->later = true;
	if (cell->next == until)
		return;
	/* The call of a process that died in the middle of it. */
	if (cell->state == DELIVERY_SENDING)
		cell->state = DELIVERY_PENDING;
	cell->next = until;
	outbox_change(telling->outbox, cell);
}

/* True, and waits, while a call would come in somebody's quiet hours, or for a host that is silenced. */
static bool is_untimely(struct telling *telling, struct delivery *cell)
{
	struct state *state = telling->state;
	const struct incident *incident = state_incident(state, cell->incident);
	const struct plan *plan;
	int64_t end;

	if (cell->channel != DELIVERY_VOICE || !incident)
		return false;
	if (state_is_silenced(state, incident)) {
		wait_until(telling, cell, telling->now + SILENCE_LOOK_MS);
		return true;
	}
	plan = plan_of(telling, incident);
	const struct person *person = plan ? people_find(&plan->people, cell->person) : NULL;
	if (!person || !person_is_quiet(person, telling->now, &end))
		return false;
	wait_until(telling, cell, end);
	return true;
}

static void look_at(struct telling *telling, struct messages *messages, struct delivery *cell)
{
	struct state *state = telling->state;

	bool due = is_due(state, cell, telling->now);

	/* Under way; not so that of a process that died meanwhile: it is due. */
	if (cell->state == DELIVERY_SENDING && !due)
		return;
	if (is_stopped_by_acknowledgement(telling, cell)) {
		telling_stop(telling, cell);
	} else if (!due) {
		state->later = true;
		state_wake(state, cell->next - telling->now);
	} else if (!is_untimely(telling, cell)) {
		struct delivery *copy = vec_push_zero(message_of(messages, telling->outbox, cell));
		delivery_copy(copy, cell);
	}
}

void tell_again(struct telling *telling)
{
	cleanup(messages_done) struct messages messages = {.places = map_new()};

	vec_foreach(&telling->state->cells.all, cell)
		if (delivery_is_open(cell))
			look_at(telling, &messages, cell);
}
