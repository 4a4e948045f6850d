/* failed.c - to the fallback: who could not be told. */
#include "config.h"

#include "log.h"
#include "standing.h"
#include "telling.h"
#include "vec.h"

static struct incident *first_needed(struct state *state, const char *group)
{
	vec_foreach(&state->incidents, incident)
		if (str_equal(incident->group, group) && telling_is_needed(incident))
			return incident;
	return NULL;
}

static bool is_first_of(struct telling *telling, const struct delivery *cell, const char *group)
{
	return cell->kind == DELIVERY_FIRST && telling_is_of_group(telling, cell, group);
}

static bool is_lost(struct telling *telling, const struct delivery *cell, const char *group)
{
	return !cell->handed && telling_is_of_group(telling, cell, group) &&
	       standing_is_lost(&telling->state->cells, cell);
}

static size_t count_failed(struct telling *telling, const char *group)
{
	size_t failed = 0;

	vec_foreach(&telling->state->cells.all, cell)
		failed += is_lost(telling, cell, group);
	return failed;
}

/* One message for all that are refused, not one each. */
static bool is_one_on_its_way(struct telling *telling, const char *group)
{
	vec_foreach(&telling->state->cells.all, cell)
		if (cell->state == DELIVERY_SENDING && cell->channel != DELIVERY_VOICE &&
		    str_equal(cell->owner, telling->state->owner) && is_first_of(telling, cell, group))
			return true;
	return false;
}

static void mark_handed(struct telling *telling, struct incident *lead, const char *group)
{
	vec_foreach(&telling->state->cells.all, cell) {
		if (cell->state != DELIVERY_FAILED || cell->handed || !is_first_of(telling, cell, group))
			continue;
		cell->handed = true;
		outbox_change(telling->outbox, cell);
	}
	lead->handed++;
	struct record *record = record_new(RECORD_HANDED);
	incident_copy(&record->incident, lead);
	state_record(telling->state, record);
}

/* True if somebody of the fallback has no cell yet. */
static bool tell_fallback(struct telling *telling, const struct incident *lead)
{
	const struct conf_list *fallback = &telling->state->conf->notify.fallback;
	bool missing = false;

	for (size_t i = 0; i < fallback->count; i++) {
		cleanup(ledger_done) struct ledger message = {0};
		struct draft draft = {.kind = DELIVERY_UNDELIVERED,
				      .part = lead->handed + 1,
				      .channel = DELIVERY_MAIL,
				      .person = fallback->items[i],
				      .address = fallback->items[i],
				      .fallback = true};
		telling_add(telling, &message, lead->id, &draft);
		missing = outbox_add(telling->outbox, &message) || missing;
	}
	return missing;
}

void tell_failed(struct telling *telling, const char *group)
{
	struct state *state = telling->state;
	struct incident *lead = first_needed(state, group);

	if (!lead || !(lead->steps & INCIDENT_TOLD) || count_failed(telling, group) == 0 ||
	    is_one_on_its_way(telling, group))
		return;
	if (state->conf->notify.fallback.count == 0) {
		state->untold = true;
		log_error("incident %s: people could not be told, and notify.fallback is empty", group);
	}
	if (!tell_fallback(telling, lead))
		mark_handed(telling, lead, group);
}
