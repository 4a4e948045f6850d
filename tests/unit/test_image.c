/* test_image.c - records of master images: what is written is read, what is forged is refused, of two writers one wins. */
#include "config.h"

#include "unit.h"

#include "image.h"
#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "references.h"
#include "stage.h"
#include "store_kit.h"
#include "when.h"

#if defined(__SANITIZE_ADDRESS__)
enum { FORGERIES = 5000 };
#else
enum { FORGERIES = 50000 };
#endif

/* ---- images to play with ---- */

static void add_text(struct image_texts *texts, const char *text)
{
	vec_push(texts, mem_string(text));
}

static struct image_disk *add_disk(struct image_generation *generation, const char *target, uint64_t size)
{
	struct image_disk *disk = vec_push_zero(&generation->disks);

	disk->target = mem_string(target);
	disk->source_path = mem_format("/var/lib/libvirt/images/%s.qcow2", target);
	disk->source_format = mem_string("qcow2");
	disk->format = mem_string("qcow2");
	disk->virtual_bytes = size;
	disk->physical_bytes = size / 4;
	disk->source_modified = 1763600000000;
	memset(disk->sha256, 0xA5, sizeof disk->sha256);
	memset(disk->data_sha256, 0x5A, sizeof disk->data_sha256);
	cleanup(cleanup_mem) char *file = mem_format("1-%s.raw", target);
	add_text(&disk->files, file);
	return disk;
}

static struct image_generation *add_generation(struct image *image, uint64_t number)
{
	struct image_generation *generation = vec_push_zero(&image->generations);

	generation->number = number;
	generation->captured = 1763600000000 + (int64_t)number;
	generation->config = mem_format("%llu.xml", (unsigned long long)number);
	memset(generation->config_sha256, 0x11, DIGEST_SIZE);
	memset(generation->definition_sha256, 0x22, DIGEST_SIZE);
	return generation;
}

/* Two generations, the newer with a layer over the disk that both have. */
static void make(struct image *image, uint64_t id, const char *name)
{
	*image = (struct image){.id = id,
				.name = mem_string(name),
				.registered = 1763600000000,
				.updated = WHEN_UNKNOWN,
				.keep = 2,
				.vcpus = 2,
				.memory_bytes = UINT64_C(4) << 30};
	image->comment = mem_string("for tests\xff\t");
	image->os = mem_string("CentOS 9");
	image->host = mem_string("host1");
	image->vm = mem_string("w\xe2\x80\xae"
			       "eb");
	memset(image->vm_uuid, 7, sizeof image->vm_uuid);
	struct image_generation *newest = add_generation(image, 2);
	newest->running = newest->quiesced = true;
	add_text(&newest->left_out, "sda: CD-ROM");
	add_text(&add_disk(newest, "vda", 4000)->files, "2-vda.layer");
	newest->disks.items[0].physical_bytes = 1100;
	add_disk(newest, "vdb", 8000);
	add_disk(add_generation(image, 1), "vda", 4000);
}

static void assert_same(const struct image *a, const struct image *b)
{
	cleanup(str_done) struct str first = {0};
	cleanup(str_done) struct str second = {0};

	image_encode(a, &first);
	image_encode(b, &second);
	assert_int_equal(first.length, second.length);
	assert_memory_equal(first.data, second.data, first.length);
}

static uint64_t begin_stage(struct kit *kit, uint64_t id)
{
	struct stage stage = {.id = id, .what = (char *)"register web1", .begun = when_now()};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	struct err e = {0};

	assert_ok(stage_begin(kit->store, kit->uri, &stage, &lock, &e), &e);
	return stage.id;
}

static int try_create(struct kit *kit, uint64_t id, const char *name, struct err *e)
{
	cleanup(image_done) struct image image = {0};

	make(&image, id, name);
	return image_create(kit->store, &image, begin_stage(kit, id), e);
}

static void create(struct kit *kit, uint64_t id, const char *name)
{
	struct err e = {0};

	assert_ok(try_create(kit, id, name, &e), &e);
}

static int find(struct kit *kit, const char *name, struct image *image, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	assert_ok(store_view_open(&view, kit->store, e), e);
	return image_find(view, name, image, e);
}

static bool exists(struct kit *kit, const char *name)
{
	cleanup(image_done) struct image image = {0};
	struct err e = {0};
	int result = find(kit, name, &image, &e);

	assert_ok(result, &e);
	return result == 1;
}

