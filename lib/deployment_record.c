/* deployment_record.c - records of deployments, their machines and their bases. */
#include "config.h"

#include <stdlib.h>

#include "deployment_private.h"
#include "mem.h"
#include "rec.h"
#include "when.h"

enum { RECORD_VERSION = 1 };

static int take_state(const struct rec_value *value, unsigned highest, unsigned *state, struct err *e)
{
	uint64_t number;
	int result = rec_as_uint(value, &number, e);

	if (result == 0 && number > highest)
		return err_set(e, ERR_CORRUPT, "state %llu", (unsigned long long)number);
	if (result == 0)
		*state = (unsigned)number;
	return result;
}

/* ---- the head ---- */

enum head_field {
	HEAD_ID = 1,
	HEAD_NAME,
	HEAD_GROUP,
	HEAD_GROUP_NAME,
	HEAD_BEGUN,
	HEAD_ENDED,
	HEAD_LINKED,
	HEAD_START,
	HEAD_RESET,
	HEAD_STATE,
	HEAD_FAILURE,
	HEAD_MACHINES
};

void deployment_encode_head(const struct deployment *deployment, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, HEAD_ID, deployment->id);
	rec_text(out, HEAD_NAME, deployment->name);
	rec_uint(out, HEAD_GROUP, deployment->group);
	rec_text(out, HEAD_GROUP_NAME, deployment->group_name);
	rec_int(out, HEAD_BEGUN, deployment->begun);
	rec_int(out, HEAD_ENDED, deployment->ended);
	rec_bool(out, HEAD_LINKED, deployment->linked);
	rec_bool(out, HEAD_START, deployment->start);
	rec_bool(out, HEAD_RESET, deployment->reset_identity);
	rec_uint(out, HEAD_STATE, deployment->state);
	rec_text(out, HEAD_FAILURE, deployment->failure);
	rec_uint(out, HEAD_MACHINES, deployment->machines.count);
	rec_end(out);
}

struct head {
	struct deployment deployment;
	uint64_t machines;
};

static int take_head_state(struct head *head, const struct rec_value *value, struct err *e)
{
	unsigned state = 0;
	int result = take_state(value, DEPLOYMENT_REMOVING, &state, e);

	head->deployment.state = (enum deployment_state)state;
	return result;
}

static int take_head(void *into, unsigned field, const struct rec_value *value, struct err *e)
{
	struct head *head = into;
	struct deployment *deployment = &head->deployment;

	switch (field) {
	case HEAD_ID:
		return rec_as_uint(value, &deployment->id, e);
	case HEAD_NAME:
		return rec_replace_text(value, &deployment->name, e);
	case HEAD_GROUP:
		return rec_as_uint(value, &deployment->group, e);
	case HEAD_GROUP_NAME:
		return rec_replace_text(value, &deployment->group_name, e);
	case HEAD_BEGUN:
		return rec_as_int(value, &deployment->begun, e);
	case HEAD_ENDED:
		return rec_as_int(value, &deployment->ended, e);
	case HEAD_LINKED:
		return rec_as_bool(value, &deployment->linked, e);
	case HEAD_START:
		return rec_as_bool(value, &deployment->start, e);
	case HEAD_RESET:
		return rec_as_bool(value, &deployment->reset_identity, e);
	case HEAD_STATE:
		return take_head_state(head, value, e);
	case HEAD_FAILURE:
		return rec_replace_text(value, &deployment->failure, e);
	case HEAD_MACHINES:
		return rec_as_uint(value, &head->machines, e);
	default:
		return 0;
	}
}

int deployment_decode_head(const void *data, size_t length, struct deployment *deployment, uint64_t *machines,
			   struct err *e)
{
	struct head head = {.deployment = {.begun = WHEN_UNKNOWN, .ended = WHEN_UNKNOWN}};
	int result = rec_read(data, length, RECORD_VERSION, take_head, &head, e);

	if (result == 0 && (head.deployment.id == 0 || !head.deployment.name || !head.deployment.group_name))
		result = err_set(e, ERR_CORRUPT, "it has no name");
	if (result < 0) {
		deployment_done(&head.deployment);
		return err_wrap(e, "record of a deployment");
	}
	*deployment = head.deployment;
	*machines = head.machines;
	return 0;
}

/* ---- a machine ---- */

