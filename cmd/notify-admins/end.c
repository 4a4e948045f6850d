/* end.c - what becomes of an incident that is closed: the rest is dropped, those who were told hear of it. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

enum {
	KEEP_MS = 60 * 60 * 1000, /* for what others, whose copy is older, may still begin for it */
	RETIRED = 1 << 30         /* among the steps of a copy only */
};

static bool is_on_its_way(struct state *state, const struct delivery *cell)
{
	return cell->state == DELIVERY_SENDING &&
	       (str_equal(cell->owner, state->owner) || ledger_owner_lives(cell->owner));
}

static bool is_needed_after_close(const struct incident *incident, const struct delivery *cell)
{
	return telling_is_needed(incident) && cell->state == DELIVERY_PENDING &&
	       (cell->kind == DELIVERY_FIRST || cell->kind == DELIVERY_UNDELIVERED);
}

/* What nobody needs any more; what a process was sending when it died counts as told. How many are on their way. */
static size_t expire(struct telling *telling, const struct incident *incident)
{
	struct state *state = telling->state;
	size_t on_the_way = 0;

	vec_foreach(&state->cells, cell) {
		if (strcmp(cell->incident, incident->id) != 0 || cell->kind == DELIVERY_RECOVERY ||
		    is_needed_after_close(incident, cell))
			continue;
		if (is_on_its_way(state, cell)) {
			on_the_way++;
		} else if (cell->state == DELIVERY_PENDING || cell->state == DELIVERY_SENDING) {
			cell->complete = cell->state == DELIVERY_SENDING;
			cell->state = DELIVERY_EXPIRED;
			outbox_change(telling->outbox, cell);
		}
	}
	return on_the_way;
}

/* ---- the recovery ---- */

static bool was_told(struct state *state, const char *id, const char *person)
{
	const struct delivery *cell = state_cell_of(state, id, DELIVERY_FIRST, person);

	return cell && (cell->state == DELIVERY_SENT || (cell->state == DELIVERY_EXPIRED && cell->complete));
}

static bool is_ending(const struct incident *incident)
{
	return incident->closed != WHEN_UNKNOWN && !(incident->steps & INCIDENT_RETURNED);
}

static bool is_returning(const struct incident *incident, const char *group)
{
	return str_equal(incident->group, group) && is_ending(incident) && incident->recovered;
}

/* All that returned of the group, in one message. */
static void tell_person(struct telling *telling, const char *group, const struct delivery *first)
{
	cleanup(ledger_done) struct ledger message = {0};
	struct notice told = {.person = first->person,
			      .name = first->name,
			      .address = first->address,
			      .fallback = first->fallback};

	vec_foreach(&telling->state->incidents, incident)
		if (is_returning(incident, group) && was_told(telling->state, incident->id, first->person))
			telling_add(telling, &message, incident->id, DELIVERY_RECOVERY, 0, &told);
	/* Each person once: with the first of them that is missing. */
	if (message.count > 0 && strcmp(message.items[0].incident, first->incident) == 0)
		outbox_add(telling->outbox, &message);
}

static void tell_recovery(struct telling *telling, const char *group)
{
	struct state *state = telling->state;

	vec_foreach(&state->cells, cell) {
		const struct incident *incident = state_incident(state, cell->incident);
		if (cell->kind == DELIVERY_FIRST && incident && is_returning(incident, group) &&
		    was_told(state, cell->incident, cell->person))
			tell_person(telling, group, cell);
	}
}

/* Whether nobody who was told that it began is still to be told that it is over. */
static bool is_recovery_told(struct state *state, const struct incident *incident)
{
	vec_foreach(&state->cells, cell)
		if (cell->kind == DELIVERY_FIRST && strcmp(cell->incident, incident->id) == 0 &&
		    was_told(state, incident->id, cell->person) &&
		    !state_cell_of(state, incident->id, DELIVERY_RECOVERY, cell->person))
			return false;
	return true;
}

/* Whether the time has come to tell that it is over. */
static bool is_ripe(struct telling *telling, const struct incident *incident)
{
	struct state *state = telling->state;
	int64_t wait = incident->kind == INCIDENT_HOST ? state->conf->notify.group_wait_ms : 0;

	if (expire(telling, incident) > 0) {
		/* What another process is sending may take as long as its claim lasts. */
		state->later = true;
		return false;
	}
	if (!incident->recovered || !incident->group || state_has_passed(telling->now, incident->closing, wait))
		return true;
	state->soon = true;
	state_wake(state, incident->closing + wait - telling->now);
	return false;
}

static bool is_first_ripe(const struct incidents *incidents, const bool *ripe, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (ripe[i] && str_equal(incidents->items[i].group, incidents->items[index].group))
			return false;
	return true;
}

static void end_all(struct telling *telling)
{
	struct incidents *incidents = &telling->state->incidents;
	cleanup(cleanup_mem) bool *ripe = mem_zalloc(incidents->count, sizeof *ripe);

	for (size_t i = 0; i < incidents->count; i++)
		ripe[i] = is_ending(&incidents->items[i]) && is_ripe(telling, &incidents->items[i]);
	for (size_t i = 0; i < incidents->count; i++) {
		struct incident *incident = &incidents->items[i];
		bool told = incident->recovered && incident->group;
		if (ripe[i] && told && is_first_ripe(incidents, ripe, i))
			tell_recovery(telling, incident->group);
		if (ripe[i] && (!told || is_recovery_told(telling->state, incident)))
			telling_step(telling, incident, INCIDENT_RETURNED);
	}
}

/* ---- retiring ---- */

static bool is_settled(struct state *state, const char *id)
{
	vec_foreach(&state->cells, cell)
		if (strcmp(cell->incident, id) == 0 &&
		    (cell->state == DELIVERY_PENDING || cell->state == DELIVERY_SENDING))
			return false;
	return true;
}

static void retire(struct state *state, struct incident *incident)
{
	struct record *record = record_new(RECORD_RETIRE);

	incident_copy(&record->incident, incident);
	state_record(state, record);
	incident->steps |= RETIRED;
	state->stale = true;
}

void tell_end(struct telling *telling)
{
	struct state *state = telling->state;

	end_all(telling);
	vec_foreach(&state->incidents, incident)
		if (incident->closed != WHEN_UNKNOWN && (incident->steps & INCIDENT_RETURNED) &&
		    !(incident->steps & RETIRED) && state_has_passed(telling->now, incident->closing, KEEP_MS) &&
		    is_settled(state, incident->id))
			retire(state, incident);
}
