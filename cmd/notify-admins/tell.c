/* tell.c - who must hear of what is open: groups of incidents, people, kinds of message */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "mem.h"
#include "tell.h"
#include "vec.h"
#include "when.h"

enum { FRESH_MS = 5000 /* how old what is told may be */ };

/* ---- groups ---- */

static void set_group(struct engine *engine, struct incident *incident, const char *group)
{
	struct record *record = record_new(RECORD_GROUP);

	mem_replace(&incident->group, group);
	incident_copy(&record->incident, incident);
	engine_record(engine, record);
}

/* One that was over within `wait` is a hiccup; one that lasted longer while nobody of us ran is told late. */
static bool awaits_group(const struct incident *incident, int64_t wait)
{
	return !incident->group && (incident->closed == WHEN_UNKNOWN ||
				    (incident->recovered && incident->closing - incident->opened > wait));
}

static struct incident *oldest_without_group(struct engine *engine, int64_t wait)
{
	struct incident *oldest = NULL;

	vec_foreach(&engine->incidents, incident)
		if (awaits_group(incident, wait) && (!oldest || incident_is_older(incident, oldest)))
			oldest = incident;
	return oldest;
}

/* Hosts that die within group_wait are one message a person; what is wrong with us waits for nothing. */
static void assign_groups(struct engine *engine, int64_t now)
{
	int64_t wait = engine->conf->notify.group_wait_ms;
	struct incident *oldest;

	vec_foreach(&engine->incidents, incident)
		if (!incident->group && incident->kind != INCIDENT_HOST)
			set_group(engine, incident, incident->id);
	while ((oldest = oldest_without_group(engine, wait))) {
		if (!engine_has_passed(now, oldest->opened, wait)) {
			engine->soon = true;
			engine_wake(engine, oldest->opened + wait - now);
			return;
		}
		char group[INCIDENT_ID_SIZE];
		int64_t until = oldest->opened + wait;
		snprintf(group, sizeof group, "%s", oldest->id);
		vec_foreach(&engine->incidents, incident)
			if (awaits_group(incident, wait) && incident->opened <= until)
				set_group(engine, incident, group);
	}
}

/* ---- steps ---- */

void tell_step(struct engine *engine, struct incident *incident, enum incident_step step)
{
	if (incident->steps & step)
		return;
	incident->steps |= step;
	/* Killed in between, the store must not say that all are told of whom it knows nothing. */
	post_hand_over_claims(engine);
	struct record *record = record_new(RECORD_STEP);
	incident_copy(&record->incident, incident);
	record->incident.steps = step;
	engine_record(engine, record);
}

/* The return of a host brings no VM back: who was not told yet must still hear that it was down. */
bool tell_is_needed(const struct incident *incident)
{
	return incident->closed == WHEN_UNKNOWN || (incident->kind == INCIDENT_HOST && incident->recovered);
}

static bool is_first_needed(const struct incident *incident)
{
	return tell_is_needed(incident) && !(incident->steps & INCIDENT_TOLD);
}

static bool is_open_without(const struct incident *incident, enum incident_step step)
{
	return incident->closed == WHEN_UNKNOWN && !(incident->steps & step);
}

/* ---- messages not in the ledger yet ---- */

static struct delivery new_cell(const char *incident, enum delivery_kind kind, unsigned part,
				const struct notice *notice)
{
	struct delivery cell = {
		.kind = kind,
		.part = part,
		.person = mem_string(notice->person),
		.name = mem_string(notice->name),
		.address = mem_string(notice->address),
		.fallback = notice->fallback,
		.begun = WHEN_UNKNOWN,
		.next = when_now(),
		.sent = WHEN_UNKNOWN,
		.lease = WHEN_UNKNOWN,
	};

	snprintf(cell.incident, sizeof cell.incident, "%s", incident);
	return cell;
}

