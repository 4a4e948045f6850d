/* ledger_answer.c - who was told what: a person answers. */
#include "config.h"

#include <string.h>

#include "ledger_private.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

bool ledger_asks(const struct delivery *delivery)
{
	return delivery->kind != DELIVERY_FOLLOW_UP && delivery->kind != DELIVERY_RECOVERY;
}

void ledger_mark_answered(struct delivery *delivery)
{
	delivery->state = DELIVERY_ACKNOWLEDGED;
	delivery->next = delivery->lease = WHEN_UNKNOWN;
	delivery->held = false;
	mem_replace(&delivery->owner, NULL);
}

struct answer {
	const char *incident, *person, *by;
	int64_t now;
};

static bool is_under_way(const struct delivery *cell)
{
	return cell->state == DELIVERY_SENDING && ledger_owner_lives(cell->owner);
}

static int add_answered(struct store_batch *batch, struct store_view *view, const struct delivery *wanted,
			const struct answer *answer, struct err *e)
{
	cleanup(bytes_done) struct bytes before = {0};
	cleanup(delivery_done) struct delivery cell = {0};

	if (ledger_read_cell(view, wanted, &cell, &before, e) < 0)
		return e->code;
	cell.acknowledged = answer->now;
	mem_replace(&cell.acknowledged_by, answer->by);
	if (ledger_asks(&cell) && !is_under_way(&cell))
		ledger_mark_answered(&cell);
	ledger_write_cell(batch, &cell, &before);
	return 0;
}

/* As many as fit: 1 if there are any, 0 if all are answered, ERR_NOT_FOUND if the person has none. */
static int fill_batch(struct store *store, struct store_batch *batch, const struct answer *answer, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(ledger_done) struct ledger cells = {0};
	size_t own = 0;

	if (store_view_open(&view, store, e) < 0 || ledger_read(view, answer->incident, &cells, e) < 0)
		return e->code;
	vec_foreach(&cells, cell) {
		if (strcmp(cell->person, answer->person) != 0)
			continue;
		own++;
		if (!cell->acknowledged_by && store_batch_room(batch) >= 2 &&
		    add_answered(batch, view, cell, answer, e) < 0)
			return e->code;
	}
	if (own == 0)
		return err_set(e, ERR_NOT_FOUND, "incident %s: %s was not told of it", answer->incident,
			       answer->person);
	return store_batch_count(batch) > 0;
}

static int answer_some(struct store *store, const struct answer *answer, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	int result = fill_batch(store, batch, answer, e);

	if (result == 1)
		result = store_batch_commit(batch, e) < 0 ? e->code : 1;
	return result;
}

int ledger_acknowledge(struct store *store, const char *incident, const char *person, int64_t now,
		       const char *by, struct err *e)
{
	struct answer answer = {incident, person, by, now};
	int changed = 0;
	int conflicts = 0;
	int result;

	while ((result = answer_some(store, &answer, e)) == 1 ||
	       (result == ERR_CONFLICT && conflicts < LEDGER_TRIES_MAX)) {
		changed |= result == 1;
		conflicts += result == ERR_CONFLICT;
	}
	return result < 0 ? err_wrap(e, "ledger") : changed;
}
