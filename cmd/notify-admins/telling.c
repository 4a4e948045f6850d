/* telling.c - what those share that decide who must hear what. */
#include "config.h"

#include <stdio.h>

#include "mem.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

bool telling_is_needed(const struct incident *incident)
{
	return incident->closed == WHEN_UNKNOWN || (incident->kind == INCIDENT_HOST && incident->recovered);
}

/* Not told by this list: somebody else may stand in it since. */
static bool is_list_newer(const struct state *state, const struct incident *incident)
{
	return incident->closed == WHEN_UNKNOWN && incident->kind == INCIDENT_HOST &&
	       incident->listed != state->listed;
}

bool telling_wants_first(const struct state *state, const struct incident *incident)
{
	return telling_is_needed(incident) && !state_is_silenced(state, incident) &&
	       (!(incident->steps & INCIDENT_TOLD) || is_list_newer(state, incident));
}

bool telling_is_unanswered(const struct incident *incident)
{
	return incident->closed == WHEN_UNKNOWN && !incident->whole;
}

bool telling_is_open_without(const struct incident *incident, enum incident_step step)
{
	return incident->closed == WHEN_UNKNOWN && !(incident->steps & step);
}

bool telling_is_of_group(struct telling *telling, const struct delivery *cell, const char *group)
{
	const struct incident *incident = state_incident(telling->state, cell->incident);

	return incident && str_equal(incident->group, group);
}

void telling_add(struct telling *telling, struct ledger *message, const char *incident, const struct draft *draft)
{
	struct delivery cell = {
		.kind = draft->kind,
		.part = draft->part,
		.step = draft->step,
		.channel = draft->channel,
		.person = mem_string(draft->person),
		.name = mem_string(draft->name),
		.address = mem_string(draft->address),
		.fallback = draft->fallback,
		.begun = WHEN_UNKNOWN,
		.next = when_now(),
		.sent = WHEN_UNKNOWN,
		.lease = WHEN_UNKNOWN,
		.acknowledged = WHEN_UNKNOWN,
	};

	snprintf(cell.incident, sizeof cell.incident, "%s", incident);
	/* Several who do not answer may have the same stand-in. */
	bool known = cells_find(&telling->state->cells, &cell) ||
		     (cell.kind == DELIVERY_ESCALATION && outbox_has(telling->outbox, &cell));
	if (known)
		delivery_done(&cell);
	else
		vec_push(message, cell);
}

/* What a process was sending when it died counts as told; a call does not. */
void telling_stop(struct telling *telling, struct delivery *cell)
{
	if (cell->state == DELIVERY_PENDING || cell->state == DELIVERY_SENDING) {
		cell->complete = cell->state == DELIVERY_SENDING && cell->channel != DELIVERY_VOICE;
		cell->state = DELIVERY_EXPIRED;
	}
	cell->next = WHEN_UNKNOWN;
	outbox_change(telling->outbox, cell);
}

/* Not now, but not forgotten either; and others need not wait for it. */
static void put_off(struct telling *telling, struct ledger *message, int64_t until)
{
	vec_foreach(message, cell) {
		cell->next = until;
		cell->begun = telling->now;
		cells_set(&telling->state->cells, cell);
		outbox_change(telling->outbox, cell);
	}
}

bool telling_hand_out(struct telling *telling, const struct person *person, struct ledger *message)
{
	int64_t end;

	if (message->count > 0 && message->items[0].channel == DELIVERY_VOICE && person &&
	    person_is_quiet(person, telling->now, &end)) {
		put_off(telling, message, end);
		ledger_done(message);
		return true;
	}
	return outbox_add(telling->outbox, message);
}

/*
 * Found out from cells in the copy, whose claims were handed to the recorder in the round that began them: killed in
 * between, the store never says that all are told of whom it knows nothing.
 */
void telling_step(struct telling *telling, struct incident *incident, enum incident_step step)
{
	if (incident->steps & step)
		return;
	incident->steps |= step;
	struct record *record = record_new(RECORD_STEP);
	incident_copy(&record->incident, incident);
	record->incident.steps = step;
	state_record(telling->state, record);
}
