/* test_repository.c - a repository in a folder: no image is ever seen half made, and nothing that is needed is ever removed. */
#include "config.h"

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disk_kit.h"
#include "lock.h"
#include "mem.h"
#include "repository.h"
#include "steps_kit.h"
#include "store_kit.h"

enum { LENGTH = 9 * DISK_BLOCK + 321, GENERATIONS = 4, IMAGE = 7, STAGE = 3 };

static const char config_text[] = "<domain type='kvm'/>\n";
static const char manifest_text[] = "{\"vmroll_image\":1}\n";

/* A repository with one image: what its disk was in each generation, and the record as it would be in the store. */
struct world {
	char *folder;
	struct repository *repository;
	struct image image;
	unsigned char *contents[GENERATIONS + 1]; /* by number of generation */
	struct disk_kit_random random;
	unsigned char mark[REPOSITORY_MARK_SIZE];
};

static void open_repository(struct world *world)
{
	struct err e = {0};

	repository_close(world->repository);
	world->repository = NULL;
	assert_true(repository_hold(world->folder, NULL, REPOSITORY_MAKE, world->mark, &e) == 1);
	assert_ok(repository_open(&world->repository, world->folder, &e), &e);
}

static int setup(void **state)
{
	struct world *world = mem_zalloc(1, sizeof *world);

	world->folder = mem_format("%s/vmroll-repository-XXXXXX", kit_base());
	if (!mkdtemp(world->folder))
		return -1;
	world->random.state = 20261120;
	world->image = (struct image){.id = IMAGE, .name = mem_string("web")};
	for (unsigned i = 1; i <= GENERATIONS; i++) {
		world->contents[i] = mem_alloc(LENGTH);
		if (i == 1)
			disk_kit_fill(&world->random, world->contents[1], LENGTH);
		else
			memcpy(world->contents[i], world->contents[i - 1], LENGTH);
		if (i > 1)
			disk_kit_change(&world->random, world->contents[i], LENGTH, 3);
	}
	open_repository(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	repository_close(world->repository);
	kit_remove(world->folder);
	for (unsigned i = 1; i <= GENERATIONS; i++)
		free(world->contents[i]);
	image_done(&world->image);
	free(world->folder);
	free(world);
	return 0;
}

static char *path_of(const struct world *world, const char *name)
{
	return mem_format("%s/%s", world->folder, name);
}

static bool is_there(const struct world *world, const char *name)
{
	cleanup(cleanup_mem) char *path = path_of(world, name);

	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "1-config.xml 1-vda.raw …" */
static char *list(const struct world *world, const char *name)
{
	cleanup(cleanup_mem) char *path = path_of(world, name);
	cleanup(str_done) struct str text = {0};
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			str_addf(&text, "%s%s", text.length ? " " : "", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	str_add(&text, count < 0 ? "none" : "");
	return str_take(&text);
}

static void expect_list(const struct world *world, const char *name, const char *wanted)
{
	cleanup(cleanup_mem) char *found = list(world, name);

	assert_string_equal(found, wanted);
}

static struct image_disk *newest_disk(const struct world *world)
{
	return world->image.generations.count ? &world->image.generations.items[0].disks.items[0] : NULL;
}

static int write_disk(struct world *world, uint64_t number, struct image_disk *disk, struct err *e)
{
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	const struct image_disk *old = newest_disk(world);
	struct disk_kit_source source;
	struct disk_copied copied;
	char *file = NULL;
	uint64_t written;

	int result = old ? repository_write_layer(world->repository, STAGE, IMAGE, number, old, &writer,
						  &file, &written, e)
			 : repository_write(world->repository, STAGE, IMAGE, number, "vda", LENGTH, &writer,
					    &file, e);
	if (result < 0)
		return result;
	if (old)
		image_texts_copy(&disk->files, &old->files);
	vec_push(&disk->files, file);
	disk_kit_source(&source, world->contents[number], LENGTH, number);
	result = disk_copy(&source.reader, writer, NULL, &copied, e);
	memcpy(disk->sha256, copied.sha256, DIGEST_SIZE);
	return result;
}

/* All that a capture does up to publishing, without the record. */
static int capture(struct world *world, struct image_generation *generation, struct err *e)
{
	uint64_t number = world->image.generations.count ? world->image.generations.items[0].number + 1 : 1;
	struct image_disk *disk = vec_push_zero(&generation->disks);
	cleanup(cleanup_mem) char *manifest = NULL;

	generation->number = number;
	disk->target = mem_string("vda");
	disk->virtual_bytes = LENGTH;
	if (repository_stage(world->repository, STAGE, e) < 0 || write_disk(world, number, disk, e) < 0 ||
	    repository_write_text(world->repository, STAGE, IMAGE, number, "config.xml", config_text,
				  strlen(config_text), &generation->config, e) < 0 ||
	    digest_of(config_text, strlen(config_text), generation->config_sha256, e) < 0 ||
	    repository_write_text(world->repository, STAGE, IMAGE, number, MANIFEST_NAME, manifest_text,
				  strlen(manifest_text), &manifest, e) < 0)
		return e->code;
	return repository_publish(world->repository, STAGE, IMAGE, e);
}

static void record(struct world *world, const struct image_generation *generation)
{
	vec_push_zero(&world->image.generations);
	memmove(world->image.generations.items + 1, world->image.generations.items,
		(world->image.generations.count - 1) * sizeof *generation);
	world->image.generations.items[0] = *generation;
}

static void add_generation(struct world *world)
{
	struct image_generation generation = {0};
	struct err e = {0};

	assert_ok(capture(world, &generation, &e), &e);
	record(world, &generation);
}

static void add_generations(struct world *world, unsigned count)
{
	while (count-- > 0)
		add_generation(world);
}

static int read_disk(const struct world *world, const struct image_disk *disk, struct str *content, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	struct disk_kit_sink sink;
	struct disk_copied copied;

	disk_kit_sink(&sink);
	int result = repository_read(world->repository, &world->image, disk, &reader, e);
	if (result == 0)
		result = disk_copy(reader, &sink.writer, NULL, &copied, e);
	*content = sink.content;
	return result;
}

static void expect_generation(const struct world *world, const struct image_generation *generation)
{
	cleanup(str_done) struct str content = {0};
	cleanup(cleanup_mem) char *config = NULL;
	struct err e = {0};
	size_t length;

	assert_ok(read_disk(world, &generation->disks.items[0], &content, &e), &e);
	assert_int_equal(content.length, LENGTH);
	assert_memory_equal(content.data, world->contents[generation->number], LENGTH);
	assert_ok(repository_read_text(world->repository, &world->image, generation->config,
				       generation->config_sha256, &config, &length, &e),
		  &e);
	assert_string_equal(config, config_text);
	assert_int_equal(length, strlen(config_text));
}

static void expect_image(const struct world *world)
{
	vec_foreach(&world->image.generations, generation)
		expect_generation(world, generation);
}

static void give_up_oldest(struct world *world)
{
	image_generation_done(&world->image.generations.items[--world->image.generations.count]);
}

static void fold_and_tidy(struct world *world)
{
	struct image folded;
	uint64_t removed = 0;
	struct err e = {0};

	int result = repository_fold(world->repository, &world->image, &folded, &e);
	assert_ok(result, &e);
	if (result > 0) {
		image_done(&world->image);
		world->image = folded;
	}
	assert_ok(repository_tidy(world->repository, &world->image, &removed, &e), &e);
}

/* ---- the life of an image ---- */

static void generations_come_and_go(void **state)
{
	struct world *world = *state;

	add_generations(world, 3);
	expect_list(world, "images/7",
		    "1-config.xml 1-manifest.json 1-vda.raw 2-config.xml 2-manifest.json 2-vda.layer "
		    "2-vda.layer.index 3-config.xml 3-manifest.json 3-vda.layer 3-vda.layer.index");
	expect_list(world, "staging", "");
	expect_image(world);
	open_repository(world);
	expect_image(world);
	give_up_oldest(world);
	expect_image(world);
	fold_and_tidy(world);
	expect_list(world, "images/7",
		    "1-vda.raw 2-config.xml 2-manifest.json 3-config.xml 3-manifest.json 3-vda.layer "
		    "3-vda.layer.index");
	expect_image(world);
	add_generation(world);
	expect_image(world);
	give_up_oldest(world);
	give_up_oldest(world);
	fold_and_tidy(world);
	expect_list(world, "images/7", "1-vda.raw 4-config.xml 4-manifest.json");
	expect_image(world);
}

static void what_it_takes_up_is_told(void **state)
{
	struct world *world = *state;
	struct err e = {0};
	uint64_t base, both;

	add_generations(world, 2);
	const struct image_generation *generations = world->image.generations.items;
	assert_ok(repository_physical(world->repository, IMAGE, &generations[1].disks.items[0], &base, &e), &e);
	assert_ok(repository_physical(world->repository, IMAGE, &generations[0].disks.items[0], &both, &e), &e);
	assert_in_range(base, 1, LENGTH + DISK_BLOCK);
	assert_true(both > base);
	give_up_oldest(world);
	fold_and_tidy(world);
	assert_in_range(newest_disk(world)->physical_bytes, 1, LENGTH + DISK_BLOCK);
	cleanup(cleanup_mem) char *where =
		repository_where(world->repository, &world->image, newest_disk(world));
	cleanup(cleanup_mem) char *wanted = path_of(world, "images/7/1-vda.raw");
	assert_string_equal(where, wanted);
	assert_false(repository_is_pool(world->repository));
}

static void an_image_without_generations_is_removed(void **state)
{
	struct world *world = *state;
	uint64_t removed = 0;
	struct err e = {0};

	add_generations(world, 2);
	struct image gone = {.id = IMAGE, .name = world->image.name};
	assert_ok(repository_tidy(world->repository, &gone, &removed, &e), &e);
	assert_true(removed > 0);
	expect_list(world, "images", "");
	/* Again, when there is nothing. */
	assert_ok(repository_tidy(world->repository, &gone, &removed, &e), &e);
}

static void ids_are_numbers_in_their_order(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"12", "7",  "100", "08", "x",
					    "7x", "-1", "0",   ".7", "99999999999999999999"};
	uint64_t *ids = NULL;
	size_t count;
	struct err e = {0};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cleanup(cleanup_mem) char *path = mem_format("%s/images/%s", world->folder, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_ok(repository_ids(world->repository, &ids, &count, &e), &e);
	assert_int_equal(count, 3);
	assert_int_equal(ids[0], 7);
	assert_int_equal(ids[1], 12);
	assert_int_equal(ids[2], 100);
	free(ids);
}

static void room_is_what_the_reserve_leaves(void **state)
{
	struct world *world = *state;
	struct statvfs system;
	uint64_t all, some, none;
	struct err e = {0};

	assert_ok(repository_room(world->repository, 0, &all, &e), &e);
	assert_ok(repository_room(world->repository, 5, &some, &e), &e);
	assert_ok(repository_room(world->repository, 100, &none, &e), &e);
	assert_int_equal(statvfs(world->folder, &system), 0);
	assert_true(all > some);
	assert_true(all <= (uint64_t)system.f_blocks * system.f_frsize);
	assert_int_equal(none, 0);
}

static void another_size_is_refused(void **state)
{
	struct world *world = *state;
	static const size_t lengths[] = {0, LENGTH - 1, LENGTH + 1, LENGTH + DISK_BLOCK};
	cleanup(cleanup_mem) unsigned char *bytes = mem_zalloc(1, LENGTH + DISK_BLOCK);

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
		cleanup(cleanup_mem) char *file = NULL;
		struct disk_kit_source source;
		struct disk_copied copied;
		struct err e = {0};
		assert_ok(repository_stage(world->repository, STAGE, &e), &e);
		assert_ok(repository_write(world->repository, STAGE, IMAGE, 1, "vda", LENGTH, &writer, &file, &e),
			  &e);
		disk_kit_source(&source, bytes, lengths[i], i);
		assert_error(disk_copy(&source.reader, writer, NULL, &copied, &e), ERR_CONFLICT, &e,
			     lengths[i] < LENGTH ? "1-vda.raw: less than the" : "1-vda.raw: more than the");
	}
	expect_list(world, "staging/3", "");
}

/* ---- hostile ---- */

static void names_that_lead_elsewhere_are_refused(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"",    "../x",         "a/b",   "..", ".hidden", "a b",
					    "a\n", "\xE2\x80\xAE", "$(id)", "-;", "vda\\x",  "vda*"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct disk_writer *writer = NULL;
		char *file = NULL;
		struct err e = {0};
		struct image_disk old = {.target = (char *)names[i]};
		uint64_t written;
		assert_ok(repository_stage(world->repository, STAGE, &e), &e);
		assert_error(repository_write(world->repository, STAGE, IMAGE, 1, names[i], 5, &writer, &file, &e),
			     ERR_USAGE, &e, "cannot name a file");
		assert_error(repository_write_layer(world->repository, STAGE, IMAGE, 1, &old, &writer, &file,
						    &written, &e),
			     ERR_USAGE, &e, "cannot name a file");
		assert_error(repository_write_text(world->repository, STAGE, IMAGE, 1, names[i], "", 0, &file, &e),
			     ERR_USAGE, &e, "cannot name a file");
		expect_list(world, "staging/3", "");
	}
}

static void records_that_lead_elsewhere_are_refused(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"../8/1-vda.raw", "/etc/passwd", ""};

	add_generation(world);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *name = (char *)names[i];
		const struct image_disk disk = {.target = (char *)"vda", .files = {&name, 1, 1}};
		struct disk_reader *reader = NULL;
		char *text = NULL;
		size_t length;
		struct err e = {0};
		assert_error(repository_read(world->repository, &world->image, &disk, &reader, &e),
			     ERR_CORRUPT, &e, "is not the name of a file there");
		assert_error(repository_read_text(world->repository, &world->image, names[i], NULL, &text,
						  &length, &e),
			     ERR_CORRUPT, &e, "is not the name of a file there");
	}
}

