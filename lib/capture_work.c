/* capture_work.c - the process that captures: makes raw volumes on the host, and writes their content into the repository. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "capture_worker.h"
#include "digest.h"
#include "disk.h"
#include "domxml_rewrite.h"
#include "mem.h"
#include "repository.h"
#include "str.h"
#include "virt_volume.h"
#include "when.h"

/* The record of an image has a name: that one is given later. */
static const char no_name[] = "unnamed";

static void work_done(struct work *work)
{
	vec_foreach(&work->pools, pool)
		free(*pool);
	vec_done(&work->pools);
	capture_plan_done(&work->plan);
	capture_machine_done(&work->machine);
	image_done(&work->image);
	repository_close(work->repository);
	virt_close(work->virt);
}

/* ---- into the repository ---- */

static const struct image_disk *layered_on(const struct work *work, const struct capture_item *item,
					   uint64_t size_bytes)
{
	const struct image *old = work->order->old;
	const struct image_disk *disk = old ? image_find_disk(&old->generations.items[0], item->target) : NULL;

	if (!disk || repository_is_pool(work->repository) || disk->virtual_bytes != size_bytes)
		return NULL;
	return disk;
}

static int check_repository_room(struct work *work, struct err *e)
{
	uint64_t wanted = 0;
	uint64_t room;
	char wanted_text[32];
	char room_text[32];

	vec_foreach(&work->plan.items, item)
		if (!layered_on(work, item, item->virtual_bytes))
			wanted += item->data_bytes;
	unsigned reserve = work->order->capture->conf->image.reserve;
	int result = repository_room(work->repository, reserve, &room, e);
	if (result < 0 || wanted <= room)
		return result;
	str_format_bytes(wanted, wanted_text, sizeof wanted_text);
	str_format_bytes(room, room_text, sizeof room_text);
	return err_set(e, ERR_FULL, "repository %s: the image needs about %s, there are %s (%u %% stay free)",
		       work->order->stage->repository, wanted_text, room_text, reserve);
}

/* A disk on its way into the repository. */
struct stored {
	const struct image_disk *below; /* NULL: a base, else a layer over that */
	uint64_t size_bytes;
	struct disk_copied copied;
	uint64_t written_bytes;
	char *file;
};

/* A copy may be longer than its source, to the end of a sector; and only whoever looks makes its pool know it. */
static int find_size(struct work *work, size_t place, uint64_t *size_bytes, struct err *e)
{
	const struct capture_item *item = &work->plan.items.items[place];
	cleanup(virt_volume_done) struct virt_volume volume = {0};

	*size_bytes = item->virtual_bytes;
	if (item->way == CAPTURE_PLAIN)
		return 0;
	cleanup(cleanup_mem) char *name = capture_copy_name(work, place);
	int result = virt_volume_find(work->virt, item->copy_pool, name, &volume, e);
	if (result == 0)
		return err_set(e, ERR_ENV, "its copy is not in pool %s", item->copy_pool);
	if (result > 0)
		*size_bytes = volume.capacity_bytes;
	return result < 0 ? result : 0;
}

static int open_writer(struct work *work, const struct capture_item *item, struct stored *stored,
		       struct disk_writer **writer, struct err *e)
{
	const struct stage *stage = work->order->stage;

	if (stored->below)
		return repository_write_layer(work->repository, stage->id, stage->image, stage->generation,
					      stored->below, writer, &stored->file, &stored->written_bytes, e);
	return repository_write(work->repository, stage->id, stage->image, stage->generation, item->target,
				stored->size_bytes, writer, &stored->file, e);
}

static int pour(struct work *work, size_t place, struct stored *stored, struct err *e)
{
	const struct capture_item *item = &work->plan.items.items[place];
	bool plain = item->way == CAPTURE_PLAIN;
	cleanup(cleanup_mem) char *name = plain ? mem_string(item->volume) : capture_copy_name(work, place);
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	struct teller teller = capture_teller_of(work, place, "reading");
	const struct disk_progress progress = {capture_tell, &teller};

	int result = virt_volume_read(&reader, work->virt, plain ? item->pool : item->copy_pool, name, e);
	if (result == 0)
		result = open_writer(work, item, stored, &writer, e);
	if (result < 0)
		return result;
	return disk_copy_digests(reader, writer, &progress, DISK_DIGEST_WHOLE | DISK_DIGEST_DATA,
				 &stored->copied, e);
}

/* Takes ownership of what STORED owns. */
static void record_disk(struct work *work, const struct capture_item *item, struct stored *stored)
{
	struct image_disk *disk = vec_push_zero(&work->image.generations.items[0].disks);

	if (stored->below)
		image_texts_copy(&disk->files, &stored->below->files);
	else
		stored->written_bytes = stored->copied.data_bytes;
	vec_push(&disk->files, stored->file);
	disk->target = mem_string(item->target);
	disk->source_path = mem_string(item->path);
	disk->source_format = mem_string(item->source_format);
	disk->format = mem_string(item->format);
	disk->virtual_bytes = stored->copied.size_bytes;
	memcpy(disk->sha256, stored->copied.sha256, sizeof disk->sha256);
	memcpy(disk->data_sha256, stored->copied.data_sha256, sizeof disk->data_sha256);
	disk->source_modified = item->modified;
	work->written_bytes += stored->written_bytes;
}

