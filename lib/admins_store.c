/*
 * admins_store.c - the administrators' list in the store.
 *
 * It may be larger than a transaction: the rows go into chunks under a new,
 * random generation, and the last put makes it the one in force. Who writes has announced
 * his generation before; the last put succeeds only while it is still announced, so that of two imports at a time
 * one fails, and what an interrupted one left behind can be told from what is being written.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "admins.h"
#include "admins_private.h"
#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "str.h"
#include "vec.h"

enum { LIST_VERSION = 1, WRITER_VERSION = 1, CHUNK_BYTES = 128 * 1024 };

/* Fields of the records; never reused. */
enum { LIST_GENERATION = 1, LIST_CHUNKS = 2, LIST_ROWS = 3, LIST_SOURCE = 4, LIST_IMPORTED = 5 };
enum { WRITER_GENERATION = 1 };

enum {
	KEY_ROWS_LENGTH = sizeof KEY_ADMINS_ROWS - 1 + 8 + 8,
	PUBLISH_KEY_BYTES = 2 * sizeof KEY_ADMINS_WRITER + sizeof KEY_ADMINS
};

struct list {
	uint64_t generation;
	uint64_t chunks;
	uint64_t rows;
	char *source;
	int64_t imported;
};

static void list_done(struct list *list)
{
	free(list->source);
}

static struct key *rows_key(struct key *key, uint64_t generation, uint64_t chunk)
{
	return key_add_u64(key_add_u64(key_begin(key, KEY_ADMINS_ROWS), generation), chunk);
}

static int new_generation(uint64_t *generation, struct err *e)
{
	if (getrandom(generation, sizeof *generation, 0) != sizeof *generation)
		return err_set_errno(e, ERR_ENV, errno, "getrandom");
	return 0;
}

static void encode_list(const struct list *list, struct str *out)
{
	rec_begin(out, LIST_VERSION);
	rec_uint(out, LIST_GENERATION, list->generation);
	rec_uint(out, LIST_CHUNKS, list->chunks);
	rec_uint(out, LIST_ROWS, list->rows);
	rec_text(out, LIST_SOURCE, list->source);
	rec_int(out, LIST_IMPORTED, list->imported);
	rec_end(out);
}

static void encode_writer(uint64_t generation, struct str *out)
{
	rec_begin(out, WRITER_VERSION);
	rec_uint(out, WRITER_GENERATION, generation);
	rec_end(out);
}

static int decode_list_field(struct list *list, unsigned key, const struct rec_value *value, struct err *e)
{
	switch (key) {
	case LIST_GENERATION:
		return rec_as_uint(value, &list->generation, e);
	case LIST_CHUNKS:
		return rec_as_uint(value, &list->chunks, e);
	case LIST_ROWS:
		return rec_as_uint(value, &list->rows, e);
	case LIST_SOURCE:
		free(list->source);
		list->source = NULL;
		return rec_as_text(value, &list->source, e);
	case LIST_IMPORTED:
		return rec_as_int(value, &list->imported, e);
	default:
		return 0;
	}
}

static int decode_list(const struct bytes *bytes, struct list *list, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;
	unsigned version, key;

	int result = rec_open(&reader, bytes->data, bytes->length, LIST_VERSION, &version, e);
	while (result >= 0 && (result = rec_next(&reader, &key, &value, e)) > 0)
		result = decode_list_field(list, key, &value, e);
	return result < 0 ? err_wrap(e, "administrators' list") : 0;
}

/* 1 with the list's record, 0 if there is none. */
static int get_list(struct store_view *view, struct list *list, struct err *e)
{
	cleanup(bytes_done) struct bytes bytes = {0};

	int result = store_view_get(view, KEY_ADMINS, strlen(KEY_ADMINS), &bytes, e);
	if (result <= 0)
		return result;
	result = decode_list(&bytes, list, e);
	return result < 0 ? result : 1;
}

/* The last of them stay in BATCH, for the list's own record to join. */
static int put_chunks(struct store_batch *batch, const struct admins *admins, uint64_t generation,
		      uint64_t *chunks, struct err *e)
{
	cleanup(str_done) struct str chunk = {0};
	unsigned version = admins_rows_version(admins);
	struct key key;
	int result = 0;

	*chunks = 0;
	for (size_t next = 0; next < admins->count && result == 0;) {
		str_reset(&chunk);
		admins_encode_rows(admins, version, CHUNK_BYTES, &next, &chunk);
		rows_key(&key, generation, (*chunks)++);
		if (!store_batch_fits(batch, 1, key.length + chunk.length))
			result = store_batch_commit(batch, e);
		store_batch_put(batch, key.bytes, key.length, chunk.data, chunk.length);
	}
	return result;
}

typedef VEC(struct key) key_list;

/* The chunks of all generations but the two given. */
static int find_stale_chunks(struct store *store, uint64_t in_force, uint64_t written, key_list *stale,
			     struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int more;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = store_cursor_open(&cursor, view, KEY_ADMINS_ROWS, strlen(KEY_ADMINS_ROWS), false, e);
	if (result < 0)
		return result;
	while ((more = store_cursor_next(cursor, &item, e)) > 0) {
		uint64_t generation = item.key_length == KEY_ROWS_LENGTH
					      ? key_read_u64(item.key + strlen(KEY_ADMINS_ROWS))
					      : 0;
		if (generation == in_force || generation == written)
			continue;
		struct key key = {.length = 0};
		key_add(&key, item.key, item.key_length);
		vec_push(stale, key);
	}
	return more;
}

