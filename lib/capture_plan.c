/* capture_plan.c - what is taken of a machine, how, and what is not. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "capture_plan.h"
#include "mem.h"
#include "str.h"
#include "virt.h"
#include "when.h"

enum { TARGET_MAX = 32 };

void capture_source_done(struct capture_source *source)
{
	free(source->pool);
	free(source->why);
	virt_volume_done(&source->volume);
	*source = (struct capture_source){0};
}

const struct domxml *capture_facts_domain(const struct capture_facts *facts)
{
	return facts->live ? facts->live : facts->config;
}

void capture_facts_done(struct capture_facts *facts)
{
	for (size_t i = 0; facts->sources && i < capture_facts_domain(facts)->disks.count; i++)
		capture_source_done(&facts->sources[i]);
	free(facts->sources);
	capture_source_done(&facts->nvram);
	virt_pools_done(&facts->pools);
}

static void item_done(struct capture_item *item)
{
	free(item->target);
	free(item->path);
	free(item->source_format);
	free(item->format);
	free(item->pool);
	free(item->volume);
	free(item->copy_pool);
}

void capture_plan_done(struct capture_plan *plan)
{
	vec_foreach(&plan->items, item)
		item_done(item);
	vec_done(&plan->items);
	image_texts_done(&plan->left_out);
}

/* ---- what is left out ---- */

const char *capture_plan_skips(const struct domxml_disk *disk)
{
	if (str_equal(disk->device, "cdrom"))
		return "CD-ROM";
	if (str_equal(disk->device, "floppy"))
		return "floppy";
	if (disk->shareable)
		return "shareable";
	if (disk->read_only)
		return "read-only";
	return NULL;
}

bool capture_plan_has_nvram(const struct domxml *domain)
{
	return domain->nvram != NULL;
}

static void leave_out(struct capture_plan *plan, const char *target, const char *why)
{
	vec_push(&plan->left_out, mem_format("%s: %s", target ? target : "a disk without a name", why));
}

static const struct domxml_disk *find_disk(const struct domxml *domain, const char *target)
{
	vec_foreach(&domain->disks, disk)
		if (str_equal(disk->target, target))
			return disk;
	return NULL;
}

/* What was attached for this run only is no part of the definition that is kept. */
static const char *skips_in_run(const struct capture_facts *facts, const struct domxml_disk *disk)
{
	const char *why = capture_plan_skips(disk);

	if (!why && facts->live && !find_disk(facts->config, disk->target))
		return "attached only for as long as it runs";
	return why;
}

static void leave_out_detached(const struct capture_facts *facts, struct capture_plan *plan)
{
	if (!facts->live)
		return;
	vec_foreach(&facts->config->disks, disk)
		if (!capture_plan_skips(disk) && !find_disk(facts->live, disk->target))
			leave_out(plan, disk->target, "not attached while it runs");
}

/* ---- one disk ---- */

/* It becomes a part of names of files. */
static bool is_plain_name(const char *target)
{
	size_t length = target ? strlen(target) : 0;

	for (size_t i = 0; i < length; i++)
		if (!islower((unsigned char)target[i]) && !isdigit((unsigned char)target[i]))
			return false;
	return length > 0 && length <= TARGET_MAX;
}

static const struct virt_pool *find_pool(const struct capture_facts *facts, const char *name)
{
	for (size_t i = 0; name && i < facts->pools.count; i++)
		if (str_equal(facts->pools.items[i].name, name))
			return &facts->pools.items[i];
	return NULL;
}

static bool takes_copies(const struct virt_pool *pool)
{
	return pool && pool->active && pool->path && virt_pool_has_files(pool);
}

/* Beside the source, if files can lie there. */
static int choose_copy_pool(const struct capture_facts *facts, const struct capture_source *source,
			    struct capture_item *item, struct err *e)
{
	const struct virt_pool *pool = find_pool(facts, source->pool);

