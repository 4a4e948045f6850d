/* repository_folder_tidy.c - what nobody needs any more: files that no record names, and layers over layers. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "imagefile.h"
#include "mem.h"
#include "repository_folder.h"

static int remove_image(const struct folder *folder, uint64_t image, const char *path, struct err *e)
{
	cleanup(cleanup_mem) char *name = mem_format("%llu", (unsigned long long)image);

	if (unlinkat(folder->images_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return folder_failed(errno, path, e);
	return fsync(folder->images_fd) < 0 ? folder_failed(errno, path, e) : 0;
}

int folder_tidy(struct repository *repository, const struct image *image, uint64_t *removed_bytes, struct err *e)
{
	const struct folder *folder = (struct folder *)repository;
	cleanup(folder_place_done) struct folder_place place = FOLDER_PLACE_NONE;

	int result = folder_open_image(folder, image->id, &place, e);
	if (result <= 0)
		return result;
	vec_foreach(&place.names, name)
		if (!repository_is_needed(image, "", *name) && folder_remove(&place, *name, removed_bytes, e) < 0)
			return e->code;
	if (fsync(place.fd) < 0)
		return folder_failed(errno, place.path, e);
	return image->generations.count == 0 ? remove_image(folder, image->id, place.path, e) : 0;
}

int folder_ids(struct repository *repository, uint64_t **ids, size_t *count, struct err *e)
{
	const struct folder *folder = (struct folder *)repository;
	cleanup(image_texts_done) struct image_texts names = {0};
	struct repository_numbers numbers = {0};

	if (folder_names(folder->images_fd, folder->path, &names, e) < 0)
		return e->code;
	vec_foreach(&names, name) {
		uint64_t id;
		if (repository_parse_id(*name, strlen(*name), &id))
			vec_push(&numbers, id);
	}
	repository_give_ids(&numbers, ids, count);
	return 0;
}

/* ---- folding ---- */

static bool has_base(const struct image_disk *disk, const char *base)
{
	return disk->files.count > 0 && strcmp(disk->files.items[0], base) == 0;
}

static bool begins_with(const struct image_texts *files, const struct image_texts *first)
{
	for (size_t i = 0; i < first->count; i++)
		if (i >= files->count || strcmp(files->items[i], first->items[i]) != 0)
			return false;
	return true;
}

/* A generation on the same base without these layers would be another after the fold. */
static int check_others(const struct image *image, const struct image_disk *oldest, struct err *e)
{
	vec_foreach(&image->generations, generation)
		vec_foreach(&generation->disks, disk)
			if (has_base(disk, oldest->files.items[0]) && !begins_with(&disk->files, &oldest->files))
				return err_set(e, ERR_CORRUPT,
					       "image %s: generation %llu lies on %s without the layers of "
					       "an older one",
					       image->name, (unsigned long long)generation->number,
					       oldest->files.items[0]);
	return 0;
}

static int fold_layers(const char *path, const struct image_texts *files, struct err *e)
{
	for (size_t i = 1; i < files->count; i++) {
		const char *two[] = {files->items[0], files->items[i]};
		const struct imagefile file = {path, two, 2};
		if (imagefile_fold(&file, e) < 0)
			return e->code;
	}
	return 0;
}

static void drop_layers(struct image_texts *files, size_t count)
{
	for (size_t i = 1; i <= count; i++)
		free(files->items[i]);
	memmove(files->items + 1, files->items + 1 + count, (files->count - 1 - count) * sizeof *files->items);
	files->count -= count;
}

static int shorten(struct repository *repository, struct image *folded, const char *base, size_t layers,
		   struct err *e)
{
	vec_foreach(&folded->generations, generation)
		vec_foreach(&generation->disks, disk) {
			if (!has_base(disk, base))
				continue;
			drop_layers(&disk->files, layers);
			if (repository_physical(repository, folded->id, disk, &disk->physical_bytes, e) < 0)
				return e->code;
		}
	return 0;
}

static int fold_disk(struct repository *repository, const struct image *image,
		     const struct image_disk *oldest, struct image *folded, struct err *e)
{
	cleanup(cleanup_mem) char *path = folder_image_path((struct folder *)repository, image->id);

	if (check_others(image, oldest, e) < 0 || fold_layers(path, &oldest->files, e) < 0 ||
	    shorten(repository, folded, oldest->files.items[0], oldest->files.count - 1, e) < 0)
		return e->code;
	return 1;
}

int folder_fold(struct repository *repository, const struct image *image, struct image *folded, struct err *e)
{
	cleanup(image_done) struct image copy = {0};
	int done = 0;

	if (image->generations.count == 0)
		return 0;
	image_copy(&copy, image);
	vec_foreach(&image->generations.items[image->generations.count - 1].disks, disk) {
		int result = disk->files.count > 1 ? fold_disk(repository, image, disk, &copy, e) : 0;
		if (result < 0)
			return result;
		done |= result;
	}
	if (!done)
		return 0;
	*folded = copy;
	copy = (struct image){0};
	return 1;
}
