/* roll_history.c - the whole life of a VM, on all hosts. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_private.h"
#include "when.h"

struct life {
	struct store_view *view;
	const unsigned char *vm;
	unsigned char host[VM_UUID_SIZE];
	struct roll_bounds bounds; /* the host's newest */
	VEC(struct roll_interval) intervals;
	VEC(uint64_t) changes; /* that began each interval */
};

void roll_interval_done(struct roll_interval *interval)
{
	vm_done(&interval->vm);
	free(interval->host);
	*interval = (struct roll_interval){0};
}

/* The host's newest entry up to CEILING. 1/0/negative. */
static int entry_below(const struct life *life, uint64_t ceiling, struct roll_entry *entry, struct err *e)
{
	struct roll_moment moment = {.at = WHEN_UNKNOWN, .confirmed = UINT64_MAX, .ceiling = ceiling};
	struct roll_bounds bounds;

	return roll_get_entry(life->view, life->host, &moment, entry, &bounds, e);
}

/* Whether the host itself ended after CHANGE and before LIMIT; then when, and as which change. 1/0/negative. */
static int first_end(const struct life *life, uint64_t change, uint64_t limit, struct roll_entry *end,
		     struct err *e)
{
	struct roll_entry entry;
	bool found = false;
	int result = entry_below(life, limit, &entry, e);

	/* An entry's life begins with an end, or with the first list after one. */
	while (result > 0 && entry.life > change) {
		if (entry.kind == ROLL_ENTRY_END) {
			*end = entry;
			found = true;
		}
		result = entry_below(life, entry.life - 1, &entry, e);
	}
	return result < 0 ? result : found;
}

static int name_host(const struct life *life, uint64_t position, char **name, struct err *e)
{
	struct roll_bounds bounds = life->bounds;
	struct roll_host host = {0};

	bounds.position = position;
	int result = roll_get_host(life->view, life->host, &bounds, &host, e);
	if (result > 0)
		*name = mem_string(host.name);
	roll_host_done(&host);
	return result < 0 ? result : 0;
}

static int begin_interval(struct life *life, struct roll_record *record, struct err *e)
{
	struct roll_entry entry;

	int result = entry_below(life, record->change, &entry, e);
	if (result < 0)
		return result;
	struct roll_interval *interval = vec_push_zero(&life->intervals);
	interval->vm = record->vm;
	record->vm = (struct vm){0};
	memcpy(interval->host_uuid, life->host, VM_UUID_SIZE);
	interval->from = record->at;
	interval->until = WHEN_UNKNOWN;
	interval->snapshot = result > 0 ? entry.snapshot : 0;
	interval->followed = result > 0 && entry.change == record->change && entry.kind == ROLL_ENTRY_EVENT;
	vec_push(&life->changes, record->change);
	return 0;
}

/* Ends the interval that CHANGE began: by what came NEXT at AT, or earlier by the end of the host. */
static int end_interval(struct life *life, size_t index, uint64_t next, int64_t at, struct err *e)
{
	struct roll_interval *interval = &life->intervals.items[index];
	struct roll_entry end = {0};

	int result = first_end(life, life->changes.items[index], next - 1, &end, e);
	if (result < 0)
		return result;
	interval->until = result > 0 ? end.at : at;
	return name_host(life, result > 0 ? end.change : next - 1, &interval->host, e);
}

static int read_record(const struct life *life, const struct store_item *item, struct roll_record *record,
		       struct err *e)
{
	struct key_vm_parts parts;

	if (!key_parse_vm(item, &parts))
		return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_VM);
	int result = roll_record_decode(item->value, item->value_length, record, e);
	if (result < 0)
		return err_wrap(e, "store: %s", KEY_VM);
	record->change = parts.change;
	memcpy(record->vm.uuid, life->vm, VM_UUID_SIZE);
	return 0;
}

static int walk_records(struct life *life, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;
	size_t open = SIZE_MAX;

	key_add_uuid(key_add_uuid(key_begin(&key, KEY_VM), life->host), life->vm);
	int result = store_cursor_open(&cursor, life->view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		cleanup(roll_record_done) struct roll_record record = {0};
		result = read_record(life, &item, &record, e);
		if (result < 0)
			return result;
		if (record.change == life->bounds.pending || record.change > life->bounds.position)
			continue;
		if (open != SIZE_MAX)
			result = end_interval(life, open, record.change, record.at, e);
		open = SIZE_MAX;
		if (result == 0 && record.vm.state != VM_GONE) {
			open = life->intervals.count;
			result = begin_interval(life, &record, e);
		}
	}
	if (result == 0 && open != SIZE_MAX)
		result = end_interval(life, open, life->bounds.position + 1, WHEN_UNKNOWN, e);
	return result;
}

static int walk_hosts(struct life *life, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct roll_entry newest;
	struct store_item item;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_BY_UUID), life->vm);
	int result = store_cursor_open(&cursor, life->view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		if (item.key_length != key.length + VM_UUID_SIZE)
			return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_BY_UUID);
		memcpy(life->host, key_last_uuid(&item), VM_UUID_SIZE);
		result = roll_get_entry(life->view, life->host, &roll_now, &newest, &life->bounds, e);
		if (result > 0)
			result = walk_records(life, e);
	}
	return result < 0 ? result : 0;
}

struct numbered {
	uint64_t change;
	struct roll_interval interval;
};

static int compare_numbered(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->change < y->change ? -1 : x->change > y->change;
}

/* By the counter, not by the clock. */
static void sort_intervals(struct life *life)
{
	cleanup(cleanup_mem) struct numbered *numbered = mem_zalloc(life->intervals.count, sizeof *numbered);

	for (size_t i = 0; i < life->intervals.count; i++)
		numbered[i] = (struct numbered){life->changes.items[i], life->intervals.items[i]};
	qsort(numbered, life->intervals.count, sizeof *numbered, compare_numbered);
	for (size_t i = 0; i < life->intervals.count; i++)
		life->intervals.items[i] = numbered[i].interval;
}

int roll_history(struct store_view *view, const unsigned char *uuid, struct roll_interval **intervals,
		 size_t *count, struct err *e)
{
	struct life life = {.view = view, .vm = uuid};

	int result = walk_hosts(&life, e);
	if (result == 0) {
		sort_intervals(&life);
		*intervals = life.intervals.items;
		*count = life.intervals.count;
	} else {
		vec_foreach(&life.intervals, interval)
			roll_interval_done(interval);
		vec_done(&life.intervals);
	}
	vec_done(&life.changes);
	return result;
}
