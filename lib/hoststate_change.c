/* hoststate_change.c - pruning the history of hosts, and renaming a host. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "hoststate.h"
#include "hoststate_private.h"
#include "keys.h"
#include "mem.h"
#include "vec.h"

/* A batch of whole keys found by a walk, to be deleted after it. */
struct doomed {
	VEC(struct key) keys;
	struct key resume; /* where the next walk begins */
	bool more;
};

/* Dooms up to a batch of transitions that another of their host followed at or before BEFORE: until then they said its state. */
static int find_old(struct store *store, int64_t before, struct doomed *doomed, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key last = {0};
	int result = store_view_open(&view, store, e);

	if (result == 0)
		result = store_cursor_open(&cursor, view, KEY_TRANSITION, sizeof KEY_TRANSITION - 1, false, e);
	if (result == 0 && doomed->resume.length > 0)
		result = store_cursor_seek(cursor, doomed->resume.bytes, doomed->resume.length, e);
	doomed->keys.count = 0;
	doomed->more = false;
	while (result == 0 && (result = store_cursor_next(cursor, &item, e)) == 1) {
		const char *host = NULL;
		int64_t at = 0;
		result = hoststate_parse_transition(&item, &host, &at, e);
		if (result < 0)
			break;
		bool same = last.length == item.key_length &&
			    memcmp(last.bytes, item.key, item.key_length - 8) == 0;
		if (same && at <= before)
			vec_push(&doomed->keys, last);
		key_add(key_begin(&last, ""), item.key, item.key_length);
		doomed->more = doomed->keys.count == STORE_BATCH_OPERATIONS;
		if (doomed->more) {
			doomed->resume = last;
			break;
		}
	}
	return result < 0 ? result : 0;
}

static int delete_doomed(struct store *store, const struct doomed *doomed, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	for (size_t i = 0; i < doomed->keys.count; i++)
		store_batch_delete(batch, doomed->keys.items[i].bytes, doomed->keys.items[i].length);
	return store_batch_commit(batch, e);
}

int hoststate_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e)
{
	struct doomed doomed = {.more = true};
	uint64_t count = 0;
	int result = 0;

	while (result == 0 && doomed.more) {
		result = find_old(store, before, &doomed, e);
		if (result == 0 && doomed.keys.count > 0)
			result = delete_doomed(store, &doomed, e);
		if (result == 0)
			count += doomed.keys.count;
	}
	vec_done(&doomed.keys);
	if (result == 0)
		*removed = count;
	return result;
}

/* Moves up to half a batch of transitions. 1 if there may be more. */
static int move_some(struct store *store, const char *old_name, const char *new_name, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key prefix, moved;

	hoststate_transition_prefix(&prefix, old_name);
	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = store_cursor_open(&cursor, view, prefix.bytes, prefix.length, false, e);
	while (result == 0 && store_batch_room(batch) >= 2 &&
	       (result = store_cursor_next(cursor, &item, e)) == 1) {
		hoststate_transition_key(&moved, new_name, key_read_instant(item.key + item.key_length - 8));
		store_batch_put(batch, moved.bytes, moved.length, item.value, item.value_length);
		store_batch_delete(batch, item.key, item.key_length);
		result = 0;
	}
	store_cursor_close(cursor);
	cursor = NULL;
	store_view_close(view);
	view = NULL;
	bool more = store_batch_count(batch) > 0;
	if (result == 0 && more)
		result = store_batch_commit(batch, e);
	return result < 0 ? result : more;
}

static int move_state(struct store *store, const char *old_name, const char *new_name, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(bytes_done) struct bytes value = {0};
	cleanup(bytes_done) struct bytes there = {0};
	struct key from, to;

	key_add_text(key_begin(&from, KEY_STATE), old_name);
	key_add_text(key_begin(&to, KEY_STATE), new_name);
	int result = store_get(store, from.bytes, from.length, &value, e);
	if (result <= 0)
		return result;
	result = store_get(store, to.bytes, to.length, &there, e);
	if (result < 0)
		return result;
	if (result == 0)
		store_batch_put(batch, to.bytes, to.length, value.data, value.length);
	store_batch_delete(batch, from.bytes, from.length);
	return store_batch_commit(batch, e);
}

int hoststate_rename(struct store *store, const char *old_name, const char *new_name, struct err *e)
{
	int result;

	if (strcmp(old_name, new_name) == 0)
		return 0;
	do
		result = move_some(store, old_name, new_name, e);
	while (result == 1);
	return result < 0 ? result : move_state(store, old_name, new_name, e);
}