	if (!takes_copies(pool))
		pool = find_pool(facts, facts->spare);
	if (!takes_copies(pool))
		return err_set(
			e, ERR_USAGE,
			"%s: must be copied on its host first, but lies in no pool of files there, and "
			"there is no active pool '%s' of files",
			item->target, facts->spare);
	item->copy_pool = mem_string(pool->name);
	return 0;
}

static bool is_raw(const struct domxml_disk *disk)
{
	return !disk->format || str_equal(disk->format, "raw");
}

static bool has_backing(const struct domxml_disk *disk, const struct capture_source *source)
{
	return !is_raw(disk) && (disk->backing || source->volume.backing_path);
}

static const char *kind_of(const struct domxml_disk *disk)
{
	if (str_equal(disk->type, "network"))
		return "a network disk";
	return str_equal(disk->type, "file") || str_equal(disk->type, "block") ? "a disk" : "a special disk";
}

static int refuse(const struct domxml_disk *disk, const char *why, struct err *e)
{
	cleanup(cleanup_mem) char *source = str_escape(disk->source ? disk->source : "no source");

	return err_set(e, ERR_USAGE, "%s (%s): %s", disk->target, source, why);
}

static int choose_stopped(const struct capture_facts *facts, const struct domxml_disk *disk,
			  const struct capture_source *source, struct capture_item *item, struct err *e)
{
	if (!source->pool) {
		cleanup(cleanup_mem) char *why = mem_format(
			"%s that no storage pool of its host has cannot be read while the machine is off "
			"(start it: a running one can be captured)%s%s",
			kind_of(disk), source->why ? ": " : "", source->why ? source->why : "");
		return refuse(disk, why, e);
	}
	if (disk->encrypted)
		return refuse(disk, "it is encrypted: only while the machine runs can its content be read", e);
	item->way = is_raw(disk) ? CAPTURE_PLAIN : CAPTURE_FLATTEN;
	if (item->way == CAPTURE_PLAIN)
		return 0;
	if (!str_equal(disk->format, source->volume.format)) {
		cleanup(cleanup_mem) char *why =
			mem_format("its machine says %s, its storage pool says %s: it cannot be read while "
				   "the machine is off",
				   disk->format, source->volume.format ? source->volume.format : "nothing");
		return refuse(disk, why, e);
	}
	return choose_copy_pool(facts, source, item, e);
}

static int choose_way(const struct capture_facts *facts, const struct domxml_disk *disk,
		      const struct capture_source *source, struct capture_item *item, struct err *e)
{
	if (!facts->live)
		return choose_stopped(facts, disk, source, item, e);
	item->way = CAPTURE_BACKUP;
	if (item->virtual_bytes == VIRT_UNKNOWN)
		return refuse(disk, "its host does not say how large it is", e);
	return choose_copy_pool(facts, source, item, e);
}

/* 0 where nobody says. */
static uint64_t taken_bytes(const struct capture_item *item, const struct virt_volume *volume)
{
	if (volume->allocation_bytes == VIRT_UNKNOWN)
		return 0;
	return volume->allocation_bytes < item->virtual_bytes ? volume->allocation_bytes : item->virtual_bytes;
}

/*
 * QEMU writes the zeros of a backup too, and a container may hold its content compressed; the guest that shares the pool with
 * its copy would stop where that runs full.
 */
static void size_item(const struct capture_source *source, struct capture_item *item)
{
	item->data_bytes = taken_bytes(item, &source->volume);
	item->copy_bytes = item->way == CAPTURE_PLAIN ? 0 : item->virtual_bytes;
}

static int plan_disk(const struct capture_facts *facts, const struct domxml_disk *disk,
		     const struct capture_source *source, struct capture_plan *plan, struct err *e)
{
	if (!is_plain_name(disk->target))
		return err_set(e, ERR_USAGE, "a disk is called otherwise than with small letters and digits");
	if (str_equal(disk->device, "lun"))
		return refuse(disk, "a LUN that is passed through cannot be captured", e);
	struct capture_item *item = vec_push_zero(&plan->items);
	item->target = mem_string(disk->target);
	item->path = mem_string(disk->source);
	item->source_format = mem_string(disk->format);
	item->format = mem_string(str_equal(disk->format, "qcow2") ? "qcow2" : "raw");
	item->pool = mem_string(source->pool);
	item->volume = mem_string(source->volume.name);
	item->virtual_bytes = source->volume.capacity_bytes;
	item->modified = source->volume.modified;
	int result = choose_way(facts, disk, source, item, e);
	if (result < 0)
		return result;
	size_item(source, item);
	if (disk->encrypted)
		leave_out(plan, disk->target, "its encryption (the image holds clear content)");
	if (has_backing(disk, source))
		leave_out(plan, disk->target, "its chain of backing files (flattened)");
	return 0;
}