static void links_are_not_followed(void **state)
{
	struct world *world = *state;
	cleanup(cleanup_mem) char *outside = path_of(world, "outside");
	cleanup(cleanup_mem) char *stage = path_of(world, "staging/3");
	cleanup(cleanup_mem) char *image = path_of(world, "images/7");
	cleanup(cleanup_mem) char *file = path_of(world, "outside/1-vda.raw");
	struct err e = {0};
	uint64_t removed = 0;

	assert_int_equal(mkdir(outside, 0700), 0);
	assert_int_equal(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	assert_int_equal(symlink(outside, stage), 0);
	assert_int_equal(symlink(outside, image), 0);
	assert_int_equal(repository_stage(world->repository, STAGE, &e), ERR_ENV);
	assert_int_equal(repository_unstage(world->repository, STAGE, IMAGE, 1, &e), ERR_ENV);
	assert_int_equal(repository_publish(world->repository, STAGE, IMAGE, &e), ERR_ENV);
	struct image gone = {.id = IMAGE, .name = world->image.name};
	assert_int_equal(repository_tidy(world->repository, &gone, &removed, &e), ERR_ENV);
	assert_true(is_there(world, "outside/1-vda.raw"));
	/* One that lies where a file should is removed, not what it leads to. */
	assert_int_equal(unlink(stage), 0);
	assert_int_equal(mkdir(stage, 0700), 0);
	cleanup(cleanup_mem) char *link_path = path_of(world, "staging/3/1-vda.raw");
	assert_int_equal(symlink(file, link_path), 0);
	assert_ok(repository_stage(world->repository, STAGE, &e), &e);
	expect_list(world, "staging/3", "");
	assert_true(is_there(world, "outside/1-vda.raw"));
}

static void only_the_owner_sees_it(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"images", "staging", "images/7", "images/7/1-vda.raw",
					    "images/7/1-config.xml"};
	mode_t before = umask(0);

	add_generation(world);
	umask(before);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cleanup(cleanup_mem) char *path = path_of(world, names[i]);
		struct stat status;
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 07777, S_ISDIR(status.st_mode) ? 0700 : 0600);
	}
}

