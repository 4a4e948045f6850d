/* roll_prune.c - removing what only matters to instants before one; the state at it, and all after, stays answerable. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "mem.h"
#include "roll_prune.h"
#include "roll_read.h"
#include "when.h"

struct pruner {
	struct store *store;
	int64_t before;
	uint64_t removed;
	struct roll_header kept; /* the oldest snapshot that stays: the newest that ended at or before BEFORE */
	struct roll_set set;
	struct roll_results results;
	struct map *by_uuid;    /* of a host: its result */
	struct roll_set newest; /* hosts of the newest snapshot */
	uint64_t ceiling;
};

static void pruner_done(struct pruner *pruner)
{
	roll_set_done(&pruner->set);
	roll_set_done(&pruner->newest);
	roll_results_done(&pruner->results);
	map_free(pruner->by_uuid);
}

/* ---- removing ---- */

static int remove_some(struct pruner *pruner, const struct roll_plan *doomed, size_t *next, uint64_t *change,
		       struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(pruner->store);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(bytes_done) struct bytes raw = {0};
	struct roll_counters counters;
	size_t i = *next;

	int result = store_view_open(&view, pruner->store, e);
	if (result == 0)
		result = roll_get_counters(view, &counters, &raw, e);
	if (result < 0)
		return result;
	if (counters.change != *change)
		return err_set(e, ERR_CONFLICT, "store: written meanwhile");
	/* A writer who relied on a hint that goes now sees that the counter moved, and plans anew. */
	counters.change++;
	roll_batch_counters(batch, &counters, &raw);
	for (; i < doomed->puts.count && store_batch_fits(batch, 1, STORE_KEY_MAX); i++) {
		const struct roll_plan_op *op = &doomed->puts.items[i];
		store_batch_delete(batch, doomed->bytes.data + op->key, op->key_length);
	}
	store_view_close(view);
	view = NULL;
	result = store_batch_commit(batch, e);
	if (result < 0)
		return result;
	pruner->removed += i - *next;
	*next = i;
	*change = counters.change;
	return 0;
}

/* CHANGE: the newest when the plan was made; any other since is ERR_CONFLICT. */
static int remove_doomed(struct pruner *pruner, const struct roll_plan *doomed, uint64_t change, struct err *e)
{
	int result = 0;

	for (size_t next = 0; result == 0 && next < doomed->puts.count;)
		result = remove_some(pruner, doomed, &next, &change, e);
	return result;
}

/* ---- one host ---- */

/* Dooms the keys PREFIX HOST NUMBER with a number below LIMIT. */
static int doom_numbers(struct roll_plan *doomed, struct store_view *view, const char *prefix,
			const unsigned char *host, uint64_t limit, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	const unsigned char *uuid;
	struct store_item item;
	uint64_t number;
	struct key key;

	key_add_uuid(key_begin(&key, prefix), host);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		if (!key_parse_host_change(&item, prefix, &uuid, &number))
			return err_set(e, ERR_CORRUPT, "store: %s: bad key", prefix);
		if (number >= limit)
			return 0;
		roll_doom(doomed, item.key, item.key_length);
	}
	return result;
}

/* The host's attributes in force stay. */
static int doom_attributes(struct roll_plan *doomed, struct store_view *view, const unsigned char *host,
			   const struct roll_bounds *bounds, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	const unsigned char *uuid;
	struct store_item item;
	uint64_t number, newest = 0;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_HOST), host);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		if (!key_parse_host_change(&item, KEY_HOST, &uuid, &number))
			return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_HOST);
		if (number <= bounds->position && number != bounds->pending)
			newest = number;
	}
	return result < 0 ? result : doom_numbers(doomed, view, KEY_HOST, host, newest, e);
}

/* When the interval ended: by its own word, or with its follower's last sign of life. */
static int interval_end(struct store_view *view, const struct roll_live *live, int64_t *end, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct key key;

	*end = live->to;
	if (live->to != WHEN_UNKNOWN)
		return 0;
	key_add_u64(key_begin(&key, KEY_FOLLOWER), live->session);
	int result = store_view_get(view, key.bytes, key.length, &value, e);
	if (result > 0)
		result = roll_instant_decode(value.data, value.length, end, e);
	if (result == 0 && *end < live->from)
		*end = live->from;
	return result < 0 ? result : 0;
}