static void get(struct kit *kit, const char *name, struct image *image)
{
	struct err e = {0};

	assert_ok(find(kit, name, image, &e), &e);
	assert_string_equal(image->name, name);
}

static size_t count_stages(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(stages_done) struct stages stages = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(stage_all(view, &stages, &e), &e);
	return stages.count;
}

static uint64_t references(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	uint64_t revision;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(references_revision(view, &revision, &e), &e);
	return revision;
}

/* ---- in memory ---- */

static void what_is_written_is_read(void **state)
{
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image again = {0};
	cleanup(image_done) struct image copy = {0};
	cleanup(str_done) struct str record = {0};
	struct err e = {0};

	(void)state;
	make(&image, 7, "web1");
	image_encode(&image, &record);
	assert_ok(image_decode(record.data, record.length, &again, &e), &e);
	assert_same(&image, &again);
	assert_string_equal(again.comment, "for tests\xff\t");
	assert_string_equal(again.generations.items[0].disks.items[0].files.items[1], "2-vda.layer");
	assert_true(again.updated == WHEN_UNKNOWN);
	assert_null(again.os_id);
	image_copy(&copy, &again);
	image_done(&again);
	assert_same(&image, &copy);
}

static void a_content_is_known_by_what_is_recorded_of_it(void **state)
{
	struct image_disk disk = {.sha256 = {1}, .data_sha256 = {2}};
	const struct disk_copied whole = {.sha256 = {1}};
	const struct disk_copied data = {.data_sha256 = {2}};
	const struct disk_copied none = {0};

	(void)state;
	assert_int_equal(image_disk_digest(&disk), DISK_DIGEST_DATA);
	assert_true(image_disk_is(&disk, &data));
	assert_false(image_disk_is(&disk, &whole));
	disk.data_sha256[0] = 0;
	assert_int_equal(image_disk_digest(&disk), DISK_DIGEST_WHOLE);
	assert_true(image_disk_is(&disk, &whole));
	assert_false(image_disk_is(&disk, &data));
	assert_false(image_disk_is(&disk, &none));
}

static void sizes_count_what_is_shared_once(void **state)
{
	cleanup(image_done) struct image image = {0};

	(void)state;
	make(&image, 7, "web1");
	assert_int_equal(image_virtual_bytes(&image), 12000);
	/* vda with its layer, which is more than vda alone, and vdb. */
	assert_int_equal(image_physical_bytes(&image), 1100 + 2000);
	assert_ptr_equal(image_find_generation(&image, 1), &image.generations.items[1]);
	assert_null(image_find_generation(&image, 3));
	assert_string_equal(image_find_disk(&image.generations.items[0], "vdb")->target, "vdb");
	assert_null(image_find_disk(&image.generations.items[1], "vdb"));
}

static void no_number_is_given_to_two_generations(void **state)
{
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image again = {0};
	cleanup(str_done) struct str record = {0};
	struct err e = {0};

	(void)state;
	make(&image, 7, "web1");
	assert_int_equal(image_next_generation(&image), 3);
	image_encode(&image, &record);
	assert_ok(image_decode(record.data, record.length, &again, &e), &e);
	/* The newest is given up; the number has been seen by others. */
	image_generation_done(&again.generations.items[0]);
	again.generations.items[0] = again.generations.items[--again.generations.count];
	assert_int_equal(image_next_generation(&again), 3);
	str_reset(&record);
	image_encode(&again, &record);
	image_done(&again);
	assert_ok(image_decode(record.data, record.length, &again, &e), &e);
	assert_int_equal(again.generations.count, 1);
	assert_int_equal(image_next_generation(&again), 3);
}

static void names_are_bounded(void **state)
{
	static const char *const good[] = {"a", "9", "centos9.1_x-y", "Z"};
	static const char *const bad[] = {"",    "-a",  ".a",  "_",        "a b", "a/b",
					  "a=b", "a*3", "a@h", "\xc3\xa4", "a\n"};
	char name[66];
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_ok(image_check_name(good[i], &e), &e);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_error(image_check_name(bad[i], &e), ERR_USAGE, &e, "is no name");
	memset(name, 'x', sizeof name);
	name[64] = '\0';
	assert_ok(image_check_name(name, &e), &e);
	name[64] = 'x';
	name[65] = '\0';
	assert_error(image_check_name(name, &e), ERR_USAGE, &e, "is no name");
}

/* ---- forged records ---- */

static int decode(const struct image *image, struct err *e)
{
	cleanup(image_done) struct image again = {0};
	cleanup(str_done) struct str record = {0};

	image_encode(image, &record);
	return image_decode(record.data, record.length, &again, e);
}

