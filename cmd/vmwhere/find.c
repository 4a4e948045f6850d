/* find.c - where VMs are, and what there is on hosts. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "vec.h"
#include "vmwhere.h"
#include "when.h"

struct vms {
	VEC(struct roll_vm) items;
};

static void vms_done(struct vms *vms)
{
	vec_foreach(&vms->items, vm)
		roll_vm_done(vm);
	vec_done(&vms->items);
}

static int compare_names(const void *a, const void *b)
{
	const struct vm *x = &((const struct roll_vm *)a)->vm, *y = &((const struct roll_vm *)b)->vm;
	int order = strcmp(x->name, y->name);

	return order ? order : memcmp(x->uuid, y->uuid, VM_UUID_SIZE);
}

/* The VMs of one host by name. */
static int show_all_of(struct show *show, size_t host, struct err *e)
{
	cleanup(cleanup_roll_cursor) struct roll_cursor *cursor = NULL;
	cleanup(vms_done) struct vms vms = {0};
	struct roll_vm vm;

	int result = roll_vms(&cursor, show->roll, host, e);
	while (result >= 0 && (result = roll_vms_next(cursor, &vm, e)) > 0) {
		if (show->options->all || vm_is_active(&vm.vm))
			vec_push(&vms.items, vm);
		else
			roll_vm_done(&vm);
	}
	if (vms.items.count)
		qsort(vms.items.items, vms.items.count, sizeof *vms.items.items, compare_names);
	for (size_t i = 0; result >= 0 && i < vms.items.count; i++)
		result = show_vm(show, &vms.items.items[i], e);
	return result < 0 ? result : 0;
}

static int begin(struct show *show, const struct options *options, struct store_view *view, struct err *e)
{
	int result = show_begin(show, options, view, e);
	return result < 0 ? result : show_roll(show, options->at, e);
}

/* A host without VMs, or without any list, is spoken of too: unknown is not absent. */
static int show_each(struct show *show, struct err *e)
{
	bool speak = show_is_for_people(show);
	const struct roll_list *list;
	int result = 0;

	for (size_t i = 0; result == 0 && i < roll_host_count(show->roll); i++) {
		result = show_all_of(show, i, e);
		if (result == 0 && speak)
			result = show_host(show, i, &list, e);
	}
	return result;
}

int where_list(const struct options *options, struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(show_done) struct show show = {0};
	struct err e = {0};

	int result = store_view_open(&view, store, &e);
	if (result == 0)
		result = begin(&show, options, view, &e);
	if (result == 0)
		result = show_each(&show, &e);
	if (result == 0)
		result = show_end(&show, &e);
	return result < 0 ? told(&e) : 0;
}

/* A host without any list is unknown, not empty. */
static int check_list(const struct roll_list *list, struct err *e)
{
	if (list->answered != WHEN_UNKNOWN)
		return 0;
	return err_set(e, ERR_NOT_FOUND, "%s: never answered: %s", list->host.name,
		       list->why ? list->why : "no list");
}

int where_on(const struct options *options, struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(roll_list_done) struct roll_list list = {0};
	cleanup(show_done) struct show show = {0};
	const struct roll_list *shown;
	struct err e = {0};

	int result = store_view_open(&view, store, &e);
	if (result == 0)
		result = begin(&show, options, view, &e);
	if (result == 0)
		result = roll_find_host(show.roll, options->subject, &list, &e);
	if (result == 0)
		result = err_set(&e, ERR_NOT_FOUND, "%s: no such host%s", options->subject,
				 options->at_text ? " at that time" : "");
	if (result > 0)
		result = check_list(&list, &e);
	if (result == 0)
		result = show_host(&show, list.index, &shown, &e);
	if (result == 0)
		result = show_all_of(&show, list.index, &e);
	if (result == 0)
		result = show_end(&show, &e);
	return result < 0 ? told(&e) : 0;
}

/* Where it was seen last comes first. */
static int compare_seen(const void *a, const void *b)
{
	const struct roll_vm *x = a, *y = b;

	if (x->seen != y->seen)
		return x->seen > y->seen ? -1 : 1;
	return compare_names(a, b);
}

static int find_one(struct show *show, const char *text, struct err *e)
{
	struct roll_vm *found = NULL;
	size_t count = 0;

	int result = roll_find_vms(show->roll, text, &found, &count, e);
	if (count)
		qsort(found, count, sizeof *found, compare_seen);
	for (size_t i = 0; i < count; i++) {
		if (result == 0)
			result = show_vm(show, &found[i], e);
		roll_vm_done(&found[i]);
	}
	free(found);
	if (result == 0 && count == 0)
		return err_set(e, ERR_NOT_FOUND, "%s: no such VM%s", text,
			       show->options->at_text ? " at that time" : "");
	return result;
}

/* Each is named that is not found (*MISSED) or not clear; the others are shown. */
static int find_all(struct show *show, int *missed, struct err *e)
{
	const struct cli *cli = &show->options->cli;

	for (size_t i = 0; i < cli->operand_count; i++) {
		int result = find_one(show, cli->operands[i], e);
		if (result < 0 && result != ERR_NOT_FOUND && result != ERR_AMBIGUOUS && result != ERR_USAGE)
			return result;
		if (result < 0)
			log_err(e);
		if (result < 0 && (*missed == 0 || *missed == ERR_NOT_FOUND))
			*missed = result;
	}
	return show_end(show, e);
}

int where_find(const struct options *options, struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(show_done) struct show show = {0};
	struct err e = {0};
	int missed = 0;

	int result = store_view_open(&view, store, &e);
	if (result == 0)
		result = begin(&show, options, view, &e);
	if (result == 0)
		result = find_all(&show, &missed, &e);
	return result < 0 ? told(&e) : missed;
}
