/* rate.c - how many messages a person, and all together, were given lately: calls apart from the rest. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "rate.h"
#include "rec.h"
#include "vec.h"

enum { RECORD_VERSION = 1, SECOND_MS = 1000, PERSON_KEY_MAX = 300, COUNT_MAX = 1 << 24 };

enum {
	FIELD_MINUTES = 1, /* an array: minute and count in turn */
	FIELD_SECONDS      /* the same, of seconds */
};

static int64_t slot_ms(const struct rate *rate)
{
	return rate->slot_ms > 0 ? rate->slot_ms : RATE_MINUTE_MS;
}

/* When what stands in a slot is over: a whole window after the end of the slot, so that no call comes too early. */
static int64_t end_of_slot(const struct rate *rate, size_t slot, int64_t window_ms)
{
	return (rate->slots[slot].number + 1) * slot_ms(rate) + window_ms;
}

static bool counts(const struct rate *rate, size_t slot, int64_t window_ms, int64_t now)
{
	/* Another process, whose NOW is a little later than ours, may have begun the next minute. */
	int64_t latest = now / RATE_MINUTE_MS + 1;

	return rate->slots[slot].number * slot_ms(rate) / RATE_MINUTE_MS <= latest &&
	       end_of_slot(rate, slot, window_ms) > now;
}

unsigned rate_count(const struct rate *rate, int64_t window_ms, int64_t now)
{
	unsigned count = 0;

	for (size_t i = 0; i < rate->used; i++)
		if (counts(rate, i, window_ms, now))
			count += rate->slots[i].count;
	return count;
}

/* How many of those that count NOW will still do so at THEN. */
static unsigned count_left(const struct rate *rate, int64_t window_ms, int64_t now, int64_t then)
{
	unsigned count = 0;

	for (size_t i = 0; i < rate->used; i++)
		if (counts(rate, i, window_ms, now) && end_of_slot(rate, i, window_ms) > then)
			count += rate->slots[i].count;
	return count;
}

int64_t rate_next(const struct rate *rate, int64_t window_ms, unsigned limit, int64_t now)
{
	int64_t next = now + window_ms;

	if (limit == 0)
		return next;
	if (rate_count(rate, window_ms, now) < limit)
		return now;
	/* A slot may end later than a window from now, by its own length. */
	next += 2 * RATE_MINUTE_MS;
	for (size_t i = 0; i < rate->used; i++) {
		int64_t end = end_of_slot(rate, i, window_ms);
		if (counts(rate, i, window_ms, now) && end < next && count_left(rate, window_ms, now, end) < limit)
			next = end;
	}
	return next;
}

static void forget_past(struct rate *rate, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < rate->used; i++)
		if (rate->slots[i].count > 0 && counts(rate, i, RATE_HOUR_MS, now))
			rate->slots[kept++] = rate->slots[i];
	rate->used = kept;
}

/* The oldest count as long as the one after them. */
static void make_room(struct rate *rate)
{
	size_t oldest = 0;
	size_t next = 1;

	for (size_t i = 1; i < rate->used; i++) {
		if (rate->slots[i].number < rate->slots[oldest].number) {
			next = oldest;
			oldest = i;
		} else if (rate->slots[i].number < rate->slots[next].number) {
			next = i;
		}
	}
	rate->slots[next].count += rate->slots[oldest].count;
	rate->slots[oldest] = rate->slots[--rate->used];
}

void rate_add(struct rate *rate, int64_t now)
{
	int64_t number = now / slot_ms(rate);

	forget_past(rate, now);
	for (size_t i = 0; i < rate->used; i++)
		if (rate->slots[i].number == number) {
			rate->slots[i].count++;
			return;
		}
	if (rate->used == RATE_SLOTS)
		make_room(rate);
	rate->slots[rate->used].number = number;
	rate->slots[rate->used++].count = 1;
}

void rate_take_back(struct rate *rate, int64_t at)
{
	for (size_t i = 0; i < rate->used; i++)
		if (rate->slots[i].number == at / slot_ms(rate) && rate->slots[i].count > 0) {
			rate->slots[i].count--;
			return;
		}
}

/* ---- in the store ---- */