static void a_record_that_leads_elsewhere_is_refused(void **state)
{
	static const char *const files[] = {"../../etc/shadow", "/etc/shadow", "..", ".", "", "a/b",
					    ".hidden"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		cleanup(image_done) struct image image = {0};
		make(&image, 7, "web1");
		mem_replace(&image.generations.items[1].disks.items[0].files.items[0], files[i]);
		assert_error(decode(&image, &e), ERR_CORRUPT, &e, "is no file of an image");
		mem_replace(&image.generations.items[1].disks.items[0].files.items[0], "1-vda.raw");
		assert_ok(decode(&image, &e), &e);
		mem_replace(&image.generations.items[0].config, files[i]);
		assert_error(decode(&image, &e), ERR_CORRUPT, &e, "no configuration");
		mem_replace(&image.generations.items[0].config, "2.xml");
		mem_replace(&image.generations.items[0].disks.items[1].target, files[i]);
		assert_error(decode(&image, &e), ERR_CORRUPT, &e, "without a target");
	}
}

static void a_record_without_what_it_needs_is_refused(void **state)
{
	struct err e = {0};
	cleanup(image_done) struct image image = {0};

	(void)state;
	make(&image, 7, "web1");
	mem_replace(&image.name, "we/b1");
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "it has no name");
	mem_replace(&image.name, NULL);
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "it has no name");
	mem_replace(&image.name, "web1");
	image.id = 0;
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "it has no number");
	image.id = 7;
	image.keep = 0;
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "no generation");
	image.keep = 1;
	image.generations.items[1].number = 2;
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "in disorder");
	image.generations.items[1].number = 0;
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "in disorder");
	image.generations.items[1].number = 1;
	assert_ok(decode(&image, &e), &e);
	mem_replace(&image.generations.items[0].disks.items[1].target, "vda");
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "has disk vda twice");
	mem_replace(&image.generations.items[0].disks.items[1].target, "vdb");
	image_texts_done(&image.generations.items[1].disks.items[0].files);
	assert_error(decode(&image, &e), ERR_CORRUPT, &e, "has no file");
}

static uint64_t random_state = 88172645463325252u;

static unsigned pick(unsigned below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545F4914F6CDD1D) >> 33) % below;
}

/* What another program might have written with a right checksum: an error with a message, or an image that can be used. */
static void forged_bytes_are_an_error_or_an_image(void **state)
{
	cleanup(image_done) struct image image = {0};
	cleanup(str_done) struct str record = {0};
	unsigned refused = 0;

	(void)state;
	make(&image, 7, "web1");
	image_encode(&image, &record);
	for (int i = 0; i < FORGERIES; i++) {
		cleanup(cleanup_mem) unsigned char *forged = mem_copy(record.data, record.length);
		size_t length = pick(4) == 0 ? pick((unsigned)record.length + 1) : record.length;
		cleanup(image_done) struct image read = {0};
		struct err e = {0};
		for (unsigned flips = pick(4); flips > 0; flips--)
			forged[pick((unsigned)record.length)] = (unsigned char)pick(256);
		if (image_decode(forged, length, &read, &e) < 0) {
			refused++;
			assert_true(e.text[0] != '\0');
			assert_true(e.code == ERR_CORRUPT || e.code == ERR_SCHEMA);
			continue;
		}
		assert_true(read.generations.count > 0);
		image_virtual_bytes(&read);
		image_physical_bytes(&read);
	}
	assert_in_range(refused, FORGERIES / 10, FORGERIES - 1);
}

/* ---- in the store ---- */

static void an_image_and_the_end_of_its_stage_are_one(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image wanted = {0};
	cleanup(image_done) struct image by_id = {0};
	struct err e = {0};

	create(kit, 7, "web1");
	assert_int_equal(count_stages(kit), 0);
	get(kit, "web1", &image);
	make(&wanted, 7, "web1");
	assert_same(&image, &wanted);
	assert_false(exists(kit, "web"));
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_int_equal(image_find_id(view, 7, &by_id, &e), 1);
	assert_same(&by_id, &wanted);
	assert_int_equal(image_find_id(view, 8, NULL, &e), 0);
}

static void a_name_that_is_taken_keeps_its_stage(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	create(kit, 7, "web1");
	assert_error(try_create(kit, 8, "web1", &e), ERR_CONFLICT, &e, "there is an image 'web1' already");
	assert_int_equal(count_stages(kit), 1);
}

