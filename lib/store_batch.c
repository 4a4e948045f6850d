/* store_batch.c - the store's front: bounded transactions. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_private.h"
#include "vec.h"

/* Offsets instead of pointers: the bytes move while they grow. */
struct batch_operation {
	enum store_operation_kind kind;
	size_t key_at, key_length;
	size_t raw_at, raw_length;
	bool absent;
};

struct store_batch {
	struct store *store;
	VEC(struct batch_operation) operations;
	struct str bytes;
	struct err failure;
};

struct store_batch *store_batch_new(struct store *store)
{
	struct store_batch *batch = mem_zalloc(1, sizeof *batch);

	batch->store = store;
	return batch;
}

static void empty_batch(struct store_batch *batch)
{
	batch->operations.count = 0;
	str_reset(&batch->bytes);
	batch->failure = (struct err){0};
}

void store_batch_free(struct store_batch *batch)
{
	if (!batch)
		return;
	vec_done(&batch->operations);
	str_done(&batch->bytes);
	free(batch);
}

void cleanup_store_batch(struct store_batch **batch)
{
	store_batch_free(*batch);
}

/* The write to KEY that is in the batch, if any: none but the last is to be done. */
static struct batch_operation *find_write(struct store_batch *batch, const void *key, size_t key_length)
{
	vec_foreach(&batch->operations, operation)
		if (operation->kind != STORE_EXPECT && operation->key_length == key_length &&
		    memcmp(batch->bytes.data + operation->key_at, key, key_length) == 0)
			return operation;
	return NULL;
}

/* What is left of a write that another one follows: of a claim, that the key was absent. */
static void supersede(struct store_batch *batch, struct batch_operation *operation)
{
	if (operation->kind == STORE_CLAIM) {
		operation->kind = STORE_EXPECT;
		operation->absent = true;
	} else {
		*operation = batch->operations.items[--batch->operations.count];
	}
}

static void add_operation(struct store_batch *batch, struct batch_operation operation, const void *key,
			  const void *value, size_t value_length)
{
	if (batch->failure.code || store_check_key(key, operation.key_length, &batch->failure) < 0)
		return;
	if (!store_batch_fits(batch, 1, operation.key_length + value_length)) {
		err_set(&batch->failure, ERR_TOO_LARGE, "store: a batch of more than %d operations or %d bytes",
			STORE_BATCH_OPERATIONS, STORE_BATCH_BYTES);
		return;
	}
	struct batch_operation *before =
		operation.kind == STORE_EXPECT ? NULL : find_write(batch, key, operation.key_length);
	if (before)
		supersede(batch, before);
	operation.key_at = batch->bytes.length;
	str_add_n(&batch->bytes, key, operation.key_length);
	if (!operation.absent) {
		operation.raw_at = store_seal(&batch->bytes, key, operation.key_length, value, value_length);
		operation.raw_length = CHECKSUM_SIZE + value_length;
	}
	vec_push(&batch->operations, operation);
}

void store_batch_put(struct store_batch *batch, const void *key, size_t key_length, const void *value,
		     size_t value_length)
{
	add_operation(batch, (struct batch_operation){.kind = STORE_PUT, .key_length = key_length}, key,
		      value, value_length);
}

void store_batch_delete(struct store_batch *batch, const void *key, size_t key_length)
{
	add_operation(batch,
		      (struct batch_operation){.kind = STORE_DELETE, .key_length = key_length, .absent = true},
		      key, NULL, 0);
}

void store_batch_claim(struct store_batch *batch, const void *key, size_t key_length, const void *value,
		       size_t value_length)
{
	add_operation(batch, (struct batch_operation){.kind = STORE_CLAIM, .key_length = key_length}, key,
		      value, value_length);
}

void store_batch_expect(struct store_batch *batch, const void *key, size_t key_length, const void *value,
			size_t value_length)
{
	add_operation(batch,
		      (struct batch_operation){.kind = STORE_EXPECT, .key_length = key_length, .absent = !value},
		      key, value, value ? value_length : 0);
}

size_t store_batch_room(const struct store_batch *batch)
{
	return STORE_BATCH_OPERATIONS - batch->operations.count;
}

bool store_batch_fits(const struct store_batch *batch, size_t operations, size_t bytes)
{
	size_t sums = (batch->operations.count + operations) * CHECKSUM_SIZE;

	return operations <= store_batch_room(batch) && bytes <= STORE_BATCH_BYTES &&
	       batch->bytes.length + bytes + sums <= STORE_BATCH_BYTES;
}

size_t store_batch_count(const struct store_batch *batch)
{
	return batch->operations.count;
}

static int commit(struct store_batch *batch, struct err *e)
{
	struct store *store = batch->store;
	struct store_operation operations[STORE_BATCH_OPERATIONS];
	size_t count = 0;

	if (batch->failure.code)
		return err_set(e, batch->failure.code, "%s", batch->failure.text);
	if (store_check_process(store, e) < 0)
		return ERR_ENV;
	if (store->readable_only)
		return err_set(e, ERR_USAGE, "store %s: opened for reading", store->uri);
	vec_foreach(&batch->operations, operation) {
		const unsigned char *bytes = (const unsigned char *)batch->bytes.data;
		operations[count++] = (struct store_operation){
			operation->kind, bytes + operation->key_at, operation->key_length,
			operation->absent ? NULL : bytes + operation->raw_at, operation->raw_length};
	}
	return count ? store->backend->commit(store->handle, operations, count, e) : 0;
}

int store_batch_commit(struct store_batch *batch, struct err *e)
{
	int result = commit(batch, e);

	empty_batch(batch);
	return result;
}

int store_put(struct store *store, const void *key, size_t key_length, const void *value, size_t value_length,
	      struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	store_batch_put(batch, key, key_length, value, value_length);
	return store_batch_commit(batch, e);
}

int store_delete(struct store *store, const void *key, size_t key_length, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	store_batch_delete(batch, key, key_length);
	return store_batch_commit(batch, e);
}
