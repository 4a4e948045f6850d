/* roll_change.c - putting a change of one host into the store, all or nothing, in as many batches as it needs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_private.h"

void roll_plan_done(struct roll_plan *plan)
{
	str_done(&plan->bytes);
	vec_done(&plan->puts);
}

void roll_plan_put(struct roll_plan *plan, const struct key *key, const struct str *value)
{
	struct roll_plan_op op = {.key = plan->bytes.length, .key_length = key->length};

	str_add_n(&plan->bytes, key->bytes, key->length);
	op.value = plan->bytes.length;
	op.value_length = value->length;
	str_add_n(&plan->bytes, value->data, value->length);
	vec_push(&plan->puts, op);
}

/* Hints are mostly there already: reading is cheaper than writing. */
static int plan_hint(struct roll_plan *plan, struct store_view *view, const struct key *key, struct err *e)
{
	static const struct str nothing = {0};
	cleanup(bytes_done) struct bytes value = {0};

	int result = store_view_get(view, key->bytes, key->length, &value, e);
	if (result == 0)
		roll_plan_put(plan, key, &nothing);
	return result < 0 ? result : 0;
}

static int plan_macs(struct roll_plan *plan, struct store_view *view, const struct vm *vm, struct err *e)
{
	for (size_t i = 0; i < vm->nic_count; i++) {
		unsigned char mac[VM_MAC_SIZE];
		struct key key;
		if (!vm->nics[i].mac || !vm_mac_parse(vm->nics[i].mac, mac))
			continue;
		int result = plan_hint(plan, view, key_by_mac(&key, mac, vm->uuid), e);
		if (result < 0)
			return result;
	}
	return 0;
}

int roll_plan_vm(struct roll_plan *plan, struct store_view *view, const unsigned char *host,
		 const struct roll_record *record, struct err *e)
{
	const struct vm *vm = &record->vm;
	cleanup(str_done) struct str value = {0};
	struct key key;

	roll_record_encode(record, &value);
	roll_plan_put(plan, key_vm(&key, host, vm->uuid, record->change), &value);
	if (vm->state == VM_GONE)
		return 0;
	int result = plan_hint(plan, view, key_by_uuid(&key, vm->uuid, host), e);
	if (result == 0)
		result = plan_hint(plan, view, key_by_name(&key, vm->name, vm->uuid), e);
	return result < 0 ? result : plan_macs(plan, view, vm, e);
}

int roll_give_up(int result, struct err *e)
{
	return result == ERR_CONFLICT ? err_set(e, ERR_LOCKED, "store: others write all the time") : result;
}

void roll_batch_counters(struct store_batch *batch, const struct roll_counters *counters, const struct bytes *raw)
{
	cleanup(str_done) struct str value = {0};
	struct key key;

	key_begin(&key, KEY_COUNTERS);
	store_batch_expect(batch, key.bytes, key.length, raw->data, raw->length);
	roll_counters_encode(counters, &value);
	store_batch_put(batch, key.bytes, key.length, value.data, value.length);
}

/* Room that the last batch needs beside the plan: the entry, and the end of the pending mark. */
enum { LAST_OPERATIONS = 3, LAST_BYTES = 1024 };

struct change_writer {
	struct store_batch *batch;
	struct key pending;
	unsigned char number[8]; /* the value of the pending mark */
	bool chunked;
};

static bool plan_fits(const struct roll_plan *plan)
{
	return plan->puts.count + LAST_OPERATIONS + 2 <= STORE_BATCH_OPERATIONS &&
	       plan->bytes.length + LAST_BYTES + 512 <= STORE_BATCH_BYTES;
}

static int next_batch(struct change_writer *writer, struct err *e)
{
	int result = store_batch_commit(writer->batch, e);
	if (result == 0)
		store_batch_expect(writer->batch, writer->pending.bytes, writer->pending.length,
				   writer->number, sizeof writer->number);
	return result;
}

static int put_all(struct change_writer *writer, const struct roll_plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->puts.count; i++) {
		const struct roll_plan_op *op = &plan->puts.items[i];
		if (writer->chunked && !store_batch_fits(writer->batch, 1 + LAST_OPERATIONS,
							 op->key_length + op->value_length + LAST_BYTES)) {
			int result = next_batch(writer, e);
			if (result < 0)
				return result;
		}
		store_batch_put(writer->batch, plan->bytes.data + op->key, op->key_length,
				plan->bytes.data + op->value, op->value_length);
	}
	return 0;
}

int roll_plan_commit(const struct roll_plan *plan, struct store *store, const unsigned char *host,
		     const struct roll_entry *entry, const struct roll_counters *counters,
		     const struct bytes *raw, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(str_done) struct str value = {0};
	struct change_writer writer = {.batch = batch, .chunked = !plan_fits(plan)};
	struct roll_counters next = *counters;
	struct key key;

	next.change = entry->change;
	roll_batch_counters(batch, &next, raw);
	if (writer.chunked) {
		key_add_uuid(key_begin(&writer.pending, KEY_PENDING), host);
		memcpy(writer.number, key_add_u64(key_begin(&key, ""), entry->change)->bytes,
		       sizeof writer.number);
		store_batch_claim(batch, writer.pending.bytes, writer.pending.length, writer.number,
				  sizeof writer.number);
	}
	int result = put_all(&writer, plan, e);
	if (result < 0)
		return result;
	roll_entry_encode(entry, &value);
	key_host_change(&key, KEY_LIST, host, entry->change);
	store_batch_put(batch, key.bytes, key.length, value.data, value.length);
	if (writer.chunked)
		store_batch_delete(batch, writer.pending.bytes, writer.pending.length);
	return store_batch_commit(batch, e);
}

/* Collects the keys of the host's records that PENDING put. */
static int plan_leftovers(struct roll_plan *plan, struct store_view *view, const char *prefix,
			  const unsigned char *host, uint64_t pending, struct err *e)
{
	static const struct str nothing = {0};
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	key_add_uuid(key_begin(&key, prefix), host);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, false, e);
	if (result < 0)
		return result;
	while ((result = store_cursor_next(cursor, &item, e)) > 0) {
		if (item.key_length < 8 || key_read_u64(item.key + item.key_length - 8) != pending)
			continue;
		key_add(key_begin(&key, ""), item.key, item.key_length);
		roll_plan_put(plan, &key, &nothing);
	}
	return result;
}

int roll_clear_pending(struct store *store, const unsigned char *host, uint64_t pending, struct err *e)
{
	cleanup(roll_plan_done) struct roll_plan plan = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	struct change_writer writer = {.batch = batch};
	struct key key;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = plan_leftovers(&plan, view, KEY_VM, host, pending, e);
	if (result == 0)
		result = plan_leftovers(&plan, view, KEY_HOST, host, pending, e);
	if (result < 0)
		return result;
	key_add_uuid(key_begin(&writer.pending, KEY_PENDING), host);
	memcpy(writer.number, key_add_u64(key_begin(&key, ""), pending)->bytes, sizeof writer.number);
	store_batch_expect(batch, writer.pending.bytes, writer.pending.length, writer.number,
			   sizeof writer.number);
	vec_foreach(&plan.puts, op) {
		if (!store_batch_fits(batch, 2, op->key_length) && (result = next_batch(&writer, e)) < 0)
			break;
		store_batch_delete(batch, plan.bytes.data + op->key, op->key_length);
	}
	if (result == 0) {
		store_batch_delete(batch, writer.pending.bytes, writer.pending.length);
		result = store_batch_commit(batch, e);
	}
	/* Another writer cleared it first: that is as good. */
	return result == ERR_CONFLICT ? 0 : result;
}