static void what_was_swept_away_is_not_recorded(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image old = {0};
	struct err e = {0};

	make(&image, 7, "web1");
	uint64_t stage = begin_stage(kit, 7);
	assert_ok(stage_end(kit->store, stage, &e), &e);
	assert_error(image_create(kit->store, &image, stage, &e), ERR_CONFLICT, &e, "swept away");
	assert_false(exists(kit, "web1"));
	create(kit, 7, "web1");
	get(kit, "web1", &old);
	assert_error(image_replace(kit->store, &old, &image, stage, &e), ERR_CONFLICT, &e, "swept away");
}

static void a_rename_moves_the_name_and_nothing_else(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image old = {0};
	cleanup(image_done) struct image new = {0};
	struct err e = {0};

	create(kit, 7, "web1");
	create(kit, 9, "web2");
	get(kit, "web1", &old);
	image_copy(&new, &old);
	mem_replace(&new.name, "web2");
	assert_error(image_replace(kit->store, &old, &new, 0, &e), ERR_CONFLICT, &e,
		     "there is an image 'web2' already");
	assert_true(exists(kit, "web1"));
	mem_replace(&new.name, "db");
	assert_ok(image_replace(kit->store, &old, &new, 0, &e), &e);
	assert_false(exists(kit, "web1"));
	assert_true(exists(kit, "db"));
	/* The name is free for another. */
	create(kit, 10, "web1");
}

static void of_two_writers_the_second_is_told(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image old = {0};
	cleanup(image_done) struct image first = {0};
	cleanup(image_done) struct image second = {0};
	struct err e = {0};

	create(kit, 7, "web1");
	get(kit, "web1", &old);
	image_copy(&first, &old);
	image_copy(&second, &old);
	first.keep = 5;
	second.keep = 6;
	assert_ok(image_replace(kit->store, &old, &first, 0, &e), &e);
	uint64_t stage = begin_stage(kit, 0);
	assert_error(image_replace(kit->store, &old, &second, stage, &e), ERR_CONFLICT, &e,
		     "somebody has changed it meanwhile");
	assert_int_equal(count_stages(kit), 1);
	assert_error(image_delete(kit->store, &old, references(kit), &e), ERR_CONFLICT, &e,
		     "somebody has changed it");
	assert_ok(image_delete(kit->store, &first, references(kit), &e), &e);
	assert_error(image_replace(kit->store, &first, &second, 0, &e), ERR_CONFLICT, &e, "has deleted it");
}

static void a_field_of_a_newer_version_is_no_conflict(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image old = {0};
	cleanup(image_done) struct image new = {0};
	cleanup(str_done) struct str record = {0};
	struct key key;
	struct err e = {0};

	create(kit, 7, "web1");
	get(kit, "web1", &old);
	image_encode(&old, &record);
	record.length--; /* the end of the map */
	rec_text(&record, 200, "new");
	rec_end(&record);
	key_add_u64(key_begin(&key, KEY_IMAGE), 7);
	assert_ok(store_put(kit->store, key.bytes, key.length, record.data, record.length, &e), &e);
	image_copy(&new, &old);
	new.keep = 9;
	assert_ok(image_replace(kit->store, &old, &new, 0, &e), &e);
}

static void it_is_deleted_only_while_nobody_refers_anew(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image image = {0};
	struct err e = {0};

	create(kit, 7, "web1");
	get(kit, "web1", &image);
	uint64_t seen = references(kit);
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);
	references_hold(batch, seen);
	assert_ok(store_batch_commit(batch, &e), &e);
	assert_int_equal(image_delete(kit->store, &image, seen, &e), ERR_CONFLICT);
	assert_true(exists(kit, "web1"));
	assert_ok(image_delete(kit->store, &image, references(kit), &e), &e);
	assert_false(exists(kit, "web1"));
	create(kit, 11, "web1");
}

static void all_come_by_name_and_a_beginning_will_do(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(images_done) struct images all = {0};
	cleanup(image_done) struct image image = {0};
	struct image other;
	struct err e = {0};

	create(kit, 9, "centos9");
	create(kit, 3, "web2");
	create(kit, 5, "web1");
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(image_all(view, &all, &e), &e);
	assert_int_equal(all.count, 3);
	assert_string_equal(all.items[0].name, "centos9");
	assert_int_equal(all.items[1].id, 5);
	assert_ok(image_require(view, "cent", &image, &e), &e);
	assert_int_equal(image.id, 9);
	assert_error(image_require(view, "web", &other, &e), ERR_AMBIGUOUS, &e, "web1, web2");
	assert_error(image_require(view, "db", &other, &e), ERR_NOT_FOUND, &e, "no image 'db'");
}

