/* rate.c - how many messages a person, and all together, were given within an hour. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "rate.h"
#include "rec.h"
#include "vec.h"

enum { RECORD_VERSION = 1, MINUTE_MS = 60 * 1000, PERSON_KEY_MAX = 300 };

enum { FIELD_MINUTES = 1 /* an array: minute and count in turn */ };

static bool counts(int64_t minute, int64_t now)
{
	int64_t newest = now / MINUTE_MS;

	/* Another process, whose NOW is a little later than ours, may have begun the next. */
	return minute <= newest + 1 && minute > newest - RATE_MINUTES;
}

unsigned rate_count(const struct rate *rate, int64_t now)
{
	unsigned count = 0;

	for (size_t i = 0; i < rate->used; i++)
		if (counts(rate->minutes[i].minute, now))
			count += rate->minutes[i].count;
	return count;
}

static void forget_past(struct rate *rate, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < rate->used; i++)
		if (rate->minutes[i].count > 0 && counts(rate->minutes[i].minute, now))
			rate->minutes[kept++] = rate->minutes[i];
	rate->used = kept;
}

void rate_add(struct rate *rate, int64_t now)
{
	forget_past(rate, now);
	for (size_t i = 0; i < rate->used; i++)
		if (rate->minutes[i].minute == now / MINUTE_MS) {
			rate->minutes[i].count++;
			return;
		}
	/* Full only with the minute ahead in it: that one goes on counting. */
	if (rate->used == RATE_MINUTES) {
		rate->minutes[RATE_MINUTES - 1].count++;
		return;
	}
	rate->minutes[rate->used].minute = now / MINUTE_MS;
	rate->minutes[rate->used++].count = 1;
}

void rate_take_back(struct rate *rate, int64_t at)
{
	for (size_t i = 0; i < rate->used; i++)
		if (rate->minutes[i].minute == at / MINUTE_MS && rate->minutes[i].count > 0)
			rate->minutes[i].count--;
}

/* ---- in the store ---- */

struct key *rate_key(struct key *key, const char *person)
{
	return key_add(key_begin(key, KEY_RATE), person, strnlen(person, PERSON_KEY_MAX));
}

void rate_encode(const struct rate *rate, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_array(out, FIELD_MINUTES);
	for (size_t i = 0; i < rate->used; i++) {
		rec_item_int(out, rate->minutes[i].minute);
		rec_item_uint(out, rate->minutes[i].count);
	}
	rec_close(out);
	rec_end(out);
}

static int decode_minutes(const struct rec_value *value, struct rate *rate, struct err *e)
{
	struct rec_reader reader;
	struct rec_value item;
	int64_t minute;
	uint64_t count;
	int result;

	rec_enter(&reader, value);
	while ((result = rec_next(&reader, NULL, &item, e)) == 1) {
		if (rec_as_int(&item, &minute, e) < 0)
			return e->code;
		if ((result = rec_next(&reader, NULL, &item, e)) != 1 || rate->used == RATE_MINUTES)
			return result < 0 ? result : err_set(e, ERR_CORRUPT, "a counter that is cut short");
		if (rec_as_uint(&item, &count, e) < 0)
			return e->code;
		rate->minutes[rate->used].minute = minute;
		rate->minutes[rate->used++].count = (unsigned)count;
	}
	return result;
}

static int decode(const struct bytes *raw, struct rate *rate, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;
	unsigned field;
	unsigned version;
	int result;

	if (rec_open(&reader, raw->data, raw->length, RECORD_VERSION, &version, e) < 0)
		return e->code;
	while ((result = rec_next(&reader, &field, &value, e)) == 1)
		if (field == FIELD_MINUTES && decode_minutes(&value, rate, e) < 0)
			return e->code;
	return result;
}

int rate_read(struct store_view *view, const char *person, struct rate *rate, struct bytes *raw, struct err *e)
{
	cleanup(bytes_done) struct bytes own = {0};
	struct key key;

	*rate = (struct rate){0};
	rate_key(&key, person);
	int result = store_view_get(view, key.bytes, key.length, &own, e);
	if (result == 1 && decode(&own, rate, e) < 0)
		return err_wrap(e, "counter of messages");
	if (result == 1 && raw) {
		*raw = own;
		own = (struct bytes){0};
	}
	return result;
}

static int find_past(struct store *store, int64_t now, struct store_batch *batch, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int result;

	if (store_view_open(&view, store, e) < 0 ||
	    store_cursor_open(&cursor, view, KEY_RATE, strlen(KEY_RATE), false, e) < 0)
		return e->code;
	while (store_batch_room(batch) > 1 && (result = store_cursor_next(cursor, &item, e)) == 1) {
		struct bytes raw = {.data = (void *)item.value, .length = item.value_length};
		struct rate rate = {0};
		if (decode(&raw, &rate, e) < 0)
			return e->code;
		if (rate_count(&rate, now) > 0)
			continue;
		store_batch_expect(batch, item.key, item.key_length, item.value, item.value_length);
		store_batch_delete(batch, item.key, item.key_length);
	}
	return result < 0 ? result : 0;
}

int rate_prune(struct store *store, int64_t now, uint64_t *removed, struct err *e)
{
	size_t found;

	do {
		cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
		if (find_past(store, now, batch, e) < 0)
			return e->code;
		found = store_batch_count(batch);
		int result = found > 0 ? store_batch_commit(batch, e) : 0;
		/* Whoever counts just now keeps it. */
		if (result == ERR_CONFLICT)
			return 0;
		if (result < 0)
			return result;
		*removed += found / 2;
	} while (found > 0);
	return 0;
}
