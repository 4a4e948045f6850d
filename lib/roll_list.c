/* roll_list.c - comparing a host's list with what the store has, and planning what differs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "rec.h"
#include "roll_list.h"
#include "when.h"

/* ---- what was last read of each VM's XML: kept apart, for it is no history ---- */

struct xml_note {
	unsigned char uuid[VM_UUID_SIZE];
	int64_t read;
	uint64_t mark;
};
struct xml_notes {
	VEC(struct xml_note) items; /* sorted by uuid */
};

enum { XML_NOTES = 1 };

static void add_note(struct str *out, const struct xml_note *note)
{
	rec_item_bytes(out, note->uuid, VM_UUID_SIZE);
	rec_item_int(out, note->read);
	rec_item_uint(out, note->mark);
}

static int read_notes(const struct rec_value *array, struct xml_notes *notes, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;
	int result;

	if (array->type != REC_ARRAY)
		return err_set(e, ERR_CORRUPT, "not an array");
	rec_enter(&reader, array);
	while ((result = rec_next(&reader, NULL, &value, e)) > 0) {
		struct xml_note *note = vec_push_zero(&notes->items);
		result = rec_as_fixed(&value, note->uuid, VM_UUID_SIZE, e);
		if (result == 0)
			result = rec_next(&reader, NULL, &value, e);
		if (result > 0)
			result = rec_as_int(&value, &note->read, e);
		if (result == 0)
			result = rec_next(&reader, NULL, &value, e);
		if (result > 0)
			result = rec_as_uint(&value, &note->mark, e);
		if (result < 0)
			return result;
	}
	return result;
}

static int notes_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	return key == XML_NOTES ? read_notes(value, context, e) : 0;
}

static int get_notes(struct store_view *view, const unsigned char *host, struct xml_notes *notes,
		     struct bytes *raw, struct err *e)
{
	struct key key;

	key_add_uuid(key_begin(&key, KEY_XML), host);
	int result = store_view_get(view, key.bytes, key.length, raw, e);
	if (result <= 0)
		return result;
	result = roll_read(raw->data, raw->length, notes_field, notes, e);
	return result < 0 ? err_wrap(e, "store: %s", KEY_XML) : 0;
}

static int compare_note(const void *uuid, const void *note)
{
	return memcmp(uuid, ((const struct xml_note *)note)->uuid, VM_UUID_SIZE);
}

static const struct xml_note *find_note(const struct xml_notes *notes, const unsigned char *uuid)
{
	return notes->items.count ? bsearch(uuid, notes->items.items, notes->items.count,
					    sizeof *notes->items.items, compare_note)
				  : NULL;
}

static int plan_notes(struct roll_plan *plan, struct store_view *view, const struct roll_answer *answer,
		      struct err *e)
{
	struct xml_notes notes = {0};
	cleanup(bytes_done) struct bytes old = {0};
	cleanup(str_done) struct str new = {0};
	struct key key;

	int result = get_notes(view, answer->host->uuid, &notes, &old, e);
	if (result == 0) {
		rec_begin(&new, ROLL_RECORD_VERSION);
		rec_array(&new, XML_NOTES);
		for (size_t i = 0; i < answer->count; i++) {
			const struct vm *vm = answer->sorted[i];
			const struct xml_note *kept = find_note(&notes, vm->uuid);
			struct xml_note note = {.read = vm->xml_read, .mark = vm->disks_mark};
			memcpy(note.uuid, vm->uuid, VM_UUID_SIZE);
			if (vm->xml_known)
				add_note(&new, &note);
			else if (kept)
				add_note(&new, kept);
		}
		rec_close(&new);
		rec_end(&new);
		key_add_uuid(key_begin(&key, KEY_XML), answer->host->uuid);
		if (old.length != new.length || memcmp(old.data, new.data, new.length) != 0)
			roll_plan_put(plan, &key, &new);
	}
	vec_done(&notes.items);
	return result;
}

/* ---- VMs ---- */

/* An event that was put since the snapshot began and happened after this answer knows better. */
static bool event_wins(const struct roll_answer *answer, const struct roll_record *current)
{
	return current->change > answer->base && current->at > answer->answered;
}

void roll_merge_known(struct vm *merged, const struct vm *old)
{
	if (merged->xml_known)
		return;
	struct vm kept;
	vm_copy_xml(&kept, old);
	free(merged->os);
	free(merged->os_id);
	merged->os = kept.os;
	merged->os_id = kept.os_id;
	/* A VM that never had its XML read brings no cards of its own. */
	for (size_t i = 0; i < merged->nic_count; i++) {
		free(merged->nics[i].mac);
		free(merged->nics[i].network);
		free(merged->nics[i].model);
	}
	free(merged->nics);
	merged->nics = kept.nics;
	merged->nic_count = kept.nic_count;
	merged->xml_known = kept.xml_known;
	if (merged->vcpus == VM_UNKNOWN)
		merged->vcpus = old->vcpus;
	if (merged->memory_bytes == VM_UNKNOWN)
		merged->memory_bytes = old->memory_bytes;
	if (merged->disk_bytes == VM_UNKNOWN)
		merged->disk_bytes = old->disk_bytes;
}

