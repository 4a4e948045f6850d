/* image_kit.c - master images in the store of a test: records only, without files. */
#include "config.h"

#include "unit.h"

#include "image.h"
#include "image_kit.h"
#include "mem.h"
#include "stage.h"
#include "when.h"

static void add_file(struct image_texts *files, const char *name)
{
	vec_push(files, mem_string(name));
}

static void add_generation(struct image *image)
{
	struct image_generation *generation = vec_push_zero(&image->generations);
	struct image_disk *disk = vec_push_zero(&generation->disks);

	generation->number = 1;
	generation->captured = image->registered;
	generation->config = mem_string("1.xml");
	disk->target = mem_string("vda");
	disk->source_path = mem_format("/var/lib/libvirt/images/%s.qcow2", image->name);
	disk->format = mem_string("qcow2");
	disk->virtual_bytes = 4ULL << 30;
	disk->physical_bytes = 1ULL << 30;
	disk->source_modified = WHEN_UNKNOWN;
	add_file(&disk->files, "1-vda.raw");
}

uint64_t image_kit_make(struct kit *kit, const char *name)
{
	cleanup(stage_done) struct stage stage = {.what = mem_format("register %s", name), .begun = when_now()};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(image_done) struct image image = {.name = mem_string(name),
						  .os = mem_string("CentOS Stream 9"),
						  .host = mem_string("host1"),
						  .vm = mem_string(name),
						  .memory_bytes = 1ULL << 30,
						  .vcpus = 1,
						  .registered = when_now(),
						  .updated = when_now(),
						  .keep = 1};
	struct err e = {0};

	assert_ok(stage_begin(kit->store, kit->uri, &stage, &lock, &e), &e);
	image.id = stage.id;
	add_generation(&image);
	assert_ok(image_create(kit->store, &image, stage.id, &e), &e);
	return image.id;
}
