/* manifest.c - what is known of a master image as JSON beside its files. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "manifest.h"
#include "mem.h"
#include "when.h"

enum { MANIFEST_VERSION = 1 };

/* ---- writing ---- */

static void add_text(struct str *out, const char *key, const char *text)
{
	json_add_key(out, key);
	json_add_text(out, text);
}

static void add_number(struct str *out, const char *key, uint64_t number)
{
	json_add_key(out, key);
	json_add_number(out, number);
}

static void add_bool(struct str *out, const char *key, bool truth)
{
	json_add_key(out, key);
	json_add_bool(out, truth);
}

static void add_time(struct str *out, const char *key, int64_t instant)
{
	char text[WHEN_TEXT_SIZE];

	add_text(out, key, instant == WHEN_UNKNOWN ? NULL : when_format(instant, WHEN_EVENT, text));
}

static void add_digest(struct str *out, const char *key, const unsigned char *sha256)
{
	char text[DIGEST_TEXT_SIZE];

	add_text(out, key, digest_format(sha256, text));
}

static void add_texts(struct str *out, const char *key, const struct image_texts *texts)
{
	json_add_key(out, key);
	json_open_array(out);
	vec_foreach(texts, text)
		json_add_text(out, *text);
	json_close_array(out);
}

static void add_disk(struct str *out, const struct image_disk *disk)
{
	json_open_object(out);
	add_text(out, "target", disk->target);
	add_texts(out, "files", &disk->files);
	add_number(out, "virtual_bytes", disk->virtual_bytes);
	add_digest(out, "sha256", disk->sha256);
	if (digest_is_known(disk->data_sha256))
		add_digest(out, "data_sha256", disk->data_sha256);
	add_text(out, "format", disk->format);
	add_text(out, "source_path", disk->source_path);
	add_text(out, "source_format", disk->source_format);
	json_close_object(out);
}

static void add_generation(struct str *out, const struct image_generation *generation)
{
	json_open_object(out);
	add_number(out, "number", generation->number);
	add_time(out, "captured", generation->captured);
	add_bool(out, "running", generation->running);
	add_bool(out, "quiesced", generation->quiesced);
	add_text(out, "config", generation->config);
	add_digest(out, "config_sha256", generation->config_sha256);
	add_digest(out, "definition_sha256", generation->definition_sha256);
	json_add_key(out, "disks");
	json_open_array(out);
	vec_foreach(&generation->disks, disk)
		add_disk(out, disk);
	json_close_array(out);
	add_texts(out, "left_out", &generation->left_out);
	json_close_object(out);
}

void manifest_write(const struct image *image, struct str *out)
{
	cleanup(str_done) struct str json = {0};
	char uuid[VM_UUID_TEXT_SIZE];

	json_open_object(&json);
	add_number(&json, "vmroll_image", MANIFEST_VERSION);
	add_text(&json, "name", image->name);
	add_text(&json, "comment", image->comment);
	add_text(&json, "os", image->os);
	add_text(&json, "os_id", image->os_id);
	add_text(&json, "arch", image->arch);
	add_number(&json, "vcpus", image->vcpus);
	add_number(&json, "memory_bytes", image->memory_bytes);
	add_text(&json, "host", image->host);
	add_text(&json, "vm", image->vm);
	add_text(&json, "vm_uuid", image->vm ? vm_uuid_format(image->vm_uuid, uuid) : NULL);
	add_time(&json, "registered", image->registered);
	add_time(&json, "updated", image->updated);
	add_number(&json, "keep", image->keep);
	json_add_key(&json, "generations");
	json_open_array(&json);
	vec_foreach(&image->generations, generation)
		add_generation(&json, generation);
	json_close_array(&json);
	json_close_object(&json);
	str_add(out, str_text(&json));
	str_add_char(out, '\n');
}

/* ---- reading ---- */

static int wrong(const char *key, const char *expected, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: %s expected", key, expected);
}

/* Absent and null are NULL. */
static int take_text(const struct json *object, const char *key, char **text, struct err *e)
{
	const struct json *value = json_get(object, key);

	if (json_holds(value) && !json_text(value))
		return wrong(key, "a text", e);
	*text = mem_string(json_text(value));
	return 0;
}

static int take_number(const struct json *object, const char *key, uint64_t *number, struct err *e)
{
	int64_t value;

	if (!json_int(json_get(object, key), &value) || value < 0)
		return wrong(key, "a number", e);
	*number = (uint64_t)value;
	return 0;
}

static int take_time(const struct json *object, const char *key, int64_t *instant, struct err *e)
{
	const char *text = json_text(json_get(object, key));

	*instant = WHEN_UNKNOWN;
	if (text && when_parse(text, 0, instant, NULL, NULL) < 0)
		return wrong(key, "a time", e);
	return 0;
}

static int take_digest(const struct json *object, const char *key, unsigned char *sha256, struct err *e)
{
	const char *text = json_text(json_get(object, key));

	return text && digest_parse(text, sha256, NULL) == 0 ? 0 : wrong(key, "a SHA-256", e);
}

static int take_digest_if_any(const struct json *object, const char *key, unsigned char *sha256, struct err *e)
{
	return json_get(object, key) ? take_digest(object, key, sha256, e) : 0;
}

