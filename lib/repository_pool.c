/*
 * repository_pool.c - a repository in a storage pool of a libvirt host.
 *
 * A volume is there from the first byte on, under the name that it will keep: what counts is what the store names. Pools of
 * logical volumes round sizes up, and what lies there from before is overwritten.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "repository_private.h"
#include "virt.h"
#include "virt_volume.h"

/* What no kind of pool has smaller. */
enum { VOLUME_BYTES_MIN = 512 };

struct pool {
	struct repository common;
	char *name, *uri;
	struct virt *virt;
};

/* What all volumes of IMAGE begin with. The caller frees. */
static char *prefix_of(uint64_t image)
{
	return mem_format("vmroll-%llu.", (unsigned long long)image);
}

static void close_pool(struct repository *repository)
{
	struct pool *pool = (struct pool *)repository;

	virt_close(pool->virt);
	free(pool->name);
	free(pool->uri);
	free(pool);
}

static int room(struct repository *repository, unsigned reserve, uint64_t *bytes, struct err *e)
{
	const struct pool *pool = (struct pool *)repository;
	cleanup(virt_pool_done) struct virt_pool found = {0};

	if (virt_pool_find(pool->virt, pool->name, &found, e) < 0)
		return e->code;
	if (!found.active)
		return err_set(e, ERR_ENV, "pool %s of %s: is not active: virsh pool-start %s", pool->name,
			       pool->uri, pool->name);
	uint64_t kept_bytes = found.capacity_bytes / 100 * reserve + found.capacity_bytes % 100 * reserve / 100;
	*bytes = found.available_bytes > kept_bytes ? found.available_bytes - kept_bytes : 0;
	return 0;
}

/* ---- writing ---- */

/* Nothing is staged: the store's stage and the numbers of generations say what is not finished. */
static int stage_nothing(struct repository *repository, uint64_t stage, struct err *e)
{
	(void)repository, (void)stage, (void)e;
	return 0;
}

static int publish_nothing(struct repository *repository, uint64_t stage, uint64_t image, struct err *e)
{
	(void)repository, (void)stage, (void)image, (void)e;
	return 0;
}

struct writer {
	struct disk_writer common;
	struct disk_writer *inner;
	uint64_t done_bytes, capacity_bytes;
};

static int write_chunk(struct disk_writer *common, const struct disk_chunk *chunk, struct err *e)
{
	struct writer *writer = (struct writer *)common;

	writer->done_bytes += chunk->length;
	return writer->inner->write(writer->inner, chunk, e);
}

/* Up to the end of the volume there are zeros, whatever a block device had there before. */
static int finish(struct disk_writer *common, struct err *e)
{
	struct writer *writer = (struct writer *)common;
	int result = 0;

	if (writer->done_bytes < writer->capacity_bytes) {
		const struct disk_chunk rest = {NULL, writer->capacity_bytes - writer->done_bytes};
		result = writer->inner->write(writer->inner, &rest, e);
	}
	return result < 0 ? result : writer->inner->finish(writer->inner, e);
}

static void close_writer(struct disk_writer *common)
{
	struct writer *writer = (struct writer *)common;

	disk_writer_close(writer->inner);
	free(writer);
}

static int make_volume(const struct pool *pool, const char *name, uint64_t size_bytes,
		       uint64_t *capacity_bytes, struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume volume = {0};
	const struct virt_volume_spec spec = {
		.name = name,
		.format = "raw",
		.capacity_bytes = size_bytes < VOLUME_BYTES_MIN ? VOLUME_BYTES_MIN : size_bytes,
	};

	if (virt_volume_create(pool->virt, pool->name, &spec, NULL, e) < 0)
		return e->code;
	int result = virt_volume_find(pool->virt, pool->name, name, &volume, e);
	if (result < 0)
		return result;
	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "volume %s in pool %s: is gone again", name, pool->name);
	*capacity_bytes = volume.capacity_bytes;
	return 0;
}

static int write_volume(struct repository *repository, const struct repository_place *place, const char *name,
			uint64_t size_bytes, struct disk_writer **writer, char **file, struct err *e)
{
	const struct pool *pool = (struct pool *)repository;
	cleanup(cleanup_mem) char *prefix = prefix_of(place->image);
	cleanup(cleanup_mem) char *volume = mem_format("%s%s", prefix, name);
	struct disk_writer *inner;
	uint64_t capacity_bytes = 0;

	int result = make_volume(pool, volume, size_bytes, &capacity_bytes, e);
	if (result == 0)
		result = virt_volume_write(&inner, pool->virt, pool->name, volume, e);
	if (result < 0)
		return result;
	struct writer *opened = mem_zalloc(1, sizeof *opened);
	*opened = (struct writer){{write_chunk, finish, close_writer}, inner, 0, capacity_bytes};
	*writer = &opened->common;
	*file = volume;
	volume = NULL;
	return 0;
}

/* ---- reading ---- */

static int read_volume(struct repository *repository, uint64_t image, const struct image_texts *files,
		       struct disk_reader **reader, struct err *e)
{
	const struct pool *pool = (struct pool *)repository;
	cleanup(cleanup_mem) char *prefix = prefix_of(image);