static int store_item(struct work *work, size_t place, struct err *e)
{
	const struct capture_item *item = &work->plan.items.items[place];
	struct stored stored = {0};

	int result = find_size(work, place, &stored.size_bytes, e);
	stored.below = layered_on(work, item, stored.size_bytes);
	if (result == 0)
		result = pour(work, place, &stored, e);
	if (result < 0) {
		free(stored.file);
		return err_wrap(e, "%s", item->target);
	}
	record_disk(work, item, &stored);
	return 0;
}

/* The room beside the source is given back as soon as may be. */
static int drop_copy(struct work *work, size_t place, struct err *e)
{
	const struct capture_item *item = &work->plan.items.items[place];

	if (item->way == CAPTURE_PLAIN)
		return 0;
	cleanup(cleanup_mem) char *name = capture_copy_name(work, place);
	return virt_volume_delete(work->virt, item->copy_pool, name, e);
}

/* ---- the whole ---- */

static int take_item(struct work *work, size_t place, struct err *e)
{
	const struct capture_item *item = &work->plan.items.items[place];
	int result = item->way == CAPTURE_FLATTEN ? capture_flatten(work, place, e) : 0;

	if (result == 0)
		result = store_item(work, place, e);
	if (result == 0)
		result = drop_copy(work, place, e);
	/* What was off must have been off all the while. */
	if (result == 0 && !work->machine.active)
		result = capture_look_again(work->virt, &work->machine, item, e);
	return result;
}

static int take_items(struct work *work, struct err *e)
{
	int result = work->machine.active ? capture_back_up(work, e) : 0;

	for (size_t i = 0; i < work->plan.items.count && result == 0; i++)
		result = take_item(work, i, e);
	/* The first disk may have changed while the last was read. */
	for (size_t i = 0; i < work->plan.items.count && result == 0 && !work->machine.active; i++)
		result = capture_look_again(work->virt, &work->machine, &work->plan.items.items[i], e);
	return result < 0 ? capture_look_why(work->virt, &work->machine, e) : 0;
}

static int store_definition(struct work *work, struct err *e)
{
	struct image_generation *generation = &work->image.generations.items[0];
	const struct stage *stage = work->order->stage;
	const char *xml = work->machine.config_xml;
	cleanup(str_done) struct str canonical = {0};

	int result = domxml_canonical(xml, strlen(xml), &canonical, e);
	if (result == 0)
		result = digest_of(xml, strlen(xml), generation->config_sha256, e);
	if (result == 0)
		result = digest_of(canonical.data, canonical.length, generation->definition_sha256, e);
	if (result < 0)
		return result;
	return repository_write_text(work->repository, stage->id, stage->image, stage->generation,
				     "domain.xml", xml, strlen(xml), &generation->config, e);
}

/* Takes what was left out from the plan. */
static void describe(struct work *work)
{
	const struct capture *capture = work->order->capture;
	const struct domxml *config = &work->machine.config;
	struct image_generation *generation = &work->image.generations.items[0];

	work->image.id = work->order->stage->image;
	work->image.name = mem_string(no_name);
	work->image.os = mem_string(config->os);
	work->image.os_id = mem_string(config->os_id);
	work->image.arch = mem_string(config->arch);
	work->image.vcpus = config->vcpus;
	work->image.memory_bytes = config->memory_bytes;
	work->image.host = mem_string(capture->host->name);
	work->image.vm = mem_string(config->name);
	memcpy(work->image.vm_uuid, work->machine.uuid, sizeof work->image.vm_uuid);
	work->image.registered = work->image.updated = work->instant;
	work->image.keep = capture->conf->image.keep;
	generation->number = work->order->stage->generation;
	generation->captured = work->instant;
	generation->running = work->machine.active;
	image_texts_copy(&generation->left_out, &work->plan.left_out);
}

static int prepare(struct work *work, struct err *e)
{
	const struct capture *capture = work->order->capture;
	const struct capture_looking looking = {
		.making = capture_announce_pool,
		.context = work,
		.spare = capture->conf->deploy.pool,
		.reserve = capture->conf->image.reserve,
	};

	int result = virt_open_control(&work->virt, capture->host->uri, e);
	if (result == 0)
		result = capture_look(work->virt, capture->vm, &work->machine, e);
	if (result == 0)
		result = capture_look_volumes(work->virt, &looking, &work->machine, e);
	return result < 0 ? result : capture_plan(&work->machine.facts, &work->plan, e);
}

static int open_repository(struct work *work, struct err *e)
{
	const struct stage *stage = work->order->stage;
	int result = repository_open(&work->repository, stage->repository, e);

	if (result == 0)
		result = repository_stage(work->repository, stage->id, e);
	return result < 0 ? result : check_repository_room(work, e);
}

static int do_work(struct work *work, struct err *e)
{
	if (getrandom(&work->mark, sizeof work->mark, 0) != sizeof work->mark)
		return err_set_errno(e, ERR_ENV, errno, "random number");
	work->instant = when_now();
	vec_push_zero(&work->image.generations);
	int result = prepare(work, e);
	if (result == 0)
		result = open_repository(work, e);
	if (result == 0)
		result = take_items(work, e);
	if (result == 0)
		result = store_definition(work, e);
	if (result < 0)
		return result;
	describe(work);
	return capture_send_result(work->channel, &work->image, work->written_bytes, e);
}

int capture_work(struct channel *channel, void *context)
{
	cleanup(work_done) struct work work = {.order = context, .channel = channel};
	struct err e = {0};
	struct err ignored;

	if (do_work(&work, &e) < 0 && capture_send_failure(channel, &e, &ignored) < 0)
		return 4;
	return 0;
}
