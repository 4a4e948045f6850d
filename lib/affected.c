/* affected.c - which VMs a host's death touches, how sure that is, and where each is since. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "affected.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

/* libvirt's VIR_DOMAIN_RUNNING_MIGRATED: it came while its old host still lived. */
enum { REASON_MIGRATED = 2 };

struct inquiry {
	struct store_view *view;
	struct roll *then, *now;
	struct roll_list list; /* the dead host's, at its death */
	int64_t died;
	uint64_t first_after; /* the oldest snapshot of those that began after the death, without a gap to the newest; 0: none */
	bool complete_after;
	char *back; /* the host itself answered one of these, under this name; else NULL */
	int64_t back_seen;
};

static void inquiry_done(struct inquiry *inquiry)
{
	roll_list_done(&inquiry->list);
	free(inquiry->back);
	roll_close(inquiry->then);
	roll_close(inquiry->now);
}

const char *affected_grade_name(enum affected_grade grade)
{
	switch (grade) {
	case AFFECTED_CERTAIN:
		return "certain";
	case AFFECTED_PROBABLE:
		return "probable";
	default:
		return "moved";
	}
}

static void affected_vm_done(struct affected_vm *vm)
{
	vm_done(&vm->vm);
	free(vm->now_host);
}

void affected_done(struct affected *affected)
{
	for (size_t i = 0; i < affected->count; i++)
		affected_vm_done(&affected->vms[i]);
	free(affected->vms);
	free(affected->host);
	*affected = (struct affected){0};
}

/* Whether any snapshot began at or before the death; 1/0. And which began after it. */
static int scan_snapshots(struct inquiry *inquiry, struct err *e)
{
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot snapshot;

	int result = roll_snapshots_open(&list, inquiry->view, e);
	while (result >= 0 && (result = roll_snapshots_next(list, &snapshot, e)) > 0) {
		if (snapshot.begun <= inquiry->died)
			return 1;
		inquiry->first_after = snapshot.id;
	}
	return result;
}

/* The name may be newer than the death: then its bearer is looked for by UUID. */
static int find_then(struct inquiry *inquiry, const char *host, struct err *e)
{
	cleanup(roll_list_done) struct roll_list now = {0};
	char uuid[VM_UUID_TEXT_SIZE];

	int result = roll_find_host(inquiry->then, host, &inquiry->list, e);
	if (result != 0)
		return result;
	result = roll_find_host(inquiry->now, host, &now, e);
	if (result <= 0)
		return result;
	return roll_find_host(inquiry->then, vm_uuid_format(now.host.uuid, uuid), &inquiry->list, e);
}

/* "Not seen since" takes an answer of every other host, begun after the death. */
static int ask_others(struct inquiry *inquiry, struct err *e)
{
	inquiry->complete_after = inquiry->first_after != 0;
	for (size_t i = 0; i < roll_host_count(inquiry->now); i++) {
		cleanup(roll_list_done) struct roll_list other = {0};
		int result = roll_host_at(inquiry->now, i, &other, e);
		if (result < 0)
			return result;
		bool after = inquiry->first_after && other.snapshot >= inquiry->first_after;
		if (memcmp(other.host.uuid, inquiry->list.host.uuid, VM_UUID_SIZE) == 0) {
			mem_replace(&inquiry->back, after ? other.host.name : NULL);
			inquiry->back_seen = other.answered;
		} else if (!after && !other.off && !other.ended) {
			inquiry->complete_after = false;
		}
	}
	return 0;
}

/* ---- one VM ---- */

struct life {
	struct roll_interval *items;
	size_t count;
};

static void life_done(struct life *life)
{
	for (size_t i = 0; i < life->count; i++)
		roll_interval_done(&life->items[i]);
	free(life->items);
}

static bool same_host(const struct roll_interval *a, const struct roll_interval *b)
{
	return memcmp(a->host_uuid, b->host_uuid, VM_UUID_SIZE) == 0;
}

static bool runs(const struct vm *vm)
{
	return vm->state == VM_RUNNING || vm->state == VM_BLOCKED;
}

/* Where the unbroken stretch of being active on one host that ends with interval INDEX began. */
static const struct roll_interval *stretch_begin(const struct life *life, size_t index)
{
	const struct roll_interval *first = &life->items[index];

	for (size_t i = index; i-- > 0;) {
		const struct roll_interval *before = &life->items[i];
		if (!same_host(before, first))
			continue;
		if (!vm_is_active(&before->vm) || before->until != first->from)
			break;
		first = before;
	}
	return first;
}

static bool on_dead_host(const struct inquiry *inquiry, const struct roll_interval *interval)
{
	return memcmp(interval->host_uuid, inquiry->list.host.uuid, VM_UUID_SIZE) == 0;
}

/* On the host itself, which answers again. */
static void look_at_home(const struct inquiry *inquiry, const struct roll_interval *interval,
			 struct affected_vm *vm)
{
	if (!inquiry->back || vm->now == AFFECTED_RESTARTED)
		return;
	bool same_run = interval->vm.domain_id == vm->vm.domain_id || interval->from <= inquiry->died;
	vm->now = same_run ? AFFECTED_BACK : AFFECTED_RESTARTED;
	vm->now_since = same_run ? inquiry->back_seen : interval->from;
	mem_replace(&vm->now_host, inquiry->back);
}

