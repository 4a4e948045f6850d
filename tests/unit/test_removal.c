/* test_removal.c - images are deleted when nobody uses them, whoever begins to at the same time; the record first, then the files. */
#include "config.h"

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "group.h"
#include "image_kit.h"
#include "lock.h"
#include "mem.h"
#include "removal.h"
#include "repository_known.h"
#include "store_kit.h"
#include "vec.h"

/* What another does between the look of a removal and its batch: once. */
static void (*meanwhile)(struct kit *kit);
static struct kit *meanwhile_kit;

int __real_store_batch_commit(struct store_batch *batch, struct err *e);
int __wrap_store_batch_commit(struct store_batch *batch, struct err *e);
int __wrap_store_batch_commit(struct store_batch *batch, struct err *e)
{
	void (*now)(struct kit * kit) = meanwhile;

	meanwhile = NULL;
	if (now)
		now(meanwhile_kit);
	return __real_store_batch_commit(batch, e);
}

static void settings(const struct kit *kit, struct conf *conf)
{
	struct err e = {0};

	assert_ok(conf_read(conf, "/dev/null", &e), &e);
	mem_replace(&conf->store, kit->uri);
	free(conf->image.repository);
	conf->image.repository = mem_format("%s/images", kit->folder);
}

static char *file_of(const struct kit *kit, uint64_t id)
{
	return mem_format("%s/images/images/%llu/1-vda.raw", kit->folder, (unsigned long long)id);
}

static void make_folder(const struct kit *kit, const char *name)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", kit->folder, name);

	mkdir(path, 0700);
}

/* As whoever made the image has done. */
static void know_repository(struct kit *kit)
{
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	settings(kit, &conf);
	assert_ok(repository_known(&conf, conf.image.repository, kit->store, true, &e), &e);
}

static uint64_t make_image(struct kit *kit, const char *name)
{
	uint64_t id = image_kit_make(kit, name);
	cleanup(cleanup_mem) char *folder = mem_format("images/images/%llu", (unsigned long long)id);
	cleanup(cleanup_mem) char *path = file_of(kit, id);

	make_folder(kit, "images");
	make_folder(kit, "images/images");
	make_folder(kit, folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fputs("content", file) < 0, 0);
	assert_int_equal(fclose(file), 0);
	know_repository(kit);
	return id;
}

static void find(struct kit *kit, const char *name, struct image *image)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_int_equal(image_find(view, name, image, &e), 1);
}

static bool is_there(struct kit *kit, const char *name)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_done) struct image image = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	return image_find(view, name, &image, &e) == 1;
}

static void use(struct kit *kit, const char *name, uint64_t image)
{
	cleanup(group_done) struct group group = {.name = mem_string(name)};
	struct err e = {0};

	group_add_image(&group, "web", image, 1);
	assert_ok(group_create(kit->store, &group, "create", "ito", &e), &e);
}

static int try_remove(struct kit *kit, const char *name, struct err *e)
{
	cleanup(conf_done) struct conf conf = {0};
	cleanup(image_done) struct image image = {0};
	uint64_t bytes = 0;

	settings(kit, &conf);
	find(kit, name, &image);
	return removal_image(&conf, kit->store, &image, &bytes, e);
}

static void nobody_uses_it_and_all_of_it_goes(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *gone = file_of(kit, make_image(kit, "a"));
	cleanup(cleanup_mem) char *kept = file_of(kit, make_image(kit, "b"));
	struct err e = {0};

	assert_ok(try_remove(kit, "a", &e), &e);
	assert_false(is_there(kit, "a"));
	assert_int_equal(access(gone, F_OK), -1);
	assert_true(is_there(kit, "b"));
	assert_int_equal(access(kept, F_OK), 0);
}

static void who_uses_it_is_named(void **state)
{
	struct kit *kit = *state;
	uint64_t id = make_image(kit, "a");
	cleanup(cleanup_mem) char *file = file_of(kit, id);
	struct err e = {0};

	use(kit, "shop", id);
	use(kit, "mail", id);
	assert_error(try_remove(kit, "a", &e), ERR_REFUSED, &e, "image a is used by group mail, group shop");
	assert_true(is_there(kit, "a"));
	assert_int_equal(access(file, F_OK), 0);
}

static uint64_t id_meanwhile;

static void other_uses_it(struct kit *kit)
{
	use(kit, "shop", id_meanwhile);
}

static void who_begins_to_use_it_meanwhile_keeps_it(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	id_meanwhile = make_image(kit, "a");
	meanwhile_kit = kit;
	meanwhile = other_uses_it;
	assert_error(try_remove(kit, "a", &e), ERR_REFUSED, &e, "image a is used by group shop");
	assert_null(meanwhile);
	assert_true(is_there(kit, "a"));
}

static void whoever_reads_it_is_not_disturbed(void **state)
{
	struct kit *kit = *state;
	uint64_t id = make_image(kit, "a");
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(cleanup_mem) char *path = NULL;
	struct err e = {0};

	assert_ok(store_lock_path(kit->uri, "images", &path, &e), &e);
	assert_ok(lock_acquire_part(&lock, path, id, true, &e), &e);
	assert_error(try_remove(kit, "a", &e), ERR_LOCKED, &e,
		     "image a: is being read by another process: a deployment");
	lock_done(&lock);
	assert_ok(lock_acquire_part(&lock, path, id, false, &e), &e);
	assert_error(try_remove(kit, "a", &e), ERR_LOCKED, &e, "image a: is being changed by another process");
	assert_true(is_there(kit, "a"));
}

/* What is no file of ours lies there: the record is gone, and what is left is said. */
static void files_that_stay_are_said(void **state)
{
	struct kit *kit = *state;
	uint64_t id = make_image(kit, "a");
	cleanup(cleanup_mem) char *in_the_way =
		mem_format("images/images/%llu/in-the-way", (unsigned long long)id);
	struct err e = {0};

	make_folder(kit, in_the_way);
	assert_error(try_remove(kit, "a", &e), ERR_PARTIAL, &e, "image a is deleted, but its files, number ");
	assert_false(is_there(kit, "a"));
}

/* A repository that is not mounted: nothing is forgotten of what lies in it. */
static void a_repository_that_is_not_there_keeps_its_images(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *folder = mem_format("%s/images", kit->folder);
	cleanup(cleanup_mem) char *elsewhere = mem_format("%s/elsewhere", kit->folder);
	struct err e = {0};

	make_image(kit, "a");
	assert_int_equal(rename(folder, elsewhere), 0);
	assert_error(try_remove(kit, "a", &e), ERR_ENV, &e, "is it mounted?");
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_error(try_remove(kit, "a", &e), ERR_ENV, &e, "(no marker): is it mounted?");
	assert_true(is_there(kit, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(nobody_uses_it_and_all_of_it_goes),
		kit_test(who_uses_it_is_named),
		kit_test(who_begins_to_use_it_meanwhile_keeps_it),
		kit_test(whoever_reads_it_is_not_disturbed),
		kit_test(files_that_stay_are_said),
		kit_test(a_repository_that_is_not_there_keeps_its_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