static void a_folder_that_others_can_write_is_refused(void **state)
{
	struct world *world = *state;
	static const mode_t modes[] = {0770, 02770, 0777, 01777, 0702};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		struct repository *repository = NULL;
		struct err e = {0};
		assert_int_equal(chmod(world->folder, modes[i]), 0);
		assert_error(repository_open(&repository, world->folder, &e), ERR_ENV, &e,
			     "others than its owner can write it");
	}
	assert_int_equal(chmod(world->folder, 0755), 0);
	open_repository(world);
}

static void what_root_makes_is_the_owners(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"images/7", "images/7/1-vda.raw", "images/7/1-config.xml"};

	if (geteuid() != 0) {
		print_message("needs root: gives files away\n");
		skip();
	}
	assert_int_equal(chown(world->folder, 65534, 65534), 0);
	open_repository(world);
	add_generation(world);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cleanup(cleanup_mem) char *path = path_of(world, names[i]);
		struct stat status;
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_uid, 65534);
	}
}

static void settings_that_mean_nothing_are_refused(void **state)
{
	(void)state;
	static const char *const settings[] = {
		"", "images", "pool:", "pool:x", "pool:x@", "pool:@qemu:///system"};
	struct repository *repository = NULL;

	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		struct err e = {0};
		assert_error(repository_open(&repository, settings[i], &e), ERR_USAGE, &e, "expected");
	}
	struct err e = {0};
	assert_error(repository_open(&repository, "/nowhere/at/all", &e), ERR_ENV, &e,
		     "repository: /nowhere/at/all: is not there: is it mounted?");
	unsigned char mark[REPOSITORY_MARK_SIZE];
	assert_error(repository_hold("/nowhere/at/all", NULL, REPOSITORY_MAKE, mark, &e), ERR_ENV, &e,
		     "repository: /nowhere/at/all: No such file or directory");
}

