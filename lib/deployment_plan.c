/* deployment_plan.c - plans of any size recorded whole, followed step by step, and forgotten. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "deployment.h"
#include "deployment_private.h"
#include "lock.h"
#include "mem.h"
#include "named.h"
#include "references.h"
#include "vec.h"

/* ---- its parts ---- */

/* The keys of one batch at a time that begin with PREFIX and ID. */
static int collect_keys(struct store *store, const char *prefix, uint64_t id, struct store_batch *batch,
			struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;
	int result = store_view_open(&view, store, e);

	deployment_key(&key, prefix, id);
	if (result == 0)
		result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	while (result >= 0 && store_batch_fits(batch, 1, STORE_KEY_MAX) &&
	       (result = store_cursor_next(cursor, &item, e)) == 1)
		store_batch_delete(batch, item.key, item.key_length);
	return result < 0 ? result : 0;
}

static int delete_keys(struct store *store, const char *prefix, uint64_t id, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	int result = collect_keys(store, prefix, id, batch, e);

	while (result == 0 && store_batch_count(batch) > 0) {
		result = store_batch_commit(batch, e);
		if (result == 0)
			result = collect_keys(store, prefix, id, batch, e);
	}
	return result;
}

static int delete_parts(struct store *store, uint64_t id, struct err *e)
{
	int result = delete_keys(store, KEY_DEPLOYED, id, e);

	return result < 0 ? result : delete_keys(store, KEY_BASE_USER, id, e);
}

/* ---- a plan ---- */

/* Of what comes before the head: commits what is in the batch where SIZE more bytes would not fit. */
static int make_room(struct store_batch *batch, size_t size, struct err *e)
{
	return store_batch_fits(batch, 1, size) ? 0 : store_batch_commit(batch, e);
}

static int write_machines(struct store_batch *batch, const struct deployment *deployment, struct err *e)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < deployment->machines.count; i++) {
		cleanup(str_done) struct str record = {0};
		struct key key;
		deployment_key_machine(&key, deployment->id, i);
		deployment_encode_machine(&deployment->machines.items[i], &record);
		result = make_room(batch, key.length + record.length, e);
		if (result == 0)
			store_batch_put(batch, key.bytes, key.length, record.data, record.length);
	}
	return result;
}

/* A base that is recorded stays as it is; one that somebody records at the same time is a conflict. */
static int write_base(struct store *store, struct store_batch *batch, const struct deployed_base *base,
		      struct err *e)
{
	cleanup(str_done) struct str record = {0};
	cleanup(bytes_done) struct bytes there = {0};
	struct key key;

	deployment_key_base(&key, base);
	int result = store_get(store, key.bytes, key.length, &there, e);
	if (result != 0)
		return result < 0 ? result : 0;
	deployment_encode_base(base, &record);
	result = make_room(batch, key.length + record.length, e);
	if (result == 0)
		store_batch_claim(batch, key.bytes, key.length, record.data, record.length);
	return result;
}

static int write_bases(struct store *store, struct store_batch *batch, uint64_t id,
		       const struct deployed_bases *bases, struct err *e)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < bases->count; i++) {
		struct key key;
		result = deployment_check_base(&bases->items[i], e);
		if (result == 0)
			result = write_base(store, batch, &bases->items[i], e);
		if (result == 0)
			result = make_room(batch, STORE_KEY_MAX, e);
		if (result < 0)
			break;
		deployment_key_use(&key, id, &bases->items[i]);
		store_batch_put(batch, key.bytes, key.length, "", 0);
	}
	return result;
}

static int write_head(struct store_batch *batch, const struct deployment *deployment,
		      const struct deployment_basis *basis, struct err *e)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	deployment_key(&key, KEY_DEPLOYMENT, deployment->id);
	deployment_encode_head(deployment, &record);
	store_batch_claim(batch, key.bytes, key.length, record.data, record.length);
	named_claim(batch, KEY_DEPLOYMENT_NAME, deployment->name, deployment->id);
	deployment_batch_revision(batch, basis->plans);
	references_hold(batch, basis->references);
	return store_batch_commit(batch, e);
}

/* Which conflict it was: somebody else's name is not planned around. */
static int tell_conflict(struct store *store, const char *name, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	uint64_t id;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = named_find(view, KEY_DEPLOYMENT_NAME, name, &id, e);
	if (result < 0)
		return result;
	return err_set(e, ERR_CONFLICT, "%s", result == 1 ? "name" : "another plan was first");
}

int deployment_plan(struct store *store, const struct deployment *deployment,
		    const struct deployed_bases *bases, const struct deployment_basis *basis, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	/* An earlier try, on another basis, may have left some. */
	int result = delete_parts(store, deployment->id, e);

	if (result == 0)
		result = write_machines(batch, deployment, e);
	if (result == 0)
		result = write_bases(store, batch, deployment->id, bases, e);
	if (result == 0 && store_batch_count(batch) > 0)
		result = store_batch_commit(batch, e);
	if (result == 0)
		result = write_head(batch, deployment, basis, e);
	return result == ERR_CONFLICT ? tell_conflict(store, deployment->name, e) : result;
}

