/* silence.c - hosts of whose death nobody is told for a while, because it is expected. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "silence.h"
#include "vec.h"
#include "when.h"

enum {
	RECORD_VERSION = 1,
	TRIES_MAX = 64,
	SLACK_MS = 60 * 1000 /* by which the clocks of two stations may differ */
};

enum field { FIELD_FROM = 1, FIELD_UNTIL, FIELD_WHY, FIELD_BY, FIELD_ENDED };

void silence_done(struct silence *silence)
{
	free(silence->host);
	free(silence->why);
	free(silence->by);
	*silence = (struct silence){0};
}

void silences_done(struct silences *silences)
{
	vec_foreach(silences, silence)
		silence_done(silence);
	vec_done(silences);
}

bool silence_is_active(const struct silence *silence, int64_t now)
{
	return now < silence->until && silence->from <= now + SLACK_MS;
}

/* ---- record ---- */

void silence_encode(const struct silence *silence, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_int(out, FIELD_FROM, silence->from);
	rec_int(out, FIELD_UNTIL, silence->until);
	rec_text(out, FIELD_WHY, silence->why);
	rec_text(out, FIELD_BY, silence->by);
	rec_bool(out, FIELD_ENDED, silence->ended);
	rec_end(out);
}

static int take_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct silence *silence = context;

	switch (field) {
	case FIELD_FROM:
		return rec_as_int(value, &silence->from, e);
	case FIELD_UNTIL:
		return rec_as_int(value, &silence->until, e);
	case FIELD_WHY:
		return rec_replace_text(value, &silence->why, e);
	case FIELD_BY:
		return rec_replace_text(value, &silence->by, e);
	case FIELD_ENDED:
		return rec_as_bool(value, &silence->ended, e);
	default:
		return 0;
	}
}

int silence_decode(const char *host, const void *data, size_t length, struct silence *silence, struct err *e)
{
	/* One that does not say until when silences nothing. */
	struct silence read = {.from = WHEN_UNKNOWN, .until = WHEN_UNKNOWN};
	int result = rec_read(data, length, RECORD_VERSION, take_field, &read, e);

	if (result == 0 && (read.from == WHEN_UNKNOWN || read.until == WHEN_UNKNOWN))
		result = err_set(e, ERR_CORRUPT, "it does not say from when until when");
	if (result < 0) {
		silence_done(&read);
		return err_wrap(e, "silence of %s", host);
	}
	read.host = mem_string(host);
	*silence = read;
	return 0;
}

/* ---- in the store ---- */

/* 1 with the key; 0: no host can be called that. */
static int host_key(struct key *key, const char *host)
{
	if (strlen(host) + sizeof KEY_SILENCE > sizeof key->bytes)
		return 0;
	key_add_text(key_begin(key, KEY_SILENCE), host);
	return 1;
}

/* 1 with what the host has, in force or not, and its bytes; 0 if there is none. */
static int read_raw(struct store_view *view, const char *host, struct silence *silence, struct bytes *raw,
		    struct err *e)
{
	struct key key;

	if (!host_key(&key, host))
		return 0;
	int result = store_view_get(view, key.bytes, key.length, raw, e);
	if (result == 1 && silence_decode(host, raw->data, raw->length, silence, e) < 0)
		return e->code;
	return result;
}

int silence_find(struct store_view *view, const char *host, int64_t now, struct silence *silence, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	struct silence found = {0};

	int result = read_raw(view, host, &found, &raw, e);
	if (result == 1 && !silence_is_active(&found, now)) {
		silence_done(&found);
		return 0;
	}
	if (result == 1)
		*silence = found;
	return result;
}

static int read_now(struct store *store, const char *host, struct silence *silence, struct bytes *raw,
		    struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	return read_raw(view, host, silence, raw, e);
}

static int write_over(struct store *store, const struct silence *silence, const struct bytes *before,
		      struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(str_done) struct str record = {0};
	struct key key;

	if (!host_key(&key, silence->host))
		return err_set(e, ERR_USAGE, "no host has so long a name");
	silence_encode(silence, &record);
	store_batch_expect(batch, key.bytes, key.length, before->data, before->length);
	store_batch_put(batch, key.bytes, key.length, record.data, record.length);
	return store_batch_commit(batch, e);
}