static void a_folder_that_is_not_the_one_is_told_and_left_alone(void **state)
{
	struct world *world = *state;
	static const char refused[] = "is not the one that images lie in (%s): is it mounted?";
	cleanup(cleanup_mem) char *mark_path = path_of(world, "vmroll-repository");
	cleanup(cleanup_mem) char *images = path_of(world, "images");
	cleanup(cleanup_mem) char *staging = path_of(world, "staging");
	const unsigned char other[REPOSITORY_MARK_SIZE] = {1};
	unsigned char mark[REPOSITORY_MARK_SIZE];
	struct repository *repository = NULL;
	struct err e = {0};

	assert_int_equal(repository_hold(world->folder, world->mark, REPOSITORY_LOOK, mark, &e), 1);
	assert_memory_equal(mark, world->mark, sizeof mark);
	cleanup(cleanup_mem) char *another = mem_format(refused, "another marker");
	assert_error(repository_hold(world->folder, other, REPOSITORY_MAKE, mark, &e), ERR_ENV, &e, another);

	/* As the folder is where nothing is mounted. */
	assert_int_equal(unlink(mark_path), 0);
	assert_int_equal(rmdir(images), 0);
	assert_int_equal(rmdir(staging), 0);
	cleanup(cleanup_mem) char *none = mem_format(refused, "no marker");
	assert_error(repository_hold(world->folder, world->mark, REPOSITORY_MAKE, mark, &e), ERR_ENV, &e, none);
	cleanup(cleanup_mem) char *empty = mem_format(refused, "no folder images");
	assert_error(repository_hold(world->folder, NULL, REPOSITORY_ADOPT, mark, &e), ERR_ENV, &e, empty);
	assert_error(repository_open(&repository, world->folder, &e), ERR_ENV, &e, "is not there");
	assert_int_equal(rmdir(world->folder), 0);
	cleanup(cleanup_mem) char *missing = mem_format(refused, "no folder");
	assert_error(repository_hold(world->folder, world->mark, REPOSITORY_MAKE, mark, &e), ERR_ENV, &e,
		     missing);
	assert_int_equal(mkdir(world->folder, 0700), 0);

	/* One of old has no mark, and gets one. */
	assert_int_equal(mkdir(images, 0700), 0);
	assert_int_equal(repository_hold(world->folder, NULL, REPOSITORY_LOOK, mark, &e), 0);
	assert_int_equal(repository_hold(world->folder, NULL, REPOSITORY_ADOPT, mark, &e), 1);
	assert_memory_not_equal(mark, world->mark, sizeof mark);
	assert_ok(repository_open(&repository, world->folder, &e), &e);
	repository_close(repository);
}