/* ---- its steps ---- */

int deployment_put(struct store *store, const struct deployment *deployment, struct err *e)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	deployment_key(&key, KEY_DEPLOYMENT, deployment->id);
	deployment_encode_head(deployment, &record);
	int result = store_put(store, key.bytes, key.length, record.data, record.length, e);
	return result < 0 ? err_wrap(e, "deployment %s", deployment->name) : 0;
}

int deployment_put_machine(struct store *store, const struct deployment *deployment, size_t machine,
			   struct err *e)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	deployment_key_machine(&key, deployment->id, machine);
	deployment_encode_machine(&deployment->machines.items[machine], &record);
	int result = store_put(store, key.bytes, key.length, record.data, record.length, e);
	return result < 0 ? err_wrap(e, "VM %s", deployment->machines.items[machine].name) : 0;
}

/* ---- forgetting ---- */

static int drop_head(struct store *store, const struct deployment *deployment, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	struct deployment_basis basis;
	struct key key;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = deployment_basis(view, &basis, e);
	if (result == 0)
		result = deployment_is_there(view, deployment->id, e);
	if (result <= 0)
		return result;
	store_view_close(view);
	view = NULL;
	deployment_key(&key, KEY_DEPLOYMENT, deployment->id);
	store_batch_delete(batch, key.bytes, key.length);
	named_drop(batch, KEY_DEPLOYMENT_NAME, deployment->name, deployment->id);
	deployment_batch_revision(batch, basis.plans);
	return store_batch_commit(batch, e);
}

int deployment_forget(struct store *store, const struct deployment *deployment, struct err *e)
{
	enum { TRIES_MAX = 64 };
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = drop_head(store, deployment, e);
	if (result == 0)
		result = delete_parts(store, deployment->id, e);
	return result < 0 ? err_wrap(e, "deployment %s", deployment->name) : 0;
}

/* ---- what killed processes left ---- */

struct ids {
	VEC(uint64_t) items;
};

static void ids_done(struct ids *ids)
{
	vec_done(&ids->items);
}

/* Ids that keys of PREFIX begin with and that no deployment has. */
static int find_lost(struct store_view *view, const char *prefix, struct ids *ids, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	uint64_t last = 0;
	int result = store_cursor_open(&cursor, view, prefix, strlen(prefix), false, e);

	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) == 1) {
		uint64_t id = item.key_length < strlen(prefix) + sizeof id
				      ? last
				      : key_read_u64(item.key + strlen(prefix));
		if (id == last)
			continue;
		last = id;
		int there = deployment_is_there(view, id, e);
		if (there < 0)
			return there;
		if (!there)
			vec_push(&ids->items, id);
	}
	return result;
}

static int find_all_lost(struct store *store, struct ids *ids, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, store, e);

	if (result == 0)
		result = find_lost(view, KEY_DEPLOYED, ids, e);
	return result < 0 ? result : find_lost(view, KEY_BASE_USER, ids, e);
}

/* Its planner may have recorded the head in the meantime: it held the lock until then. */
static int delete_lost(struct store *store, const char *store_uri, uint64_t id, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(bytes_done) struct bytes head = {0};
	struct key key;

	int result = deployment_lock(store_uri, id, &lock, e);
	if (result == ERR_LOCKED)
		return 0;
	if (result < 0)
		return result;
	deployment_key(&key, KEY_DEPLOYMENT, id);
	result = store_get(store, key.bytes, key.length, &head, e);
	return result != 0 ? (result < 0 ? result : 0) : delete_parts(store, id, e);
}

/* Bases that a plan recorded which never was: nobody has begun to fill them. */
static int delete_unused_bases(struct store *store, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(deployed_bases_done) struct deployed_bases all = {0};
	int result = store_view_open(&view, store, e);

	if (result == 0)
		result = deployment_all_bases(view, &all, e);
	store_view_close(view);
	view = NULL;
	for (size_t i = 0; result >= 0 && i < all.count; i++)
		if (all.items[i].users.count == 0)
			result = deployment_forget_base(store, 0, &all.items[i], e);
	return result < 0 ? result : 0;
}

int deployment_tidy(struct store *store, const char *store_uri, struct err *e)
{
	cleanup(ids_done) struct ids ids = {0};
	int result = find_all_lost(store, &ids, e);

	for (size_t i = 0; result == 0 && i < ids.items.count; i++)
		result = delete_lost(store, store_uri, ids.items.items[i], e);
	return result < 0 ? result : delete_unused_bases(store, e);
}
