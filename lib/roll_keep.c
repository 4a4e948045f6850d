/* roll_keep.c - what an operator says of a host: it has another name, it is gone for good. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_write.h"
#include "when.h"

/* The newest snapshot's set. 1, 0 without any. */
static int newest_set(struct store_view *view, struct roll_header *header, struct roll_set *set, struct err *e)
{
	int result = roll_newest_header(view, UINT64_MAX, WHEN_UNKNOWN, header, e);
	if (result <= 0)
		return result;
	result = roll_get_set(view, header, set, e);
	return result < 0 ? result : 1;
}

static int require_member(const struct roll_set *set, const char *name, size_t *index, struct err *e)
{
	*index = roll_set_find(set, name);
	if (*index == SIZE_MAX)
		return err_set(e, ERR_NOT_FOUND, "%s: the newest snapshot has no such host", name);
	return 0;
}

static int try_forget(struct store *store, const char *name, int64_t at, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(roll_set_done) struct roll_set set = {0};
	cleanup(bytes_done) struct bytes raw = {0};
	struct roll_counters counters;
	struct roll_header header = {0};
	size_t index;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = roll_get_counters(view, &counters, &raw, e);
	if (result >= 0)
		result = newest_set(view, &header, &set, e);
	if (result >= 0)
		result = require_member(&set, name, &index, e);
	if (result < 0)
		return result;
	if (!set.members.items[index].known)
		return err_set(e, ERR_NOT_FOUND, "%s: never answered", name);
	roll_batch_counters(
		batch, &(struct roll_counters){counters.change + 1, counters.snapshot, counters.session}, &raw);
	result = roll_batch_end(batch, view, set.members.items[index].uuid, counters.change + 1,
				header.snapshot.id, at, e);
	store_view_close(view);
	view = NULL;
	return result > 0 ? store_batch_commit(batch, e) : result;
}

int roll_forget(struct store *store, const char *name, int64_t at, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int tries = 0; result == ERR_CONFLICT && tries < ROLL_TRIES; tries++)
		result = try_forget(store, name, at, e);
	return roll_give_up(result, e);
}

/* The UUID that NAME had in the newest snapshot that knew it: it may have left hosts(5) already. */
static int find_bearer(struct store_view *view, const char *name, unsigned char *uuid, struct err *e)
{
	struct roll_header header = {.snapshot = {.id = UINT64_MAX}, .set = UINT64_MAX};
	uint64_t looked = UINT64_MAX;
	int result;

	while ((result = roll_newest_header(view, header.snapshot.id, WHEN_UNKNOWN, &header, e)) > 0) {
		cleanup(roll_set_done) struct roll_set set = {0};
		if (header.set == looked)
			continue;
		looked = header.set;
		result = roll_get_set(view, &header, &set, e);
		if (result < 0)
			return result;
		size_t index = roll_set_find(&set, name);
		if (index == SIZE_MAX || !set.members.items[index].known)
			continue;
		memcpy(uuid, set.members.items[index].uuid, VM_UUID_SIZE);
		return 0;
	}
	return result < 0 ? result : err_set(e, ERR_NOT_FOUND, "%s: no such host ever answered", name);
}

/* Two hosts that are both there are not one. */
static int check_rename(struct store_view *view, const char *old_name, const char *new_name, struct err *e)
{
	cleanup(roll_set_done) struct roll_set set = {0};
	struct roll_header header = {0};

	int result = newest_set(view, &header, &set, e);
	if (result < 0)
		return result;
	size_t old = roll_set_find(&set, old_name), new = roll_set_find(&set, new_name);
	if (old == new || (old != SIZE_MAX && new != SIZE_MAX &&set.members.items[new].known))
		return old == SIZE_MAX ? 0
				       : err_set(e, ERR_USAGE, "%s and %s are both there", old_name, new_name);
	return 0;
}

int roll_rename(struct store *store, const char *old_name, const char *new_name, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	unsigned char uuid[VM_UUID_SIZE];
	struct key key;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = check_rename(view, old_name, new_name, e);
	if (result == 0)
		result = find_bearer(view, old_name, uuid, e);
	store_view_close(view);
	view = NULL;
	if (result < 0)
		return result;
	key_add_text(key_begin(&key, KEY_ALIAS), new_name);
	return store_put(store, key.bytes, key.length, uuid, sizeof uuid, e);
}
