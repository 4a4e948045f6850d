/* plan.c - a deployment drawn up whole. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "map.h"
#include "mem.h"
#include "plan.h"
#include "vm.h"

static int draw_random(void *bytes, size_t length, struct err *e)
{
	if (getrandom(bytes, length, 0) != (ssize_t)length)
		return err_set_errno(e, ERR_ENV, errno, "random numbers");
	return 0;
}

/* RFC 9562, version 4. */
static int draw_uuid(unsigned char *uuid, struct err *e)
{
	int result = draw_random(uuid, VM_UUID_SIZE, e);

	uuid[6] = (unsigned char)((uuid[6] & 0x0F) | 0x40);
	uuid[8] = (unsigned char)((uuid[8] & 0x3F) | 0x80);
	return result;
}

/* ---- MACs ---- */

/* All that deployments have; the texts are theirs. */
static struct map *known_macs(const struct deployments *deployments)
{
	struct map *known = map_new();

	vec_foreach(deployments, deployment)
		vec_foreach(&deployment->machines, machine)
			vec_foreach(&machine->macs, mac)
				map_add(known, *mac, strlen(*mac), *mac);
	return known;
}

/* 52:54:00 is QEMU's. */
static int draw_mac(struct map *known, struct image_texts *macs, struct err *e)
{
	unsigned char mac[VM_MAC_SIZE] = {0x52, 0x54, 0x00};
	char text[VM_MAC_TEXT_SIZE];

	do {
		int result = draw_random(mac + 3, sizeof mac - 3, e);
		if (result < 0)
			return result;
		vm_mac_format(mac, text);
	} while (map_find(known, text, strlen(text)));
	char *kept = mem_string(text);
	vec_push(macs, kept);
	map_add(known, kept, strlen(kept), kept);
	return 0;
}

/* ---- machines ---- */

struct drawing {
	const struct fit *fit;
	const struct fit_order *order;
	struct deployment *deployment;
	struct deployed_bases *bases;
	struct map *macs;
};

enum { TAG_SIZE = 9 };

/*
 * Part of the names of volumes, drawn at random with the UUID: numbers are those of one store, and a host may hold volumes of other
 * stations, or of a store that was lost.
 */
static const char *tag_of(const struct deployed *machine, char *tag)
{
	const unsigned char *uuid = machine->uuid;

	snprintf(tag, TAG_SIZE, "%02x%02x%02x%02x", uuid[0], uuid[1], uuid[2], uuid[3]);
	return tag;
}

static const struct deployed_base *find_base(const struct deployed_bases *bases, const struct deployed_base *wanted)
{
	vec_foreach(bases, base)
		if (base->image == wanted->image && base->generation == wanted->generation &&
		    base->own == wanted->own && strcmp(base->host, wanted->host) == 0 &&
		    strcmp(base->pool, wanted->pool) == 0 && strcmp(base->target, wanted->target) == 0)
			return base;
	return NULL;
}

static char *base_volume(const struct deployed_base *base, const struct deployed *machine)
{
	char tag[TAG_SIZE];

	return mem_format("vmroll-base-%llu.%llu.%s.%s.raw", (unsigned long long)base->image,
			  (unsigned long long)base->generation, base->target, tag_of(machine, tag));
}

/* The volume of the base that DISK of MACHINE is made of: the one that is recorded, or drawn already, or a new one. */
static char *draw_base(struct drawing *drawing, const struct source *source, const struct image_disk *disk,
		       const struct asked *asked, const struct deployed *machine)
{
	struct deployed_base wanted = {
		.host = mem_string(machine->host),
		.uri = mem_string(machine->uri),
		.pool = mem_string(machine->pool),
		.target = mem_string(disk->target),
		.image = source->image.id,
		.generation = source->number,
		.own = drawing->deployment->reset_identity ? drawing->deployment->id : 0,
		.capacity_bytes = disk->virtual_bytes,
		.need_bytes = fit_base_bytes(disk, asked->has_files),
	};
	const struct deployed_base *drawn = find_base(drawing->bases, &wanted);

	if (drawn) {
		deployed_base_done(&wanted);
		return mem_string(drawn->volume);
	}
	const struct deployed_base *recorded = find_base(drawing->order->bases, &wanted);
	wanted.volume = recorded ? mem_string(recorded->volume) : base_volume(&wanted, machine);
	vec_push(drawing->bases, wanted);
	return mem_string(wanted.volume);
}