/* ---- what else there is ---- */

static void plan_nvram(const struct capture_facts *facts, struct capture_plan *plan)
{
	const struct domxml *domain = capture_facts_domain(facts);
	const struct virt_volume *volume = &facts->nvram.volume;

	if (!facts->nvram.wanted)
		return;
	if (!facts->nvram.pool) {
		leave_out(plan, IMAGE_NVRAM, "its file is not there (made anew from the template)");
		return;
	}
	struct capture_item *item = vec_push_zero(&plan->items);
	item->target = mem_string(IMAGE_NVRAM);
	item->path = mem_string(domain->nvram);
	item->source_format = mem_string(domain->nvram_format);
	item->format = mem_string("raw");
	item->pool = mem_string(facts->nvram.pool);
	item->volume = mem_string(volume->name);
	item->virtual_bytes = volume->capacity_bytes;
	item->data_bytes = taken_bytes(item, volume);
	item->modified = volume->modified;
}

/* ---- room ---- */

static uint64_t wanted_in(const struct capture_facts *facts, const struct capture_plan *plan, const char *pool)
{
	uint64_t wanted = 0;

	vec_foreach(&plan->items, item) {
		if (!item->copy_pool || !str_equal(item->copy_pool, pool))
			continue;
		if (!facts->live)
			wanted = item->copy_bytes > wanted ? item->copy_bytes : wanted;
		else if (__builtin_add_overflow(wanted, item->copy_bytes, &wanted))
			return UINT64_MAX;
	}
	return wanted;
}

static int check_room(const struct capture_facts *facts, const struct capture_plan *plan, struct err *e)
{
	char wanted_text[32];
	char room_text[32];

	for (size_t i = 0; i < facts->pools.count; i++) {
		const struct virt_pool *pool = &facts->pools.items[i];
		uint64_t kept = pool->capacity_bytes / 100 * facts->reserve;
		uint64_t room = pool->available_bytes > kept ? pool->available_bytes - kept : 0;
		uint64_t wanted = wanted_in(facts, plan, pool->name);
		if (wanted <= room)
			continue;
		str_format_bytes(wanted, wanted_text, sizeof wanted_text);
		str_format_bytes(room, room_text, sizeof room_text);
		return err_set(e, ERR_FULL,
			       "pool %s: the copy needs %s for a while, there are %s (%u %% stay free)",
			       pool->name, wanted_text, room_text, facts->reserve);
	}
	return 0;
}

int capture_plan(const struct capture_facts *facts, struct capture_plan *plan, struct err *e)
{
	cleanup(capture_plan_done) struct capture_plan made = {0};
	const struct domxml *domain = capture_facts_domain(facts);

	for (size_t i = 0; i < domain->disks.count; i++) {
		const struct domxml_disk *disk = &domain->disks.items[i];
		const char *why = skips_in_run(facts, disk);
		int result = why ? 0 : plan_disk(facts, disk, &facts->sources[i], &made, e);
		if (result < 0)
			return result;
		if (why)
			leave_out(&made, disk->target, why);
	}
	if (made.items.count == 0)
		return err_set(e, ERR_USAGE, "it has no disk that can be captured");
	leave_out_detached(facts, &made);
	plan_nvram(facts, &made);
	if (domain->has_tpm)
		leave_out(&made, "tpm", "what its TPM holds");
	int result = check_room(facts, &made, e);
	if (result < 0)
		return result;
	*plan = made;
	made = (struct capture_plan){0};
	return 0;
}