enum machine_field {
	MACHINE_NAME = 1,
	MACHINE_MEMBER,
	MACHINE_UUID,
	MACHINE_HOST,
	MACHINE_ADDRESS,
	MACHINE_URI,
	MACHINE_POOL,
	MACHINE_POOL_PATH,
	MACHINE_IMAGE,
	MACHINE_GENERATION,
	MACHINE_MEMORY,
	MACHINE_MACS,
	MACHINE_DISKS,
	MACHINE_STATE,
	MACHINE_GUEST_ADDRESS
};

enum disk_field { DISK_TARGET = 1, DISK_VOLUME, DISK_FORMAT, DISK_BASE, DISK_CAPACITY, DISK_NEED };

static void encode_disk(const struct deployed_disk *disk, struct str *out)
{
	rec_open_map(out);
	rec_text(out, DISK_TARGET, disk->target);
	rec_text(out, DISK_VOLUME, disk->volume);
	rec_text(out, DISK_FORMAT, disk->format);
	rec_text(out, DISK_BASE, disk->base);
	rec_uint(out, DISK_CAPACITY, disk->capacity_bytes);
	rec_uint(out, DISK_NEED, disk->need_bytes);
	rec_close(out);
}

void deployment_encode_machine(const struct deployed *machine, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_text(out, MACHINE_NAME, machine->name);
	rec_text(out, MACHINE_MEMBER, machine->member);
	rec_bytes(out, MACHINE_UUID, machine->uuid, VM_UUID_SIZE);
	rec_text(out, MACHINE_HOST, machine->host);
	rec_text(out, MACHINE_ADDRESS, machine->address);
	rec_text(out, MACHINE_URI, machine->uri);
	rec_text(out, MACHINE_POOL, machine->pool);
	rec_text(out, MACHINE_POOL_PATH, machine->pool_path);
	rec_uint(out, MACHINE_IMAGE, machine->image);
	rec_uint(out, MACHINE_GENERATION, machine->generation);
	rec_uint(out, MACHINE_MEMORY, machine->memory_bytes);
	rec_array(out, MACHINE_MACS);
	vec_foreach(&machine->macs, mac)
		rec_item_text(out, *mac);
	rec_close(out);
	rec_array(out, MACHINE_DISKS);
	vec_foreach(&machine->disks, disk)
		encode_disk(disk, out);
	rec_close(out);
	rec_uint(out, MACHINE_STATE, machine->state);
	rec_text(out, MACHINE_GUEST_ADDRESS, machine->guest_address);
	rec_end(out);
}

static int take_disk_field(void *into, unsigned field, const struct rec_value *value, struct err *e)
{
	struct deployed_disk *disk = into;

	switch (field) {
	case DISK_TARGET:
		return rec_replace_text(value, &disk->target, e);
	case DISK_VOLUME:
		return rec_replace_text(value, &disk->volume, e);
	case DISK_FORMAT:
		return rec_replace_text(value, &disk->format, e);
	case DISK_BASE:
		return rec_replace_text(value, &disk->base, e);
	case DISK_CAPACITY:
		return rec_as_uint(value, &disk->capacity_bytes, e);
	case DISK_NEED:
		return rec_as_uint(value, &disk->need_bytes, e);
	default:
		return 0;
	}
}

static int take_disk(void *into, unsigned field, const struct rec_value *value, struct err *e)
{
	struct deployed *machine = into;
	struct deployed_disk *disk = vec_push_zero(&machine->disks);
	int result = rec_read_map(value, take_disk_field, disk, e);

	(void)field;
	if (result == 0 && (!disk->target || !disk->volume || !disk->format))
		return err_set(e, ERR_CORRUPT, "a disk without a volume");
	return result;
}

static int take_machine_state(struct deployed *machine, const struct rec_value *value, struct err *e)
{
	unsigned state = 0;
	int result = take_state(value, DEPLOYED_REMOVED, &state, e);

	machine->state = (enum deployed_state)state;
	return result;
}

