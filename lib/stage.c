/* stage.c - the journal of operations on the repository. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "serial.h"
#include "stage.h"
#include "when.h"

enum { RECORD_VERSION = 1 };

enum field {
	FIELD_ID = 1,
	FIELD_IMAGE,
	FIELD_GENERATION,
	FIELD_WHAT,
	FIELD_FOLDER,
	FIELD_REPOSITORY,
	FIELD_BEGUN,
	FIELD_REMOTES
};

enum remote_field { REMOTE_HOST = 1, REMOTE_URI, REMOTE_POOL, REMOTE_VOLUME, REMOTE_BACKUP_OF, REMOTE_THAW };

static void remote_done(struct stage_remote *remote)
{
	free(remote->host);
	free(remote->uri);
	free(remote->pool);
	free(remote->volume);
}

void stage_done(struct stage *stage)
{
	free(stage->what);
	free(stage->folder);
	free(stage->repository);
	vec_foreach(&stage->remotes, remote)
		remote_done(remote);
	vec_done(&stage->remotes);
	*stage = (struct stage){0};
}

void stages_done(struct stages *stages)
{
	vec_foreach(stages, stage)
		stage_done(stage);
	vec_done(stages);
}

/* ---- record ---- */

static void add_remote(struct str *out, const struct stage_remote *remote)
{
	rec_open_map(out);
	rec_text(out, REMOTE_HOST, remote->host);
	rec_text(out, REMOTE_URI, remote->uri);
	rec_text(out, REMOTE_POOL, remote->pool);
	rec_text(out, REMOTE_VOLUME, remote->volume);
	rec_bytes(out, REMOTE_BACKUP_OF, remote->backup_of, sizeof remote->backup_of);
	rec_bool(out, REMOTE_THAW, remote->thaw);
	rec_close(out);
}

void stage_encode(const struct stage *stage, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, FIELD_ID, stage->id);
	rec_uint(out, FIELD_IMAGE, stage->image);
	rec_uint(out, FIELD_GENERATION, stage->generation);
	rec_text(out, FIELD_WHAT, stage->what);
	rec_text(out, FIELD_FOLDER, stage->folder);
	rec_text(out, FIELD_REPOSITORY, stage->repository);
	rec_int(out, FIELD_BEGUN, stage->begun);
	rec_array(out, FIELD_REMOTES);
	vec_foreach(&stage->remotes, remote)
		add_remote(out, remote);
	rec_close(out);
	rec_end(out);
}

static int take_remote_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct stage_remote *remote = context;

	switch (field) {
	case REMOTE_HOST:
		return rec_replace_text(value, &remote->host, e);
	case REMOTE_URI:
		return rec_replace_text(value, &remote->uri, e);
	case REMOTE_POOL:
		return rec_replace_text(value, &remote->pool, e);
	case REMOTE_VOLUME:
		return rec_replace_text(value, &remote->volume, e);
	case REMOTE_BACKUP_OF:
		return rec_as_fixed(value, remote->backup_of, sizeof remote->backup_of, e);
	case REMOTE_THAW:
		return rec_as_bool(value, &remote->thaw, e);
	default:
		return 0;
	}
}

static int take_remote(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct stage *stage = context;
	struct stage_remote *remote = vec_push_zero(&stage->remotes);
	int result = rec_read_map(value, take_remote_field, remote, e);

	(void)field;
	if (result == 0 && (!remote->host || !remote->uri))
		return err_set(e, ERR_CORRUPT, "something on no host");
	return result;
}

static int take_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct stage *stage = context;

	switch (field) {
	case FIELD_ID:
		return rec_as_uint(value, &stage->id, e);
	case FIELD_IMAGE:
		return rec_as_uint(value, &stage->image, e);
	case FIELD_GENERATION:
		return rec_as_uint(value, &stage->generation, e);
	case FIELD_WHAT:
		return rec_replace_text(value, &stage->what, e);
	case FIELD_FOLDER:
		return rec_replace_text(value, &stage->folder, e);
	case FIELD_REPOSITORY:
		return rec_replace_text(value, &stage->repository, e);
	case FIELD_BEGUN:
		return rec_as_int(value, &stage->begun, e);
	case FIELD_REMOTES:
		return rec_read_array(value, take_remote, stage, e);
	default:
		return 0;
	}
}