/* ---- damage ---- */

static void damage_is_found(void **state)
{
	struct world *world = *state;
	cleanup(str_done) struct str content = {0};
	cleanup(cleanup_mem) char *text = NULL;
	cleanup(cleanup_mem) char *config = path_of(world, "images/7/1-config.xml");
	cleanup(cleanup_mem) char *disk = path_of(world, "images/7/1-vda.raw");
	size_t length;
	struct err e = {0};

	add_generation(world);
	const struct image_generation *generation = &world->image.generations.items[0];
	FILE *file = fopen(config, "r+");
	assert_non_null(file);
	assert_int_equal(fputc('?', file), '?');
	assert_int_equal(fclose(file), 0);
	assert_error(repository_read_text(world->repository, &world->image, generation->config,
					  generation->config_sha256, &text, &length, &e),
		     ERR_CORRUPT, &e, "images/7/1-config.xml: damaged: its digest does not fit");
	assert_int_equal(truncate(disk, LENGTH - 1), 0);
	assert_error(read_disk(world, &generation->disks.items[0], &content, &e), ERR_CORRUPT, &e,
		     "1-vda.raw: damaged: holds less than the");
	assert_int_equal(unlink(disk), 0);
	str_done(&content);
	assert_error(read_disk(world, &generation->disks.items[0], &content, &e), ERR_NOT_FOUND, &e,
		     "images/7/1-vda.raw: is missing");
}

