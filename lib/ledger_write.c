/* ledger_write.c - who was told what: claims, what may be written over what, and the counting of messages. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ledger_private.h"
#include "mem.h"
#include "rate.h"
#include "vec.h"
#include "when.h"

/* A cell is two operations, and so is the counter of its person; and those of all, of messages and of calls. */
enum { CELLS_A_BATCH = (STORE_BATCH_OPERATIONS - 4) / 4 };

/* One transaction. */
struct work {
	struct store_view *view;
	const char *owner;
	int64_t now;
	const struct ledger_limits *limits; /* NULL: none */
	struct ledger_counters counters;
};

/* ---- transactions ---- */

void ledger_write_cell(struct store_batch *batch, const struct delivery *delivery, const struct bytes *before)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	ledger_cell_key(&key, delivery);
	delivery_encode(delivery, &record);
	store_batch_expect(batch, key.bytes, key.length, before->data, before->length);
	store_batch_put(batch, key.bytes, key.length, record.data, record.length);
}

/*
 * What becomes of a cell: given what the store has (STORED, or NULL) makes *CELL what is to be written, 1, or leaves
 * it, 0. PREVIOUS is the cell before it, which may be one of the same message, or NULL.
 */
typedef int rule(struct work *work, struct delivery *cell, const struct delivery *previous,
		 const struct delivery *stored, struct err *e);

static int apply_cell(struct work *work, struct store_batch *batch, struct delivery *cell,
		      const struct delivery *previous, rule *decide, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	cleanup(delivery_done) struct delivery stored = {0};

	int result = ledger_read_cell(work->view, cell, &stored, &raw, e);
	if (result < 0)
		return result;
	result = decide(work, cell, previous, result == 1 ? &stored : NULL, e);
	if (result == 1)
		ledger_write_cell(batch, cell, &raw);
	return result;
}

static int fill_batch(struct work *work, struct store_batch *batch, struct delivery *cells, size_t from,
		      size_t count, rule *decide, struct err *e)
{
	for (size_t i = from; i < from + count; i++)
		if (apply_cell(work, batch, &cells[i], i > 0 ? &cells[i - 1] : NULL, decide, e) < 0)
			return e->code;
	ledger_counters_write(&work->counters, batch);
	return 0;
}

static int apply_once(struct store *store, struct work *work, struct delivery *cells, size_t from,
		      size_t count, rule *decide, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	if (store_view_open(&work->view, store, e) < 0)
		return e->code;
	int result = fill_batch(work, batch, cells, from, count, decide, e);
	/* No view may be held while another writer is waited for. */
	store_view_close(work->view);
	ledger_counters_done(&work->counters);
	if (result < 0)
		return result;
	return store_batch_count(batch) ? store_batch_commit(batch, e) : 0;
}

static void restore(struct delivery *cells, const struct delivery *before, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		delivery_done(&cells[i]);
		delivery_copy(&cells[i], &before[i]);
	}
}

/* COUNT of CELLS from FROM on in one transaction; lost to another, it is all decided anew from what that one wrote. */
static int apply_batch(struct store *store, struct work *work, struct delivery *cells, size_t from,
		       size_t count, rule *decide, struct err *e)
{
	cleanup(ledger_done) struct ledger before = {0};
	int result = ERR_CONFLICT;

	for (size_t i = 0; i < count; i++) {
		struct delivery *copy = vec_push_zero(&before);
		delivery_copy(copy, &cells[from + i]);
	}
	for (int attempt = 0; attempt < LEDGER_TRIES_MAX && result == ERR_CONFLICT; attempt++) {
		if (attempt > 0)
			restore(cells + from, before.items, count);
		result = apply_once(store, work, cells, from, count, decide, e);
	}
	if (result < 0)
		restore(cells + from, before.items, count);
	return result;
}

static int apply(struct store *store, struct work *work, struct delivery *cells, size_t count, rule *decide,
		 struct err *e)
{
	for (size_t done = 0; done < count; done += CELLS_A_BATCH) {
		size_t part = count - done < CELLS_A_BATCH ? count - done : CELLS_A_BATCH;
		if (apply_batch(store, work, cells, done, part, decide, e) < 0)
			return err_wrap(e, "ledger");
	}
	return 0;
}

/* ---- claims ---- */

static bool is_same_message(const struct delivery *cell, const struct delivery *previous)
{
	return previous && cell->message_id && str_equal(cell->message_id, previous->message_id);
}

static void take_over(struct delivery *cell, const struct delivery *stored)
{
	cell->attempts = stored->attempts;
	cell->begun = stored->begun;
	if (stored->message_id)
		mem_replace(&cell->message_id, stored->message_id);
	if (stored->acknowledged_by) {
		cell->acknowledged = stored->acknowledged;
		mem_replace(&cell->acknowledged_by, stored->acknowledged_by);
	}
}