static int take_machine(void *into, unsigned field, const struct rec_value *value, struct err *e)
{
	struct deployed *machine = into;

	switch (field) {
	case MACHINE_NAME:
		return rec_replace_text(value, &machine->name, e);
	case MACHINE_MEMBER:
		return rec_replace_text(value, &machine->member, e);
	case MACHINE_UUID:
		return rec_as_fixed(value, machine->uuid, VM_UUID_SIZE, e);
	case MACHINE_HOST:
		return rec_replace_text(value, &machine->host, e);
	case MACHINE_ADDRESS:
		return rec_replace_text(value, &machine->address, e);
	case MACHINE_URI:
		return rec_replace_text(value, &machine->uri, e);
	case MACHINE_POOL:
		return rec_replace_text(value, &machine->pool, e);
	case MACHINE_POOL_PATH:
		return rec_replace_text(value, &machine->pool_path, e);
	case MACHINE_IMAGE:
		return rec_as_uint(value, &machine->image, e);
	case MACHINE_GENERATION:
		return rec_as_uint(value, &machine->generation, e);
	case MACHINE_MEMORY:
		return rec_as_uint(value, &machine->memory_bytes, e);
	case MACHINE_MACS:
		return image_texts_read(value, &machine->macs, e);
	case MACHINE_DISKS:
		return rec_read_array(value, take_disk, machine, e);
	case MACHINE_STATE:
		return take_machine_state(machine, value, e);
	case MACHINE_GUEST_ADDRESS:
		return rec_replace_text(value, &machine->guest_address, e);
	default:
		return 0;
	}
}

int deployment_decode_machine(const void *data, size_t length, struct deployed *machine, struct err *e)
{
	struct deployed read = {0};
	int result = rec_read(data, length, RECORD_VERSION, take_machine, &read, e);

	if (result == 0 && (!read.name || !read.host || !read.uri || !read.pool))
		result = err_set(e, ERR_CORRUPT, "it does not say where it is");
	if (result < 0) {
		deployed_done(&read);
		return err_wrap(e, "record of a deployed VM");
	}
	*machine = read;
	return 0;
}

/* ---- a base ---- */

enum base_field {
	BASE_HOST = 1,
	BASE_URI,
	BASE_POOL,
	BASE_VOLUME,
	BASE_IMAGE,
	BASE_GENERATION,
	BASE_OWN,
	BASE_TARGET,
	BASE_CAPACITY,
	BASE_NEED,
	BASE_WHOLE
};

void deployment_encode_base(const struct deployed_base *base, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_text(out, BASE_HOST, base->host);
	rec_text(out, BASE_URI, base->uri);
	rec_text(out, BASE_POOL, base->pool);
	rec_text(out, BASE_VOLUME, base->volume);
	rec_uint(out, BASE_IMAGE, base->image);
	rec_uint(out, BASE_GENERATION, base->generation);
	rec_uint(out, BASE_OWN, base->own);
	rec_text(out, BASE_TARGET, base->target);
	rec_uint(out, BASE_CAPACITY, base->capacity_bytes);
	rec_uint(out, BASE_NEED, base->need_bytes);
	rec_bool(out, BASE_WHOLE, base->whole);
	rec_end(out);
}

static int take_base(void *into, unsigned field, const struct rec_value *value, struct err *e)
{
	struct deployed_base *base = into;

	switch (field) {
	case BASE_HOST:
		return rec_replace_text(value, &base->host, e);
	case BASE_URI:
		return rec_replace_text(value, &base->uri, e);
	case BASE_POOL:
		return rec_replace_text(value, &base->pool, e);
	case BASE_VOLUME:
		return rec_replace_text(value, &base->volume, e);
	case BASE_IMAGE:
		return rec_as_uint(value, &base->image, e);
	case BASE_GENERATION:
		return rec_as_uint(value, &base->generation, e);
	case BASE_OWN:
		return rec_as_uint(value, &base->own, e);
	case BASE_TARGET:
		return rec_replace_text(value, &base->target, e);
	case BASE_CAPACITY:
		return rec_as_uint(value, &base->capacity_bytes, e);
	case BASE_NEED:
		return rec_as_uint(value, &base->need_bytes, e);
	case BASE_WHOLE:
		return rec_as_bool(value, &base->whole, e);
	default:
		return 0;
	}
}

int deployment_decode_base(const void *data, size_t length, struct deployed_base *base, struct err *e)
{
	struct deployed_base read = {0};
	int result = rec_read(data, length, RECORD_VERSION, take_base, &read, e);

	if (result == 0 && (!read.host || !read.uri || !read.pool || !read.volume || !read.target))
		result = err_set(e, ERR_CORRUPT, "it does not say where it is");
	if (result < 0) {
		deployed_base_done(&read);
		return err_wrap(e, "record of a base");
	}
	*base = read;
	return 0;
}
