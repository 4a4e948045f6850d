/* image_record.c - the record of a master image. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "mem.h"
#include "rec.h"
#include "when.h"

enum { RECORD_VERSION = 1 };

enum field {
	FIELD_ID = 1,
	FIELD_NAME,
	FIELD_COMMENT,
	FIELD_OS,
	FIELD_OS_ID,
	FIELD_ARCH,
	FIELD_VCPUS,
	FIELD_MEMORY,
	FIELD_HOST,
	FIELD_VM,
	FIELD_VM_UUID,
	FIELD_REGISTERED,
	FIELD_UPDATED,
	FIELD_KEEP,
	FIELD_GENERATIONS,
	FIELD_MADE
};

enum generation_field {
	GENERATION_NUMBER = 1,
	GENERATION_CAPTURED,
	GENERATION_RUNNING,
	GENERATION_QUIESCED,
	GENERATION_CONFIG,
	GENERATION_CONFIG_SHA256,
	GENERATION_DEFINITION_SHA256,
	GENERATION_DISKS,
	GENERATION_LEFT_OUT
};

enum disk_field {
	DISK_TARGET = 1,
	DISK_SOURCE_PATH,
	DISK_SOURCE_FORMAT,
	DISK_FORMAT,
	DISK_VIRTUAL,
	DISK_PHYSICAL,
	DISK_SHA256,
	DISK_FILES,
	DISK_SOURCE_MODIFIED,
	DISK_DATA_SHA256
};

/* ---- writing ---- */

static void add_instant(struct str *out, unsigned field, int64_t instant)
{
	if (instant != WHEN_UNKNOWN)
		rec_int(out, field, instant);
}

static void add_texts(struct str *out, unsigned field, const struct image_texts *texts)
{
	rec_array(out, field);
	vec_foreach(texts, text)
		rec_item_text(out, *text);
	rec_close(out);
}

static void add_disk(struct str *out, const struct image_disk *disk)
{
	rec_open_map(out);
	rec_text(out, DISK_TARGET, disk->target);
	rec_text(out, DISK_SOURCE_PATH, disk->source_path);
	rec_text(out, DISK_SOURCE_FORMAT, disk->source_format);
	rec_text(out, DISK_FORMAT, disk->format);
	rec_uint(out, DISK_VIRTUAL, disk->virtual_bytes);
	rec_uint(out, DISK_PHYSICAL, disk->physical_bytes);
	rec_bytes(out, DISK_SHA256, disk->sha256, sizeof disk->sha256);
	add_texts(out, DISK_FILES, &disk->files);
	add_instant(out, DISK_SOURCE_MODIFIED, disk->source_modified);
	if (digest_is_known(disk->data_sha256))
		rec_bytes(out, DISK_DATA_SHA256, disk->data_sha256, sizeof disk->data_sha256);
	rec_close(out);
}

static void add_generation(struct str *out, const struct image_generation *generation)
{
	rec_open_map(out);
	rec_uint(out, GENERATION_NUMBER, generation->number);
	add_instant(out, GENERATION_CAPTURED, generation->captured);
	rec_bool(out, GENERATION_RUNNING, generation->running);
	rec_bool(out, GENERATION_QUIESCED, generation->quiesced);
	rec_text(out, GENERATION_CONFIG, generation->config);
	rec_bytes(out, GENERATION_CONFIG_SHA256, generation->config_sha256, DIGEST_SIZE);
	rec_bytes(out, GENERATION_DEFINITION_SHA256, generation->definition_sha256, DIGEST_SIZE);
	rec_array(out, GENERATION_DISKS);
	vec_foreach(&generation->disks, disk)
		add_disk(out, disk);
	rec_close(out);
	add_texts(out, GENERATION_LEFT_OUT, &generation->left_out);
	rec_close(out);
}