static void mark_claimed(struct work *work, struct delivery *cell)
{
	cell->state = DELIVERY_SENDING;
	cell->held = false;
	cell->attempts++;
	if (cell->begun == WHEN_UNKNOWN)
		cell->begun = work->now;
	mem_replace(&cell->owner, work->owner);
	cell->lease = work->now + LEDGER_LEASE_MS;
}

/* In the store all the same: whom nobody can be told of now must not be forgotten. */
static void mark_held(struct work *work, struct delivery *cell, int64_t next)
{
	cell->state = DELIVERY_PENDING;
	cell->held = true;
	cell->next = next;
	/* It was due: what follows while nobody answers counts from here. */
	if (cell->begun == WHEN_UNKNOWN)
		cell->begun = work->now;
	mem_replace(&cell->owner, NULL);
	cell->lease = WHEN_UNKNOWN;
}

static int decide_claim(struct work *work, struct delivery *cell, const struct delivery *previous,
			const struct delivery *stored, struct err *e)
{
	/* What was held back may go as soon as the limits let it, be it earlier than was thought. */
	bool is_held = stored && stored->held && stored->state == DELIVERY_PENDING;
	if (stored && !is_held && !delivery_is_due(stored, work->now)) {
		delivery_done(cell);
		delivery_copy(cell, stored);
		return 0;
	}
	if (stored)
		take_over(cell, stored);
	bool counted = is_same_message(cell, previous) && previous->state == DELIVERY_SENDING &&
		       str_equal(previous->owner, work->owner);
	int64_t next = work->now;
	int result = counted ? 1
			     : ledger_counters_add(&work->counters, work->view, cell, work->limits, work->now,
						   &next, &cell->error, e);
	if (result < 0)
		return result;
	if (result == 1)
		mark_claimed(work, cell);
	else
		mark_held(work, cell, next);
	return 1;
}

int ledger_claim(struct store *store, struct delivery *cells, size_t count, const char *owner, int64_t now,
		 const struct ledger_limits *limits, struct err *e)
{
	struct work work = {.owner = owner, .now = now, .limits = limits};

	return apply(store, &work, cells, count, decide_claim, e);
}

/* ---- what became of them ---- */

static bool may_write(const struct delivery *cell, const struct delivery *stored, const char *owner)
{
	switch (stored->state) {
	case DELIVERY_SENT:
	case DELIVERY_EXPIRED:
	case DELIVERY_HEARD:
	case DELIVERY_ACKNOWLEDGED:
		return false;
	case DELIVERY_FAILED:
		return cell->handed && !stored->handed;
	case DELIVERY_SENDING:
		return str_equal(stored->owner, owner) || !ledger_owner_lives(stored->owner);
	case DELIVERY_PENDING:
	case DELIVERY_BUSY:
	case DELIVERY_NO_ANSWER:
	case DELIVERY_DECLINED:
	case DELIVERY_NO_KEY:
		break;
	}
	return true;
}

/* Whether it disturbed anybody: a telephone that rang did, though nobody answered. */
static bool went_out(const struct delivery *cell)
{
	switch (cell->outcome) {
	case CALL_KEY:
	case CALL_NO_ANSWER:
	case CALL_DECLINED:
	case CALL_NO_KEY:
	case CALL_EARLY_BYE:
	case CALL_NO_AUDIO:
		return true;
	case CALL_NONE:
	case CALL_BUSY:
	case CALL_UNREACHABLE:
	case CALL_REFUSED:
		break;
	}
	return cell->state == DELIVERY_SENT;
}

/* What somebody answered while it was under way, or this copy of it was, is answered. */
static void keep_answer(struct delivery *cell, const struct delivery *stored)
{
	if (!stored->acknowledged_by)
		return;
	cell->acknowledged = stored->acknowledged;
	mem_replace(&cell->acknowledged_by, stored->acknowledged_by);
	if (ledger_asks(cell))
		ledger_mark_answered(cell);
}

static int decide_put(struct work *work, struct delivery *cell, const struct delivery *previous,
		      const struct delivery *stored, struct err *e)
{
	if (!stored)
		return 1;
	if (!may_write(cell, stored, work->owner))
		return 0;
	bool counts =
		stored->state != DELIVERY_SENDING || !str_equal(stored->owner, work->owner) || went_out(cell);
	if (!counts && !is_same_message(cell, previous) &&
	    ledger_counters_take_back(&work->counters, work->view, cell, stored->lease - LEDGER_LEASE_MS, e) < 0)
		return e->code;
	keep_answer(cell, stored);
	return 1;
}

int ledger_put(struct store *store, const struct delivery *cells, size_t count, const char *owner, struct err *e)
{
	cleanup(ledger_done) struct ledger copies = {0};
	struct work work = {.owner = owner};

	for (size_t i = 0; i < count; i++) {
		struct delivery *copy = vec_push_zero(&copies);
		delivery_copy(copy, &cells[i]);
	}
	return apply(store, &work, copies.items, count, decide_put, e);
}