static int delete_stale_chunks(struct store *store, struct store_batch *batch, uint64_t in_force,
			       uint64_t written, struct err *e)
{
	key_list stale = {0};

	int result = find_stale_chunks(store, in_force, written, &stale, e);
	vec_foreach(&stale, key) {
		if (result == 0 && !store_batch_fits(batch, 1, key->length))
			result = store_batch_commit(batch, e);
		if (result == 0)
			store_batch_delete(batch, key->bytes, key->length);
	}
	if (result == 0 && store_batch_count(batch) > 0)
		result = store_batch_commit(batch, e);
	vec_done(&stale);
	return result;
}

static int generation_in_force(struct store *store, uint64_t *generation, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(list_done) struct list list = {0};

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = get_list(view, &list, e);
	if (result >= 0)
		*generation = list.generation;
	return result < 0 ? result : 0;
}

static int announce(struct store *store, uint64_t generation, struct err *e)
{
	cleanup(str_done) struct str writer = {0};

	encode_writer(generation, &writer);
	return store_put(store, KEY_ADMINS_WRITER, strlen(KEY_ADMINS_WRITER), writer.data, writer.length, e);
}

static int publish(struct store_batch *batch, const struct list *list, struct err *e)
{
	cleanup(str_done) struct str writer = {0}, record = {0};

	encode_writer(list->generation, &writer);
	encode_list(list, &record);
	int result = store_batch_fits(batch, 3, 2 * writer.length + record.length + PUBLISH_KEY_BYTES)
			     ? 0
			     : store_batch_commit(batch, e);
	if (result < 0)
		return result;
	store_batch_expect(batch, KEY_ADMINS_WRITER, strlen(KEY_ADMINS_WRITER), writer.data, writer.length);
	store_batch_delete(batch, KEY_ADMINS_WRITER, strlen(KEY_ADMINS_WRITER));
	store_batch_put(batch, KEY_ADMINS, strlen(KEY_ADMINS), record.data, record.length);
	result = store_batch_commit(batch, e);
	return result == ERR_CONFLICT ? err_set(e, ERR_LOCKED, "another import of the list overtook this one")
				      : result;
}

int admins_save(struct store *store, const struct admins *admins, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	struct list list = {.rows = admins->count, .source = admins->source, .imported = admins->imported};
	uint64_t old = 0;

	int result = new_generation(&list.generation, e);
	if (result == 0)
		result = announce(store, list.generation, e);
	if (result == 0)
		result = generation_in_force(store, &old, e);
	if (result == 0)
		result = delete_stale_chunks(store, batch, old, list.generation, e);
	if (result == 0)
		result = put_chunks(batch, admins, list.generation, &list.chunks, e);
	if (result == 0)
		result = publish(batch, &list, e);
	if (result < 0)
		return err_wrap(e, "administrators' list");
	/* The list is in force: where this fails, the next import deletes what is left. */
	delete_stale_chunks(store, batch, list.generation, list.generation, NULL);
	return 0;
}

static int load_chunk(struct store_view *view, const struct list *list, uint64_t chunk,
		      struct admin_rows *rows, struct err *e)
{
	cleanup(bytes_done) struct bytes bytes = {0};
	struct key key;

	rows_key(&key, list->generation, chunk);
	int result = store_view_get(view, key.bytes, key.length, &bytes, e);
	if (result == 0)
		return err_set(e, ERR_CORRUPT, "a part of it is missing");
	return result < 0 ? result : admins_decode_rows(&bytes, rows, e);
}

static int load_rows(struct store_view *view, const struct list *list, struct admins *admins, struct err *e)
{
	struct admin_rows rows = {0};
	int result = 0;

	for (uint64_t chunk = 0; chunk < list->chunks && result == 0; chunk++)
		result = load_chunk(view, list, chunk, &rows, e);
	if (result == 0 && rows.count != list->rows)
		result = err_set(e, ERR_CORRUPT, "it has %zu rows instead of %llu", rows.count,
				 (unsigned long long)list->rows);
	admins->items = rows.items;
	admins->count = rows.count;
	return result;
}

int admins_imported(struct store_view *view, int64_t *imported, struct err *e)
{
	cleanup(list_done) struct list list = {0};

	int result = get_list(view, &list, e);
	if (result == 1)
		*imported = list.imported;
	return result;
}

int admins_load(struct store_view *view, struct admins *admins, struct err *e)
{
	cleanup(list_done) struct list list = {0};
	cleanup(admins_done) struct admins loaded = {0};

	int result = get_list(view, &list, e);
	if (result <= 0)
		return result;
	result = load_rows(view, &list, &loaded, e);
	if (result < 0)
		return err_wrap(e, "administrators' list");
	loaded.source = list.source;
	list.source = NULL;
	loaded.imported = list.imported;
	admins_index(&loaded);
	*admins = loaded;
	loaded = (struct admins){0};
	return 1;
}
