/* test_rate.c - an hour is an hour, whatever the clock does. */
#include "config.h"

#include "unit.h"

#include "rate.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_older_than_an_hour_does_not_count),
		cmocka_unit_test(it_goes_on_for_ever_in_its_room),
		cmocka_unit_test(what_lies_ahead_is_of_a_clock_that_was_put_back),
		cmocka_unit_test(what_is_taken_back_is_that_minute_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