static void layers_that_others_lack_are_not_folded(void **state)
{
	struct world *world = *state;
	struct image folded;
	struct err e = {0};

	add_generations(world, 2);
	/* As if the newer one had been recorded wrongly. */
	struct image_generation newest = world->image.generations.items[0];
	world->image.generations.items[0] = world->image.generations.items[1];
	world->image.generations.items[1] = newest;
	assert_error(repository_fold(world->repository, &world->image, &folded, &e), ERR_CORRUPT, &e,
		     "lies on 1-vda.raw without the layers of an older one");
	expect_image(world);
}

/* ---- killed, full, two at once ---- */

static int act_capture(void *context)
{
	struct image_generation generation = {0};
	struct err e = {0};

	return -capture(context, &generation, &e);
}

/* What gc does with the stage of a process that was killed: the generation was not recorded. */
static void sweep(struct world *world)
{
	struct err e = {0};
	uint64_t next = world->image.generations.count ? world->image.generations.items[0].number + 1 : 1;

	assert_ok(repository_unstage(world->repository, STAGE, IMAGE, next, &e), &e);
	/* Again, when there is nothing. */
	assert_ok(repository_unstage(world->repository, STAGE, IMAGE, next, &e), &e);
}

static void at_each_step_of_capture(struct world *world, enum steps_fate fate)
{
	cleanup(cleanup_mem) char *before = list(world, "images/7");
	bool reached = true;
	unsigned step = 1;

	for (; reached; step++) {
		int result = steps_run(act_capture, world, fate, step, &reached);
		if (fate == STEPS_KILLED)
			assert_int_equal(result, reached ? STEPS_ENDED : 0);
		else
			assert_int_equal(result, reached ? -ERR_FULL : 0);
		expect_image(world);
		sweep(world);
		expect_list(world, "staging", "");
		expect_list(world, "images/7", before);
		expect_image(world);
	}
	assert_true(step > 15);
	add_generation(world);
	expect_image(world);
}