void image_encode(const struct image *image, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, FIELD_ID, image->id);
	rec_text(out, FIELD_NAME, image->name);
	rec_text(out, FIELD_COMMENT, image->comment);
	rec_text(out, FIELD_OS, image->os);
	rec_text(out, FIELD_OS_ID, image->os_id);
	rec_text(out, FIELD_ARCH, image->arch);
	rec_uint(out, FIELD_VCPUS, image->vcpus);
	rec_uint(out, FIELD_MEMORY, image->memory_bytes);
	rec_text(out, FIELD_HOST, image->host);
	rec_text(out, FIELD_VM, image->vm);
	rec_bytes(out, FIELD_VM_UUID, image->vm_uuid, VM_UUID_SIZE);
	add_instant(out, FIELD_REGISTERED, image->registered);
	add_instant(out, FIELD_UPDATED, image->updated);
	rec_uint(out, FIELD_KEEP, image->keep);
	rec_uint(out, FIELD_MADE, image_next_generation(image) - 1);
	rec_array(out, FIELD_GENERATIONS);
	vec_foreach(&image->generations, generation)
		add_generation(out, generation);
	rec_close(out);
	rec_end(out);
}

/* ---- reading ---- */

static int take_item(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct image_texts *texts = context;
	char *text;

	(void)field;
	if (rec_as_text(value, &text, e) < 0)
		return e->code;
	if (!text)
		return err_set(e, ERR_CORRUPT, "a text that is none");
	vec_push(texts, text);
	return 0;
}

int image_texts_read(const struct rec_value *value, struct image_texts *texts, struct err *e)
{
	image_texts_done(texts);
	return rec_read_array(value, take_item, texts, e);
}

static int take_disk_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct image_disk *disk = context;

	switch (field) {
	case DISK_TARGET:
		return rec_replace_text(value, &disk->target, e);
	case DISK_SOURCE_PATH:
		return rec_replace_text(value, &disk->source_path, e);
	case DISK_SOURCE_FORMAT:
		return rec_replace_text(value, &disk->source_format, e);
	case DISK_FORMAT:
		return rec_replace_text(value, &disk->format, e);
	case DISK_VIRTUAL:
		return rec_as_uint(value, &disk->virtual_bytes, e);
	case DISK_PHYSICAL:
		return rec_as_uint(value, &disk->physical_bytes, e);
	case DISK_SHA256:
		return rec_as_fixed(value, disk->sha256, sizeof disk->sha256, e);
	case DISK_FILES:
		return image_texts_read(value, &disk->files, e);
	case DISK_SOURCE_MODIFIED:
		return rec_as_int(value, &disk->source_modified, e);
	case DISK_DATA_SHA256:
		return rec_as_fixed(value, disk->data_sha256, sizeof disk->data_sha256, e);
	default:
		return 0;
	}
}

static int take_disk(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct image_generation *generation = context;
	struct image_disk *disk = vec_push_zero(&generation->disks);

	(void)field;
	disk->source_modified = WHEN_UNKNOWN;
	return rec_read_map(value, take_disk_field, disk, e);
}

static int take_generation_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct image_generation *generation = context;

	switch (field) {
	case GENERATION_NUMBER:
		return rec_as_uint(value, &generation->number, e);
	case GENERATION_CAPTURED:
		return rec_as_int(value, &generation->captured, e);
	case GENERATION_RUNNING:
		return rec_as_bool(value, &generation->running, e);
	case GENERATION_QUIESCED:
		return rec_as_bool(value, &generation->quiesced, e);
	case GENERATION_CONFIG:
		return rec_replace_text(value, &generation->config, e);
	case GENERATION_CONFIG_SHA256:
		return rec_as_fixed(value, generation->config_sha256, DIGEST_SIZE, e);
	case GENERATION_DEFINITION_SHA256:
		return rec_as_fixed(value, generation->definition_sha256, DIGEST_SIZE, e);
	case GENERATION_DISKS:
		return rec_read_array(value, take_disk, generation, e);
	case GENERATION_LEFT_OUT:
		return image_texts_read(value, &generation->left_out, e);
	default:
		return 0;
	}
}

static int take_generation(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct image *image = context;
	struct image_generation *generation = vec_push_zero(&image->generations);

	(void)field;
	generation->captured = WHEN_UNKNOWN;
	return rec_read_map(value, take_generation_field, generation, e);
}

