/* roll_read.c - the roll at an instant: which hosts there were, how good each one's list is, what ran there. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_read.h"
#include "when.h"

/* ---- snapshots ---- */

struct roll_snapshots {
	struct store_view *view;
	uint64_t below;
};

int roll_snapshots_open(struct roll_snapshots **list, struct store_view *view, struct err *e)
{
	(void)e;
	*list = mem_zalloc(1, sizeof **list);
	**list = (struct roll_snapshots){view, UINT64_MAX};
	return 0;
}

int roll_snapshots_next(struct roll_snapshots *list, struct roll_snapshot *snapshot, struct err *e)
{
	struct roll_header header;

	int result = roll_newest_header(list->view, list->below, WHEN_UNKNOWN, &header, e);
	if (result <= 0)
		return result;
	list->below = header.snapshot.id;
	*snapshot = header.snapshot;
	return 1;
}

void roll_snapshots_close(struct roll_snapshots *list)
{
	free(list);
}

void cleanup_roll_snapshots(struct roll_snapshots **list)
{
	roll_snapshots_close(*list);
}

/* ---- opening ---- */

static int no_snapshot(struct store_view *view, int64_t at, struct err *e)
{
	char wanted[WHEN_TEXT_SIZE], oldest[WHEN_TEXT_SIZE];
	int64_t first = WHEN_UNKNOWN;
	struct roll_header header = {.snapshot = {.id = UINT64_MAX}};
	int result;

	while ((result = roll_newest_header(view, header.snapshot.id, WHEN_UNKNOWN, &header, e)) > 0)
		first = header.snapshot.begun;
	if (result < 0)
		return result;
	if (first == WHEN_UNKNOWN)
		return err_set(e, ERR_ENV, "the store has no snapshot: run vmsnap first");
	return err_set(e, ERR_NOT_FOUND, "no snapshot at or before %s: the oldest is of %s",
		       when_format(at, WHEN_LOCAL, wanted), when_format(first, WHEN_LOCAL, oldest));
}

/* Changes of later snapshots are out of sight; between two of them, the entries themselves say when they were. */
static int find_ceiling(struct roll *roll, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct roll_header next;
	struct store_item item;
	struct key key;

	roll->ceiling = UINT64_MAX;
	if (roll->at == WHEN_UNKNOWN)
		return 0;
	key_begin(&key, KEY_SNAPSHOT);
	int result = store_cursor_open(&cursor, roll->view, key.bytes, key.length, false, e);
	key_add_u64(&key, roll->header.snapshot.id + 1);
	if (result == 0)
		result = store_cursor_seek(cursor, key.bytes, key.length, e);
	if (result == 0)
		result = store_cursor_next(cursor, &item, e);
	if (result <= 0)
		return result;
	result = roll_header_decode(item.value, item.value_length, &next, e);
	if (result < 0)
		return err_wrap(e, "store: %s", KEY_SNAPSHOT);
	roll->ceiling = next.base;
	return 0;
}

static int load_snapshot(struct store_view *view, const struct roll_header *header, struct roll_set *set,
			 struct roll_results *results, struct err *e)
{
	int result = roll_get_set(view, header, set, e);
	if (result == 0)
		result = roll_get_results(view, header, results, e);
	if (result == 0 && results->items.count != set->members.count)
		result = err_set(e, ERR_CORRUPT, "store: snapshot %llu: %zu results of %zu hosts",
				 (unsigned long long)header->snapshot.id, results->items.count,
				 set->members.count);
	return result;
}

int roll_open(struct roll **roll, struct store_view *view, int64_t at, struct err *e)
{
	cleanup(cleanup_roll) struct roll *opened = mem_zalloc(1, sizeof *opened);
	struct roll_counters counters;

	opened->view = view;
	opened->at = at;
	opened->clock = at == WHEN_UNKNOWN ? when_now() : at;
	int result = roll_newest_header(view, UINT64_MAX, at, &opened->header, e);
	if (result == 0)
		result = no_snapshot(view, at, e);
	if (result > 0)
		result = roll_get_counters(view, &counters, NULL, e);
	if (result >= 0)
		result = load_snapshot(view, &opened->header, &opened->set, &opened->results, e);
	if (result == 0)
		result = find_ceiling(opened, e);
	if (result < 0)
		return result;
	opened->ever_followed = counters.session > 0;
	opened->seats = mem_zalloc(opened->set.members.count, sizeof *opened->seats);
	*roll = opened;
	opened = NULL;
	return 0;
}

void roll_close(struct roll *roll)
{
	if (!roll)
		return;
	roll_set_done(&roll->set);
	roll_results_done(&roll->results);
	roll_set_done(&roll->previous_set);
	roll_results_done(&roll->previous_results);
	free(roll->seats);
	free(roll);
}

