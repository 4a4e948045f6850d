/* end.c - what becomes of an incident that is closed: the rest is dropped, those who were told hear of it */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "mem.h"
#include "tell.h"
#include "vec.h"
#include "when.h"

enum {
	KEEP_MS = 60 * 60 * 1000, /* a closed incident counts for the rate limits */
	RETIRED = 1 << 30         /* among the steps of a copy only */
};

static bool is_on_its_way(struct engine *engine, const struct delivery *cell)
{
	return cell->state == DELIVERY_SENDING &&
	       (str_equal(cell->owner, engine->owner) || ledger_owner_lives(cell->owner));
}

static bool is_needed_after_close(const struct incident *incident, const struct delivery *cell)
{
	return tell_is_needed(incident) && cell->state == DELIVERY_PENDING &&
	       (cell->kind == DELIVERY_FIRST || cell->kind == DELIVERY_UNDELIVERED);
}

/* What nobody needs any more; what a process was sending when it died counts as told. */
static size_t expire(struct engine *engine, const struct incident *incident)
{
	const char *id = incident->id;
	size_t on_the_way = 0;

	for (size_t i = 0; i < engine->cells.count; i++) {
		struct delivery *cell = &engine->cells.items[i];
		if (strcmp(cell->incident, id) != 0 || cell->kind == DELIVERY_RECOVERY)
			continue;
		on_the_way += is_on_its_way(engine, cell);
		if (is_needed_after_close(incident, cell))
			continue;
		if (cell->state == DELIVERY_PENDING ||
		    (cell->state == DELIVERY_SENDING && !is_on_its_way(engine, cell))) {
			cell->complete = cell->state == DELIVERY_SENDING;
			cell->state = DELIVERY_EXPIRED;
			post_put(engine, cell);
		}
	}
	return on_the_way;
}

static bool was_told(struct engine *engine, const char *id, const char *person)
{
	struct delivery first = {.kind = DELIVERY_FIRST, .person = (char *)person};

	snprintf(first.incident, sizeof first.incident, "%s", id);
	const struct delivery *cell = engine_cell(engine, &first);
	return cell && (cell->state == DELIVERY_SENT || (cell->state == DELIVERY_EXPIRED && cell->complete));
}

static bool is_returning(const struct incident *incident, const char *group)
{
	return str_equal(incident->group, group) && incident->closed != WHEN_UNKNOWN &&
	       !(incident->steps & INCIDENT_RETURNED);
}

/* Those who were told of ID, each with all that returned of the group. */
static bool tell_recovery(struct engine *engine, const char *group, const char *id, int64_t now)
{
	bool all = true;

	for (size_t i = 0; i < engine->cells.count; i++) {
		cleanup(ledger_done) struct ledger message = {0};
		const struct delivery *cell = &engine->cells.items[i];
		if (cell->kind != DELIVERY_FIRST || strcmp(cell->incident, id) != 0 ||
		    !was_told(engine, id, cell->person))
			continue;
		struct notice told = {.person = cell->person,
				      .name = cell->name,
				      .address = cell->address,
				      .fallback = cell->fallback};
		vec_foreach(&engine->incidents, incident)
			if (is_returning(incident, group) && incident->recovered &&
			    was_told(engine, incident->id, cell->person))
				tell_add(engine, &message, incident->id, DELIVERY_RECOVERY, 0, &told);
		all = tell_begin(engine, &message, now) && all;
	}
	return all;
}

static void end_incident(struct engine *engine, struct incident *incident, int64_t now)
{
	int64_t wait = incident->kind == INCIDENT_HOST ? engine->conf->notify.group_wait_ms : 0;
	cleanup(cleanup_mem) char *group = mem_string(incident->group);
	char id[INCIDENT_ID_SIZE];

	snprintf(id, sizeof id, "%s", incident->id);
	if (expire(engine, incident) > 0) {
		/* What another process is sending may take as long as its claim lasts. */
		engine->soon = engine->soon || engine->posts.count > 0;
		engine->later = true;
		return;
	}
	if (incident->recovered && group && !engine_has_passed(now, incident->closing, wait)) {
		engine->soon = true;
		engine_wake(engine, incident->closing + wait - now);
		return;
	}
	if (incident->recovered && group && !tell_recovery(engine, group, id, now))
		return;
	tell_step(engine, incident, INCIDENT_RETURNED);
}

static bool is_settled(struct engine *engine, const char *id)
{
	vec_foreach(&engine->cells, cell)
		if (strcmp(cell->incident, id) == 0 &&
		    (cell->state == DELIVERY_PENDING || cell->state == DELIVERY_SENDING))
			return false;
	return true;
}

static void retire(struct engine *engine, struct incident *incident)
{
	struct record *record = record_new(RECORD_RETIRE);

	incident_copy(&record->incident, incident);
	engine_record(engine, record);
	if (incident->group)
		plan_forget(engine, incident->group);
	incident->steps |= RETIRED;
	engine->stale = true;
}

void end_tick(struct engine *engine, int64_t now)
{
	vec_foreach(&engine->incidents, incident) {
		if (incident->closed == WHEN_UNKNOWN || (incident->steps & RETIRED))
			continue;
		if (!(incident->steps & INCIDENT_RETURNED))
			end_incident(engine, incident, now);
		else if (engine_has_passed(now, incident->closing, KEEP_MS) && is_settled(engine, incident->id))
			retire(engine, incident);
	}
}
