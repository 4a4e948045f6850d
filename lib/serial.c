/* serial.c - the numbers of images, groups, deployments and stages: one counter, each number given once. */
#include "config.h"

#include <string.h>

#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "serial.h"

enum { RECORD_VERSION = 1, FIELD_LAST = 1, TRIES_MAX = 1000 };

static int decode(const struct bytes *raw, uint64_t *last, struct err *e)
{
	return rec_read_number(raw->data, raw->length, RECORD_VERSION, FIELD_LAST, last, e);
}

static int take_once(struct store *store, uint64_t floor, uint64_t count, uint64_t *first, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(bytes_done) struct bytes before = {0};
	cleanup(str_done) struct str record = {0};
	uint64_t last = 0;

	int result = store_get(store, KEY_SERIAL, strlen(KEY_SERIAL), &before, e);
	if (result < 0 || (result == 1 && decode(&before, &last, e) < 0))
		return e->code;
	if (last < floor)
		last = floor;
	/* Whoever begins again at 1 gives away what belongs to another. */
	if (last > UINT64_MAX - count)
		return err_set(e, ERR_CORRUPT, "no number is left");
	rec_begin(&record, RECORD_VERSION);
	rec_uint(&record, FIELD_LAST, last + count);
	rec_end(&record);
	store_batch_expect(batch, KEY_SERIAL, strlen(KEY_SERIAL), before.data, before.length);
	store_batch_put(batch, KEY_SERIAL, strlen(KEY_SERIAL), record.data, record.length);
	if (store_batch_commit(batch, e) < 0)
		return e->code;
	*first = last + 1;
	return 0;
}

static int take(struct store *store, uint64_t floor, uint64_t count, uint64_t *first, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = take_once(store, floor, count, first, e);
	return result < 0 ? err_wrap(e, "counter %s", KEY_SERIAL) : 0;
}

int serial_take(struct store *store, uint64_t count, uint64_t *first, struct err *e)
{
	return take(store, 0, count, first, e);
}

int serial_above(struct store *store, uint64_t floor, uint64_t *number, struct err *e)
{
	return take(store, floor, 1, number, e);
}

int serial_next(struct store *store, uint64_t *number, struct err *e)
{
	return serial_take(store, 1, number, e);
}