static const char *const prefixes[] = {[RATE_MESSAGES] = KEY_RATE, [RATE_CALLS] = KEY_CALLS};

enum { KINDS = sizeof prefixes / sizeof prefixes[0] };

struct key *rate_key(struct key *key, enum rate_kind kind, const char *person)
{
	return key_add(key_begin(key, prefixes[kind]), person, strnlen(person, PERSON_KEY_MAX));
}

void rate_encode(const struct rate *rate, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_array(out, slot_ms(rate) == SECOND_MS ? FIELD_SECONDS : FIELD_MINUTES);
	for (size_t i = 0; i < rate->used; i++) {
		rec_item_int(out, rate->slots[i].number);
		rec_item_uint(out, rate->slots[i].count);
	}
	rec_close(out);
	rec_end(out);
}

static int decode_slots(const struct rec_value *value, struct rate *rate, struct err *e)
{
	struct rec_reader reader;
	struct rec_value item;
	int64_t number;
	uint64_t count;
	int result;

	rec_enter(&reader, value);
	while ((result = rec_next(&reader, NULL, &item, e)) == 1) {
		if (rec_as_int(&item, &number, e) < 0)
			return e->code;
		if ((result = rec_next(&reader, NULL, &item, e)) != 1 || rate->used == RATE_SLOTS)
			return result < 0 ? result : err_set(e, ERR_CORRUPT, "a counter that is cut short");
		if (rec_as_uint(&item, &count, e) < 0)
			return e->code;
		if (number < 0 || number > INT64_MAX / RATE_HOUR_MS || count > COUNT_MAX)
			return err_set(e, ERR_CORRUPT, "a counter out of range");
		rate->slots[rate->used].number = number;
		rate->slots[rate->used++].count = (unsigned)count;
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
	while ((result = rec_next(&reader, &field, &value, e)) == 1) {
		if (field != FIELD_MINUTES && field != FIELD_SECONDS)
			continue;
		rate->slot_ms = field == FIELD_SECONDS ? SECOND_MS : RATE_MINUTE_MS;
		if (decode_slots(&value, rate, e) < 0)
			return e->code;
	}
	return result;
}

int rate_read(struct store_view *view, enum rate_kind kind, const char *person, struct rate *rate,
	      struct bytes *raw, struct err *e)
{
	cleanup(bytes_done) struct bytes own = {0};
	struct key key;

	/* Calls of a person are few, and their limits short; of all together only the hour is limited. */
	*rate = (struct rate){.slot_ms = kind == RATE_CALLS && *person ? SECOND_MS : RATE_MINUTE_MS};
	rate_key(&key, kind, person);
	int result = store_view_get(view, key.bytes, key.length, &own, e);
	if (result == 1 && decode(&own, rate, e) < 0)
		return err_wrap(e, "counter of messages");
	if (result == 1 && raw) {
		*raw = own;
		own = (struct bytes){0};
	}
	return result;
}

static int find_past(struct store *store, enum rate_kind kind, int64_t now, struct store_batch *batch,
		     struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int result = 0;

	if (store_view_open(&view, store, e) < 0 ||
	    store_cursor_open(&cursor, view, prefixes[kind], strlen(prefixes[kind]), false, e) < 0)
		return e->code;
	while (store_batch_room(batch) > 1 && (result = store_cursor_next(cursor, &item, e)) == 1) {
		struct bytes raw = {.data = (void *)item.value, .length = item.value_length};
		struct rate rate = {0};
		if (decode(&raw, &rate, e) < 0)
			return e->code;
		if (rate_count(&rate, RATE_HOUR_MS, now) > 0)
			continue;
		store_batch_expect(batch, item.key, item.key_length, item.value, item.value_length);
		store_batch_delete(batch, item.key, item.key_length);
	}
	return result < 0 ? result : 0;
}

static int prune_kind(struct store *store, enum rate_kind kind, int64_t now, uint64_t *removed, struct err *e)
{
	size_t found;

	do {
		cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
		if (find_past(store, kind, now, batch, e) < 0)
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

int rate_prune(struct store *store, int64_t now, uint64_t *removed, struct err *e)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		if (prune_kind(store, (enum rate_kind)kind, now, removed, e) < 0)
			return e->code;
	return 0;
}