static int take_uuid(const struct json *object, const char *key, unsigned char *uuid, struct err *e)
{
	const char *text = json_text(json_get(object, key));

	return !text || vm_uuid_parse(text, uuid, NULL) == 0 ? 0 : wrong(key, "a UUID", e);
}

static int take_texts(const struct json *object, const char *key, struct image_texts *texts, struct err *e)
{
	const struct json *array = json_get(object, key);

	for (size_t i = 0; i < json_count(array); i++) {
		const char *text = json_text(json_at(array, i));
		if (!text)
			return wrong(key, "texts", e);
		vec_push(texts, mem_string(text));
	}
	return 0;
}

static int take_disk(const struct json *object, struct image_disk *disk, struct err *e)
{
	disk->source_modified = WHEN_UNKNOWN;
	if (take_text(object, "target", &disk->target, e) < 0 ||
	    take_texts(object, "files", &disk->files, e) < 0 ||
	    take_number(object, "virtual_bytes", &disk->virtual_bytes, e) < 0 ||
	    take_digest(object, "sha256", disk->sha256, e) < 0 ||
	    take_digest_if_any(object, "data_sha256", disk->data_sha256, e) < 0 ||
	    take_text(object, "format", &disk->format, e) < 0 ||
	    take_text(object, "source_path", &disk->source_path, e) < 0 ||
	    take_text(object, "source_format", &disk->source_format, e) < 0)
		return e->code;
	return 0;
}

static int take_disks(const struct json *array, struct image_generation *generation, struct err *e)
{
	for (size_t i = 0; i < json_count(array); i++)
		if (take_disk(json_at(array, i), vec_push_zero(&generation->disks), e) < 0)
			return err_wrap(e, "disk %zu", i + 1);
	return 0;
}

static int take_generation(const struct json *object, struct image_generation *generation, struct err *e)
{
	generation->running = json_holds(json_get(object, "running"));
	generation->quiesced = json_holds(json_get(object, "quiesced"));
	if (take_number(object, "number", &generation->number, e) < 0 ||
	    take_time(object, "captured", &generation->captured, e) < 0 ||
	    take_text(object, "config", &generation->config, e) < 0 ||
	    take_digest(object, "config_sha256", generation->config_sha256, e) < 0 ||
	    take_digest(object, "definition_sha256", generation->definition_sha256, e) < 0 ||
	    take_disks(json_get(object, "disks"), generation, e) < 0 ||
	    take_texts(object, "left_out", &generation->left_out, e) < 0)
		return e->code;
	return 0;
}

static int take_generations(const struct json *array, struct image *image, struct err *e)
{
	for (size_t i = 0; i < json_count(array); i++)
		if (take_generation(json_at(array, i), vec_push_zero(&image->generations), e) < 0)
			return err_wrap(e, "generation %zu", i + 1);
	return 0;
}

static int take_image(const struct json *object, struct image *image, struct err *e)
{
	if (take_text(object, "name", &image->name, e) < 0 ||
	    take_text(object, "comment", &image->comment, e) < 0 || take_text(object, "os", &image->os, e) < 0 ||
	    take_text(object, "os_id", &image->os_id, e) < 0 || take_text(object, "arch", &image->arch, e) < 0 ||
	    take_number(object, "vcpus", &image->vcpus, e) < 0 ||
	    take_number(object, "memory_bytes", &image->memory_bytes, e) < 0 ||
	    take_text(object, "host", &image->host, e) < 0 || take_text(object, "vm", &image->vm, e) < 0 ||
	    take_uuid(object, "vm_uuid", image->vm_uuid, e) < 0 ||
	    take_time(object, "registered", &image->registered, e) < 0 ||
	    take_time(object, "updated", &image->updated, e) < 0 ||
	    take_number(object, "keep", &image->keep, e) < 0)
		return e->code;
	return take_generations(json_get(object, "generations"), image, e);
}

static int check_version(const struct json *object, struct err *e)
{
	uint64_t version;

	if (take_number(object, "vmroll_image", &version, e) < 0)
		return e->code;
	if (version > MANIFEST_VERSION)
		return err_set(e, ERR_SCHEMA, "version %llu: this version of vmroll reads up to %d",
			       (unsigned long long)version, (int)MANIFEST_VERSION);
	return 0;
}

int manifest_read(const char *text, size_t length, struct image *image, struct err *e)
{
	cleanup(cleanup_json) struct json *object = NULL;
	struct image read = {0};

	if (length > MANIFEST_SIZE_MAX)
		return err_set(e, ERR_CORRUPT, "%s: larger than %d bytes", MANIFEST_NAME, MANIFEST_SIZE_MAX);
	if (json_parse(text, length, &object, e) < 0) {
		err_wrap(e, "%s", MANIFEST_NAME);
		return e->code = ERR_CORRUPT;
	}
	int result = check_version(object, e);
	if (result == 0)
		result = take_image(object, &read, e);
	if (result == 0)
		result = image_check(&read, e);
	if (result < 0) {
		image_done(&read);
		return err_wrap(e, "%s", MANIFEST_NAME);
	}
	*image = read;
	return 0;
}