static int set_once(struct store *store, const struct silence *silence, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	cleanup(silence_done) struct silence before = {0};

	int result = read_now(store, silence->host, &before, &raw, e);
	if (result < 0 && result != ERR_CORRUPT)
		return result;
	bool replaces = result == 1 && silence_is_active(&before, silence->from);
	result = write_over(store, silence, &raw, e);
	return result < 0 ? result : replaces;
}

int silence_set(struct store *store, const struct silence *silence, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = set_once(store, silence, e);
	return result < 0 ? err_wrap(e, "silence of %.64s", silence->host) : result;
}

static int end_once(struct store *store, const char *host, int64_t now, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	cleanup(silence_done) struct silence silence = {0};

	int result = read_now(store, host, &silence, &raw, e);
	if (result < 0)
		return result;
	if (result == 0 || !silence_is_active(&silence, now))
		return err_set(e, ERR_NOT_FOUND, "%s is not silenced", host);
	silence.until = now;
	silence.ended = true;
	return write_over(store, &silence, &raw, e);
}

int silence_end(struct store *store, const char *host, int64_t now, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = end_once(store, host, now, e);
	return result;
}

int silence_all(struct store_view *view, struct silences *silences, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int result;

	if (store_cursor_open(&cursor, view, KEY_SILENCE, strlen(KEY_SILENCE), false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		struct silence silence;
		cleanup(cleanup_mem) char *host = mem_string_n((const char *)item.key + strlen(KEY_SILENCE),
							       item.key_length - strlen(KEY_SILENCE));
		if (silence_decode(host, item.value, item.value_length, &silence, e) < 0)
			return e->code;
		vec_push(silences, silence);
	}
	return result;
}

/* ---- keeping ---- */

static int find_old(struct store *store, int64_t before, struct store_batch *batch, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(silences_done) struct silences all = {0};

	if (store_view_open(&view, store, e) < 0 || silence_all(view, &all, e) < 0)
		return e->code;
	vec_foreach(&all, silence) {
		cleanup(bytes_done) struct bytes raw = {0};
		struct key key;
		if (silence->until >= before || store_batch_room(batch) < 2)
			continue;
		host_key(&key, silence->host);
		int result = store_view_get(view, key.bytes, key.length, &raw, e);
		if (result < 0)
			return result;
		store_batch_expect(batch, key.bytes, key.length, raw.data, raw.length);
		store_batch_delete(batch, key.bytes, key.length);
	}
	return 0;
}

int silence_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e)
{
	size_t found;

	do {
		cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
		if (find_old(store, before, batch, e) < 0)
			return err_wrap(e, "silences");
		found = store_batch_count(batch);
		int result = found > 0 ? store_batch_commit(batch, e) : 0;
		/* Whoever silences one just now keeps it; the rest is for the next time. */
		if (result == ERR_CONFLICT)
			return 0;
		if (result < 0)
			return err_wrap(e, "silences");
		*removed += found / 2;
	} while (found > 0);
	return 0;
}

static int move_once(struct store *store, const char *old_name, const char *new_name, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(bytes_done) struct bytes value = {0};
	cleanup(bytes_done) struct bytes there = {0};
	struct key from, to;

	if (!host_key(&from, old_name) || !host_key(&to, new_name))
		return 0;
	int result = store_get(store, from.bytes, from.length, &value, e);
	if (result <= 0)
		return result;
	result = store_get(store, to.bytes, to.length, &there, e);
	if (result < 0)
		return result;
	store_batch_expect(batch, from.bytes, from.length, value.data, value.length);
	store_batch_delete(batch, from.bytes, from.length);
	if (result == 0)
		store_batch_claim(batch, to.bytes, to.length, value.data, value.length);
	return store_batch_commit(batch, e);
}

int silence_rename(struct store *store, const char *old_name, const char *new_name, struct err *e)
{
	int result = ERR_CONFLICT;

	if (strcmp(old_name, new_name) == 0)
		return 0;
	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = move_once(store, old_name, new_name, e);
	return result;
}
