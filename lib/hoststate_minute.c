/* hoststate_minute.c - the ring of a day's minutes: round trips and losses of all hosts, packed; and the heartbeat. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "hoststate.h"
#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "str.h"
#include "vec.h"

enum {
	RECORD_VERSION = 1,
	MINUTE_MS = 60000,
	DAY_MINUTES = 1440,
	CHUNK_HOSTS = 16384,
	CHUNK_NAMES = 512 << 10, /* bytes */
	SET_TRAILER = UINT16_MAX,
	HOUR_MS = 60 * MINUTE_MS,
	SET_KEPT_HOURS = 26
};

enum minute_field { MINUTE_AT = 1, MINUTE_SET, MINUTE_COUNT, MINUTE_PACKED };
enum beat_field { BEAT_AT = 1, BEAT_STOPPED, BEAT_MINUTE };
enum set_field { SET_USED = 1, SET_CHUNKS };

/* ---- numbers of few bytes: LEB128, as DWARF 5 (7.6) has it ---- */

static void pack(struct str *out, uint32_t number)
{
	for (; number >= 0x80; number >>= 7)
		str_add_char(out, (char)(number | 0x80));
	str_add_char(out, (char)number);
}

struct packed {
	const unsigned char *next;
	size_t left;
};

static int unpack(struct packed *packed, uint32_t *number, struct err *e)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (packed->left == 0)
			break;
		unsigned char byte = *packed->next++;
		packed->left--;
		value |= (uint64_t)(byte & 0x7F) << shift;
		if (byte & 0x80)
			continue;
		if (value > UINT32_MAX)
			break;
		*number = (uint32_t)value;
		return 0;
	}
	return err_set(e, ERR_CORRUPT, "minute: a number is cut short");
}

/* ---- the heartbeat ---- */

struct beat {
	int64_t at;
	int64_t minute; /* the last one recorded, -1: none */
	bool stopped;
};

static int decode_beat(const struct bytes *value, struct beat *beat, struct err *e)
{
	struct rec_reader reader;
	struct rec_value field;
	unsigned key;
	int result = rec_open(&reader, value->data, value->length, RECORD_VERSION, &key, e);

	while (result >= 0 && (result = rec_next(&reader, &key, &field, e)) == 1)
		if (key == BEAT_AT)
			result = rec_as_int(&field, &beat->at, e);
		else if (key == BEAT_STOPPED)
			result = rec_as_bool(&field, &beat->stopped, e);
		else if (key == BEAT_MINUTE)
			result = rec_as_int(&field, &beat->minute, e);
	return result < 0 ? err_wrap(e, "heartbeat of hostping") : 0;
}

static int read_beat(struct store_view *view, struct beat *beat, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	int result = store_view_get(view, KEY_HEARTBEAT, sizeof KEY_HEARTBEAT - 1, &value, e);

	*beat = (struct beat){.minute = -1};
	if (result == 1 && decode_beat(&value, beat, e) < 0)
		return e->code;
	return result;
}

static int write_beat(struct store *store, const struct beat *beat, struct err *e)
{
	cleanup(str_done) struct str value = {0};

	rec_begin(&value, RECORD_VERSION);
	rec_int(&value, BEAT_AT, beat->at);
	rec_bool(&value, BEAT_STOPPED, beat->stopped);
	rec_int(&value, BEAT_MINUTE, beat->minute);
	rec_end(&value);
	return store_put(store, KEY_HEARTBEAT, sizeof KEY_HEARTBEAT - 1, value.data, value.length, e);
}

int hoststate_heartbeat(struct store_view *view, int64_t *at, bool *stopped, struct err *e)
{
	struct beat beat;
	int result = read_beat(view, &beat, e);

	if (result < 0)
		return result;
	*at = result == 1 ? beat.at : INT64_MIN;
	*stopped = beat.stopped;
	return 0;
}

int hoststate_put_heartbeat(struct store *store, int64_t now, bool stopped, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct beat beat;

	if (store_view_open(&view, store, e) < 0 || read_beat(view, &beat, e) < 0)
		return e->code;
	store_view_close(view);
	view = NULL;
	beat.at = now;
	beat.stopped = stopped;
	return write_beat(store, &beat, e);
}