static void a_name_without_its_record_is_damage(void **state)
{
	struct kit *kit = *state;
	struct image image;
	struct key key, other;
	struct bytes raw;
	struct err e = {0};

	create(kit, 7, "web1");
	key_add_u64(key_begin(&key, KEY_IMAGE), 7);
	key_add_u64(key_begin(&other, KEY_IMAGE), 8);
	assert_int_equal(store_get(kit->store, key.bytes, key.length, &raw, &e), 1);
	assert_ok(store_put(kit->store, other.bytes, other.length, raw.data, raw.length, &e), &e);
	bytes_done(&raw);
	assert_ok(store_delete(kit->store, key.bytes, key.length, &e), &e);
	assert_error(find(kit, "web1", &image, &e), ERR_CORRUPT, &e, "its record 7 is missing");
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(image_find_id(view, 8, &image, &e), ERR_CORRUPT, &e, "its record is that of 7");
}

/* ---- how large one may be ---- */

/* GENERATIONS of DISKS disks, each generation a layer over the one before. */
static void make_large(struct image *image, unsigned disks, unsigned generations)
{
	make(image, 7, "large");
	vec_foreach(&image->generations, generation)
		image_generation_done(generation);
	image->generations.count = 0;
	image->keep = generations;
	for (unsigned number = generations; number > 0; number--) {
		struct image_generation *generation = add_generation(image, number);
		for (unsigned i = 0; i < disks; i++) {
			char target[8];
			snprintf(target, sizeof target, "vd%c", 'a' + (int)i);
			struct image_disk *disk = add_disk(generation, target, 4000);
			for (unsigned layer = 2; layer <= number; layer++) {
				cleanup(cleanup_mem) char *file = mem_format("%u-%s.layer", layer, target);
				add_text(&disk->files, file);
			}
		}
	}
}

static void a_large_image_is_one_record_and_can_be_changed(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image new = {0};
	struct err e = {0};

	/* Twice the record is in the batch: what is expected, and what becomes of it. */
	make_large(&image, 6, IMAGE_KEEP_MAX);
	assert_ok(image_create(kit->store, &image, begin_stage(kit, 7), &e), &e);
	image_copy(&new, &image);
	mem_replace(&new.name, "larger");
	assert_ok(image_replace(kit->store, &image, &new, begin_stage(kit, 0), &e), &e);
	assert_true(exists(kit, "larger"));
	assert_ok(image_delete(kit->store, &new, references(kit), &e), &e);
}

static void one_that_is_too_large_is_refused_before_it_is_written(void **state)
{
	struct kit *kit = *state;
	cleanup(image_done) struct image image = {0};
	cleanup(image_done) struct image small = {0};
	struct err e = {0};

	make_large(&image, 16, IMAGE_KEEP_MAX);
	assert_error(image_create(kit->store, &image, begin_stage(kit, 7), &e), ERR_TOO_LARGE, &e,
		     "keep fewer generations");
	make(&small, 7, "large");
	assert_ok(image_create(kit->store, &small, 7, &e), &e);
	assert_error(image_replace(kit->store, &small, &image, 0, &e), ERR_TOO_LARGE, &e, "keep fewer");
	assert_true(exists(kit, "large"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_content_is_known_by_what_is_recorded_of_it),
		cmocka_unit_test(sizes_count_what_is_shared_once),
		cmocka_unit_test(no_number_is_given_to_two_generations),
		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(a_record_that_leads_elsewhere_is_refused),
		cmocka_unit_test(a_record_without_what_it_needs_is_refused),
		cmocka_unit_test(forged_bytes_are_an_error_or_an_image),
		kit_test(an_image_and_the_end_of_its_stage_are_one),
		kit_test(a_name_that_is_taken_keeps_its_stage),
		kit_test(what_was_swept_away_is_not_recorded),
		kit_test(a_rename_moves_the_name_and_nothing_else),
		kit_test(of_two_writers_the_second_is_told),
		kit_test(a_field_of_a_newer_version_is_no_conflict),
		kit_test(it_is_deleted_only_while_nobody_refers_anew),
		kit_test(all_come_by_name_and_a_beginning_will_do),
		kit_test(a_name_without_its_record_is_damage),
		kit_test(a_large_image_is_one_record_and_can_be_changed),
		kit_test(one_that_is_too_large_is_refused_before_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