/* Adds the cell to the message unless the ledger has it. */
void tell_add(struct engine *engine, struct ledger *message, const char *incident, enum delivery_kind kind,
	      unsigned part, const struct notice *notice)
{
	struct delivery cell = new_cell(incident, kind, part, notice);

	if (engine_cell(engine, &cell))
		delivery_done(&cell);
	else
		vec_push(message, cell);
}

/* False if it must wait. Empties *MESSAGE. */
bool tell_begin(struct engine *engine, struct ledger *message, int64_t now)
{
	bool now_possible = true;

	if (message->count == 0)
		return true;
	if (post_room(engine) == 0)
		engine->soon = true, now_possible = false;
	else if (!post_is_allowed(engine, message->items[0].person, now))
		engine->later = true, now_possible = false;
	if (now_possible)
		post_begin(engine, message);
	ledger_done(message);
	return now_possible;
}

/* ---- the first notice ---- */

static void complain_of_untold(struct engine *engine, const struct plan *plan)
{
	engine->untold = true;
	if (engine_say_once(engine, plan->group))
		log_error("incident %s: %s: nobody to tell for %zu VM%s: no administrator is listed and "
			  "notify.fallback is empty",
			  plan->group, plan->incidents.items[0].host, plan->notices.untold,
			  plan->notices.untold == 1 ? "" : "s");
}

static void tell_first(struct engine *engine, const char *group, int64_t now)
{
	bool wanted = false;
	bool all = true;

	vec_foreach(&engine->incidents, incident)
		wanted = wanted || (str_equal(incident->group, group) && is_first_needed(incident));
	struct plan *plan = wanted ? plan_get(engine, group, FRESH_MS) : NULL;
	if (!plan)
		return;
	if (plan->notices.untold > 0)
		complain_of_untold(engine, plan);
	vec_foreach(&plan->notices, notice) {
		cleanup(ledger_done) struct ledger message = {0};
		for (size_t i = 0; i < plan->incidents.count; i++) {
			const struct incident *incident = &plan->incidents.items[i];
			if (notice->concerned[i] && is_first_needed(incident))
				tell_add(engine, &message, incident->id, DELIVERY_FIRST, 0, notice);
		}
		all = tell_begin(engine, &message, now) && all;
	}
	vec_foreach(&engine->incidents, incident)
		if (all && str_equal(incident->group, group) && is_first_needed(incident))
			tell_step(engine, incident, INCIDENT_TOLD);
}

/* ---- the follow-up ---- */

/* Whether all that the person was told last said that everything of theirs is back, or nothing was told. */
static bool needs_follow_up(struct engine *engine, const struct delivery *first)
{
	struct delivery wanted = *first;

	wanted.kind = DELIVERY_FOLLOW_UP;
	return first->state == DELIVERY_SENT && !first->complete && !engine_cell(engine, &wanted);
}

static bool is_of_group(struct engine *engine, const struct delivery *cell, const char *group)
{
	const struct incident *incident = engine_incident(engine, cell->incident);

	return incident && str_equal(incident->group, group);
}

/* One more look, so that what is told is not from before the restart. True while it runs. */
static bool is_looking_again(struct engine *engine, struct plan *plan)
{
	if (engine->dry_run)
		return false;
	if (!plan->asked) {
		plan->asked = true;
		hooks_start(&engine->hooks, engine->conf);
	}
	if (!hooks_are_running(&engine->hooks))
		return false;
	engine->soon = true;
	return true;
}

static void follow_up_person(struct engine *engine, const struct plan *plan, const struct notice *notice,
			     int64_t now)
{
	cleanup(ledger_done) struct ledger message = {0};

	for (size_t i = 0; i < plan->incidents.count; i++) {
		const struct incident *incident = &plan->incidents.items[i];
		struct delivery first = {.kind = DELIVERY_FIRST, .person = notice->person};
		snprintf(first.incident, sizeof first.incident, "%s", incident->id);
		const struct delivery *told = engine_cell(engine, &first);
		if (told && is_open_without(incident, INCIDENT_FOLLOWED) && needs_follow_up(engine, told))
			tell_add(engine, &message, incident->id, DELIVERY_FOLLOW_UP, 0, notice);
	}
	tell_begin(engine, &message, now);
}