static int doom_intervals(const struct pruner *pruner, struct roll_plan *doomed, struct store_view *view,
			  const unsigned char *host, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_FOLLOWED), host);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		cleanup(roll_live_done) struct roll_live live = {0};
		int64_t end;
		result = roll_live_decode(item.value, item.value_length, &live, e);
		if (result == 0)
			result = interval_end(view, &live, &end, e);
		if (result < 0)
			return err_wrap(e, "store: %s", KEY_FOLLOWED);
		if (end < pruner->before - 2 * ROLL_FOLLOW_PERIOD_MS)
			roll_doom(doomed, item.key, item.key_length);
	}
	return result;
}

static int doom_whole_host(struct roll_plan *doomed, struct store_view *view, const unsigned char *host,
			   struct err *e)
{
	static const char *const prefixes[] = {KEY_HOST, KEY_FOLLOWED, KEY_LIST};
	struct key key;
	int result = 0;

	key_add_uuid(key_begin(&key, KEY_XML), host);
	roll_doom(doomed, key.bytes, key.length);
	for (size_t i = 0; result == 0 && i < sizeof prefixes / sizeof prefixes[0]; i++)
		result = doom_numbers(doomed, view, prefixes[i], host, UINT64_MAX, e);
	return result;
}

static int doom_host(struct pruner *pruner, struct roll_plan *doomed, struct store_view *view,
		     const unsigned char *host, struct err *e)
{
	const struct roll_result *kept = map_find(pruner->by_uuid, host, VM_UUID_SIZE);
	struct roll_moment moment = {.at = pruner->before, .confirmed = pruner->kept.base};
	struct roll_entry entry, newest;
	struct roll_bounds bounds, ignored;

	if (kept && kept->change > moment.confirmed)
		moment.confirmed = kept->change;
	moment.ceiling = moment.confirmed > pruner->ceiling ? moment.confirmed : pruner->ceiling;
	int result = roll_get_entry(view, host, &moment, &entry, &bounds, e);
	if (result <= 0)
		return result;
	result = roll_doom_vms(doomed, view, host, &bounds, e);
	if (result == 0)
		result = roll_get_entry(view, host, &roll_now, &newest, &ignored, e);
	if (result < 0)
		return result;
	bool over = entry.kind == ROLL_ENTRY_END && newest.change == entry.change && !bounds.pending &&
		    roll_set_find_uuid(&pruner->newest, host) == SIZE_MAX;
	if (over)
		return doom_whole_host(doomed, view, host, e);
	result = doom_attributes(doomed, view, host, &bounds, e);
	if (result == 0)
		result = doom_intervals(pruner, doomed, view, host, e);
	return result < 0 ? result : doom_numbers(doomed, view, KEY_LIST, host, entry.change, e);
}

static int try_host(struct pruner *pruner, const unsigned char *host, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(roll_plan_done) struct roll_plan doomed = {0};
	struct roll_counters counters = {0};

	int result = store_view_open(&view, pruner->store, e);
	if (result == 0)
		result = roll_get_counters(view, &counters, NULL, e);
	if (result >= 0)
		result = doom_host(pruner, &doomed, view, host, e);
	store_view_close(view);
	view = NULL;
	return result < 0 ? result : remove_doomed(pruner, &doomed, counters.change, e);
}

/* The first host behind the one in KEY (a key of KEY_LIST). 1/0/negative. */
static int next_host(struct store *store, unsigned char *host, bool first, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	const unsigned char *found;
	struct store_item item;
	uint64_t number;
	struct key key;

	key_begin(&key, KEY_LIST);
	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	if (result == 0 && !first) {
		key_add(key_add_u64(key_add_uuid(&key, host), UINT64_MAX), "", 1);
		result = store_cursor_seek(cursor, key.bytes, key.length, e);
	}
	if (result == 0)
		result = store_cursor_next(cursor, &item, e);
	if (result <= 0)
		return result;
	if (!key_parse_host_change(&item, KEY_LIST, &found, &number))
		return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_LIST);
	memcpy(host, found, VM_UUID_SIZE);
	return 1;
}

static int prune_hosts(struct pruner *pruner, struct err *e)
{
	unsigned char host[VM_UUID_SIZE];
	int result;

	for (bool first = true; (result = next_host(pruner->store, host, first, e)) > 0; first = false) {
		result = ERR_CONFLICT;
		for (int tries = 0; result == ERR_CONFLICT && tries < ROLL_TRIES; tries++)
			result = try_host(pruner, host, e);
		if (result < 0)
			break;
	}
	return result;
}

/* ---- snapshots ---- */

