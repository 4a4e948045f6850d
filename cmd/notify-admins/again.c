/* again.c - what was begun before and is due: tried again, as the message that it was. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "mem.h"
#include "telling.h"
#include "vec.h"

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

static bool is_stopped_by_acknowledgement(struct state *state, const struct delivery *cell)
{
	const struct incident *incident = state_incident(state, cell->incident);

	return cell->kind == DELIVERY_FIRST && cell->state == DELIVERY_PENDING && incident &&
	       str_equal(incident->acknowledged_by, cell->person);
}

static void look_at(struct telling *telling, struct messages *messages, struct delivery *cell)
{
	struct state *state = telling->state;

	if (is_stopped_by_acknowledgement(state, cell)) {
		cell->state = DELIVERY_EXPIRED;
		outbox_change(telling->outbox, cell);
	} else if (is_due(state, cell, telling->now)) {
		struct delivery *copy = vec_push_zero(message_of(messages, telling->outbox, cell));
		delivery_copy(copy, cell);
	} else if (cell->state == DELIVERY_PENDING) {
		state->later = true;
		state_wake(state, cell->next - telling->now);
	}
}

void tell_again(struct telling *telling)
{
	cleanup(messages_done) struct messages messages = {.places = map_new()};

	vec_foreach(&telling->state->cells, cell)
		if (cell->state == DELIVERY_PENDING || cell->state == DELIVERY_SENDING)
			look_at(telling, &messages, cell);
}