static int plan_gone(struct roll_plan *plan, struct store_view *view, const struct roll_answer *answer,
		     const struct roll_record *current, struct roll_changes *changes, struct err *e)
{
	if (current->vm.state == VM_GONE || event_wins(answer, current))
		return 0;
	struct roll_record gone = {.change = answer->change, .at = answer->answered, .since = answer->answered};
	vm_decode_begin(&gone.vm);
	memcpy(gone.vm.uuid, current->vm.uuid, VM_UUID_SIZE);
	gone.vm.state = VM_GONE;
	changes->gone++;
	return roll_plan_vm(plan, view, answer->host->uuid, &gone, e);
}

static int plan_new(struct roll_plan *plan, struct store_view *view, const struct roll_answer *answer,
		    const struct vm *vm, struct roll_changes *changes, struct err *e)
{
	struct roll_record record = {
		.vm = *vm, .change = answer->change, .at = answer->answered, .since = answer->answered};

	changes->appeared++;
	return roll_plan_vm(plan, view, answer->host->uuid, &record, e);
}

static int plan_known(struct roll_plan *plan, struct store_view *view, const struct roll_answer *answer,
		      const struct roll_record *current, const struct vm *vm, struct roll_changes *changes,
		      struct err *e)
{
	if (event_wins(answer, current))
		return 0;
	if (current->vm.state == VM_GONE)
		return plan_new(plan, view, answer, vm, changes, e);

	cleanup(roll_record_done) struct roll_record record = {.change = answer->change, .at = answer->answered};
	vm_copy(&record.vm, vm);
	roll_merge_known(&record.vm, &current->vm);
	if (vm_same(&record.vm, &current->vm))
		return 0;
	bool same_run = vm->state == current->vm.state && vm->domain_id == current->vm.domain_id;
	record.since = same_run ? current->since : answer->answered;
	changes->changed++;
	return roll_plan_vm(plan, view, answer->host->uuid, &record, e);
}

/* Most VMs are as they were: then their record need not be decoded. */
static bool unchanged(const struct roll_candidate *candidate, const struct vm *vm, struct str *fields)
{
	if (!vm->xml_known)
		return false;
	str_reset(fields);
	vm_encode_fields(vm, fields);
	return roll_record_says(&candidate->value, fields);
}

struct merge {
	const struct roll_answer *answer;
	size_t next; /* of the answer's VMs */
	struct str fields;
};

static void merge_done(struct merge *merge)
{
	str_done(&merge->fields);
}

/* What the store has of one VM against the list; VMs of the list that come before it are new. */
static int plan_candidate(struct roll_plan *plan, struct store_view *view, struct merge *merge,
			  const struct roll_walk *walk, const struct roll_candidate *candidate,
			  struct roll_changes *changes, struct err *e)
{
	cleanup(roll_record_done) struct roll_record current = {0};
	const struct roll_answer *answer = merge->answer;
	int order = 1, result = 0;

	while (result >= 0 && merge->next < answer->count &&
	       (order = memcmp(answer->sorted[merge->next]->uuid, candidate->vm, VM_UUID_SIZE)) < 0)
		result = plan_new(plan, view, answer, answer->sorted[merge->next++], changes, e);
	if (result < 0)
		return result;
	const struct vm *vm = merge->next < answer->count && order == 0 ? answer->sorted[merge->next++] : NULL;
	if (vm && unchanged(candidate, vm, &merge->fields))
		return 0;
	result = roll_walk_decode(walk, candidate, &current, e);
	if (result < 0)
		return result;
	return vm ? plan_known(plan, view, answer, &current, vm, changes, e)
		  : plan_gone(plan, view, answer, &current, changes, e);
}

/* Both sides come in the order of the UUIDs. */
static int plan_vms(struct roll_plan *plan, struct store_view *view, const struct roll_answer *answer,
		    const struct roll_bounds *bounds, struct roll_changes *changes, struct err *e)
{
	cleanup(cleanup_roll_walk) struct roll_walk *walk = NULL;
	cleanup(merge_done) struct merge merge = {.answer = answer};
	const struct roll_candidate *candidate;

	int result = roll_walk_open(&walk, view, answer->host->uuid, bounds, e);
	while (result >= 0 && (result = roll_walk_step(walk, &candidate, e)) > 0)
		result = plan_candidate(plan, view, &merge, walk, candidate, changes, e);
	while (result >= 0 && merge.next < answer->count)
		result = plan_new(plan, view, answer, answer->sorted[merge.next++], changes, e);
	return result < 0 ? result : 0;
}