static void killed_anywhere_it_is_swept_and_nothing_is_lost(void **state)
{
	for (unsigned i = 0; i < 3; i++)
		at_each_step_of_capture(*state, STEPS_KILLED);
}

static void full_anywhere_it_is_told_and_nothing_is_lost(void **state)
{
	for (unsigned i = 0; i < 3; i++)
		at_each_step_of_capture(*state, STEPS_FULL);
}

static int act_fold(void *context)
{
	struct world *world = context;
	struct image folded = {0};
	struct err e = {0};

	int result = repository_fold(world->repository, &world->image, &folded, &e);
	image_done(&folded);
	return result < 0 ? -result : 0;
}

static int act_tidy(void *context)
{
	struct world *world = context;
	uint64_t removed = 0;
	struct err e = {0};

	return -repository_tidy(world->repository, &world->image, &removed, &e);
}

static void at_each_step(struct world *world, int (*act)(void *context))
{
	bool reached = true;
	unsigned step = 1;

	for (; reached; step++) {
		steps_run(act, world, STEPS_KILLED, step, &reached);
		expect_image(world);
	}
	assert_true(step > 2);
}

static void what_was_acknowledged_lies_on_disk(void **state)
{
	struct world *world = *state;

	steps_watch();
	add_generation(world);
	assert_int_equal(steps_unsynced(), 0);
	steps_watch();
	add_generation(world);
	assert_int_equal(steps_unsynced(), 0);
	give_up_oldest(world);
	steps_watch();
	fold_and_tidy(world);
	assert_int_equal(steps_unsynced(), 0);
	steps_watch();
	sweep(world);
	assert_int_equal(steps_unsynced(), 0);
}

static void keeping_order_can_be_killed_anywhere(void **state)
{
	struct world *world = *state;

	add_generations(world, 4);
	give_up_oldest(world);
	give_up_oldest(world);
	at_each_step(world, act_fold);
	fold_and_tidy(world);
	expect_image(world);
	give_up_oldest(world);
	at_each_step(world, act_tidy);
	expect_image(world);
}

static void what_is_there_is_never_replaced(void **state)
{
	struct world *world = *state;
	struct image_generation generation = {0};
	struct err e = {0};

	add_generation(world);
	/* Somebody who has read the record before that. */
	struct world other = *world;
	other.image = (struct image){.id = IMAGE, .name = world->image.name};
	other.contents[1] = world->contents[2];
	assert_error(capture(&other, &generation, &e), ERR_CONFLICT, &e, "is there already");
	image_generation_done(&generation);
	assert_ok(repository_unstage(world->repository, STAGE, IMAGE, 0, &e), &e);
	expect_list(world, "staging", "");
	expect_image(world);
}

static void where_one_file_is_in_the_way_none_is_published(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"1-config.xml", "1-manifest.json", "1-vda.raw"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cleanup(cleanup_mem) char *folder = path_of(world, "images/7");
		cleanup(cleanup_mem) char *path = mem_format("%s/%s", folder, names[i]);
		struct image_generation generation = {0};
		struct err e = {0};
		assert_int_equal(mkdir(folder, 0700), 0);
		assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
		assert_error(capture(world, &generation, &e), ERR_CONFLICT, &e, names[i]);
		image_generation_done(&generation);
		expect_list(world, "images/7", names[i]);
		sweep(world);
		expect_list(world, "images", "");
	}
}

enum { RIVALS = 4 };

/* As everybody has to: alone while it publishes. */
static int publish_locked(struct repository *repository, const char *lock_path, uint64_t stage)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	const struct timespec moment = {0, 1000000};
	struct err e = {0};

	while (lock_acquire_part(&lock, lock_path, IMAGE, false, &e) == ERR_LOCKED)
		nanosleep(&moment, NULL);
	return repository_publish(repository, stage, IMAGE, &e);
}

