/* store.c - the store's front: addresses, schema, checksums, reading. */
#include "config.h"

#include <isa-l/crc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_private.h"
#include "str.h"

static const char schema_key[] = "meta/schema";

static const struct store_backend *const backends[] = {&store_lmdb, NULL};

struct store_view {
	struct store *store;
	void *handle;
};

struct store_cursor {
	struct store_view *view;
	void *handle;
};

/* How often this process is the child of a fork since it began to use stores. */
static unsigned fork_generation;

static void count_fork(void)
{
	fork_generation++;
}

static void watch_forks(void)
{
	static bool watching;

	if (!watching)
		watching = pthread_atfork(NULL, NULL, count_fork) == 0;
}

int store_check_process(const struct store *store, struct err *e)
{
	if (store->generation == fork_generation)
		return 0;
	return err_set(e, ERR_ENV, "store %s: opened by the parent process: a child opens its own", store->uri);
}

/* Checksums: RFC 3720, section 12.1, over key and value; stored before the value, most significant byte first. */

static uint32_t checksum(const void *key, size_t key_length, const void *value, size_t value_length)
{
	/* isa-l leaves both complements of the CRC to the caller, takes no const, and counts in int. */
	unsigned crc = crc32_iscsi((unsigned char *)key, (int)key_length, 0xFFFFFFFF);

	if (value_length)
		crc = crc32_iscsi((unsigned char *)value, (int)value_length, crc);
	return ~crc;
}

void store_describe_key(const void *key, size_t key_length, char *text, size_t size)
{
	cleanup(str_done) struct str shown = {0};
	size_t most = 64;

	if (key_length > most) {
		str_add_escaped(&shown, key, most / 2);
		str_add(&shown, "\xE2\x80\xA6");
		str_add_escaped(&shown, (const char *)key + key_length - most / 2, most / 2);
	} else {
		str_add_escaped(&shown, key, key_length);
	}
	snprintf(text, size, "key '%s'", str_text(&shown));
}

static int check_raw(const void *key, size_t key_length, const void *raw, size_t raw_length, struct err *e)
{
	const unsigned char *sum = raw;
	char text[ERR_TEXT_SIZE];

	if (raw_length >= CHECKSUM_SIZE && raw_length <= STORE_BATCH_BYTES + CHECKSUM_SIZE &&
	    checksum(key, key_length, sum + CHECKSUM_SIZE, raw_length - CHECKSUM_SIZE) ==
		    ((uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3]))
		return 0;
	store_describe_key(key, key_length, text, sizeof text);
	return err_set(e, ERR_CORRUPT, "%s: checksum does not match", text);
}

size_t store_seal(struct str *bytes, const void *key, size_t key_length, const void *value, size_t value_length)
{
	size_t at = bytes->length;
	uint32_t sum = checksum(key, key_length, value, value_length);
	const unsigned char head[CHECKSUM_SIZE] = {(unsigned char)(sum >> 24), (unsigned char)(sum >> 16),
						   (unsigned char)(sum >> 8), (unsigned char)sum};

	str_add_n(bytes, head, sizeof head);
	if (value_length)
		str_add_n(bytes, value, value_length);
	return at;
}

/* Opening */

static const struct store_backend *find_backend(const char *uri, const char **place)
{
	for (size_t i = 0; backends[i]; i++) {
		size_t length = strlen(backends[i]->scheme);
		if (str_starts(uri, backends[i]->scheme) && uri[length] == ':') {
			*place = uri + length + 1;
			return backends[i];
		}
	}
	return NULL;
}

static int unknown_backend(const char *uri, struct err *e)
{
	return err_set(e, ERR_USAGE, "store '%s': not an address: lmdb:/FOLDER expected", uri);
}

static int read_schema(struct store *store, unsigned *schema, struct err *e)
{
	struct bytes value = {0};
	struct err why = {0};
	uint64_t number = 0;

	int found = store_get(store, schema_key, sizeof schema_key - 1, &value, e);
	if (found < 0)
		return found;
	if (found == 0)
		return err_set(e, ERR_CORRUPT, "store %s: no %s in it", store->uri, schema_key);
	int parsed = str_parse_number(value.data, 0, 1000000000, &number, &why);
	bytes_done(&value);
	if (parsed < 0)
		return err_set(e, ERR_CORRUPT, "store %s: %s: %s", store->uri, schema_key, why.text);
	*schema = (unsigned)number;
	return 0;
}

