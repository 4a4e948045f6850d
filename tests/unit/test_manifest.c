/* test_manifest.c - a folder of files says itself which image it is; what an enemy says of it is refused. */
#include "config.h"

#include "unit.h"

#include "manifest.h"
#include "mem.h"
#include "when.h"

static void add_text(struct image_texts *texts, const char *text)
{
	vec_push(texts, mem_string(text));
}

static void make(struct image *image)
{
	*image = (struct image){.name = mem_string("web1"),
				.comment = mem_string("the \"old\" one\t\xe2\x80\xae"),
				.os = mem_string("CentOS 9"),
				.vm = mem_string("web1"),
				.host = mem_string("host1"),
				.vcpus = 2,
				.memory_bytes = UINT64_C(4) << 30,
				.registered = 1763600000000,
				.updated = 1763600000123,
				.keep = 3};
	memset(image->vm_uuid, 7, sizeof image->vm_uuid);
	struct image_generation *generation = vec_push_zero(&image->generations);
	generation->number = 2;
	generation->captured = WHEN_UNKNOWN;
	generation->running = true;
	generation->config = mem_string("2.xml");
	memset(generation->config_sha256, 0xAB, DIGEST_SIZE);
	add_text(&generation->left_out, "sda: CD-ROM");
	struct image_disk *disk = vec_push_zero(&generation->disks);
	disk->target = mem_string("vda");
	disk->virtual_bytes = 4096;
	disk->format = mem_string("qcow2");
	disk->source_modified = WHEN_UNKNOWN;
	memset(disk->sha256, 0xCD, DIGEST_SIZE);
	memset(disk->data_sha256, 0xEF, DIGEST_SIZE);
	add_text(&disk->files, "1-vda.raw");
	add_text(&disk->files, "2-vda.layer");
}

static void what_is_written_is_read(void **state)
{
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image again = {0};
	cleanup(str_done) struct str text = {0};
	cleanup(str_done) struct str first = {0};
	cleanup(str_done) struct str second = {0};
	struct err e = {0};

	(void)state;
	make(&image);
	manifest_write(&image, &text);
	assert_int_equal(text.data[text.length - 1], '\n');
	assert_ok(manifest_read(text.data, text.length, &again, &e), &e);
	image_encode(&image, &first);
	image_encode(&again, &second);
	assert_int_equal(first.length, second.length);
	assert_memory_equal(first.data, second.data, first.length);
}

/* The manifest with the first FROM made TO. */
static int read_with(const char *from, const char *to, struct err *e)
{
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image again = {0};
	cleanup(str_done) struct str text = {0};

	make(&image);
	manifest_write(&image, &text);
	char *place = strstr(text.data, from);
	assert_non_null(place);
	cleanup(cleanup_mem) char *forged =
		mem_format("%.*s%s%s", (int)(place - text.data), text.data, to, place + strlen(from));
	return manifest_read(forged, strlen(forged), &again, e);
}

static void what_leads_elsewhere_is_refused(void **state)
{
	struct err e = {0};

	(void)state;
	assert_error(read_with("1-vda.raw", "../../x", &e), ERR_CORRUPT, &e, "is no file of an image");
	assert_error(read_with("\"1-vda.raw\",\"2-vda.layer\"", "", &e), ERR_CORRUPT, &e, "has no file");
	assert_error(read_with("2.xml", "/etc/shadow", &e), ERR_CORRUPT, &e, "no configuration");
	assert_error(read_with("\"web1\"", "\"we b1\"", &e), ERR_CORRUPT, &e, "it has no name");
	assert_error(read_with("\"vda\"", "\"../vda\"", &e), ERR_CORRUPT, &e, "without a target");
}

static void what_is_no_manifest_is_refused(void **state)
{
	struct image image;
	struct err e = {0};

	(void)state;
	assert_ok(read_with("\"keep\":3", "\"keep\":1, \"new\":[{}]", &e), &e);
	assert_error(read_with("cdcd", "cd", &e), ERR_CORRUPT, &e, "disk 1: sha256: a SHA-256 expected");
	assert_error(read_with("efef", "ef", &e), ERR_CORRUPT, &e, "disk 1: data_sha256: a SHA-256 expected");
	/* As those are that were written before there was one. */
	assert_ok(read_with("data_sha256", "other", &e), &e);
	assert_error(read_with("4096", "-1", &e), ERR_CORRUPT, &e, "virtual_bytes: a number expected");
	assert_error(read_with("4096", "1e99", &e), ERR_CORRUPT, &e, "virtual_bytes: a number expected");
	assert_error(read_with("\"qcow2\"", "{\"a\":1}", &e), ERR_CORRUPT, &e, "format: a text expected");
	assert_error(read_with("\"vmroll_image\":1", "\"vmroll_image\":2", &e), ERR_SCHEMA, &e, "version 2");
	assert_error(read_with("vmroll_image", "other_image", &e), ERR_CORRUPT, &e, "vmroll_image");
	assert_error(manifest_read("[]", 2, &image, &e), ERR_CORRUPT, &e, "manifest.json: vmroll_image");
	assert_error(manifest_read("{", 1, &image, &e), ERR_CORRUPT, &e, "manifest.json");
	assert_error(manifest_read("", 0, &image, &e), ERR_CORRUPT, &e, "manifest.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_leads_elsewhere_is_refused),
		cmocka_unit_test(what_is_no_manifest_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
