/* roll_prune_vm.c - what goes of the VMs of one host, with the hints that nobody needs any more. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_prune.h"

struct records {
	VEC(struct roll_record) items;
};

/* All records of one VM on one host, oldest first. */
struct group {
	struct roll_plan *doomed;
	struct store_view *view;
	const unsigned char *host;
	const struct roll_bounds *bounds;
	unsigned char vm[VM_UUID_SIZE];
	struct records records;
	size_t going; /* that many go */
};

static void records_done(struct records *records)
{
	vec_foreach(&records->items, record)
		roll_record_done(record);
	vec_done(&records->items);
}

void roll_doom(struct roll_plan *doomed, const void *key, size_t length)
{
	static const struct str nothing = {0};
	struct key copy;

	roll_plan_put(doomed, key_add(key_begin(&copy, ""), key, length), &nothing);
}

/* What is seen at the oldest instant stays, unless it is that the VM is gone: that nothing says as well. */
static size_t count_going(const struct group *group)
{
	const struct roll_bounds *bounds = group->bounds;
	size_t going = 0;

	for (size_t i = 0; i < group->records.items.count; i++) {
		const struct roll_record *record = &group->records.items.items[i];
		if (record->change > bounds->position)
			break;
		if (!roll_visible(bounds, record->change))
			going = i + 1;
		else
			going = record->vm.state == VM_GONE ? i + 1 : i;
	}
	return going;
}

static bool same_hint(const char *a, const char *b)
{
	return a && b && strncmp(a, b, KEY_NAME_MAX) == 0;
}

static bool any_named(const struct roll_record *records, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (same_hint(records[i].vm.name, name))
			return true;
	return false;
}

static bool any_with_card(const struct roll_record *records, size_t count, const unsigned char *mac)
{
	for (size_t i = 0; i < count; i++)
		if (vm_has_mac(&records[i].vm, mac))
			return true;
	return false;
}

/* The hints of the record INDEX that goes: unless what stays needs them, or an older one that goes had them. */
static void doom_hints_of(struct group *group, size_t index, const struct records *rest)
{
	const struct roll_record *going = group->records.items.items;
	const struct vm *vm = &going[index].vm;
	struct key key;

	if (vm->name && !any_named(rest->items.items, rest->items.count, vm->name) &&
	    !any_named(going, index, vm->name)) {
		key_by_name(&key, vm->name, group->vm);
		roll_doom(group->doomed, key.bytes, key.length);
	}
	for (size_t i = 0; i < vm->nic_count; i++) {
		unsigned char mac[VM_MAC_SIZE];
		struct vm earlier_cards = {.nics = vm->nics, .nic_count = i};
		if (!vm->nics[i].mac || !vm_mac_parse(vm->nics[i].mac, mac) || vm_has_mac(&earlier_cards, mac) ||
		    any_with_card(rest->items.items, rest->items.count, mac) || any_with_card(going, index, mac))
			continue;
		key_by_mac(&key, mac, group->vm);
		roll_doom(group->doomed, key.bytes, key.length);
	}
}

static int read_record(const struct store_item *item, struct roll_record *record, struct err *e)
{
	struct key_vm_parts parts;

	if (!key_parse_vm(item, &parts))
		return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_VM);
	int result = roll_record_decode(item->value, item->value_length, record, e);
	if (result < 0)
		return err_wrap(e, "store: %s", KEY_VM);
	record->change = parts.change;
	return 0;
}

/* The VM's records on another host. */
static int read_rest_of(const struct group *group, const unsigned char *host, struct records *rest, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct roll_record record;
	struct store_item item;
	struct key key;

	key_add_uuid(key_add_uuid(key_begin(&key, KEY_VM), host), group->vm);
	int result = store_cursor_open(&cursor, group->view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		result = read_record(&item, &record, e);
		if (result == 0)
			vec_push(&rest->items, record);
	}
	return result;
}

/* What stays of the VM anywhere. */
static int read_rest(const struct group *group, struct records *rest, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	for (size_t i = group->going; i < group->records.items.count; i++) {
		struct roll_record copy = group->records.items.items[i];
		vm_copy(&copy.vm, &group->records.items.items[i].vm);
		vec_push(&rest->items, copy);
	}
	key_add_uuid(key_begin(&key, KEY_BY_UUID), group->vm);
	int result = store_cursor_open(&cursor, group->view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		unsigned char host[VM_UUID_SIZE];
		memcpy(host, key_last_uuid(&item), VM_UUID_SIZE);
		if (memcmp(host, group->host, VM_UUID_SIZE) != 0)
			result = read_rest_of(group, host, rest, e);
	}
	return result;
}

static int doom_group(struct group *group, struct err *e)
{
	cleanup(records_done) struct records rest = {0};
	struct key key;

	group->going = count_going(group);
	if (group->going == 0)
		return 0;
	int result = read_rest(group, &rest, e);
	if (result < 0)
		return result;
	if (group->going == group->records.items.count) {
		key_by_uuid(&key, group->vm, group->host);
		roll_doom(group->doomed, key.bytes, key.length);
	}
	for (size_t i = 0; i < group->going; i++)
		doom_hints_of(group, i, &rest);
	for (size_t i = 0; i < group->going; i++) {
		key_vm(&key, group->host, group->vm, group->records.items.items[i].change);
		roll_doom(group->doomed, key.bytes, key.length);
	}
	return 0;
}

static int end_group(struct group *group, struct err *e)
{
	int result = doom_group(group, e);

	records_done(&group->records);
	return result;
}

static int take_record(struct group *group, const struct store_item *item, struct err *e)
{
	struct roll_record record = {0};
	struct key_vm_parts parts;

	if (!key_parse_vm(item, &parts))
		return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_VM);
	/* Of a change that is being written nothing is known yet. */
	if (parts.change == group->bounds->pending)
		return 0;
	bool other = group->records.items.count && memcmp(group->vm, parts.vm, VM_UUID_SIZE) != 0;
	int result = read_record(item, &record, e);
	if (result == 0 && other)
		result = end_group(group, e);
	if (result < 0) {
		roll_record_done(&record);
		return result;
	}
	memcpy(group->vm, parts.vm, VM_UUID_SIZE);
	vec_push(&group->records.items, record);
	return 0;
}

int roll_doom_vms(struct roll_plan *doomed, struct store_view *view, const unsigned char *host,
		  const struct roll_bounds *bounds, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct group group = {.doomed = doomed, .view = view, .host = host, .bounds = bounds};
	struct store_item item;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_VM), host);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0)
		result = take_record(&group, &item, e);
	if (result == 0)
		result = end_group(&group, e);
	records_done(&group.records);
	return result;
}
