/* deployment_base.c - the content of an image's disk on a host, shared by those that were made of it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "deployment.h"
#include "deployment_private.h"
#include "mem.h"
#include "vec.h"

enum { TRIES_MAX = 64 };

void deployed_base_done(struct deployed_base *base)
{
	free(base->host);
	free(base->uri);
	free(base->pool);
	free(base->volume);
	free(base->target);
	vec_done(&base->users);
	*base = (struct deployed_base){0};
}

void deployed_bases_done(struct deployed_bases *bases)
{
	vec_foreach(bases, base)
		deployed_base_done(base);
	vec_done(bases);
}

/* ---- keys ---- */

static struct key *add_base(struct key *key, const struct deployed_base *base)
{
	key_add_u64(key_add_u64(key_add_u64(key, base->image), base->generation), base->own);
	key_add(key, base->host, strlen(base->host) + 1);
	key_add(key, base->pool, strlen(base->pool) + 1);
	return key_add_text(key, base->target);
}

struct key *deployment_key_base(struct key *key, const struct deployed_base *base)
{
	return add_base(key_begin(key, KEY_BASE), base);
}

struct key *deployment_key_use(struct key *key, uint64_t id, const struct deployed_base *base)
{
	return add_base(deployment_key(key, KEY_BASE_USER, id), base);
}

int deployment_check_base(const struct deployed_base *base, struct err *e)
{
	size_t numbers = 4 * sizeof(uint64_t), separators = 2;
	size_t text = strlen(base->host) + strlen(base->pool) + strlen(base->target);

	if (strlen(KEY_BASE) + strlen(KEY_BASE_USER) + numbers + separators + text <= STORE_KEY_MAX)
		return 0;
	return err_set(e, ERR_USAGE, "%s: the names of host, pool '%.64s' and disk are too long together",
		       base->host, base->pool);
}

/* ---- reading ---- */

/* BASES are in the order of their keys, as they were read. */
static int compare_use(const void *wanted, const void *place)
{
	const struct store_item *item = wanted;
	size_t skipped = strlen(KEY_BASE_USER) + sizeof(uint64_t), prefix = strlen(KEY_BASE);
	size_t length = item->key_length - skipped;
	struct key key;

	deployment_key_base(&key, place);
	size_t key_length = key.length - prefix;
	int order = memcmp(item->key + skipped, key.bytes + prefix, length < key_length ? length : key_length);
	return order ? order : (length > key_length) - (length < key_length);
}

/* The base that is named behind the user's id in ITEM, or NULL. */
static struct deployed_base *used_base(struct deployed_bases *bases, const struct store_item *item)
{
	if (bases->count == 0)
		return NULL;
	return bsearch(item, bases->items, bases->count, sizeof *bases->items, compare_use);
}

