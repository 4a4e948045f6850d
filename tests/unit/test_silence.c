/* test_silence.c - a silence holds from when to when it says, whatever the clock does, and the last one wins. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "silence.h"
#include "store_kit.h"
#include "vec.h"
#include "when.h"

enum { MINUTE = 60 * 1000 };

static const int64_t noon = 1000000LL * MINUTE;

static int set(struct kit *kit, const char *host, int64_t from, int64_t until, const char *why)
{
	struct silence silence = {
		.host = (char *)host, .from = from, .until = until, .why = (char *)why, .by = (char *)"ito"};
	struct err e = {0};
	int result = silence_set(kit->store, &silence, &e);

	assert_ok(result, &e);
	return result;
}

/* Whether one is in force; WHY (may be NULL) is that one's. */
static int find(struct kit *kit, const char *host, int64_t now, const char *why)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(silence_done) struct silence silence = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	int result = silence_find(view, host, now, &silence, &e);
	assert_ok(result, &e);
	if (result == 1) {
		assert_string_equal(silence.host, host);
		assert_string_equal(silence.by, "ito");
		if (why)
			assert_string_equal(silence.why, why);
	}
	return result;
}

static size_t count(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(silences_done) struct silences all = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(silence_all(view, &all, &e), &e);
	for (size_t i = 1; i < all.count; i++)
		assert_true(strcmp(all.items[i - 1].host, all.items[i].host) < 0);
	return all.count;
}

static void it_holds_until_it_is_over(void **state)
{
	struct kit *kit = *state;

	assert_int_equal(set(kit, "host1", noon, noon + 5 * MINUTE, "planned"), 0);
	assert_int_equal(find(kit, "host1", noon, "planned"), 1);
	assert_int_equal(find(kit, "host1", noon + 5 * MINUTE - 1, "planned"), 1);
	assert_int_equal(find(kit, "host1", noon + 5 * MINUTE, NULL), 0);
	assert_int_equal(find(kit, "host10", noon, NULL), 0);
	assert_int_equal(find(kit, "host", noon, NULL), 0);
	assert_int_equal(count(kit), 1);
}

static void the_last_one_wins(void **state)
{
	struct kit *kit = *state;

	set(kit, "host1", noon, noon + 5 * MINUTE, "long");
	assert_int_equal(set(kit, "host1", noon + MINUTE, noon + 2 * MINUTE, "short"), 1);
	assert_int_equal(find(kit, "host1", noon + MINUTE, "short"), 1);
	assert_int_equal(find(kit, "host1", noon + 3 * MINUTE, NULL), 0);
	assert_int_equal(set(kit, "host1", noon + 3 * MINUTE, noon + 4 * MINUTE, "again"), 0);
	assert_int_equal(count(kit), 1);
}

static void it_is_ended_by_hand_once(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	set(kit, "host1", noon, noon + 5 * MINUTE, "planned");
	assert_ok(silence_end(kit->store, "host1", noon + MINUTE, &e), &e);
	assert_int_equal(find(kit, "host1", noon + MINUTE, NULL), 0);
	assert_error(silence_end(kit->store, "host1", noon + MINUTE, &e), ERR_NOT_FOUND, &e,
		     "host1 is not silenced");
	assert_error(silence_end(kit->store, "host2", noon, &e), ERR_NOT_FOUND, &e, "host2 is not silenced");
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(silences_done) struct silences all = {0};
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(silence_all(view, &all, &e), &e);
	assert_true(all.items[0].ended);
	assert_int_equal(all.items[0].until, noon + MINUTE);
}

static void a_clock_that_was_put_back_silences_nothing_for_years(void **state)
{
	struct kit *kit = *state;

	set(kit, "host1", noon, noon + 5 * MINUTE, "planned");
	/* Another station's clock may be a little behind. */
	assert_int_equal(find(kit, "host1", noon - MINUTE, "planned"), 1);
	assert_int_equal(find(kit, "host1", noon - MINUTE - 1, NULL), 0);
}

static void pruning_spares_what_is_in_force(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t removed = 0;

	for (int i = 0; i < 200; i++) {
		cleanup(cleanup_mem) char *host = mem_format("old%d", i);
		set(kit, host, noon, noon + MINUTE, "planned");
	}
	set(kit, "host1", noon, noon + 9 * MINUTE, "planned");
	assert_ok(silence_prune(kit->store, noon + MINUTE, &removed, &e), &e);
	assert_int_equal(removed, 0);
	assert_ok(silence_prune(kit->store, noon + MINUTE + 1, &removed, &e), &e);
	assert_int_equal(removed, 200);
	assert_int_equal(count(kit), 1);
	assert_int_equal(find(kit, "host1", noon + 2 * MINUTE, "planned"), 1);
}

static void it_goes_with_the_name_of_its_host(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	set(kit, "old", noon, noon + 5 * MINUTE, "planned");
	assert_ok(silence_rename(kit->store, "none", "other", &e), &e);
	assert_ok(silence_rename(kit->store, "old", "old", &e), &e);
	assert_ok(silence_rename(kit->store, "old", "new", &e), &e);
	assert_int_equal(find(kit, "old", noon, NULL), 0);
	assert_int_equal(find(kit, "new", noon, "planned"), 1);
	set(kit, "old", noon, noon + 5 * MINUTE, "other");
	assert_ok(silence_rename(kit->store, "old", "new", &e), &e);
	assert_int_equal(find(kit, "new", noon, "planned"), 1);
	assert_int_equal(count(kit), 1);
}

static void names_no_host_can_have_are_no_crash(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_mem) char *name = mem_alloc(1000);

	memset(name, 'x', 999);
	name[999] = '\0';
	assert_int_equal(find(kit, name, noon, NULL), 0);
	struct silence silence = {
		.host = name, .from = noon, .until = noon + 1, .why = (char *)"x", .by = (char *)"x"};
	assert_error(silence_set(kit->store, &silence, &e), ERR_USAGE, &e, "so long a name");
	assert_ok(silence_rename(kit->store, name, "new", &e), &e);
	assert_error(silence_end(kit->store, name, noon, &e), ERR_NOT_FOUND, &e, "is not silenced");
}

static void what_is_no_record_is_said(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct silence silence;
	struct err e = {0};

	assert_ok(store_put(kit->store, "sil/host1", 9, "\xA1\x00\x01", 3, &e), &e);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(silence_find(view, "host1", noon, &silence, &e), ERR_CORRUPT, &e, "silence of host1");
	store_view_close(view);
	view = NULL;
	/* Setting it anew mends it. */
	set(kit, "host1", noon, noon + MINUTE, "planned");
	assert_int_equal(find(kit, "host1", noon, "planned"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(it_holds_until_it_is_over),
		kit_test(the_last_one_wins),
		kit_test(it_is_ended_by_hand_once),
		kit_test(a_clock_that_was_put_back_silences_nothing_for_years),
		kit_test(pruning_spares_what_is_in_force),
		kit_test(it_goes_with_the_name_of_its_host),
		kit_test(names_no_host_can_have_are_no_crash),
		kit_test(what_is_no_record_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