int hoststate_last_minute(struct store_view *view, int64_t *minute, struct err *e)
{
	struct beat beat;
	int result = read_beat(view, &beat, e);

	if (result == 1 && beat.minute < 0)
		result = 0;
	if (result == 1)
		*minute = beat.minute;
	return result;
}

/* ---- the names, kept once for all minutes that have the same hosts ---- */

/* FNV-1a, 64 bits, over the names with their NULs: what identifies a set. */
static uint64_t set_of(const struct hoststate_minute *hosts, size_t count)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);

	for (size_t i = 0; i < count; i++) {
		if (!hosts[i].host)
			continue;
		const char *c = hosts[i].host;
		do
			hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001B3);
		while (*c++);
	}
	return hash;
}

static struct key *set_key(struct key *key, uint64_t set, uint16_t chunk)
{
	return key_add_u16(key_add_u64(key_begin(key, KEY_MINUTE_SET), set), chunk);
}

struct set_use {
	int64_t used;
	uint64_t chunks;
};

static int decode_set_use(const void *data, size_t length, struct set_use *use, struct err *e)
{
	struct rec_reader reader;
	struct rec_value field;
	unsigned key;
	int result = rec_open(&reader, data, length, RECORD_VERSION, &key, e);

	*use = (struct set_use){0};
	while (result >= 0 && (result = rec_next(&reader, &key, &field, e)) == 1)
		if (key == SET_USED)
			result = rec_as_int(&field, &use->used, e);
		else if (key == SET_CHUNKS)
			result = rec_as_uint(&field, &use->chunks, e);
	return result;
}

static int write_set_use(struct store *store, uint64_t set, uint64_t chunks, int64_t now, struct err *e)
{
	cleanup(str_done) struct str value = {0};
	struct key key;

	rec_begin(&value, RECORD_VERSION);
	rec_int(&value, SET_USED, now);
	rec_uint(&value, SET_CHUNKS, chunks);
	rec_end(&value);
	set_key(&key, set, SET_TRAILER);
	return store_put(store, key.bytes, key.length, value.data, value.length, e);
}

static int write_names(struct store *store, uint64_t set, uint16_t chunk, struct str *names, struct err *e)
{
	struct key key;

	set_key(&key, set, chunk);
	int result = store_put(store, key.bytes, key.length, names->data, names->length, e);
	str_reset(names);
	return result;
}

/* The trailer goes last: a set without one is not complete, and is written again. */
static int write_set(struct store *store, uint64_t set, const struct hoststate_minute *hosts, size_t count,
		     int64_t now, struct err *e)
{
	cleanup(str_done) struct str names = {0};
	uint16_t chunks = 0;
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		if (!hosts[i].host)
			continue;
		str_add_n(&names, hosts[i].host, strlen(hosts[i].host) + 1);
		if (names.length >= CHUNK_NAMES)
			result = write_names(store, set, chunks++, &names, e);
	}
	if (result == 0 && names.length > 0)
		result = write_names(store, set, chunks++, &names, e);
	return result < 0 ? result : write_set_use(store, set, chunks, now, e);
}

/* Sets that no minute of the last day can refer to. */
static int find_unused_sets(struct store *store, int64_t now, uint64_t *sets, uint64_t *chunks,
			    size_t maximum, size_t *found, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	static const size_t prefix = sizeof KEY_MINUTE_SET - 1;
	struct store_item item;
	struct set_use use;
	int result = store_view_open(&view, store, e);

	*found = 0;
	if (result == 0)
		result = store_cursor_open(&cursor, view, KEY_MINUTE_SET, prefix, false, e);
	while (result == 0 && *found < maximum && (result = store_cursor_next(cursor, &item, e)) == 1) {
		result = 0;
		if (item.key_length != prefix + 10 || item.key[item.key_length - 1] != 0xFF ||
		    item.key[item.key_length - 2] != 0xFF)
			continue;
		result = decode_set_use(item.value, item.value_length, &use, e);
		if (result < 0 || use.used > now - SET_KEPT_HOURS * HOUR_MS)
			continue;
		sets[*found] = key_read_u64(item.key + prefix);
		chunks[(*found)++] = use.chunks;
	}
	return result < 0 ? result : 0;
}

