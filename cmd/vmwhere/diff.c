/* diff.c - what differs between two instants. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "vec.h"
#include "vmwhere.h"

/* A VM on a host at one of the instants. */
struct place {
	struct vm vm;
	unsigned char host_uuid[VM_UUID_SIZE];
	char *host;
	int64_t since, seen;
	bool told; /* it has its counterpart */
};
struct places {
	VEC(struct place) items; /* sorted by VM, then host */
};

static void places_done(struct places *places)
{
	vec_foreach(&places->items, place) {
		vm_done(&place->vm);
		free(place->host);
	}
	vec_done(&places->items);
}

static int compare_vms(const struct place *a, const struct place *b)
{
	return memcmp(a->vm.uuid, b->vm.uuid, VM_UUID_SIZE);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = compare_vms(x, y);

	return order ? order : memcmp(x->host_uuid, y->host_uuid, VM_UUID_SIZE);
}

static int collect_host(struct roll *roll, size_t index, struct places *places, struct err *e)
{
	cleanup(cleanup_roll_cursor) struct roll_cursor *cursor = NULL;
	cleanup(roll_list_done) struct roll_list list = {0};
	struct roll_vm vm;

	int result = roll_host_at(roll, index, &list, e);
	if (result >= 0)
		result = roll_vms(&cursor, roll, index, e);
	while (result >= 0 && (result = roll_vms_next(cursor, &vm, e)) > 0) {
		struct place place = {
			.vm = vm.vm, .host = mem_string(list.host.name), .since = vm.since, .seen = vm.seen};
		memcpy(place.host_uuid, list.host.uuid, VM_UUID_SIZE);
		vec_push(&places->items, place);
	}
	return result;
}

static int collect(struct store_view *view, int64_t at, struct places *places, struct err *e)
{
	cleanup(cleanup_roll) struct roll *roll = NULL;

	int result = roll_open(&roll, view, at, e);
	for (size_t i = 0; result == 0 && i < roll_host_count(roll); i++)
		result = collect_host(roll, i, places, e);
	if (result == 0 && places->items.count)
		qsort(places->items.items, places->items.count, sizeof *places->items.items, compare_places);
	return result;
}

static int show_change(struct show *show, const char *change, const struct place *old,
		       const struct place *new, struct err *e)
{
	const struct place *either = new ? new : old;

	show_attributes(show, &either->vm, new ? new->host : NULL);
	rows_text(show->rows, COLUMN_CHANGE, change);
	rows_text(show->rows, COLUMN_FROM, old ? old->host : NULL);
	rows_text(show->rows, COLUMN_WAS, old ? vm_state_name(old->vm.state) : NULL);
	if (!new)
		rows_text(show->rows, COLUMN_STATE, NULL);
	rows_time(show->rows, COLUMN_SINCE, either->since);
	rows_time(show->rows, COLUMN_SEEN, either->seen);
	return rows_end(show->rows, e);
}

static int show_same_host(struct show *show, struct place *old, struct place *new, struct err *e)
{
	old->told = new->told = true;
	if (old->vm.state != new->vm.state)
		return show_change(show, "state", old, new, e);
	if (show->options->all && !vm_same(&old->vm, &new->vm))
		return show_change(show, "changed", old, new, e);
	return 0;
}

/* The places of one VM at both instants. */
struct group {
	struct place *old, *new;
	size_t old_count, new_count;
};

static int pair_same_hosts(struct show *show, struct group *group, struct err *e)
{
	for (size_t i = 0; i < group->old_count; i++)
		for (size_t j = 0; j < group->new_count; j++) {
			if (compare_places(&group->old[i], &group->new[j]) != 0)
				continue;
			int result = show_same_host(show, &group->old[i], &group->new[j], e);
			if (result < 0)
				return result;
		}
	return 0;
}

static struct place *next_left(struct place *places, size_t count, size_t *index)
{
	while (*index < count && places[*index].told)
		++*index;
	return *index < count ? &places[(*index)++] : NULL;
}

/* What is left on both sides has moved; on one, it is gone or new. */
static int show_group(struct show *show, struct group *group, struct err *e)
{
	size_t i = 0, j = 0;

	int result = pair_same_hosts(show, group, e);
	while (result == 0) {
		struct place *old = next_left(group->old, group->old_count, &i);
		struct place *new = next_left(group->new, group->new_count, &j);
		if (!old && !new)
			break;
		const char *change = old && new ? "moved" : old ? "gone" : "appeared";
		result = show_change(show, change, old, new, e);
	}
	return result;
}

static size_t same_vm(const struct places *places, size_t from)
{
	size_t end = from + 1;

	while (end < places->items.count &&
	       compare_vms(&places->items.items[from], &places->items.items[end]) == 0)
		end++;
	return end - from;
}

static int compare_all(struct show *show, struct places *old, struct places *new, struct err *e)
{
	size_t i = 0, j = 0;
	int result = 0;

	while (result == 0 && (i < old->items.count || j < new->items.count)) {
		struct group group = {.old = &old->items.items[i], .new = &new->items.items[j]};
		int order = i == old->items.count   ? 1
			    : j == new->items.count ? -1
						    : compare_vms(group.old, group.new);
		group.old_count = order <= 0 ? same_vm(old, i) : 0;
		group.new_count = order >= 0 ? same_vm(new, j) : 0;
		i += group.old_count;
		j += group.new_count;
		result = show_group(show, &group, e);
	}
	return result;
}

int where_diff(const struct options *options, struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(places_done) struct places old = {0}, new = {0};
	cleanup(show_done) struct show show = {0};
	int64_t first, second;
	struct err e = {0};

	int result = cli_time("--diff", options->first, &first, &e);
	if (result == 0)
		result = cli_time("--diff", options->cli.operands[0], &second, &e);
	if (result == 0)
		result = store_view_open(&view, store, &e);
	if (result == 0)
		result = show_begin(&show, options, view, &e);
	if (result == 0)
		result = collect(view, first, &old, &e);
	if (result == 0)
		result = collect(view, second, &new, &e);
	if (result == 0)
		result = compare_all(&show, &old, &new, &e);
	if (result == 0)
		result = show_end(&show, &e);
	return result < 0 ? told(&e) : 0;
}