	/* A record cannot lead to volumes that are not ours. */
	if (files->count != 1 || !str_starts(files->items[0], prefix))
		return err_set(e, ERR_CORRUPT, "pool %s: '%s' is no volume of image %llu", pool->name,
			       files->items[0], (unsigned long long)image);
	return virt_volume_read(reader, pool->virt, pool->name, files->items[0], e);
}

static int physical(struct repository *repository, uint64_t image, const struct image_disk *disk,
		    uint64_t *bytes, struct err *e)
{
	const struct pool *pool = (struct pool *)repository;
	uint64_t sum = 0;

	(void)image;
	vec_foreach(&disk->files, file) {
		cleanup(virt_volume_done) struct virt_volume volume = {0};
		int result = virt_volume_find(pool->virt, pool->name, *file, &volume, e);
		if (result == 0)
			return err_set(e, ERR_NOT_FOUND, "volume %s in pool %s: is missing", *file, pool->name);
		if (result < 0)
			return result;
		sum += volume.allocation_bytes;
	}
	*bytes = sum;
	return 0;
}

static char *where(const struct repository *repository, uint64_t image, const char *file)
{
	const struct pool *pool = (const struct pool *)repository;

	(void)image;
	return mem_format("pool %s of %s: %s", pool->name, pool->uri, file);
}

/* ---- keeping order ---- */

static int remove_volume(const struct pool *pool, const char *name, uint64_t *removed_bytes, struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume volume = {0};

	int result = virt_volume_find(pool->virt, pool->name, name, &volume, e);
	if (result <= 0)
		return result;
	result = virt_volume_delete(pool->virt, pool->name, name, e);
	*removed_bytes += result == 0 ? volume.allocation_bytes : 0;
	return result;
}

static int unstage(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		   struct err *e)
{
	const struct pool *pool = (struct pool *)repository;
	cleanup(virt_names_done) struct virt_names names = {0};
	cleanup(cleanup_mem) char *prefix = prefix_of(image);
	uint64_t removed_bytes = 0;

	(void)stage;
	if (generation == 0)
		return 0;
	if (virt_volume_names(pool->virt, pool->name, &names, e) < 0)
		return e->code;
	vec_foreach(&names, name)
		if (str_starts(*name, prefix) && repository_generation_of(*name + strlen(prefix)) >= generation &&
		    remove_volume(pool, *name, &removed_bytes, e) < 0)
			return e->code;
	return 0;
}

static int tidy(struct repository *repository, const struct image *image, uint64_t *removed_bytes, struct err *e)
{
	const struct pool *pool = (struct pool *)repository;
	cleanup(virt_names_done) struct virt_names names = {0};
	cleanup(cleanup_mem) char *prefix = prefix_of(image->id);

	if (virt_volume_names(pool->virt, pool->name, &names, e) < 0)
		return e->code;
	vec_foreach(&names, name)
		if (str_starts(*name, prefix) && repository_generation_of(*name + strlen(prefix)) > 0 &&
		    !repository_is_needed(image, prefix, *name) &&
		    remove_volume(pool, *name, removed_bytes, e) < 0)
			return e->code;
	return 0;
}

/* The image that a volume of that NAME is of; 0: it is none of ours. */
static uint64_t image_of(const char *name)
{
	const char *number = str_starts(name, "vmroll-") ? name + strlen("vmroll-") : NULL;
	const char *end = number ? strchr(number, '.') : NULL;
	uint64_t image;

	return end && repository_parse_id(number, (size_t)(end - number), &image) &&
			       repository_generation_of(end + 1) > 0
		       ? image
		       : 0;
}

static int pool_ids(struct repository *repository, uint64_t **ids, size_t *count, struct err *e)
{
	const struct pool *pool = (struct pool *)repository;
	cleanup(virt_names_done) struct virt_names names = {0};
	struct repository_numbers numbers = {0};

	if (virt_volume_names(pool->virt, pool->name, &names, e) < 0)
		return e->code;
	vec_foreach(&names, name)
		if (image_of(*name))
			vec_push(&numbers, image_of(*name));
	repository_give_ids(&numbers, ids, count);
	return 0;
}

static const struct repository_kind kind = {
	.is_pool = true,
	.disk_suffix = "",
	.close = close_pool,
	.room = room,
	.stage = stage_nothing,
	.write = write_volume,
	.publish = publish_nothing,
	.unstage = unstage,
	.read = read_volume,
	.physical = physical,
	.where = where,
	.tidy = tidy,
	.ids = pool_ids,
};

int repository_pool_open(struct repository **repository, const char *name, const char *uri, struct err *e)
{
	cleanup(virt_pool_done) struct virt_pool found = {0};
	struct pool *pool = mem_zalloc(1, sizeof *pool);

	*pool = (struct pool){{&kind}, mem_string(name), mem_string(uri), NULL};
	int result = virt_open_control(&pool->virt, uri, e);
	if (result == 0)
		result = virt_pool_find(pool->virt, name, &found, e);
	if (result < 0) {
		err_wrap(e, "repository pool:%s@%s", name, uri);
		close_pool(&pool->common);
		return result == ERR_NOT_FOUND ? ERR_ENV : result;
	}
	*repository = &pool->common;
	return 0;
}
