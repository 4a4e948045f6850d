/* duplicates.c - one UUID on several hosts at once: two facts, and worth a look. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "vec.h"
#include "vmwhere.h"

struct uuid {
	unsigned char bytes[VM_UUID_SIZE];
};
struct uuids {
	VEC(struct uuid) items;
};

static void uuids_done(struct uuids *uuids)
{
	vec_done(&uuids->items);
}

static bool counts(const struct options *options, const struct vm *vm)
{
	return options->all || vm_is_active(vm);
}

static int collect(struct show *show, struct uuids *uuids, struct err *e)
{
	cleanup(cleanup_roll_cursor) struct roll_cursor *cursor = NULL;
	struct roll_vm vm;

	int result = roll_vms(&cursor, show->roll, SIZE_MAX, e);
	while (result >= 0 && (result = roll_vms_next(cursor, &vm, e)) > 0) {
		struct uuid uuid;
		memcpy(uuid.bytes, vm.vm.uuid, VM_UUID_SIZE);
		if (counts(show->options, &vm.vm))
			vec_push(&uuids->items, uuid);
		roll_vm_done(&vm);
	}
	return result;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

static int show_one(struct show *show, const struct uuid *uuid, struct err *e)
{
	char text[VM_UUID_TEXT_SIZE];
	struct roll_vm *found = NULL;
	size_t count = 0;

	int result = roll_find_vms(show->roll, vm_uuid_format(uuid->bytes, text), &found, &count, e);
	for (size_t i = 0; i < count; i++) {
		bool same = memcmp(found[i].vm.uuid, uuid->bytes, VM_UUID_SIZE) == 0;
		if (result == 0 && same && counts(show->options, &found[i].vm))
			result = show_vm(show, &found[i], e);
		roll_vm_done(&found[i]);
	}
	free(found);
	return result;
}

static int show_repeated(struct show *show, const struct uuids *uuids, struct err *e)
{
	const struct uuid *items = uuids->items.items;

	for (size_t i = 1; i < uuids->items.count; i++) {
		bool repeats = compare(&items[i - 1], &items[i]) == 0;
		bool told_already = repeats && i > 1 && compare(&items[i - 2], &items[i]) == 0;
		int result = repeats && !told_already ? show_one(show, &items[i], e) : 0;
		if (result < 0)
			return result;
	}
	return show_end(show, e);
}

int where_duplicates(const struct options *options, struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(uuids_done) struct uuids uuids = {0};
	cleanup(show_done) struct show show = {0};
	struct err e = {0};

	int result = store_view_open(&view, store, &e);
	if (result == 0)
		result = show_begin(&show, options, view, &e);
	if (result == 0)
		result = show_roll(&show, options->at, &e);
	if (result == 0)
		result = collect(&show, &uuids, &e);
	if (result == 0) {
		if (uuids.items.count)
			qsort(uuids.items.items, uuids.items.count, sizeof *uuids.items.items, compare);
		result = show_repeated(&show, &uuids, &e);
	}
	if (result < 0)
		return told(&e);
	return show.vms ? 0 : ERR_NOT_FOUND;
}
