/* test_named.c - an exact name wins, else the beginning of one name only; a name is taken once. */
#include "config.h"

#include "unit.h"

#include "keys.h"
#include "mem.h"
#include "named.h"
#include "store_kit.h"
#include "vec.h"

static int claim(struct kit *kit, const char *name, uint64_t id, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);

	named_claim(batch, KEY_IMAGE_NAME, name, id);
	return store_batch_commit(batch, e);
}

static int drop(struct kit *kit, const char *name, uint64_t id, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);

	named_drop(batch, KEY_IMAGE_NAME, name, id);
	return store_batch_commit(batch, e);
}

static int require(struct kit *kit, const char *text, uint64_t *id, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	assert_ok(store_view_open(&view, kit->store, e), e);
	return named_require(view, KEY_IMAGE_NAME, "image", text, id, e);
}

static void fill(struct kit *kit)
{
	struct err e = {0};

	assert_ok(claim(kit, "web", 1, &e), &e);
	assert_ok(claim(kit, "web1", 2, &e), &e);
	assert_ok(claim(kit, "web2", 3, &e), &e);
	assert_ok(claim(kit, "centos9", UINT64_MAX, &e), &e);
}

static void an_exact_name_wins(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t id = 0;

	fill(kit);
	assert_ok(require(kit, "web", &id, &e), &e);
	assert_int_equal(id, 1);
	assert_ok(require(kit, "web2", &id, &e), &e);
	assert_int_equal(id, 3);
}

static void one_beginning_will_do_and_two_are_told(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t id = 0;

	fill(kit);
	assert_ok(require(kit, "c", &id, &e), &e);
	assert_true(id == UINT64_MAX);
	id = 0;
	assert_error(require(kit, "we", &id, &e), ERR_AMBIGUOUS, &e,
		     "image 'we': several begin so: web, web1, web2");
	assert_error(require(kit, "Web", &id, &e), ERR_NOT_FOUND, &e, "no image 'Web'");
	assert_error(require(kit, "web11", &id, &e), ERR_NOT_FOUND, &e, "no image 'web11'");
	assert_error(require(kit, "", &id, &e), ERR_NOT_FOUND, &e, "no image ''");
	assert_int_equal(id, 0);
}

static void of_many_candidates_the_first_are_told(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t id;

	for (uint64_t i = 100; i < 150; i++) {
		cleanup(cleanup_mem) char *name = mem_format("vm%llu", (unsigned long long)i);
		assert_ok(claim(kit, name, i, &e), &e);
	}
	assert_error(require(kit, "vm", &id, &e), ERR_AMBIGUOUS, &e, "vm100, vm101");
	assert_non_null(strstr(e.text, "vm109 and 40 more"));
}

static void a_name_is_taken_once_and_dropped_by_whom_it_stands_for(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t id = 0;

	fill(kit);
	assert_int_equal(claim(kit, "web1", 9, &e), ERR_CONFLICT);
	assert_int_equal(drop(kit, "web1", 9, &e), ERR_CONFLICT);
	assert_ok(require(kit, "web1", &id, &e), &e);
	assert_int_equal(id, 2);
	assert_ok(drop(kit, "web1", 2, &e), &e);
	assert_error(require(kit, "web1", &id, &e), ERR_NOT_FOUND, &e, "web1");
	assert_ok(claim(kit, "web1", 9, &e), &e);
}

static void what_is_no_record_is_said(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t id = 0;

	assert_ok(store_put(kit->store, "img/n/bad", 9, "\xA1\x00\x01", 3, &e), &e);
	assert_error(require(kit, "bad", &id, &e), ERR_CORRUPT, &e, "name 'bad'");
	assert_error(require(kit, "b", &id, &e), ERR_CORRUPT, &e, "name 'bad'");
}

static void names_that_nothing_can_have_are_no_crash(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_mem) char *name = mem_alloc(1000);
	uint64_t id;

	memset(name, 'x', 999);
	name[999] = '\0';
	assert_error(require(kit, name, &id, &e), ERR_NOT_FOUND, &e, "no image");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(an_exact_name_wins),
		kit_test(one_beginning_will_do_and_two_are_told),
		kit_test(of_many_candidates_the_first_are_told),
		kit_test(a_name_is_taken_once_and_dropped_by_whom_it_stands_for),
		kit_test(what_is_no_record_is_said),
		kit_test(names_that_nothing_can_have_are_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