/* What of the group's first notices is not settled: then the time for the last step has not come. */
struct progress {
	size_t unsettled;
	size_t needing; /* people to whom a follow-up is due sometime */
};

static struct progress progress_of(struct engine *engine, const char *group)
{
	struct progress progress = {0};

	vec_foreach(&engine->cells, cell) {
		if (cell->kind != DELIVERY_FIRST || !is_of_group(engine, cell, group))
			continue;
		progress.unsettled += cell->state == DELIVERY_PENDING || cell->state == DELIVERY_SENDING;
		progress.needing += needs_follow_up(engine, cell);
	}
	return progress;
}

static const struct incident *oldest_to_follow(struct engine *engine, const char *group)
{
	const struct incident *oldest = NULL;

	vec_foreach(&engine->incidents, incident)
		if (str_equal(incident->group, group) && incident->kind == INCIDENT_HOST &&
		    (incident->steps & INCIDENT_TOLD) && is_open_without(incident, INCIDENT_FOLLOWED) &&
		    (!oldest || incident->opened < oldest->opened))
			oldest = incident;
	return oldest;
}

static void end_follow_up(struct engine *engine, const char *group)
{
	vec_foreach(&engine->incidents, incident)
		if (str_equal(incident->group, group) && is_open_without(incident, INCIDENT_FOLLOWED))
			tell_step(engine, incident, INCIDENT_FOLLOWED);
}

static void tell_follow_up(struct engine *engine, const char *group, int64_t now)
{
	const struct incident *oldest = oldest_to_follow(engine, group);

	if (!oldest)
		return;
	int64_t settle = engine->conf->notify.settle_ms;
	bool settled = engine_has_passed(now, oldest->opened, settle);
	struct progress progress = progress_of(engine, group);
	if (progress.needing == 0) {
		if (settled || progress.unsettled == 0)
			end_follow_up(engine, group);
		return;
	}
	engine->later = true;
	struct plan *plan = plan_get(engine, group, FRESH_MS);
	if (!plan || (settled && is_looking_again(engine, plan)))
		return;
	if (settled && !plan->looked && (plan = plan_get(engine, group, 0)))
		plan->looked = true;
	if (!plan)
		return;
	vec_foreach(&plan->notices, notice)
		if (settled || notice_is_complete(notice))
			follow_up_person(engine, plan, notice, now);
	/* Of whom nothing is known any more, nothing can be told. */
	if (settled && progress.unsettled == 0 && post_room(engine) > 0 && engine_is_idle(engine))
		end_follow_up(engine, group);
	if (!settled)
		engine_wake(engine, oldest->opened + settle - now);
}

/* ---- who could not be told ---- */

static struct incident *first_needed(struct engine *engine, const char *group)
{
	vec_foreach(&engine->incidents, incident)
		if (str_equal(incident->group, group) && tell_is_needed(incident))
			return incident;
	return NULL;
}

static void mark_handed(struct engine *engine, const char *group)
{
	struct incident *lead = first_needed(engine, group);

	for (size_t i = 0; i < engine->cells.count; i++) {
		struct delivery *cell = &engine->cells.items[i];
		if (cell->kind != DELIVERY_FIRST || cell->state != DELIVERY_FAILED || cell->handed ||
		    !is_of_group(engine, cell, group))
			continue;
		cell->handed = true;
		post_put(engine, cell);
	}
	if (!lead)
		return;
	lead->handed++;
	struct record *record = record_new(RECORD_HANDED);
	incident_copy(&record->incident, lead);
	engine_record(engine, record);
}

static size_t count_failed(struct engine *engine, const char *group)
{
	size_t failed = 0;

	vec_foreach(&engine->cells, cell)
		failed += cell->kind == DELIVERY_FIRST && cell->state == DELIVERY_FAILED && !cell->handed &&
			  !cell->fallback && is_of_group(engine, cell, group);
	return failed;
}