void cleanup_roll(struct roll **roll)
{
	roll_close(*roll);
}

const struct roll_snapshot *roll_snapshot(const struct roll *roll)
{
	return &roll->header.snapshot;
}

size_t roll_host_count(const struct roll *roll)
{
	return roll->set.members.count;
}

/* ---- hosts ---- */

static int load_previous(struct roll *roll, struct err *e)
{
	if (roll->previous_loaded)
		return 0;
	int result = roll_newest_header(roll->view, roll->header.snapshot.id, WHEN_UNKNOWN, &roll->previous, e);
	if (result > 0)
		result = load_snapshot(roll->view, &roll->previous, &roll->previous_set,
				       &roll->previous_results, e);
	roll->previous_loaded = result == 0;
	return result;
}

static const char *reason(const struct roll_result *result)
{
	switch (result->outcome) {
	case ROLL_ANSWERED:
		return NULL;
	case ROLL_FAILED:
		return result->why ? result->why : "failed";
	case ROLL_OFF:
		return "off, or without a URI, in hosts(5)";
	default:
		return "not asked";
	}
}

static void take_result(struct roll_seat *seat, const struct roll_result *result)
{
	seat->answered = result->answered;
	seat->snapshot = result->snapshot;
	seat->stale = result->outcome != ROLL_ANSWERED;
	seat->why = reason(result);
}

/* It answered this snapshot, but only after AT: what counts is the snapshot before. */
static int take_previous(struct roll *roll, const struct roll_member *member, struct roll_seat *seat,
			 struct err *e)
{
	int result = load_previous(roll, e);
	if (result < 0)
		return result;
	size_t index = roll_set_find_uuid(&roll->previous_set, member->uuid);
	if (index != SIZE_MAX) {
		take_result(seat, &roll->previous_results.items.items[index]);
		return 0;
	}
	*seat = (struct roll_seat){
		.confirmed = seat->confirmed, .answered = WHEN_UNKNOWN, .stale = true, .why = "not asked"};
	return 0;
}

static int judge_answer(struct roll *roll, size_t index, struct roll_seat *seat, struct err *e)
{
	const struct roll_result *result = &roll->results.items.items[index];

	seat->confirmed = roll->header.base;
	if (result->outcome == ROLL_ANSWERED && roll->at != WHEN_UNKNOWN && result->answered > roll->at)
		return take_previous(roll, &roll->set.members.items[index], seat, e);
	if (result->change > seat->confirmed)
		seat->confirmed = result->change;
	seat->vouched = result->outcome == ROLL_ANSWERED ? seat->confirmed : 0;
	take_result(seat, result);
	return 0;
}

/* A list of a snapshot that was never finished is an answer too. */
static void take_unfinished(struct roll_seat *seat)
{
	if (seat->entry.kind != ROLL_ENTRY_LIST || seat->entry.change <= seat->confirmed)
		return;
	seat->answered = seat->entry.at;
	seat->snapshot = seat->entry.snapshot;
	seat->confirmed = seat->vouched = seat->entry.change;
	seat->stale = false;
	seat->why = NULL;
}

static int look_up(struct roll *roll, size_t index, struct roll_seat *seat, struct err *e)
{
	const struct roll_member *member = &roll->set.members.items[index];

	int result = judge_answer(roll, index, seat, e);
	if (result < 0 || !member->known)
		return result;
	struct roll_moment moment = {
		.at = roll->at,
		.confirmed = seat->confirmed,
		.ceiling = seat->confirmed > roll->ceiling ? seat->confirmed : roll->ceiling,
	};
	result = roll_get_entry(roll->view, member->uuid, &moment, &seat->entry, &seat->bounds, e);
	if (result <= 0)
		return result;
	seat->listed = seat->entry.kind != ROLL_ENTRY_END;
	take_unfinished(seat);
	if (!roll->ever_followed)
		return 0;
	result = roll_get_followed(roll->view, member->uuid, roll->clock, &seat->followed_until, e);
	seat->followed = result > 0;
	return result;
}

int roll_seat(struct roll *roll, size_t index, struct roll_seat **seat, struct err *e)
{
	struct roll_seat *found = &roll->seats[index];

	if (!found->looked_up) {
		struct roll_seat fresh = {0};
		int result = look_up(roll, index, &fresh, e);
		if (result < 0)
			return result;
		fresh.looked_up = true;
		*found = fresh;
	}
	*seat = found;
	return 0;
}

void roll_list_done(struct roll_list *list)
{
	roll_host_done(&list->host);
	free(list->why);
	*list = (struct roll_list){0};
}