static int take_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct image *image = context;

	switch (field) {
	case FIELD_ID:
		return rec_as_uint(value, &image->id, e);
	case FIELD_NAME:
		return rec_replace_text(value, &image->name, e);
	case FIELD_COMMENT:
		return rec_replace_text(value, &image->comment, e);
	case FIELD_OS:
		return rec_replace_text(value, &image->os, e);
	case FIELD_OS_ID:
		return rec_replace_text(value, &image->os_id, e);
	case FIELD_ARCH:
		return rec_replace_text(value, &image->arch, e);
	case FIELD_VCPUS:
		return rec_as_uint(value, &image->vcpus, e);
	case FIELD_MEMORY:
		return rec_as_uint(value, &image->memory_bytes, e);
	case FIELD_HOST:
		return rec_replace_text(value, &image->host, e);
	case FIELD_VM:
		return rec_replace_text(value, &image->vm, e);
	case FIELD_VM_UUID:
		return rec_as_fixed(value, image->vm_uuid, VM_UUID_SIZE, e);
	case FIELD_REGISTERED:
		return rec_as_int(value, &image->registered, e);
	case FIELD_UPDATED:
		return rec_as_int(value, &image->updated, e);
	case FIELD_KEEP:
		return rec_as_uint(value, &image->keep, e);
	case FIELD_GENERATIONS:
		return rec_read_array(value, take_generation, image, e);
	case FIELD_MADE:
		return rec_as_uint(value, &image->made, e);
	default:
		return 0;
	}
}

/* ---- what a record must hold before anybody acts on it ---- */

/* A name becomes a part of a path: it must not lead elsewhere. */
static bool is_file_name(const char *text)
{
	return text && *text && *text != '.' && !strchr(text, '/');
}

static int check_disk(const struct image_disk *disk, struct err *e)
{
	if (!is_file_name(disk->target))
		return err_set(e, ERR_CORRUPT, "a disk without a target");
	if (disk->files.count == 0)
		return err_set(e, ERR_CORRUPT, "disk %.64s has no file", disk->target);
	vec_foreach(&disk->files, file)
		if (!is_file_name(*file))
			return err_set(e, ERR_CORRUPT, "disk %.64s: '%.64s' is no file of an image",
				       disk->target, *file);
	return 0;
}

static int check_generation(const struct image_generation *generation, struct err *e)
{
	if (!is_file_name(generation->config))
		return err_set(e, ERR_CORRUPT, "generation %llu has no configuration",
			       (unsigned long long)generation->number);
	vec_foreach(&generation->disks, disk) {
		if (check_disk(disk, e) < 0)
			return err_wrap(e, "generation %llu", (unsigned long long)generation->number);
		if (image_find_disk(generation, disk->target) != disk)
			return err_set(e, ERR_CORRUPT, "generation %llu has disk %.64s twice",
				       (unsigned long long)generation->number, disk->target);
	}
	return 0;
}

int image_check(const struct image *image, struct err *e)
{
	uint64_t above = UINT64_MAX;

	if (!image->name || image_check_name(image->name, NULL) < 0)
		return err_set(e, ERR_CORRUPT, "it has no name");
	if (image->keep == 0 || image->generations.count == 0)
		return err_set(e, ERR_CORRUPT, "it has no generation");
	if (image_next_generation(image) == 0)
		return err_set(e, ERR_CORRUPT, "no number is left for its generations");
	vec_foreach(&image->generations, generation) {
		if (generation->number == 0 || generation->number >= above)
			return err_set(e, ERR_CORRUPT, "its generations are in disorder");
		if (check_generation(generation, e) < 0)
			return e->code;
		above = generation->number;
	}
	return 0;
}

int image_decode(const void *data, size_t length, struct image *image, struct err *e)
{
	struct image read = {.registered = WHEN_UNKNOWN, .updated = WHEN_UNKNOWN};
	struct err own;
	struct err *told = e ? e : &own;

	int result = rec_read(data, length, RECORD_VERSION, take_field, &read, told);
	if (result == 0 && read.id == 0)
		result = err_set(told, ERR_CORRUPT, "it has no number");
	if (result == 0)
		result = image_check(&read, told);
	if (result < 0) {
		image_done(&read);
		return err_wrap(told, "record of an image");
	}
	*image = read;
	return 0;
}