static void tell_undelivered(struct engine *engine, const char *group, int64_t now)
{
	const struct incident *lead = first_needed(engine, group);
	bool all = true;

	if (!lead || !(lead->steps & INCIDENT_TOLD) || count_failed(engine, group) == 0)
		return;
	/* One message for all that are refused, not one each. */
	if (engine->posts.count > 0) {
		engine->soon = true;
		return;
	}
	if (engine->conf->notify.fallback.count == 0) {
		engine->untold = true;
		log_error("incident %s: people could not be told, and notify.fallback is empty", group);
	}
	for (size_t i = 0; i < engine->conf->notify.fallback.count; i++) {
		cleanup(ledger_done) struct ledger message = {0};
		char *address = engine->conf->notify.fallback.items[i];
		struct notice fallback = {.person = address, .address = address, .fallback = true};
		tell_add(engine, &message, lead->id, DELIVERY_UNDELIVERED, lead->handed + 1, &fallback);
		all = tell_begin(engine, &message, now) && all;
	}
	if (all)
		mark_handed(engine, group);
}

/* ---- what is tried again ---- */

static bool belongs_to(const struct delivery *cell, const struct delivery *first)
{
	return cell->kind == first->kind && cell->part == first->part && cell->channel == first->channel &&
	       strcmp(cell->person, first->person) == 0 && str_equal(cell->message_id, first->message_id);
}

static bool is_due(struct engine *engine, const struct delivery *cell, int64_t now)
{
	if (cell->state == DELIVERY_SENDING && str_equal(cell->owner, engine->owner))
		return false;
	return delivery_is_due(cell, now);
}

static bool is_stopped_by_acknowledgement(struct engine *engine, const struct delivery *cell)
{
	const struct incident *incident = engine_incident(engine, cell->incident);

	return cell->kind == DELIVERY_FIRST && cell->state == DELIVERY_PENDING && incident &&
	       str_equal(incident->acknowledged_by, cell->person);
}

static void try_again(struct engine *engine, size_t index, int64_t now)
{
	cleanup(ledger_done) struct ledger message = {0};

	for (size_t i = index; i < engine->cells.count; i++) {
		const struct delivery *cell = &engine->cells.items[i];
		if (belongs_to(cell, &engine->cells.items[index]) && is_due(engine, cell, now)) {
			struct delivery *copy = vec_push_zero(&message);
			delivery_copy(copy, cell);
		}
	}
	tell_begin(engine, &message, now);
}

static void try_all_again(struct engine *engine, int64_t now)
{
	for (size_t i = 0; i < engine->cells.count; i++) {
		struct delivery *cell = &engine->cells.items[i];
		if (cell->state != DELIVERY_PENDING && cell->state != DELIVERY_SENDING)
			continue;
		if (is_stopped_by_acknowledgement(engine, cell)) {
			cell->state = DELIVERY_EXPIRED;
			post_put(engine, cell);
		} else if (is_due(engine, cell, now)) {
			try_again(engine, i, now);
		} else if (cell->state == DELIVERY_PENDING) {
			engine->later = true;
			engine_wake(engine, cell->next - now);
		}
	}
}

static bool is_first_of_group(struct engine *engine, const struct incident *wanted)
{
	vec_foreach(&engine->incidents, incident)
		if (str_equal(incident->group, wanted->group))
			return incident == wanted;
	return false;
}

void tell_tick(struct engine *engine)
{
	int64_t now = when_now();

	assign_groups(engine, now);
	end_tick(engine, now);
	for (size_t i = 0; i < engine->incidents.count; i++) {
		const struct incident *incident = &engine->incidents.items[i];
		if (!incident->group || !is_first_of_group(engine, incident))
			continue;
		cleanup(cleanup_mem) char *group = mem_string(incident->group);
		tell_first(engine, group, now);
		tell_undelivered(engine, group, now);
		tell_follow_up(engine, group, now);
	}
	try_all_again(engine, now);
}
