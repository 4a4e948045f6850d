/* deployment.c - what was deployed where: finding it, and what is promised to it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "deployment.h"
#include "deployment_private.h"
#include "lock.h"
#include "mem.h"
#include "named.h"
#include "references.h"
#include "vec.h"

const char *deployment_state_name(enum deployment_state state)
{
	switch (state) {
	case DEPLOYMENT_BUILDING:
		return "building";
	case DEPLOYMENT_DONE:
		return "done";
	default:
		return "removing";
	}
}

static void disk_done(struct deployed_disk *disk)
{
	free(disk->target);
	free(disk->volume);
	free(disk->format);
	free(disk->base);
}

void deployed_done(struct deployed *machine)
{
	free(machine->name);
	free(machine->member);
	free(machine->host);
	free(machine->address);
	free(machine->uri);
	free(machine->pool);
	free(machine->pool_path);
	free(machine->guest_address);
	image_texts_done(&machine->macs);
	vec_foreach(&machine->disks, disk)
		disk_done(disk);
	vec_done(&machine->disks);
	*machine = (struct deployed){0};
}

void deployment_done(struct deployment *deployment)
{
	free(deployment->name);
	free(deployment->group_name);
	free(deployment->failure);
	vec_foreach(&deployment->machines, machine)
		deployed_done(machine);
	vec_done(&deployment->machines);
	*deployment = (struct deployment){0};
}

void deployments_done(struct deployments *deployments)
{
	vec_foreach(deployments, deployment)
		deployment_done(deployment);
	vec_done(deployments);
}

/* ---- keys ---- */

struct key *deployment_key(struct key *key, const char *prefix, uint64_t id)
{
	return key_add_u64(key_begin(key, prefix), id);
}

struct key *deployment_key_machine(struct key *key, uint64_t id, uint64_t place)
{
	return key_add_u64(deployment_key(key, KEY_DEPLOYED, id), place);
}

/* ---- reading ---- */

int deployment_is_there(struct store_view *view, uint64_t id, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	struct key key;

	deployment_key(&key, KEY_DEPLOYMENT, id);
	return store_view_get(view, key.bytes, key.length, &raw, e);
}

