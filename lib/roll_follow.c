/* roll_follow.c - between snapshots: events of followed hosts, and when a host was followed at all. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_list.h"
#include "when.h"

/* ---- events ---- */

/* What the event makes of the newest record; false if nothing. */
static bool apply_event(struct roll_record *record, const struct roll_record *old, const struct vm *vm)
{
	if (vm->state == VM_GONE) {
		if (!old)
			return false;
		vm_decode_begin(&record->vm);
		memcpy(record->vm.uuid, vm->uuid, VM_UUID_SIZE);
		record->vm.state = VM_GONE;
		return true;
	}
	vm_copy(&record->vm, vm);
	if (!old)
		return true;
	roll_merge_known(&record->vm, &old->vm);
	if (vm_same(&record->vm, &old->vm))
		return false;
	if (vm->state == old->vm.state && vm->domain_id == old->vm.domain_id)
		record->since = old->since;
	return true;
}

/* What happened to several VMs of a host at one instant. */
struct event {
	const unsigned char *host;
	const struct vm *const *vms;
	size_t count;
	int64_t at;
};

/* 1 if the VM's history goes on, 0 if not. */
static int plan_vm(struct roll_plan *plan, struct store_view *view, const struct event *event,
		   const struct vm *vm, const struct roll_entry *entry, const struct roll_bounds *bounds,
		   struct err *e)
{
	cleanup(roll_record_done) struct roll_record old = {0}, record = {0};
	int known = roll_get_vm(view, event->host, vm->uuid, bounds, &old, e);

	if (known < 0)
		return known;
	record.change = entry->change;
	record.at = record.since = event->at;
	if (!apply_event(&record, known ? &old : NULL, vm))
		return 0;
	int result = roll_plan_vm(plan, view, event->host, &record, e);
	return result < 0 ? result : 1;
}

/* 1 with *ENTRY, if anything differs. */
static int plan_event(struct roll_plan *plan, struct store_view *view, const struct event *event,
		      const struct roll_counters *counters, struct roll_entry *entry, struct err *e)
{
	struct roll_bounds bounds;
	char text[VM_UUID_TEXT_SIZE];
	bool differs = false;

	int result = roll_get_entry(view, event->host, &roll_now, entry, &bounds, e);
	if (result < 0)
		return result;
	if (result == 0 || entry->kind == ROLL_ENTRY_END)
		return err_set(e, ERR_USAGE, "host %s has no list yet", vm_uuid_format(event->host, text));
	*entry = (struct roll_entry){
		.change = counters->change + 1,
		.kind = ROLL_ENTRY_EVENT,
		.at = event->at,
		.snapshot = entry->snapshot,
		.life = entry->life,
	};
	for (size_t i = 0; i < event->count && result >= 0; i++) {
		result = plan_vm(plan, view, event, event->vms[i], entry, &bounds, e);
		differs |= result > 0;
	}
	return result < 0 ? result : differs;
}

static int try_event(struct store *store, const struct event *event, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(roll_plan_done) struct roll_plan plan = {0};
	cleanup(bytes_done) struct bytes raw = {0};
	struct roll_counters counters;
	struct roll_entry entry;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = roll_get_counters(view, &counters, &raw, e);
	if (result >= 0)
		result = plan_event(&plan, view, event, &counters, &entry, e);
	if (result <= 0)
		return result;
	store_view_close(view);
	view = NULL;
	result = roll_plan_commit(&plan, store, event->host, &entry, &counters, &raw, e);
	return result < 0 ? result : 1;
}

int roll_put_events(struct store *store, const unsigned char *host_uuid, const struct vm *const *vms,
		    size_t count, int64_t at, bool *changed, struct err *e)
{
	const struct event event = {host_uuid, vms, count, at};
	int result = ERR_CONFLICT;

	for (int tries = 0; result == ERR_CONFLICT && tries < ROLL_TRIES; tries++)
		result = try_event(store, &event, e);
	if (result < 0)
		return roll_give_up(result, e);
	if (changed)
		*changed = result > 0;
	return 0;
}

int roll_put_event(struct store *store, const unsigned char *host_uuid, const struct vm *vm, int64_t at,
		   bool *changed, struct err *e)
{
	return roll_put_events(store, host_uuid, &vm, 1, at, changed, e);
}

/* ---- being followed ---- */

/* Runs ATTEMPT until nobody else moves the counters meanwhile. */
struct counted {
	struct roll_counters counters;
	struct store_batch *batch;
	struct store_view *view;
};
typedef int counted_step(struct counted *counted, void *context, struct err *e);

static int try_counted(struct store *store, counted_step *step, void *context, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(bytes_done) struct bytes raw = {0};
	struct counted counted = {.batch = batch};

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = roll_get_counters(view, &counted.counters, &raw, e);
	counted.view = view;
	if (result >= 0)
		result = step(&counted, context, e);
	if (result <= 0)
		return result;
	roll_batch_counters(batch, &counted.counters, &raw);
	store_view_close(view);
	view = NULL;
	return store_batch_commit(batch, e);
}

/* STEP adds to the batch and moves a counter; it returns 1, or 0 for nothing to write. */
static int run_counted(struct store *store, counted_step *step, void *context, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int tries = 0; result == ERR_CONFLICT && tries < ROLL_TRIES; tries++)
		result = try_counted(store, step, context, e);
	return roll_give_up(result, e);
}

