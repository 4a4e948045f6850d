/*
 * image_update.c - gives an image a newer generation without a host, as `mastimg update` does with one: image_update STORE REPOSITORY NAME FILE [KEEP]
 *
 * FILE is what its disk holds now; what has changed becomes a layer. KEEP generations stay (all).
 */
#include "config.h"

#include "unit.h"

#include <libgen.h>

#include "image.h"
#include "imagefile.h"
#include "manifest.h"
#include "mem.h"
#include "repository.h"
#include "stage.h"
#include "store_kit.h"
#include "when.h"

static struct repository *repository;
static struct stage stage;

static void find(struct kit *kit, const char *name, struct image *image)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(image_require(view, name, image, &e), &e);
}

static void write_layer(const struct image_disk *old, struct image_disk *made, char *path)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *folder = mem_string(path);
	cleanup(cleanup_mem) char *name = mem_string(path);
	const char *const files[] = {basename(name)};
	const struct imagefile file = {dirname(folder), files, 1};
	struct disk_copied copied;
	struct err e = {0};
	char *layer;

	assert_ok(imagefile_read(&reader, &file, &e), &e);
	assert_ok(repository_write_layer(repository, stage.id, stage.image, stage.generation, old, &writer,
					 &layer, NULL, &e),
		  &e);
	assert_ok(disk_copy_digests(reader, writer, NULL, DISK_DIGEST_WHOLE | DISK_DIGEST_DATA, &copied, &e), &e);
	vec_push(&made->files, layer);
	memcpy(made->sha256, copied.sha256, DIGEST_SIZE);
	memcpy(made->data_sha256, copied.data_sha256, DIGEST_SIZE);
}

static void write_text(const struct image *old, struct image *new)
{
	struct image_generation *generation = &new->generations.items[0];
	cleanup(str_done) struct str manifest = {0};
	cleanup(cleanup_mem) char *xml = NULL;
	cleanup(cleanup_mem) char *file = NULL;
	struct err e = {0};
	size_t length;

	assert_ok(repository_read_text(repository, old, old->generations.items[0].config, NULL, &xml, &length, &e),
		  &e);
	assert_ok(repository_write_text(repository, stage.id, stage.image, stage.generation, "domain.xml",
					xml, length, &generation->config, &e),
		  &e);
	manifest_write(new, &manifest);
	assert_ok(repository_write_text(repository, stage.id, stage.image, stage.generation, MANIFEST_NAME,
					manifest.data, manifest.length, &file, &e),
		  &e);
}

/* NEW is OLD with another generation in front. */
static void add_generation(const struct image *old, struct image *new)
{
	struct image_generation *first;

	image_copy(new, old);
	vec_push_zero(&new->generations);
	first = &new->generations.items[0];
	memmove(first + 1, first, (new->generations.count - 1) * sizeof *first);
	image_generation_copy(first, &old->generations.items[0]);
	first->number = stage.generation;
	first->captured = when_now();
	mem_replace(&first->config, NULL);
	new->updated = first->captured;
}

int main(int argc, char **argv)
{
	struct kit kit = {.uri = argv[1]};
	struct lock lock = LOCK_NONE;
	struct image old, new;
	struct err e = {0};

	kit_reopen(&kit, STORE_WRITE);
	find(&kit, argv[3], &old);
	stage = (struct stage){.image = old.id,
			       .generation = image_next_generation(&old),
			       .what = mem_format("update %s", old.name),
			       .repository = mem_string(argv[2]),
			       .begun = when_now()};
	assert_ok(stage_begin(kit.store, kit.uri, &stage, &lock, &e), &e);
	assert_ok(repository_open(&repository, argv[2], &e), &e);
	assert_ok(repository_stage(repository, stage.id, &e), &e);
	add_generation(&old, &new);
	new.keep = argc > 5 ? strtoul(argv[5], NULL, 10) : new.generations.count;
	write_layer(&old.generations.items[0].disks.items[0], &new.generations.items[0].disks.items[0], argv[4]);
	write_text(&old, &new);
	assert_ok(repository_publish(repository, stage.id, stage.image, &e), &e);
	while (new.generations.count > new.keep)
		image_generation_done(&new.generations.items[--new.generations.count]);
	assert_ok(image_replace(kit.store, &old, &new, stage.id, &e), &e);
	repository_close(repository);
	kit_close(&kit);
	lock_done(&lock);
	image_done(&old);
	image_done(&new);
	stage_done(&stage);
	return 0;
}
