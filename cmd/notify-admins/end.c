/* end.c - what becomes of an incident that is closed: the rest is dropped, those who were told hear of it. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "news.h"
#include "people.h"
#include "standing.h"
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

/* Nobody is called for what is over. */
static bool is_needed_after_close(const struct incident *incident, const struct delivery *cell)
{
	return telling_is_needed(incident) && cell->state == DELIVERY_PENDING &&
	       cell->channel != DELIVERY_VOICE &&
	       (cell->kind == DELIVERY_FIRST || cell->kind == DELIVERY_UNDELIVERED);
}

/* What nobody needs any more; what a process was sending when it died counts as told. How many are on their way; calls, which take minutes, aside. */
static size_t expire(struct telling *telling, const struct incident *incident)
{
	struct state *state = telling->state;
	struct cell_walk walk = cells_walk(&state->cells, incident->id, NULL);
	struct delivery *cell;
	size_t on_the_way = 0;

	while ((cell = cells_step(&walk))) {
		if (cell->kind == DELIVERY_RECOVERY || is_needed_after_close(incident, cell))
			continue;
		if (is_on_its_way(state, cell)) {
			on_the_way += cell->channel != DELIVERY_VOICE;
		} else if (delivery_is_open(cell)) {
			telling_stop(telling, cell);
		}
	}
	return on_the_way;
}

/* ---- the recovery ---- */

static bool is_ending(const struct incident *incident)
{
	return incident->closed != WHEN_UNKNOWN && !(incident->steps & INCIDENT_RETURNED);
}

static bool is_returning(const struct incident *incident, const char *group)
{
	return str_equal(incident->group, group) && is_ending(incident) && incident->recovered;
}

static bool is_first_notice(const struct delivery *cell)
{
	return cell->kind == DELIVERY_FIRST || cell->kind == DELIVERY_ESCALATION;
}

static bool has_to_hear(struct state *state, const char *incident, const char *person)
{
	struct standing standing = standing_of(&state->cells, incident, person);

	return standing.told && !standing.returned;
}

static bool is_first_cell(struct state *state, const struct delivery *wanted)
{
	struct cell_walk walk = cells_walk(&state->cells, wanted->incident, wanted->person);
	struct delivery *cell;

	while ((cell = cells_step(&walk)) && !is_first_notice(cell))
		;
	return cell == wanted;
}

/* Each person is told once: with the first cell of the first of the incidents that they must hear of. */
static bool leads(struct state *state, const char *group, const struct delivery *cell)
{
	vec_foreach(&state->incidents, incident) {
		if (!is_returning(incident, group) || !has_to_hear(state, incident->id, cell->person))
			continue;
		return strcmp(incident->id, cell->incident) == 0 && is_first_cell(state, cell);
	}
	return false;
}

static const struct person *contact_of(struct telling *telling, const char *group, const char *person)
{
	const struct plan *plan = plans_get(telling->plans, telling->state, group, PLAN_LAZY_MS);

	return plan ? people_find(&plan->people, person) : NULL;
}

/* All that returned of the group, in one message by each way. */
static void tell_person(struct telling *telling, const char *group, const char *person)
{
	struct state *state = telling->state;
	const struct person *contact = contact_of(telling, group, person);
	struct ledger messages[DELIVERY_CHANNEL_COUNT] = {0};
	struct draft drafts[NEWS_WAYS_MAX];

	vec_foreach(&state->incidents, incident) {
		if (!is_returning(incident, group) || !has_to_hear(state, incident->id, person))
			continue;
		size_t count =
			news_ways(&state->cells, contact, incident->id, person, DELIVERY_RECOVERY, drafts);
		for (size_t i = 0; i < count; i++)
			telling_add(telling, &messages[drafts[i].channel], incident->id, &drafts[i]);
	}
	for (size_t i = 0; i < DELIVERY_CHANNEL_COUNT; i++)
		telling_hand_out(telling, contact, &messages[i]);
}

static void tell_recovery(struct telling *telling, const char *group)
{
	struct state *state = telling->state;

	vec_foreach(&state->cells.all, cell)
		if (is_first_notice(cell) && leads(state, group, cell))
			tell_person(telling, group, cell->person);
}

/* Whether nobody who was told that it began, or may just be hearing that by telephone, is still to be told that it is over. */
static bool is_recovery_told(struct state *state, const struct incident *incident)
{
	struct cell_walk walk = cells_walk(&state->cells, incident->id, NULL);
	struct delivery *cell;

	while ((cell = cells_step(&walk))) {
		struct standing standing = standing_of(&state->cells, incident->id, cell->person);
		if (is_first_notice(cell) && !standing.returned && (standing.told || standing.calling))
			return false;
	}
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
	struct cell_walk walk = cells_walk(&state->cells, id, NULL);
	struct delivery *cell;

	while ((cell = cells_step(&walk)))
		if (delivery_is_open(cell))
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
