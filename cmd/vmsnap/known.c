/* known.c - what the roll says of a host before it is asked again. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "known.h"
#include "mem.h"
#include "when.h"

void known_copy_host(struct roll_host *to, const struct roll_host *from)
{
	*to = *from;
	to->name = mem_string(from->name);
	to->address = mem_string(from->address);
	to->cluster = mem_string(from->cluster);
	to->manager = mem_string(from->manager);
	to->hypervisor = mem_string(from->hypervisor);
	to->hypervisor_version = mem_string(from->hypervisor_version);
	to->libvirt_version = mem_string(from->libvirt_version);
	to->os = mem_string(from->os);
	to->cpu_model = mem_string(from->cpu_model);
}

static void forget_vms(struct known *known)
{
	for (size_t i = 0; i < known->count; i++)
		vm_done(&known->vms[i]);
	free(known->vms);
	known->vms = NULL;
	known->count = 0;
}

void known_done(struct known *known)
{
	forget_vms(known);
	roll_host_done(&known->host);
	*known = (struct known){0};
}

void known_free(struct known *known, size_t count)
{
	for (size_t i = 0; known && i < count; i++)
		known_done(&known[i]);
	free(known);
}

int known_refresh(struct known *known, struct store *store, struct err *e)
{
	struct vm *vms;
	size_t count;
	int result = roll_current(store, known->host.uuid, &vms, &count, e);

	if (result < 0)
		return result;
	forget_vms(known);
	known->vms = vms;
	known->count = count;
	return 0;
}

static int read_one(struct known *known, struct roll *roll, struct store *store, const char *name, struct err *e)
{
	cleanup(roll_list_done) struct roll_list list = {0};
	int result = roll_find_host(roll, name, &list, e);

	if (result <= 0)
		return result;
	if (list.answered == WHEN_UNKNOWN)
		return 0;
	known->any = true;
	known_copy_host(&known->host, &list.host);
	return known_refresh(known, store, e);
}

/* Whether there is a snapshot to read from: 1, 0, negative. */
static int any_snapshot(struct store_view *view, struct err *e)
{
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot snapshot;
	int result = roll_snapshots_open(&list, view, e);

	return result < 0 ? result : roll_snapshots_next(list, &snapshot, e);
}

static int read_all(struct known *known, struct store *store, const struct hosts *hosts, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll) struct roll *roll = NULL;
	int result = store_view_open(&view, store, e);

	if (result == 0)
		result = any_snapshot(view, e);
	if (result > 0)
		result = roll_open(&roll, view, WHEN_UNKNOWN, e);
	for (size_t i = 0; roll && result >= 0 && i < hosts->count; i++)
		result = read_one(&known[i], roll, store, hosts->items[i].name, e);
	return result < 0 ? result : 0;
}

int known_read(struct known **known, struct store *store, const struct hosts *hosts, struct err *e)
{
	struct known *read = mem_zalloc(hosts->count, sizeof *read);
	int result = read_all(read, store, hosts, e);

	if (result < 0) {
		known_free(read, hosts->count);
		return result;
	}
	*known = read;
	return 0;
}

static int by_uuid(const void *uuid, const void *vm)
{
	return memcmp(uuid, ((const struct vm *)vm)->uuid, VM_UUID_SIZE);
}

const struct vm *known_vm(const struct known *known, const unsigned char *uuid)
{
	if (known->count == 0)
		return NULL;
	return bsearch(uuid, known->vms, known->count, sizeof *known->vms, by_uuid);
}