/*
 * Schema 0 had the records of schema 1, so only its number changes; a later
 * schema rewrites its records here. The number comes last, so that what was
 * interrupted begins again.
 */
static int migrate(struct store *store, unsigned from, struct err *e)
{
	char before[16], after[16];
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	snprintf(before, sizeof before, "%u", from);
	snprintf(after, sizeof after, "%d", STORE_SCHEMA);
	store_batch_expect(batch, schema_key, sizeof schema_key - 1, before, strlen(before));
	store_batch_put(batch, schema_key, sizeof schema_key - 1, after, strlen(after));
	return store_batch_commit(batch, e);
}

static int settle_schema(struct store *store, enum store_mode mode, struct err *e)
{
	unsigned schema = 0;

	int result = read_schema(store, &schema, e);
	if (result < 0)
		return result;
	if (schema > STORE_SCHEMA)
		return err_set(e, ERR_SCHEMA, "store %s: schema %u is newer than %d, which this program knows",
			       store->uri, schema, STORE_SCHEMA);
	if (schema == STORE_SCHEMA || mode == STORE_READ)
		return 0;
	if (mode == STORE_MIGRATE)
		return migrate(store, schema, e);
	return err_set(e, ERR_SCHEMA, "store %s: schema %u is older than %d: run vmsnap --migrate first",
		       store->uri, schema, STORE_SCHEMA);
}

int store_open(struct store **store, const char *uri, enum store_mode mode, struct err *e)
{
	const char *place = NULL;
	const struct store_backend *backend = find_backend(uri, &place);
	cleanup(str_done) struct str first = {0};
	char schema[16];

	if (!backend)
		return unknown_backend(uri, e);
	watch_forks();
	snprintf(schema, sizeof schema, "%d", STORE_SCHEMA);
	store_seal(&first, schema_key, sizeof schema_key - 1, schema, strlen(schema));

	struct store_backend_options options = {mode,
						check_raw,
						{STORE_PUT, (const unsigned char *)schema_key,
						 sizeof schema_key - 1, first.data, first.length}};
	cleanup(cleanup_store) struct store *opened = mem_zalloc(1, sizeof *opened);
	opened->backend = backend;
	opened->uri = mem_string(uri);
	opened->readable_only = mode == STORE_READ;
	opened->generation = fork_generation;
	int result = backend->open(&opened->handle, place, &options, e);
	if (result < 0)
		return result;
	result = settle_schema(opened, mode, e);
	if (result < 0)
		return result;
	*store = opened;
	opened = NULL;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	/* In a child of fork the handle belongs to the parent: its locks and its reader slots must stay as they are. */
	if (store->handle && store->generation == fork_generation)
		store->backend->close(store->handle);
	free(store->uri);
	free(store);
}

void cleanup_store(struct store **store)
{
	store_close(*store);
}

int store_file_path(const char *uri, const char *name, char **path, struct err *e)
{
	const char *place = NULL;
	const struct store_backend *backend = find_backend(uri, &place);

	return backend ? backend->file_path(place, name, path, e) : unknown_backend(uri, e);
}

int store_lock_path(const char *uri, const char *name, char **path, struct err *e)
{
	cleanup(cleanup_mem) char *file = mem_format("%s.lock", name);

	return store_file_path(uri, file, path, e);
}

int store_size(struct store *store, uint64_t *bytes, struct err *e)
{
	if (store_check_process(store, e) < 0)
		return ERR_ENV;
	return store->backend->size(store->handle, bytes, e);
}

/* Reading */