/* What it names will be removed: the folder must be one below the staging folder. */
static int check(const struct stage *stage, struct err *e)
{
	if (stage->id == 0 || stage->image == 0 || !stage->what)
		return err_set(e, ERR_CORRUPT, "it does not say what for");
	if (stage->folder && (!*stage->folder || *stage->folder == '.' || strchr(stage->folder, '/')))
		return err_set(e, ERR_CORRUPT, "'%.64s' is no folder of its own", stage->folder);
	return 0;
}

int stage_decode(const void *data, size_t length, struct stage *stage, struct err *e)
{
	struct stage read = {.begun = WHEN_UNKNOWN};

	int result = rec_read(data, length, RECORD_VERSION, take_field, &read, e);
	if (result == 0)
		result = check(&read, e);
	if (result < 0) {
		stage_done(&read);
		return err_wrap(e, "record of a stage");
	}
	*stage = read;
	return 0;
}

/* ---- in the store ---- */

static struct key *stage_key(struct key *key, uint64_t id)
{
	return key_add_u64(key_begin(key, KEY_STAGE), id);
}

static int acquire(const char *uri, uint64_t id, struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;

	if (store_lock_path(uri, "stages", &path, e) < 0)
		return e->code;
	return lock_acquire_part(lock, path, id, false, e);
}

static int put(struct store *store, const struct stage *stage, struct err *e)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	stage_encode(stage, &record);
	stage_key(&key, stage->id);
	return store_put(store, key.bytes, key.length, record.data, record.length, e);
}

int stage_begin(struct store *store, const char *uri, struct stage *stage, struct lock *lock, struct err *e)
{
	uint64_t id = stage->id;

	if (id == 0 && serial_next(store, &id, e) < 0)
		return e->code;
	stage->id = id;
	if (stage->image == 0)
		stage->image = id;
	/* Locked before it can be seen: what is recorded and free is taken for a dead one's. */
	if (acquire(uri, id, lock, e) < 0)
		return err_wrap(e, "%s", stage->what);
	if (put(store, stage, e) < 0) {
		lock_done(lock);
		return err_wrap(e, "%s", stage->what);
	}
	return 0;
}

int stage_update(struct store *store, const struct stage *stage, struct err *e)
{
	return put(store, stage, e);
}

int stage_end(struct store *store, uint64_t id, struct err *e)
{
	struct key key;

	stage_key(&key, id);
	return store_delete(store, key.bytes, key.length, e);
}

/* 1, 0 if there is none. */
static int find(struct store *store, uint64_t id, struct stage *stage, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	struct key key;

	stage_key(&key, id);
	int result = store_get(store, key.bytes, key.length, &raw, e);
	if (result <= 0)
		return result;
	if (stage_decode(raw.data, raw.length, stage, e) < 0)
		return err_wrap(e, "stage %llu", (unsigned long long)id);
	return 1;
}

int stage_all(struct store_view *view, struct stages *stages, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int result;

	if (store_cursor_open(&cursor, view, KEY_STAGE, strlen(KEY_STAGE), false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		struct stage stage;
		if (stage_decode(item.value, item.value_length, &stage, e) < 0)
			return e->code;
		vec_push(stages, stage);
	}
	return result;
}

int stage_take(struct store *store, const char *uri, uint64_t id, struct stage *stage, struct lock *lock,
	       struct err *e)
{
	int result = acquire(uri, id, lock, e);

	if (result < 0)
		return result == ERR_LOCKED ? 0 : result;
	/* What it did last is recorded by now, or it has ended well: what the caller saw before is history. */
	result = find(store, id, stage, e);
	if (result != 1)
		lock_done(lock);
	return result;
}
