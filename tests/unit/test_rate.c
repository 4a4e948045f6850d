/* test_rate.c - an hour is an hour, whatever the clock does. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "rate.h"
#include "store_kit.h"

enum { MINUTE = 60 * 1000 };

static const int64_t noon = 1000000LL * MINUTE;

static void what_is_older_than_an_hour_does_not_count(void **state)
{
	(void)state;
	struct rate rate = {0};

	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon), 0);
	rate_add(&rate, noon);
	rate_add(&rate, noon + 1);
	rate_add(&rate, noon + 30 * MINUTE);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + 30 * MINUTE), 3);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + 60 * MINUTE), 3);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + 61 * MINUTE), 1);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + 91 * MINUTE), 0);
}

static void it_goes_on_for_ever_in_its_room(void **state)
{
	(void)state;
	struct rate rate = {0};

	for (int minute = 0; minute < 10 * RATE_SLOTS; minute++) {
		rate_add(&rate, noon + minute * (int64_t)MINUTE);
		assert_true(rate.used <= RATE_SLOTS);
	}
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + (10 * RATE_SLOTS - 1) * (int64_t)MINUTE),
			 RATE_SLOTS);
}

static void what_lies_ahead_is_of_a_clock_that_was_put_back(void **state)
{
	(void)state;
	struct rate rate = {0};

	rate_add(&rate, noon);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon - MINUTE), 1);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon - 2 * MINUTE), 0);
	rate_add(&rate, noon - 2 * MINUTE);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon), 1);
}

static void what_is_taken_back_is_that_minute_s(void **state)
{
	(void)state;
	struct rate rate = {0};

	rate_add(&rate, noon);
	rate_add(&rate, noon + 5 * MINUTE);
	rate_take_back(&rate, noon + 5 * MINUTE + 7);
	rate_take_back(&rate, noon + 5 * MINUTE);
	rate_take_back(&rate, noon + 6 * MINUTE);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + 6 * MINUTE), 1);
	assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + 61 * MINUTE), 0);
}

enum { SECOND = 1000 };

static struct rate calls(void)
{
	return (struct rate){.slot_ms = SECOND};
}

/* Wherever in a minute, and in a second, it was. */
static void a_minute_between_calls_is_a_minute(void **state)
{
	(void)state;

	for (int64_t at = noon; at < noon + MINUTE; at += 777) {
		struct rate rate = calls();
		rate_add(&rate, at);
		assert_int_equal(rate_count(&rate, RATE_MINUTE_MS, at + MINUTE), 1);
		int64_t next = rate_next(&rate, RATE_MINUTE_MS, 1, at + 1);
		assert_true(next > at + MINUTE - 1 && next <= at + MINUTE + SECOND);
		assert_int_equal(rate_count(&rate, RATE_MINUTE_MS, next - 1), 1);
		assert_int_equal(rate_count(&rate, RATE_MINUTE_MS, next), 0);
	}
}

static void windows_slide_apart(void **state)
{
	(void)state;
	struct rate rate = calls();
	static const int minutes[] = {0, 2, 4};

	for (size_t i = 0; i < 3; i++)
		rate_add(&rate, noon + minutes[i] * (int64_t)MINUTE);
	int64_t now = noon + 5 * MINUTE + SECOND;
	assert_int_equal(rate_count(&rate, RATE_MINUTE_MS, now), 0);
	assert_int_equal(rate_count(&rate, RATE_QUARTER_MS, now), 3);
	/* When the first of three is a quarter ago there is room for one. */
	assert_int_equal(rate_next(&rate, RATE_MINUTE_MS, 1, now), now);
	assert_int_equal(rate_next(&rate, RATE_QUARTER_MS, 3, now), noon + 15 * MINUTE + SECOND);
	assert_int_equal(rate_next(&rate, RATE_QUARTER_MS, 2, now), noon + 17 * MINUTE + SECOND);
	assert_int_equal(rate_next(&rate, RATE_HOUR_MS, 7, now), now);
	assert_int_equal(rate_next(&rate, RATE_HOUR_MS, 0, now), now + RATE_HOUR_MS);
}

static void next_is_the_first_moment_with_room(void **state)
{
	(void)state;
	struct rate rate = {0};
	unsigned seed = 7;
	int64_t now = noon;

	for (int i = 0; i < 200; i++) {
		seed = seed * 1103515245 + 12345;
		now += seed >> 13 & 0x7FFFF;
		unsigned limit = 1 + (seed & 15);
		int64_t next = rate_next(&rate, RATE_HOUR_MS, limit, now);
		assert_true(next >= now && rate_count(&rate, RATE_HOUR_MS, next) < limit);
		assert_true(next == now || rate_count(&rate, RATE_HOUR_MS, next - 1) >= limit);
		rate_add(&rate, now);
	}
}

/* More seconds than there are slots: none is forgotten, and none gone too soon. */
static void what_does_not_fit_counts_longer_not_shorter(void **state)
{
	(void)state;
	struct rate rate = calls();

	for (int i = 0; i < 3 * RATE_SLOTS; i++) {
		rate_add(&rate, noon + i * (int64_t)(10 * SECOND));
		assert_true(rate.used <= RATE_SLOTS);
		assert_int_equal(rate_count(&rate, RATE_HOUR_MS, noon + i * (int64_t)(10 * SECOND)), i + 1);
	}
	assert_int_equal(
		rate_count(&rate, RATE_MINUTE_MS, noon + (3 * RATE_SLOTS - 1) * (int64_t)(10 * SECOND)), 7);
}

static void a_record_says_what_its_slots_are(void **state)
{
	struct kit *kit = *state;
	struct rate rate = calls();
	cleanup(str_done) struct str record = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct key key;
	struct err e = {0};
	uint64_t removed = 0;

	rate_add(&rate, noon + 5 * SECOND);
	rate_encode(&rate, &record);
	rate_key(&key, RATE_CALLS, "a@b");
	assert_ok(store_put(kit->store, key.bytes, key.length, record.data, record.length, &e), &e);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	struct rate read;
	assert_int_equal(rate_read(view, RATE_CALLS, "a@b", &read, NULL, &e), 1);
	assert_int_equal(read.slot_ms, SECOND);
	assert_int_equal(rate_count(&read, RATE_MINUTE_MS, noon + MINUTE), 1);
	assert_int_equal(rate_read(view, RATE_MESSAGES, "a@b", &read, NULL, &e), 0);
	assert_int_equal(rate_count(&read, RATE_HOUR_MS, noon + MINUTE), 0);
	store_view_close(view);
	view = NULL;
	assert_ok(rate_prune(kit->store, noon + MINUTE, &removed, &e), &e);
	assert_int_equal(removed, 0);
	assert_ok(rate_prune(kit->store, noon + 2 * RATE_HOUR_MS, &removed, &e), &e);
	assert_int_equal(removed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_older_than_an_hour_does_not_count),
		cmocka_unit_test(it_goes_on_for_ever_in_its_room),
		cmocka_unit_test(what_lies_ahead_is_of_a_clock_that_was_put_back),
		cmocka_unit_test(what_is_taken_back_is_that_minute_s),
		cmocka_unit_test(a_minute_between_calls_is_a_minute),
		cmocka_unit_test(windows_slide_apart),
		cmocka_unit_test(next_is_the_first_moment_with_room),
		cmocka_unit_test(what_does_not_fit_counts_longer_not_shorter),
		kit_test(a_record_says_what_its_slots_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