static void draw_disk(struct drawing *drawing, const struct source *source, const struct image_disk *disk,
		      const struct asked *asked, struct deployed *machine)
{
	struct deployed_disk *drawn = vec_push_zero(&machine->disks);
	bool linked = drawing->deployment->linked;
	char tag[TAG_SIZE];

	drawn->target = mem_string(disk->target);
	drawn->format = mem_string(fit_format(disk, linked, asked->has_files));
	drawn->volume =
		mem_format("%s-%s.%llu.%s.%s", machine->name, disk->target,
			   (unsigned long long)drawing->deployment->id, tag_of(machine, tag), drawn->format);
	drawn->capacity_bytes = disk->virtual_bytes;
	/* In full: what this deployment over-commits is no room for those that do not. */
	drawn->need_bytes = disk->virtual_bytes;
	if (!fit_has_base(disk, linked, asked->has_files))
		return;
	cleanup(cleanup_mem) char *base = draw_base(drawing, source, disk, asked, machine);
	if (linked)
		drawn->base = mem_string(base);
}

static int draw_machine(struct drawing *drawing, size_t number, struct err *e)
{
	const struct group_vm *vm = &drawing->order->vms->items[number];
	const struct place_machine *place = &drawing->fit->machines.items[number];
	const struct asked *asked = drawing->fit->hosts.items[place->host].asked;
	const struct source *source =
		&drawing->order->sources->items[source_place(drawing->order->sources, vm->image)];
	struct deployed *machine = vec_push_zero(&drawing->deployment->machines);

	machine->name = mem_format("%s-%s", drawing->deployment->name, vm->name);
	machine->member = mem_string(vm->name);
	machine->host = mem_string(asked->host->name);
	machine->address = mem_string(asked->host->address);
	machine->uri = mem_string(asked->host->uri);
	machine->pool = mem_string(drawing->order->pool);
	machine->pool_path = mem_string(asked->pool_path);
	machine->image = vm->image;
	machine->generation = source->number;
	machine->memory_bytes = source->memory_bytes;
	int result = draw_uuid(machine->uuid, e);
	for (size_t i = 0; result == 0 && i < source->nics; i++)
		result = draw_mac(drawing->macs, &machine->macs, e);
	vec_foreach(&source->disks, disk)
		draw_disk(drawing, source, disk->disk, asked, machine);
	return result;
}

/* ---- names ---- */

/* Those of all deployments, by name: what another process makes now is on no host yet, and some hosts are silent. */
static struct map *recorded_names(const struct deployments *deployments)
{
	struct map *names = map_new();

	vec_foreach(deployments, deployment)
		vec_foreach(&deployment->machines, machine)
			if (machine->state != DEPLOYED_REMOVED)
				map_add(names, machine->name, strlen(machine->name), deployment);
	return names;
}

static bool is_taken(const struct drawing *drawing, struct map *recorded, const char *name)
{
	const struct asked *asked = asked_domain(drawing->order->asked, name);
	const struct deployment *other = map_find(recorded, name, strlen(name));

	if (asked)
		log_error("%s has a VM %s already", asked->host->name, name);
	else if (other)
		log_error("deployment %s has a VM %s already", other->name, name);
	return asked || other;
}

/* Names are looked for on every host that answered: one that moves there later must not meet its like. */
static int check_names(const struct drawing *drawing, struct err *e)
{
	struct map *recorded = recorded_names(drawing->order->deployments);
	size_t taken = 0;

	vec_foreach(&drawing->deployment->machines, machine)
		taken += is_taken(drawing, recorded, machine->name);
	map_free(recorded);
	if (taken == 0)
		return 0;
	return err_set(e, ERR_USAGE, "deployment %s: %zu of its VMs' names are taken: another --name?",
		       drawing->deployment->name, taken);
}

int plan_draw(const struct fit *fit, const struct fit_order *order, struct deployment *deployment,
	      struct deployed_bases *bases, struct err *e)
{
	struct drawing drawing = {fit, order, deployment, bases, known_macs(order->deployments)};
	int result = 0;

	for (size_t i = 0; result == 0 && i < order->vms->count; i++)
		result = draw_machine(&drawing, i, e);
	map_free(drawing.macs);
	return result < 0 ? result : check_names(&drawing, e);
}