static int read_machines(struct store_view *view, struct deployment *deployment, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;
	int result;

	deployment_key(&key, KEY_DEPLOYED, deployment->id);
	if (store_cursor_open(&cursor, view, key.bytes, key.length, false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		struct deployed machine;
		result = deployment_decode_machine(item.value, item.value_length, &machine, e);
		if (result < 0)
			return result;
		vec_push(&deployment->machines, machine);
	}
	return result;
}

/* 1 with the head, whose machines are still to be read. */
static int read_head(struct store_view *view, uint64_t id, struct deployment *deployment, uint64_t *machines,
		     struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	struct key key;

	deployment_key(&key, KEY_DEPLOYMENT, id);
	int result = store_view_get(view, key.bytes, key.length, &raw, e);
	if (result == 1 && deployment_decode_head(raw.data, raw.length, deployment, machines, e) < 0)
		return e->code;
	return result;
}

int deployment_read(struct store_view *view, uint64_t id, struct deployment *deployment, struct err *e)
{
	struct deployment read = {0};
	uint64_t machines = 0;

	int result = read_head(view, id, &read, &machines, e);
	if (result <= 0)
		return result;
	result = read_machines(view, &read, e);
	if (result == 0 && read.machines.count != machines)
		result = err_set(e, ERR_CORRUPT, "it has %zu VMs of %llu", read.machines.count,
				 (unsigned long long)machines);
	if (result < 0) {
		err_wrap(e, "deployment %s", read.name);
		deployment_done(&read);
		return result;
	}
	*deployment = read;
	return 1;
}

int deployment_find(struct store_view *view, const char *name, struct deployment *deployment, struct err *e)
{
	uint64_t id;
	int result = named_find(view, KEY_DEPLOYMENT_NAME, name, &id, e);

	if (result <= 0)
		return result;
	result = deployment_read(view, id, deployment, e);
	return result == 0 ? err_set(e, ERR_CORRUPT, "deployment %s: its record is missing", name) : result;
}

int deployment_require(struct store_view *view, const char *text, struct deployment *deployment, struct err *e)
{
	uint64_t id;
	int result = named_require(view, KEY_DEPLOYMENT_NAME, "deployment", text, &id, e);

	if (result < 0)
		return result;
	result = deployment_read(view, id, deployment, e);
	if (result == 0)
		return err_set(e, ERR_CORRUPT, "deployment %s: its record is missing", text);
	return result < 0 ? result : 0;
}

/* Those of GROUP; 0: all. */
static int read_all(struct store_view *view, uint64_t group, struct deployments *deployments, struct err *e)
{
	cleanup(named_list_done) struct named_list names = {0};
	int result = named_all(view, KEY_DEPLOYMENT_NAME, "", &names, e);

	for (size_t i = 0; result >= 0 && i < names.count; i++) {
		struct deployment deployment = {0};
		result = deployment_read(view, names.items[i].id, &deployment, e);
		if (result == 1 && (group == 0 || deployment.group == group))
			vec_push(deployments, deployment);
		else
			deployment_done(&deployment);
	}
	return result < 0 ? result : 0;
}

int deployment_all(struct store_view *view, struct deployments *deployments, struct err *e)
{
	return read_all(view, 0, deployments, e);
}

int deployment_of_group(struct store_view *view, uint64_t group, struct deployments *deployments, struct err *e)
{
	return read_all(view, group, deployments, e);
}

static bool has_machine_of(const struct deployment *deployment, uint64_t image, uint64_t generation)
{
	vec_foreach(&deployment->machines, machine)
		if (machine->image == image && machine->state != DEPLOYED_REMOVED &&
		    (generation == 0 || machine->generation == generation))
			return true;
	return false;
}

int deployment_users(struct store_view *view, uint64_t image, uint64_t generation, struct image_texts *names,
		     struct err *e)
{
	cleanup(deployments_done) struct deployments all = {0};
	int result = deployment_all(view, &all, e);

	for (size_t i = 0; result == 0 && i < all.count; i++) {
		const struct deployment *deployment = &all.items[i];
		bool reads = generation == 0 || deployment->state == DEPLOYMENT_BUILDING;
		if (reads && has_machine_of(deployment, image, generation))
			vec_push(names, mem_string(deployment->name));
	}
	return result;
}

/* ---- promises ---- */

static void add_need(struct deployment_promise *promise, const char *volume, uint64_t need_bytes)
{
	uint64_t taken = promise->allocated(promise->context, volume);

	if (taken == UINT64_MAX)
		taken = 0;
	if (taken < need_bytes)
		promise->storage_bytes += need_bytes - taken;
}

/* A pool is promised by its name, memory by the host: a machine in another pool takes it too. */
static void add_machine(struct deployment_promise *promise, const struct deployed *machine, bool building)
{
	if (machine->state == DEPLOYED_REMOVED || strcmp(machine->host, promise->host) != 0)
		return;
	if (building)
		promise->memory_bytes += machine->memory_bytes;
	if (strcmp(machine->pool, promise->pool) != 0)
		return;
	vec_foreach(&machine->disks, disk)
		add_need(promise, disk->volume, disk->need_bytes);
}

void deployment_promised(const struct deployments *deployments, const struct deployed_bases *bases,
			 struct deployment_promise *promise)
{
	promise->storage_bytes = promise->memory_bytes = 0;
	vec_foreach(deployments, deployment)
		vec_foreach(&deployment->machines, machine)
			add_machine(promise, machine, deployment->state == DEPLOYMENT_BUILDING);
	vec_foreach(bases, base)
		if (base->users.count > 0 && strcmp(base->host, promise->host) == 0 &&
		    strcmp(base->pool, promise->pool) == 0)
			add_need(promise, base->volume, base->need_bytes);
}

/* ---- what plans are made on ---- */

static int plan_revision(struct store_view *view, uint64_t *revision, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	int result = store_view_get(view, KEY_PLAN_REVISION, strlen(KEY_PLAN_REVISION), &raw, e);

	if (result < 0)
		return result;
	if (result == 1 && raw.length != sizeof(uint64_t))
		return err_set(e, ERR_CORRUPT, "counter %s", KEY_PLAN_REVISION);
	*revision = result == 1 ? key_read_u64(raw.data) : 0;
	return 0;
}

int deployment_basis(struct store_view *view, struct deployment_basis *basis, struct err *e)
{
	int result = plan_revision(view, &basis->plans, e);

	return result < 0 ? result : references_revision(view, &basis->references, e);
}

void deployment_batch_revision(struct store_batch *batch, uint64_t revision)
{
	struct key now, next;

	key_add_u64(key_begin(&now, ""), revision);
	key_add_u64(key_begin(&next, ""), revision + 1);
	store_batch_expect(batch, KEY_PLAN_REVISION, strlen(KEY_PLAN_REVISION), revision ? now.bytes : NULL,
			   revision ? now.length : 0);
	store_batch_put(batch, KEY_PLAN_REVISION, strlen(KEY_PLAN_REVISION), next.bytes, next.length);
}

/* ---- locks ---- */

static int lock_part(const char *store_uri, const char *name, uint64_t part, struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;
	int result = store_lock_path(store_uri, name, &path, e);

	return result < 0 ? result : lock_acquire_part(lock, path, part, false, e);
}

int deployment_lock(const char *store_uri, uint64_t id, struct lock *lock, struct err *e)
{
	return lock_part(store_uri, "deployments", id, lock, e);
}

/* FNV-1a of 64 bits: two bases that share a number only wait for each other. */
static uint64_t number_of(const struct key *key)
{
	uint64_t number = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key->length; i++)
		number = (number ^ key->bytes[i]) * UINT64_C(0x100000001b3);
	return number;
}

int deployment_base_lock(const char *store_uri, const struct deployed_base *base, struct lock *lock,
			 struct err *e)
{
	struct key key;

	return lock_part(store_uri, "bases", number_of(deployment_key_base(&key, base)), lock, e);
}
