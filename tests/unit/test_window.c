/* test_window.c - every sequence of probes, for every rule, against the definition. */
#include "config.h"

#include "unit.h"

#include "window.h"

enum { SEQUENCE = 9 };

static unsigned lost_among(unsigned sequence, unsigned length, unsigned size)
{
	unsigned lost = 0;

	for (unsigned age = 0; age < size && age < length; age++)
		lost += sequence >> age & 1;
	return lost;
}

static enum window_verdict by_definition(unsigned sequence, unsigned length, const struct window_rule *rule)
{
	unsigned seen = length < rule->size ? length : rule->size;
	unsigned lost = lost_among(sequence, length, rule->size);

	return lost >= rule->needed          ? WINDOW_SILENT
	       : seen - lost >= rule->needed ? WINDOW_ANSWERS
					     : WINDOW_MIXED;
}

static void check_sequence(unsigned sequence, const struct window_rule *rule)
{
	struct window window = {0};
	unsigned so_far = 0;

	for (unsigned i = 0; i < SEQUENCE; i++) {
		bool lost = sequence >> i & 1;
		so_far = so_far << 1 | lost;
		window_add(&window, rule, lost);
		unsigned run = 0;
		while (run <= i && run < rule->size && so_far >> run & 1)
			run++;
		assert_int_equal(window_judge(&window, rule), by_definition(so_far, i + 1, rule));
		assert_int_equal(window_lost(&window), lost_among(so_far, i + 1, rule->size));
		assert_int_equal(window_lost_run(&window), run);
	}
}

static void every_sequence_is_judged_by_the_definition(void **state)
{
	(void)state;
	for (unsigned size = 1; size <= 7; size++)
		for (unsigned needed = size / 2 + 1; needed <= size; needed++) {
			struct window_rule rule = {needed, size};
			struct err e = {0};
			assert_ok(window_check_rule(&rule, &e), &e);
			for (unsigned sequence = 0; sequence < 1U << SEQUENCE; sequence++)
				check_sequence(sequence, &rule);
		}
}

static void a_rule_that_could_say_both_is_refused(void **state)
{
	(void)state;
	static const struct window_rule bad[] = {{0, 0}, {0, 4}, {1, 2}, {2, 4}, {5, 4}, {20, 33}};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err e = {0};
		assert_error(window_check_rule(&bad[i], &e), ERR_USAGE, &e, "more than half");
	}
}

static void the_widest_window_works(void **state)
{
	(void)state;
	struct window_rule rule = {WINDOW_SIZE_MAX, WINDOW_SIZE_MAX};
	struct window window = {0};

	for (int i = 0; i < WINDOW_SIZE_MAX; i++) {
		assert_int_equal(window_judge(&window, &rule), WINDOW_MIXED);
		window_add(&window, &rule, true);
	}
	assert_int_equal(window_judge(&window, &rule), WINDOW_SILENT);
	assert_int_equal(window_lost_run(&window), WINDOW_SIZE_MAX);
	assert_int_equal(window_oldest_lost(&window), WINDOW_SIZE_MAX - 1);
	for (int i = 0; i < WINDOW_SIZE_MAX; i++)
		window_add(&window, &rule, false);
	assert_int_equal(window_judge(&window, &rule), WINDOW_ANSWERS);
	assert_int_equal(window_oldest_lost(&window), -1);
}

static void an_amended_probe_counts_as_answered(void **state)
{
	(void)state;
	struct window_rule rule = {3, 4};
	struct window window = {0};

	window_add(&window, &rule, true);
	window_add(&window, &rule, true);
	window_amend(&window, 1);
	window_add(&window, &rule, true);
	assert_int_equal(window_judge(&window, &rule), WINDOW_MIXED);
	assert_int_equal(window_oldest_lost(&window), 1);
	window_amend(&window, 3); /* not there yet */
	window_amend(&window, 200);
	assert_int_equal(window_lost(&window), 2);
	window_add(&window, &rule, true);
	assert_int_equal(window_judge(&window, &rule), WINDOW_SILENT);
}

static void forgetting_keeps_the_newest_answers_only(void **state)
{
	(void)state;
	struct window_rule rule = {3, 4};
	struct window window = {0};

	window_add(&window, &rule, false);
	window_add(&window, &rule, true);
	window_add(&window, &rule, false);
	window_add(&window, &rule, false);
	window_forget_lost(&window);
	assert_int_equal(window.filled, 2);
	assert_int_equal(window_judge(&window, &rule), WINDOW_MIXED);
	window_add(&window, &rule, false);
	assert_int_equal(window_judge(&window, &rule), WINDOW_ANSWERS);
	window_forget_lost(&window);
	assert_int_equal(window.filled, 3);
	window_add(&window, &rule, true);
	window_forget_lost(&window);
	assert_int_equal(window.filled, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_is_judged_by_the_definition),
		cmocka_unit_test(a_rule_that_could_say_both_is_refused),
		cmocka_unit_test(the_widest_window_works),
		cmocka_unit_test(an_amended_probe_counts_as_answered),
		cmocka_unit_test(forgetting_keeps_the_newest_answers_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