static int delete_unused_sets(struct store *store, int64_t now, struct err *e)
{
	uint64_t sets[16], chunks[16];
	struct key key;
	size_t found;
	int result = find_unused_sets(store, now, sets, chunks, 16, &found, e);

	for (size_t i = 0; i < found && result == 0; i++) {
		for (uint64_t chunk = 0; chunk < chunks[i] && chunk < SET_TRAILER && result == 0; chunk++) {
			set_key(&key, sets[i], (uint16_t)chunk);
			result = store_delete(store, key.bytes, key.length, e);
		}
		set_key(&key, sets[i], SET_TRAILER);
		if (result == 0)
			result = store_delete(store, key.bytes, key.length, e);
	}
	return result;
}

/* Makes sure that the names of SET are there, and marks it used once an hour. */
static int keep_set(struct store *store, uint64_t set, const struct hoststate_minute *hosts, size_t count,
		    int64_t now, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct set_use use;
	struct key key;

	set_key(&key, set, SET_TRAILER);
	int result = store_get(store, key.bytes, key.length, &value, e);
	if (result == 1)
		result = decode_set_use(value.data, value.length, &use, e) < 0 ? e->code : 1;
	if (result < 0)
		return result;
	if (result == 1)
		return use.used > now - HOUR_MS ? 0 : write_set_use(store, set, use.chunks, now, e);
	result = delete_unused_sets(store, now, e);
	return result < 0 ? result : write_set(store, set, hosts, count, now, e);
}

/* ---- the minutes ---- */

static struct key *minute_key(struct key *key, int64_t minute, uint16_t chunk)
{
	int64_t slot = minute / MINUTE_MS % DAY_MINUTES;

	key_begin(key, KEY_MINUTE);
	return key_add_u16(key_add_u16(key, (uint16_t)(slot < 0 ? slot + DAY_MINUTES : slot)), chunk);
}

/* Everything that a chunk of a minute says beside its packed hosts. */
struct minute_chunk {
	int64_t minute;
	uint64_t set;
	uint64_t count;
	const char *packed;
	size_t length;
};

static int write_chunk(struct store *store, uint16_t number, const struct minute_chunk *chunk, struct err *e)
{
	cleanup(str_done) struct str value = {0};
	struct key key;

	rec_begin(&value, RECORD_VERSION);
	rec_int(&value, MINUTE_AT, chunk->minute);
	rec_uint(&value, MINUTE_SET, chunk->set);
	rec_uint(&value, MINUTE_COUNT, chunk->count);
	rec_bytes(&value, MINUTE_PACKED, chunk->packed, chunk->length);
	rec_end(&value);
	minute_key(&key, chunk->minute, number);
	return store_put(store, key.bytes, key.length, value.data, value.length, e);
}

static int write_minute(struct store *store, int64_t minute, uint64_t set,
			const struct hoststate_minute *hosts, size_t count, struct err *e)
{
	cleanup(str_done) struct str packed = {0};
	struct minute_chunk chunk = {.minute = minute, .set = set};
	uint16_t number = 0;
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		if (!hosts[i].host)
			continue;
		pack(&packed, (uint32_t)(hosts[i].rtt_us + 1));
		pack(&packed, hosts[i].sent);
		pack(&packed, hosts[i].lost);
		if (++chunk.count < CHUNK_HOSTS)
			continue;
		chunk.packed = packed.data;
		chunk.length = packed.length;
		result = write_chunk(store, number++, &chunk, e);
		chunk.count = 0;
		str_reset(&packed);
	}
	chunk.packed = str_text(&packed);
	chunk.length = packed.length;
	if (result == 0 && (chunk.count > 0 || number == 0))
		result = write_chunk(store, number, &chunk, e);
	return result;
}

int hoststate_put_minute(struct store *store, int64_t minute, const struct hoststate_minute *hosts,
			 size_t count, int64_t now, struct err *e)
{
	uint64_t set = set_of(hosts, count);
	struct beat beat = {.at = now, .minute = minute};

	minute -= minute % MINUTE_MS;
	if (keep_set(store, set, hosts, count, now, e) < 0 ||
	    write_minute(store, minute, set, hosts, count, e) < 0)
		return e->code;
	beat.minute = minute;
	return write_beat(store, &beat, e);
}