/*
 * Whether the first stretch elsewhere since the list says that it left before the death: seen there by then, or
 * come by migration in the first list after it, for which its old host must have lived.
 */
static bool left_before(const struct inquiry *inquiry, const struct roll_interval *begin)
{
	bool migrated = begin->vm.state == VM_RUNNING && begin->vm.reason == REASON_MIGRATED;

	if (begin->from <= inquiry->died)
		return true;
	return migrated && !begin->followed && begin->snapshot <= inquiry->first_after;
}

static void look_elsewhere(const struct inquiry *inquiry, const struct life *life, struct affected_vm *vm)
{
	bool first = true;

	for (size_t i = 0; i < life->count; i++) {
		const struct roll_interval *interval = &life->items[i];
		if (on_dead_host(inquiry, interval) || !vm_is_active(&interval->vm))
			continue;
		const struct roll_interval *begin = stretch_begin(life, i);
		if (first && begin->from > inquiry->list.answered) {
			first = false;
			if (left_before(inquiry, begin))
				vm->grade = AFFECTED_MOVED;
		}
		bool later = vm->now != AFFECTED_RESTARTED || vm->now_since <= begin->from;
		if (interval->until == WHEN_UNKNOWN && runs(&interval->vm) && later) {
			vm->now = AFFECTED_RESTARTED;
			vm->now_since = begin->from;
			mem_replace(&vm->now_host, interval->host);
		}
	}
}

static int judge_vm(const struct inquiry *inquiry, struct affected_vm *vm, struct err *e)
{
	cleanup(life_done) struct life life = {0};

	vm->grade = inquiry->list.followed ? AFFECTED_CERTAIN : AFFECTED_PROBABLE;
	vm->now = inquiry->complete_after ? AFFECTED_NOT_SEEN : AFFECTED_NO_NEWER_LIST;
	vm->now_since = WHEN_UNKNOWN;
	int result = roll_history(inquiry->view, vm->vm.uuid, &life.items, &life.count, e);
	if (result < 0)
		return result;
	look_elsewhere(inquiry, &life, vm);
	for (size_t i = 0; i < life.count; i++)
		if (on_dead_host(inquiry, &life.items[i]) && life.items[i].until == WHEN_UNKNOWN &&
		    runs(&life.items[i].vm))
			look_at_home(inquiry, &life.items[i], vm);
	return 0;
}

/* ---- all of them ---- */

static int compare_vms(const void *a, const void *b)
{
	const struct vm *x = &((const struct affected_vm *)a)->vm, *y = &((const struct affected_vm *)b)->vm;
	int order = strcmp(x->name, y->name);

	return order ? order : memcmp(x->uuid, y->uuid, VM_UUID_SIZE);
}

static int collect_vms(struct inquiry *inquiry, struct affected *affected, struct err *e)
{
	cleanup(cleanup_roll_cursor) struct roll_cursor *cursor = NULL;
	VEC(struct affected_vm) vms = {0};
	struct roll_vm found;

	int result = roll_vms(&cursor, inquiry->then, inquiry->list.index, e);
	while (result >= 0 && (result = roll_vms_next(cursor, &found, e)) > 0) {
		if (!vm_is_active(&found.vm)) {
			roll_vm_done(&found);
			continue;
		}
		struct affected_vm *vm = vec_push_zero(&vms);
		vm->vm = found.vm;
		vm->since = found.since;
		result = judge_vm(inquiry, vm, e);
	}
	affected->vms = vms.items;
	affected->count = vms.count;
	if (vms.count)
		qsort(vms.items, vms.count, sizeof *vms.items, compare_vms);
	return result;
}

int affected_find(struct store_view *view, const char *host, int64_t died, struct affected *affected,
		  struct err *e)
{
	cleanup(inquiry_done) struct inquiry inquiry = {.view = view, .died = died};
	cleanup(affected_done) struct affected found = {
		.host = mem_string(host), .died = died, .answered = WHEN_UNKNOWN};

	int result = scan_snapshots(&inquiry, e);
	if (result > 0)
		result = roll_open(&inquiry.then, view, died, e);
	if (result == 0 && inquiry.then)
		result = roll_open(&inquiry.now, view, WHEN_UNKNOWN, e);
	if (result == 0 && inquiry.now)
		result = find_then(&inquiry, host, e);
	if (result > 0 && inquiry.list.snapshot) {
		found.snapshot = inquiry.list.snapshot;
		found.answered = inquiry.list.answered;
		found.followed = inquiry.list.followed;
		result = ask_others(&inquiry, e);
		found.complete_after = inquiry.complete_after;
		if (result == 0)
			result = collect_vms(&inquiry, &found, e);
	}
	if (result < 0)
		return result;
	*affected = found;
	found = (struct affected){0};
	return 0;
}