/* ---- the host ---- */

/* The clock of a CPU goes up and down with its load: alone it is no change. */
static bool host_same(const struct roll_host *a, const struct roll_host *b)
{
	cleanup(str_done) struct str left = {0}, right = {0};
	struct roll_host other = *b;

	other.mhz = a->mhz;
	roll_host_encode(a, &left);
	roll_host_encode(&other, &right);
	return left.length == right.length && memcmp(left.data, right.data, left.length) == 0;
}

static int plan_host(struct roll_plan *plan, struct store_view *view, const struct roll_answer *answer,
		     const struct roll_bounds *bounds, struct err *e)
{
	cleanup(roll_host_done) struct roll_host current = {0};
	cleanup(str_done) struct str value = {0};
	struct key key;

	int result = roll_get_host(view, answer->host->uuid, bounds, &current, e);
	if (result < 0 || (result > 0 && host_same(&current, answer->host)))
		return result < 0 ? result : 0;
	roll_host_encode(answer->host, &value);
	roll_plan_put(plan, key_host_change(&key, KEY_HOST, answer->host->uuid, answer->change), &value);
	return 1;
}

int roll_plan_list(struct roll_plan *plan, struct store_view *view, struct roll_answer *answer,
		   struct roll_changes *changes, struct roll_entry *entry, struct err *e)
{
	/* Nothing is visible of a host that is new, or comes back after its end. */
	struct roll_bounds bounds = {0};
	struct roll_entry old = {0};

	int result = roll_get_entry(view, answer->host->uuid, &roll_now, &old, &bounds, e);
	if (result < 0)
		return result;
	bool begins = result == 0 || old.kind == ROLL_ENTRY_END;
	struct roll_bounds seen = begins ? (struct roll_bounds){0} : bounds;
	*changes = (struct roll_changes){.vms = answer->count};
	*entry = (struct roll_entry){
		.change = answer->change,
		.kind = ROLL_ENTRY_LIST,
		.at = answer->answered,
		.snapshot = answer->snapshot,
		.life = begins ? answer->change : old.life,
	};
	result = plan_vms(plan, view, answer, &seen, changes, e);
	if (result < 0)
		return result;
	int host_changed = plan_host(plan, view, answer, &bounds, e);
	if (host_changed < 0)
		return host_changed;
	result = plan_notes(plan, view, answer, e);
	if (result < 0)
		return result;
	return begins || host_changed || changes->appeared || changes->gone || changes->changed;
}

static void apply_notes(struct vm *vm, const struct xml_notes *notes)
{
	const struct xml_note *note = find_note(notes, vm->uuid);

	if (note) {
		vm->xml_read = note->read;
		vm->disks_mark = note->mark;
	}
}

static int collect_current(struct store_view *view, const unsigned char *host, const struct roll_bounds *bounds,
			   const struct xml_notes *notes, struct vm **vms, size_t *count, struct err *e)
{
	cleanup(cleanup_roll_walk) struct roll_walk *walk = NULL;
	VEC(struct vm) found = {0};
	struct roll_record record;

	int result = roll_walk_open(&walk, view, host, bounds, e);
	while (result >= 0 && (result = roll_walk_next(walk, &record, e)) > 0) {
		if (record.vm.state == VM_GONE) {
			roll_record_done(&record);
			continue;
		}
		apply_notes(&record.vm, notes);
		vec_push(&found, record.vm);
	}
	if (result < 0) {
		vec_foreach(&found, vm)
			vm_done(vm);
		vec_done(&found);
		return result;
	}
	*vms = found.items;
	*count = found.count;
	return 0;
}

int roll_current(struct store *store, const unsigned char *host_uuid, struct vm **vms, size_t *count,
		 struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(bytes_done) struct bytes raw = {0};
	struct xml_notes notes = {0};
	struct roll_bounds bounds;
	struct roll_entry entry;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = roll_get_entry(view, host_uuid, &roll_now, &entry, &bounds, e);
	if (result < 0)
		return result;
	if (result == 0 || entry.kind == ROLL_ENTRY_END) {
		*vms = NULL;
		*count = 0;
		return 0;
	}
	result = get_notes(view, host_uuid, &notes, &raw, e);
	if (result == 0)
		result = collect_current(view, host_uuid, &bounds, &notes, vms, count, e);
	vec_done(&notes.items);
	return result;
}