/* Publishes generation 1 from a stage of its own. 0: was first, 1: was not, 2: failed. */
static int publish_as(struct world *world, unsigned rival, const char *lock_path, int begin_fd)
{
	struct repository *repository = NULL;
	struct err e = {0};
	char *file = NULL, go, text[] = {(char)('0' + rival), '\0'};

	if (repository_open(&repository, world->folder, &e) < 0 ||
	    repository_stage(repository, 100 + rival, &e) < 0)
		return 2;
	for (char name[] = "a"; name[0] <= 'h'; name[0]++)
		if (repository_write_text(repository, 100 + rival, IMAGE, 1, name, text, 1, &file, &e) < 0)
			return 2;
	if (read(begin_fd, &go, 1) != 0)
		return 2;
	int result = publish_locked(repository, lock_path, 100 + rival);
	if (result == ERR_CONFLICT)
		return repository_unstage(repository, 100 + rival, IMAGE, 0, &e) < 0 ? 2 : 1;
	return result < 0 ? 2 : 0;
}

static void expect_all_of(const struct world *world, unsigned rival)
{
	const char wanted[] = {(char)('0' + rival), '\0'};

	for (char name[] = "1-a"; name[2] <= 'h'; name[2]++) {
		cleanup(cleanup_mem) char *text = NULL;
		struct err e = {0};
		size_t length;
		assert_ok(repository_read_text(world->repository, &world->image, name, NULL, &text, &length, &e),
			  &e);
		assert_string_equal(text, wanted);
	}
}

static void of_two_at_once_one_is_first(void **state)
{
	struct world *world = *state;
	cleanup(cleanup_mem) char *lock_path = path_of(world, "images.lock");
	pid_t rivals[RIVALS];
	unsigned first = 0, winner = RIVALS;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	for (unsigned i = 0; i < RIVALS; i++) {
		rivals[i] = fork();
		if (rivals[i] == 0) {
			close(ends[1]);
			_exit(publish_as(world, i, lock_path, ends[0]));
		}
	}
	close(ends[0]);
	close(ends[1]);
	for (unsigned i = 0; i < RIVALS; i++) {
		int status;
		assert_int_equal(waitpid(rivals[i], &status, 0), rivals[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		if (WEXITSTATUS(status) == 0)
			winner = i;
		first += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(first, 1);
	expect_list(world, "images/7", "1-a 1-b 1-c 1-d 1-e 1-f 1-g 1-h");
	expect_list(world, "staging", "");
	expect_all_of(world, winner);
}

#define repository_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		repository_test(generations_come_and_go),
		repository_test(what_it_takes_up_is_told),
		repository_test(an_image_without_generations_is_removed),
		repository_test(ids_are_numbers_in_their_order),
		repository_test(room_is_what_the_reserve_leaves),
		repository_test(another_size_is_refused),
		repository_test(names_that_lead_elsewhere_are_refused),
		repository_test(records_that_lead_elsewhere_are_refused),
		repository_test(links_are_not_followed),
		repository_test(only_the_owner_sees_it),
		repository_test(a_folder_that_others_can_write_is_refused),
		repository_test(what_root_makes_is_the_owners),
		repository_test(settings_that_mean_nothing_are_refused),
		repository_test(a_folder_that_is_not_the_one_is_told_and_left_alone),
		repository_test(damage_is_found),
		repository_test(layers_that_others_lack_are_not_folded),
		repository_test(killed_anywhere_it_is_swept_and_nothing_is_lost),
		repository_test(full_anywhere_it_is_told_and_nothing_is_lost),
		repository_test(what_was_acknowledged_lies_on_disk),
		repository_test(keeping_order_can_be_killed_anywhere),
		repository_test(what_is_there_is_never_replaced),
		repository_test(where_one_file_is_in_the_way_none_is_published),
		repository_test(of_two_at_once_one_is_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