static void batch_alive(struct store_batch *batch, uint64_t session, int64_t at)
{
	cleanup(str_done) struct str value = {0};
	struct key key;

	roll_instant_encode(at, &value);
	key_add_u64(key_begin(&key, KEY_FOLLOWER), session);
	store_batch_put(batch, key.bytes, key.length, value.data, value.length);
}

struct opening {
	int64_t at;
	uint64_t session;
};

static int step_open(struct counted *counted, void *context, struct err *e)
{
	struct opening *opening = context;

	(void)e;
	opening->session = ++counted->counters.session;
	batch_alive(counted->batch, opening->session, opening->at);
	return 1;
}

int roll_follow_open(struct store *store, int64_t at, uint64_t *session, struct err *e)
{
	struct opening opening = {.at = at};

	int result = run_counted(store, step_open, &opening, e);
	if (result == 0)
		*session = opening.session;
	return result;
}

struct following {
	const unsigned char *host;
	struct roll_live live;
};

static int step_begin(struct counted *counted, void *context, struct err *e)
{
	struct following *following = context;
	cleanup(str_done) struct str value = {0};
	struct key key;

	(void)e;
	roll_live_encode(&following->live, &value);
	key_host_change(&key, KEY_FOLLOWED, following->host, ++counted->counters.change);
	store_batch_put(counted->batch, key.bytes, key.length, value.data, value.length);
	return 1;
}

int roll_follow_begin(struct store *store, uint64_t session, const unsigned char *host_uuid, int64_t at,
		      struct err *e)
{
	struct following following = {host_uuid, {.session = session, .from = at, .to = WHEN_UNKNOWN}};

	return run_counted(store, step_begin, &following, e);
}

int roll_follow_alive(struct store *store, uint64_t session, int64_t at, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	batch_alive(batch, session, at);
	return store_batch_commit(batch, e);
}

/* The host's newest interval, if it is the session's and open. 1 with its key. */
static int find_open(struct store_view *view, const struct following *following, struct key *key,
		     struct roll_live *live, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;

	key_add_uuid(key_begin(key, KEY_FOLLOWED), following->host);
	int result = store_cursor_open(&cursor, view, key->bytes, key->length, true, e);
	if (result == 0)
		result = store_cursor_next(cursor, &item, e);
	if (result <= 0)
		return result;
	result = roll_live_decode(item.value, item.value_length, live, e);
	if (result < 0)
		return err_wrap(e, "store: %s", KEY_FOLLOWED);
	key_add(key_begin(key, ""), item.key, item.key_length);
	return live->to == WHEN_UNKNOWN && live->session == following->live.session;
}

static int step_end(struct counted *counted, void *context, struct err *e)
{
	struct following *following = context;
	cleanup(roll_live_done) struct roll_live live = {0};
	cleanup(str_done) struct str value = {0};
	struct key key;

	int result = find_open(counted->view, following, &key, &live, e);
	if (result <= 0)
		return result;
	live.to = following->live.to;
	mem_replace(&live.why, following->live.why);
	roll_live_encode(&live, &value);
	store_batch_put(counted->batch, key.bytes, key.length, value.data, value.length);
	return 1;
}

int roll_follow_end(struct store *store, uint64_t session, const unsigned char *host_uuid, int64_t at,
		    const char *why, struct err *e)
{
	cleanup(cleanup_mem) char *copy = mem_string(why);
	struct following following = {host_uuid, {.session = session, .to = at, .why = copy}};

	return run_counted(store, step_end, &following, e);
}

/* ---- whether it was followed ---- */

static int session_alive(struct store_view *view, uint64_t session, int64_t *at, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct key key;

	key_add_u64(key_begin(&key, KEY_FOLLOWER), session);
	int result = store_view_get(view, key.bytes, key.length, &value, e);
	*at = WHEN_UNKNOWN;
	if (result <= 0)
		return result;
	result = roll_instant_decode(value.data, value.length, at, e);
	return result < 0 ? err_wrap(e, "store: %s", KEY_FOLLOWER) : 0;
}

static int judge_interval(struct store_view *view, const struct roll_live *live, int64_t at,
			  int64_t *confirmed, struct err *e)
{
	int64_t alive;

	if (live->to != WHEN_UNKNOWN) {
		*confirmed = at;
		return at <= live->to;
	}
	int result = session_alive(view, live->session, &alive, e);
	if (result < 0)
		return result;
	if (alive < live->from)
		alive = live->from;
	*confirmed = at < alive ? at : alive;
	return at - alive <= 2 * ROLL_FOLLOW_PERIOD_MS;
}

int roll_get_followed(struct store_view *view, const unsigned char *host, int64_t at, int64_t *confirmed,
		      struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_FOLLOWED), host);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, true, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		cleanup(roll_live_done) struct roll_live live = {0};
		result = roll_live_decode(item.value, item.value_length, &live, e);
		if (result < 0)
			return err_wrap(e, "store: %s", KEY_FOLLOWED);
		if (live.from <= at)
			return judge_interval(view, &live, at, confirmed, e);
	}
	return result;
}