void bytes_done(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

int store_check_key(const unsigned char *key, size_t key_length, struct err *e)
{
	if (key_length == 0 || key[0] == '\0')
		return err_set(e, ERR_USAGE, "store: an empty key, or one that begins with NUL");
	if (key_length > STORE_KEY_MAX)
		return err_set(e, ERR_TOO_LARGE, "store: a key of %zu bytes: %d at most", key_length,
			       STORE_KEY_MAX);
	return 0;
}

int store_view_open(struct store_view **view, struct store *store, struct err *e)
{
	void *handle = NULL;

	if (store_check_process(store, e) < 0)
		return ERR_ENV;
	int result = store->backend->view_open(&handle, store->handle, e);
	if (result < 0)
		return result;
	*view = mem_zalloc(1, sizeof **view);
	(*view)->store = store;
	(*view)->handle = handle;
	return 0;
}

void store_view_close(struct store_view *view)
{
	if (!view)
		return;
	if (view->store->generation == fork_generation)
		view->store->backend->view_close(view->handle);
	free(view);
}

uint64_t store_view_revision(const struct store_view *view)
{
	return view->store->backend->view_revision(view->handle);
}

void cleanup_store_view(struct store_view **view)
{
	store_view_close(*view);
}

int store_view_get(struct store_view *view, const void *key, size_t key_length, struct bytes *value,
		   struct err *e)
{
	struct store *store = view->store;
	struct store_item raw;
	int result = store_check_key(key, key_length, e);

	if (result < 0)
		return result;
	if (store_check_process(store, e) < 0)
		return ERR_ENV;
	result = store->backend->view_get(view->handle, key, key_length, &raw, e);
	if (result <= 0)
		return result;
	if (check_raw(key, key_length, raw.value, raw.value_length, e) < 0) {
		err_wrap(e, "store %s", store->uri);
		return ERR_CORRUPT;
	}
	value->length = raw.value_length - CHECKSUM_SIZE;
	value->data = mem_string_n((const char *)raw.value + CHECKSUM_SIZE, value->length);
	return 1;
}

int store_get(struct store *store, const void *key, size_t key_length, struct bytes *value, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	int result = store_view_open(&view, store, e);
	return result < 0 ? result : store_view_get(view, key, key_length, value, e);
}

int store_cursor_open(struct store_cursor **cursor, struct store_view *view, const void *prefix,
		      size_t prefix_length, bool reverse, struct err *e)
{
	void *handle = NULL;

	if (prefix_length && store_check_key(prefix, prefix_length, e) < 0)
		return prefix_length > STORE_KEY_MAX ? ERR_TOO_LARGE : ERR_USAGE;
	if (store_check_process(view->store, e) < 0)
		return ERR_ENV;
	int result = view->store->backend->cursor_open(&handle, view->handle, prefix, prefix_length, reverse, e);
	if (result < 0)
		return result;
	*cursor = mem_zalloc(1, sizeof **cursor);
	(*cursor)->view = view;
	(*cursor)->handle = handle;
	return 0;
}

void store_cursor_close(struct store_cursor *cursor)
{
	if (!cursor)
		return;
	if (cursor->view->store->generation == fork_generation)
		cursor->view->store->backend->cursor_close(cursor->handle);
	free(cursor);
}

void cleanup_store_cursor(struct store_cursor **cursor)
{
	store_cursor_close(*cursor);
}

int store_cursor_seek(struct store_cursor *cursor, const void *key, size_t key_length, struct err *e)
{
	struct store *store = cursor->view->store;
	int result = store_check_key(key, key_length, e);

	if (result < 0)
		return result;
	if (store_check_process(store, e) < 0)
		return ERR_ENV;
	return store->backend->cursor_seek(cursor->handle, key, key_length, e);
}

int store_cursor_next(struct store_cursor *cursor, struct store_item *item, struct err *e)
{
	struct store *store = cursor->view->store;
	struct store_item raw;

	if (store_check_process(store, e) < 0)
		return ERR_ENV;
	int result = store->backend->cursor_next(cursor->handle, &raw, e);
	if (result <= 0)
		return result;
	if (check_raw(raw.key, raw.key_length, raw.value, raw.value_length, e) < 0) {
		err_wrap(e, "store %s", store->uri);
		return ERR_CORRUPT;
	}
	raw.value += CHECKSUM_SIZE;
	raw.value_length -= CHECKSUM_SIZE;
	*item = raw;
	return 1;
}