static int read_users(struct store_view *view, struct deployed_bases *bases, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	uint64_t last = 0;
	int result, there = 0;

	if (store_cursor_open(&cursor, view, KEY_BASE_USER, strlen(KEY_BASE_USER), false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		if (item.key_length < strlen(KEY_BASE_USER) + sizeof(uint64_t))
			continue;
		uint64_t user = key_read_u64(item.key + strlen(KEY_BASE_USER));
		/* One whose head is not there (yet) uses nothing. */
		if (user != last)
			there = deployment_is_there(view, user, e);
		if (there < 0)
			return there;
		last = user;
		struct deployed_base *base = there ? used_base(bases, &item) : NULL;
		if (base)
			vec_push(&base->users, user);
	}
	return result;
}

static int read_bases(struct store_view *view, struct deployed_bases *bases, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int result;

	if (store_cursor_open(&cursor, view, KEY_BASE, strlen(KEY_BASE), false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		struct deployed_base base;
		result = deployment_decode_base(item.value, item.value_length, &base, e);
		if (result < 0)
			return result;
		vec_push(bases, base);
	}
	return result;
}

int deployment_all_bases(struct store_view *view, struct deployed_bases *bases, struct err *e)
{
	struct deployed_bases read = {0};
	int result = read_bases(view, &read, e);

	if (result == 0)
		result = read_users(view, &read, e);
	if (result < 0) {
		deployed_bases_done(&read);
		return result;
	}
	*bases = read;
	return 0;
}

static bool has_user(const struct deployed_base *base, uint64_t id)
{
	vec_foreach(&base->users, user)
		if (*user == id)
			return true;
	return false;
}

int deployment_bases(struct store_view *view, uint64_t id, struct deployed_bases *bases, struct err *e)
{
	cleanup(deployed_bases_done) struct deployed_bases all = {0};
	int result = deployment_all_bases(view, &all, e);

	vec_foreach(&all, base)
		if (has_user(base, id)) {
			vec_push(bases, *base);
			*base = (struct deployed_base){0};
		}
	return result;
}

/* ---- changes ---- */

enum base_step { BASE_PUT, BASE_LEAVE, BASE_CONDEMN, BASE_FORGET };

/* What is done to one base, on one state of the store. */
struct base_change {
	enum base_step step;
	const struct deployed_base *base;
	uint64_t leaver; /* 0: nobody */
	bool is_last;    /* nobody else uses it */
};

static void put_base(struct store_batch *batch, const struct deployed_base *base, bool whole)
{
	cleanup(str_done) struct str record = {0};
	struct deployed_base recorded = *base;
	struct key key;

	recorded.whole = whole;
	deployment_key_base(&key, base);
	deployment_encode_base(&recorded, &record);
	store_batch_put(batch, key.bytes, key.length, record.data, record.length);
}

static void drop_use(struct store_batch *batch, const struct base_change *change)
{
	struct key key;

	deployment_key_use(&key, change->leaver, change->base);
	store_batch_delete(batch, key.bytes, key.length);
}

static void fill_batch(struct store_batch *batch, const struct base_change *change)
{
	struct key key;

	if (change->step == BASE_PUT)
		put_base(batch, change->base, change->base->whole);
	else if (change->step == BASE_CONDEMN && change->is_last)
		put_base(batch, change->base, false);
	else if (change->step != BASE_LEAVE || !change->is_last)
		drop_use(batch, change);
	if (change->step == BASE_FORGET && change->is_last) {
		deployment_key_base(&key, change->base);
		store_batch_delete(batch, key.bytes, key.length);
	}
}

static const struct deployed_base *same_base(const struct deployed_bases *all, const struct deployed_base *base)
{
	struct key wanted, key;

	deployment_key_base(&wanted, base);
	vec_foreach(all, other) {
		deployment_key_base(&key, other);
		if (key.length == wanted.length && memcmp(key.bytes, wanted.bytes, key.length) == 0)
			return other;
	}
	return NULL;
}

static int change_once(struct store *store, struct base_change *change, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(deployed_bases_done) struct deployed_bases all = {0};
	struct deployment_basis basis;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = deployment_basis(view, &basis, e);
	if (result == 0)
		result = deployment_all_bases(view, &all, e);
	if (result < 0)
		return result;
	const struct deployed_base *there = same_base(&all, change->base);
	change->is_last = !there || there->users.count == 0 ||
			  (there->users.count == 1 && there->users.items[0] == change->leaver);
	fill_batch(batch, change);
	if (store_batch_count(batch) == 0)
		return 0;
	deployment_batch_revision(batch, basis.plans);
	store_view_close(view);
	view = NULL;
	return store_batch_commit(batch, e);
}

static int change_base(struct store *store, struct base_change *change, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = change_once(store, change, e);
	if (result < 0)
		return err_wrap(e, "base %s on %s", change->base->volume, change->base->host);
	return change->step != BASE_PUT && change->is_last;
}

int deployment_put_base(struct store *store, const struct deployed_base *base, struct err *e)
{
	struct base_change change = {.step = BASE_PUT, .base = base};

	return change_base(store, &change, e);
}

int deployment_leave_base(struct store *store, uint64_t deployment, const struct deployed_base *base,
			  struct err *e)
{
	struct base_change change = {.step = BASE_LEAVE, .base = base, .leaver = deployment};

	return change_base(store, &change, e);
}

int deployment_condemn_base(struct store *store, uint64_t deployment, const struct deployed_base *base,
			    struct err *e)
{
	struct base_change change = {.step = BASE_CONDEMN, .base = base, .leaver = deployment};

	return change_base(store, &change, e);
}

int deployment_forget_base(struct store *store, uint64_t deployment, const struct deployed_base *base,
			   struct err *e)
{
	struct base_change change = {.step = BASE_FORGET, .base = base, .leaver = deployment};
	int result = change_base(store, &change, e);

	return result < 0 ? result : 0;
}