void hoststate_minutes_done(struct hoststate_minutes *minutes)
{
	free(minutes->items);
	free(minutes->names);
	*minutes = (struct hoststate_minutes){0};
}

static int decode_chunk(const struct bytes *value, struct minute_chunk *chunk, struct err *e)
{
	struct rec_reader reader;
	struct rec_value field;
	unsigned key;
	int result = rec_open(&reader, value->data, value->length, RECORD_VERSION, &key, e);

	*chunk = (struct minute_chunk){.minute = -1};
	while (result >= 0 && (result = rec_next(&reader, &key, &field, e)) == 1)
		if (key == MINUTE_AT)
			result = rec_as_int(&field, &chunk->minute, e);
		else if (key == MINUTE_SET)
			result = rec_as_uint(&field, &chunk->set, e);
		else if (key == MINUTE_COUNT)
			result = rec_as_uint(&field, &chunk->count, e);
		else if (key == MINUTE_PACKED && field.type == REC_BYTES) {
			chunk->packed = field.data;
			chunk->length = field.length;
			result = 0;
		}
	return result;
}

typedef VEC(struct hoststate_minute) minute_vec;

static int unpack_chunk(const struct minute_chunk *chunk, minute_vec *out, struct err *e)
{
	struct packed packed = {(const unsigned char *)chunk->packed, chunk->length};

	for (uint64_t i = 0; i < chunk->count; i++) {
		uint32_t rtt, sent, lost;
		if (unpack(&packed, &rtt, e) < 0 || unpack(&packed, &sent, e) < 0 || unpack(&packed, &lost, e) < 0)
			return e->code;
		vec_push(out, (struct hoststate_minute){
				      .rtt_us = rtt > INT32_MAX ? INT32_MAX : (int32_t)rtt - 1,
				      .sent = (uint16_t)(sent > UINT16_MAX ? UINT16_MAX : sent),
				      .lost = (uint16_t)(lost > UINT16_MAX ? UINT16_MAX : lost),
			      });
	}
	return 0;
}

/* The chunks of MINUTE that are still there; a slot may hold what is left of another day. Sets *SET. */
static int read_chunks(struct store_view *view, int64_t minute, minute_vec *out, uint64_t *set, struct err *e)
{
	for (uint16_t number = 0;; number++) {
		cleanup(bytes_done) struct bytes value = {0};
		struct minute_chunk chunk;
		struct key key;
		minute_key(&key, minute, number);
		int result = store_view_get(view, key.bytes, key.length, &value, e);
		if (result == 1)
			result = decode_chunk(&value, &chunk, e) < 0 ? e->code : 1;
		if (result <= 0)
			return result;
		if (chunk.minute != minute || (number > 0 && chunk.set != *set))
			return 0;
		*set = chunk.set;
		result = unpack_chunk(&chunk, out, e);
		if (result < 0)
			return result;
	}
}

static int read_names(struct store_view *view, uint64_t set, struct str *names, struct err *e)
{
	for (unsigned number = 0; number < SET_TRAILER; number++) {
		cleanup(bytes_done) struct bytes value = {0};
		struct key key;
		set_key(&key, set, (uint16_t)number);
		int result = store_view_get(view, key.bytes, key.length, &value, e);
		if (result <= 0)
			return result;
		str_add_n(names, value.data, value.length);
	}
	return 0;
}

int hoststate_get_minute(struct store_view *view, int64_t minute, struct hoststate_minutes *minutes,
			 struct err *e)
{
	cleanup(str_done) struct str names = {0};
	minute_vec hosts = {0};
	uint64_t set = 0;
	size_t at = 0;
	int result = read_chunks(view, minute, &hosts, &set, e);

	if (result == 0 && hosts.count > 0)
		result = read_names(view, set, &names, e);
	for (size_t i = 0; i < hosts.count && result == 0; i++) {
		if (at >= names.length)
			result = err_set(e, ERR_CORRUPT, "minute: more hosts than names");
		else
			hosts.items[i].host = names.data + at;
		at += at < names.length ? strlen(names.data + at) + 1 : 0;
	}
	if (result < 0 || hosts.count == 0) {
		vec_done(&hosts);
		return result;
	}
	*minutes = (struct hoststate_minutes){hosts.items, hosts.count, str_take(&names)};
	return 1;
}