/* Dooms the keys PREFIX NUMBER … with a number below LIMIT, chunks of killed writers included. */
static int doom_below(struct roll_plan *doomed, struct store_view *view, const char *prefix, uint64_t limit,
		      struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	uint64_t number;
	struct key key;

	key_begin(&key, prefix);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		if (!key_parse_u64(&item, prefix, &number))
			return err_set(e, ERR_CORRUPT, "store: %s: bad key", prefix);
		if (number >= limit)
			return 0;
		roll_doom(doomed, item.key, item.key_length);
	}
	return result;
}

static int doom_followers(const struct pruner *pruner, struct roll_plan *doomed, struct store_view *view,
			  struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	key_begin(&key, KEY_FOLLOWER);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		int64_t at;
		result = roll_instant_decode(item.value, item.value_length, &at, e);
		if (result < 0)
			return err_wrap(e, "store: %s", KEY_FOLLOWER);
		if (at < pruner->before - 2 * ROLL_FOLLOW_PERIOD_MS)
			roll_doom(doomed, item.key, item.key_length);
	}
	return result;
}

/* Headers first: what they refer to must not go before them. */
static int try_snapshots(struct pruner *pruner, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(roll_plan_done) struct roll_plan doomed = {0};
	struct roll_counters counters = {0};

	int result = store_view_open(&view, pruner->store, e);
	if (result == 0)
		result = roll_get_counters(view, &counters, NULL, e);
	if (result >= 0)
		result = doom_below(&doomed, view, KEY_SNAPSHOT, pruner->kept.snapshot.id, e);
	if (result == 0)
		result = doom_below(&doomed, view, KEY_RESULTS, pruner->kept.snapshot.id, e);
	if (result == 0)
		result = doom_below(&doomed, view, KEY_SET, pruner->kept.set, e);
	if (result == 0)
		result = doom_followers(pruner, &doomed, view, e);
	store_view_close(view);
	view = NULL;
	return result < 0 ? result : remove_doomed(pruner, &doomed, counters.change, e);
}

static int prune_snapshots(struct pruner *pruner, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int tries = 0; result == ERR_CONFLICT && tries < ROLL_TRIES; tries++)
		result = try_snapshots(pruner, e);
	return result;
}

/* ---- beginning ---- */

/* The newest snapshot that had ended by BEFORE: then all its answers are at or before it. 1/0. */
static int find_kept(struct pruner *pruner, struct store_view *view, struct err *e)
{
	uint64_t below = UINT64_MAX;
	int result;

	while ((result = roll_newest_header(view, below, pruner->before, &pruner->kept, e)) > 0) {
		if (pruner->kept.snapshot.ended <= pruner->before)
			return 1;
		below = pruner->kept.snapshot.id;
	}
	return result;
}

static int prepare(struct pruner *pruner, struct store_view *view, struct err *e)
{
	cleanup(cleanup_roll) struct roll *roll = NULL;
	struct roll_header newest;

	int result = find_kept(pruner, view, e);
	if (result <= 0)
		return result;
	result = roll_open(&roll, view, pruner->before, e);
	if (result == 0)
		result = roll_get_set(view, &pruner->kept, &pruner->set, e);
	if (result == 0)
		result = roll_get_results(view, &pruner->kept, &pruner->results, e);
	if (result == 0)
		result = roll_newest_header(view, UINT64_MAX, WHEN_UNKNOWN, &newest, e);
	if (result > 0)
		result = roll_get_set(view, &newest, &pruner->newest, e);
	if (result < 0)
		return result;
	if (pruner->results.items.count != pruner->set.members.count)
		return err_set(e, ERR_CORRUPT, "store: snapshot %llu: results and hosts differ",
			       (unsigned long long)pruner->kept.snapshot.id);
	pruner->ceiling = roll->ceiling;
	for (size_t i = 0; i < pruner->set.members.count; i++)
		if (pruner->set.members.items[i].known)
			map_add(pruner->by_uuid, pruner->set.members.items[i].uuid, VM_UUID_SIZE,
				&pruner->results.items.items[i]);
	return 1;
}

int roll_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e)
{
	cleanup(pruner_done) struct pruner pruner = {.store = store, .before = before, .by_uuid = map_new()};
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = prepare(&pruner, view, e);
	store_view_close(view);
	view = NULL;
	if (result > 0) {
		result = prune_snapshots(&pruner, e);
		if (result == 0)
			result = prune_hosts(&pruner, e);
	}
	if (result < 0)
		return roll_give_up(result, e);
	*removed = pruner.removed;
	return 0;
}
