/* roll_write.c - a snapshot: begun, filled with one answer or failure a host, finished by its header. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_list.h"
#include "roll_write.h"
#include "when.h"

void roll_writer_free(struct roll_writer *writer)
{
	if (!writer)
		return;
	for (size_t i = 0; i < writer->report_count; i++)
		free(writer->reports[i].why);
	free(writer->reports);
	map_free(writer->answered);
	roll_set_done(&writer->old_set);
	roll_results_done(&writer->old_results);
	free(writer);
}

void cleanup_roll_writer(struct roll_writer **writer)
{
	roll_writer_free(*writer);
}

/* The newest finished snapshot says who failed, and what is carried forward for who does not answer. */
static int load_previous(struct roll_writer *writer, struct store_view *view, struct err *e)
{
	int result = roll_newest_header(view, UINT64_MAX, WHEN_UNKNOWN, &writer->old, e);
	if (result <= 0)
		return result;
	result = roll_get_set(view, &writer->old, &writer->old_set, e);
	if (result == 0)
		result = roll_get_results(view, &writer->old, &writer->old_results, e);
	if (result == 0 && writer->old_results.items.count != writer->old_set.members.count)
		result = err_set(e, ERR_CORRUPT, "store: snapshot %llu: %zu results of %zu hosts",
				 (unsigned long long)writer->old.snapshot.id, writer->old_results.items.count,
				 writer->old_set.members.count);
	return result;
}

static int take_number(struct roll_writer *writer, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(writer->store);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(bytes_done) struct bytes raw = {0};
	struct roll_counters counters;

	int result = store_view_open(&view, writer->store, e);
	if (result == 0)
		result = roll_get_counters(view, &counters, &raw, e);
	if (result < 0)
		return result;
	writer->base = counters.change;
	writer->snapshot = ++counters.snapshot;
	roll_batch_counters(batch, &counters, &raw);
	store_view_close(view);
	view = NULL;
	return store_batch_commit(batch, e);
}

int roll_begin(struct roll_writer **writer, struct store *store, const struct hosts *hosts, int64_t begun,
	       struct err *e)
{
	cleanup(cleanup_roll_writer) struct roll_writer *new = mem_zalloc(1, sizeof *new);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = ERR_CONFLICT;

	new->store = store;
	new->hosts = hosts;
	new->begun = begun;
	new->answered = map_new();
	new->reports = mem_zalloc(hosts->count, sizeof *new->reports);
	new->report_count = hosts->count;
	for (int tries = 0; result == ERR_CONFLICT && tries < ROLL_TRIES; tries++)
		result = take_number(new, e);
	if (result == 0)
		result = store_view_open(&view, store, e);
	if (result == 0)
		result = load_previous(new, view, e);
	if (result < 0)
		return roll_give_up(result, e);
	*writer = new;
	new = NULL;
	return 0;
}

bool roll_failed_last_time(const struct roll_writer *writer, const char *name)
{
	size_t index = roll_set_find(&writer->old_set, name);

	return index != SIZE_MAX && writer->old_results.items.items[index].outcome == ROLL_FAILED;
}

static int find_report(struct roll_writer *writer, const char *name, struct roll_report **report, struct err *e)
{
	const struct host *host;

	int result = hosts_require(writer->hosts, name, &host, e);
	if (result == 0)
		*report = &writer->reports[host - writer->hosts->items];
	return result;
}

int roll_put_failure(struct roll_writer *writer, const char *name, int code, const char *why, struct err *e)
{
	struct roll_report *report = NULL;

	int result = find_report(writer, name, &report, e);
	if (result < 0)
		return result;
	/* Whoever answered in this snapshot did not fail in it. */
	if (report->outcome == REPORT_ANSWERED)
		return 0;
	report->outcome = REPORT_FAILED;
	report->code = code;
	mem_replace(&report->why, why);
	return 0;
}

bool roll_is_contested(const struct roll_writer *writer, const struct roll_host *host)
{
	size_t index = roll_set_find_uuid(&writer->old_set, host->uuid);
	const char *holder = index == SIZE_MAX ? host->name : writer->old_set.members.items[index].name;
	const struct host *listed = hosts_find(writer->hosts, holder);

	return strcmp(holder, host->name) != 0 && listed &&
	       writer->reports[listed - writer->hosts->items].outcome == REPORT_NONE;
}

static int check_claim(const struct roll_writer *writer, const struct roll_report *own,
		       const struct roll_host *host, struct err *e)
{
	const struct roll_report *other = map_find(writer->answered, host->uuid, VM_UUID_SIZE);
	char text[VM_UUID_TEXT_SIZE];

	if (!other || other == own)
		return 0;
	return err_set(e, ERR_CONFLICT, "%s and %s both say that they are host %s",
		       writer->hosts->items[other - writer->reports].name, host->name,
		       vm_uuid_format(host->uuid, text));
}