int roll_host_at(struct roll *roll, size_t index, struct roll_list *list, struct err *e)
{
	struct roll_seat *seat;

	if (index >= roll->set.members.count)
		return 0;
	const struct roll_member *member = &roll->set.members.items[index];
	int result = roll_seat(roll, index, &seat, e);
	if (result < 0)
		return result;

	cleanup(roll_list_done) struct roll_list found = {
		.index = index, .host = {.cpus = VM_UNKNOWN, .mhz = VM_UNKNOWN, .memory_bytes = VM_UNKNOWN}};
	if (seat->listed)
		result = roll_get_host(roll->view, member->uuid, &seat->bounds, &found.host, e);
	if (result < 0)
		return result;
	memcpy(found.host.uuid, member->uuid, VM_UUID_SIZE);
	mem_replace(&found.host.name, member->name);
	found.snapshot = seat->snapshot;
	found.answered = seat->followed ? seat->followed_until : seat->answered;
	found.stale = seat->stale && !seat->followed;
	found.why = found.stale ? mem_string(seat->why) : NULL;
	found.followed = seat->followed;
	found.off = member->off;
	found.ended = seat->entry.kind == ROLL_ENTRY_END;
	*list = found;
	found = (struct roll_list){0};
	return 1;
}

int roll_find_host(struct roll *roll, const char *name, struct roll_list *list, struct err *e)
{
	unsigned char uuid[VM_UUID_SIZE];
	size_t found = roll_set_find(&roll->set, name);

	if (found == SIZE_MAX && vm_uuid_parse(name, uuid, NULL) == 0)
		found = roll_set_find_uuid(&roll->set, uuid);
	if (found == SIZE_MAX)
		return 0;
	int result = roll_host_at(roll, found, list, e);
	if (result > 0 && list->ended) {
		roll_list_done(list);
		return 0;
	}
	return result;
}

/* ---- VMs ---- */

void roll_vm_done(struct roll_vm *vm)
{
	vm_done(&vm->vm);
}

void roll_seat_vm(const struct roll_seat *seat, size_t index, struct roll_record *record, struct roll_vm *vm)
{
	*vm = (struct roll_vm){.vm = record->vm, .host = index, .since = record->since, .seen = seat->answered};
	if (seat->followed && seat->followed_until > vm->seen)
		vm->seen = seat->followed_until;
	if (record->change > seat->vouched && record->at > vm->seen)
		vm->seen = record->at;
}

struct roll_cursor {
	struct roll *roll;
	size_t host, end;
	struct roll_seat *seat;
	struct roll_walk *walk; /* of host; NULL: not yet opened */
};

int roll_vms(struct roll_cursor **cursor, struct roll *roll, size_t host, struct err *e)
{
	bool all = host == SIZE_MAX;

	(void)e;
	*cursor = mem_zalloc(1, sizeof **cursor);
	**cursor = (struct roll_cursor){
		.roll = roll, .host = all ? 0 : host, .end = all ? roll->set.members.count : host + 1};
	return 0;
}

/* Opens the walk of the next host that has a list. 1/0/negative. */
static int open_host(struct roll_cursor *cursor, struct err *e)
{
	for (; cursor->host < cursor->end; cursor->host++) {
		int result = roll_seat(cursor->roll, cursor->host, &cursor->seat, e);
		if (result < 0)
			return result;
		if (!cursor->seat->listed)
			continue;
		result = roll_walk_open(&cursor->walk, cursor->roll->view,
					cursor->roll->set.members.items[cursor->host].uuid,
					&cursor->seat->bounds, e);
		return result < 0 ? result : 1;
	}
	return 0;
}

int roll_vms_next(struct roll_cursor *cursor, struct roll_vm *vm, struct err *e)
{
	struct roll_record record;
	int result;

	for (;;) {
		if (!cursor->walk && (result = open_host(cursor, e)) <= 0)
			return result;
		while ((result = roll_walk_next(cursor->walk, &record, e)) > 0) {
			if (record.vm.state != VM_GONE) {
				roll_seat_vm(cursor->seat, cursor->host, &record, vm);
				return 1;
			}
			roll_record_done(&record);
		}
		if (result < 0)
			return result;
		roll_walk_close(cursor->walk);
		cursor->walk = NULL;
		cursor->host++;
	}
}

void roll_vms_close(struct roll_cursor *cursor)
{
	if (!cursor)
		return;
	roll_walk_close(cursor->walk);
	free(cursor);
}

void cleanup_roll_cursor(struct roll_cursor **cursor)
{
	roll_vms_close(*cursor);
}