static int compare_vm(const void *a, const void *b)
{
	return memcmp((*(const struct vm *const *)a)->uuid, (*(const struct vm *const *)b)->uuid, VM_UUID_SIZE);
}

/* The caller frees *SORTED. */
static int sort_vms(const struct roll_host *host, const struct vm *vms, size_t count,
		    const struct vm ***sorted, struct err *e)
{
	cleanup(cleanup_mem) const struct vm **items = mem_zalloc(count, sizeof *items);
	char text[VM_UUID_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		items[i] = &vms[i];
	if (count)
		qsort(items, count, sizeof *items, compare_vm);
	for (size_t i = 1; i < count; i++) {
		if (memcmp(items[i - 1]->uuid, items[i]->uuid, VM_UUID_SIZE) == 0)
			return err_set(e, ERR_USAGE, "%s: VM %s is listed twice", host->name,
				       vm_uuid_format(items[i]->uuid, text));
	}
	*sorted = items;
	items = NULL;
	return 0;
}

/* Notes about XML without any change of history. */
static int commit_notes(const struct roll_plan *plan, struct store *store, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = NULL;

	if (plan->puts.count == 0)
		return 0;
	batch = store_batch_new(store);
	vec_foreach(&plan->puts, op)
		store_batch_put(batch, plan->bytes.data + op->key, op->key_length,
				plan->bytes.data + op->value, op->value_length);
	return store_batch_commit(batch, e);
}

/* One attempt; ERR_CONFLICT: another writer was faster, or left something that is now cleared. */
static int try_list(struct roll_writer *writer, struct roll_answer *answer, struct roll_changes *changes,
		    struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(roll_plan_done) struct roll_plan plan = {0};
	cleanup(bytes_done) struct bytes raw = {0};
	struct roll_counters counters;
	struct roll_entry entry;
	uint64_t pending;

	int result = store_view_open(&view, writer->store, e);
	if (result == 0)
		result = roll_get_pending(view, answer->host->uuid, &pending, e);
	if (result > 0) {
		store_view_close(view);
		view = NULL;
		result = roll_clear_pending(writer->store, answer->host->uuid, pending, e);
		return result < 0 ? result : ERR_CONFLICT;
	}
	if (result == 0)
		result = roll_get_counters(view, &counters, &raw, e);
	if (result < 0)
		return result;
	answer->change = counters.change + 1;
	result = roll_plan_list(&plan, view, answer, changes, &entry, e);
	store_view_close(view);
	view = NULL;
	if (result == 0)
		answer->change = 0;
	return result > 0
		       ? roll_plan_commit(&plan, writer->store, answer->host->uuid, &entry, &counters, &raw, e)
	       : result < 0 ? result
			    : commit_notes(&plan, writer->store, e);
}

/* A host whose UUID is made from its name goes on under the one that it had before a rename. */
static int resolve_alias(struct store *store, struct roll_host *host, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct key key;

	if (!host->uuid_derived)
		return 0;
	key_add_text(key_begin(&key, KEY_ALIAS), host->name);
	int result = store_get(store, key.bytes, key.length, &value, e);
	if (result > 0 && value.length == VM_UUID_SIZE)
		memcpy(host->uuid, value.data, VM_UUID_SIZE);
	return result < 0 ? result : 0;
}

int roll_put_list(struct roll_writer *writer, const struct roll_host *host, const struct vm *vms,
		  size_t count, int64_t answered, struct roll_changes *changes, struct err *e)
{
	cleanup(cleanup_mem) const struct vm **sorted = NULL;
	struct roll_host identity = *host;
	struct roll_answer answer = {.host = &identity,
				     .count = count,
				     .answered = answered,
				     .snapshot = writer->snapshot,
				     .base = writer->base};
	struct roll_changes changed = {0};
	struct roll_report *report = NULL;

	int result = find_report(writer, host->name, &report, e);
	if (result == 0)
		result = resolve_alias(writer->store, &identity, e);
	if (result == 0)
		result = check_claim(writer, report, &identity, e);
	if (result == 0)
		result = sort_vms(host, vms, count, &sorted, e);
	if (result < 0)
		return result;
	answer.sorted = sorted;
	result = ERR_CONFLICT;
	for (int tries = 0; result == ERR_CONFLICT && tries < ROLL_TRIES; tries++)
		result = try_list(writer, &answer, &changed, e);
	if (result < 0)
		return roll_give_up(result, e);
	report->outcome = REPORT_ANSWERED;
	report->answered = answered;
	report->vms = count;
	memcpy(report->uuid, identity.uuid, VM_UUID_SIZE);
	map_add(writer->answered, report->uuid, VM_UUID_SIZE, report);
	if (answer.change)
		report->change = answer.change;
	if (changes)
		*changes = changed;
	return 0;
}
