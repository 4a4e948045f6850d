/* test_serial.c - a number is given once, whoever asks, and never again. */
#include "config.h"

#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include "keys.h"
#include "mem.h"
#include "serial.h"
#include "store_kit.h"

static void they_begin_at_one_and_rise(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t number = 0;

	for (uint64_t wanted = 1; wanted < 20; wanted++) {
		assert_ok(serial_next(kit->store, &number, &e), &e);
		assert_int_equal(number, wanted);
	}
	kit_reopen(kit, STORE_WRITE);
	assert_ok(serial_next(kit->store, &number, &e), &e);
	assert_int_equal(number, 20);
}

static void what_is_taken_elsewhere_is_passed_over(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t number = 0;

	assert_ok(serial_above(kit->store, 70, &number, &e), &e);
	assert_int_equal(number, 71);
	assert_ok(serial_above(kit->store, 5, &number, &e), &e);
	assert_int_equal(number, 72);
	assert_ok(serial_next(kit->store, &number, &e), &e);
	assert_int_equal(number, 73);
	assert_error(serial_above(kit->store, UINT64_MAX, &number, &e), ERR_CORRUPT, &e, "no number is left");
}

enum { PROCESSES = 4, EACH = 50 };

static int take_many(const char *uri, int out)
{
	cleanup(cleanup_store) struct store *store = NULL;
	struct err e = {0};
	uint64_t number;

	int result = store_open(&store, uri, STORE_WRITE, &e);
	for (int i = 0; i < EACH && result == 0; i++) {
		result = serial_next(store, &number, &e);
		if (result == 0 && write(out, &number, sizeof number) != sizeof number)
			result = ERR_ENV;
	}
	if (result < 0)
		fprintf(stderr, "%s\n", e.text);
	return result < 0;
}

static void several_processes_get_different_ones(void **state)
{
	struct kit *kit = *state;
	bool given[PROCESSES * EACH + 1] = {false};
	uint64_t number;
	int ends[2];
	int status;

	kit_close(kit);
	assert_int_equal(pipe(ends), 0);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			_exit(take_many(kit->uri, ends[1]));
	close(ends[1]);
	for (int i = 0; i < PROCESSES * EACH; i++) {
		assert_int_equal(read(ends[0], &number, sizeof number), sizeof number);
		assert_in_range(number, 1, PROCESSES * EACH);
		assert_false(given[number]);
		given[number] = true;
	}
	close(ends[0]);
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
}

static void several_in_a_row_are_given_once(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t number;

	assert_ok(serial_take(kit->store, 5, &number, &e), &e);
	assert_int_equal(number, 1);
	assert_ok(serial_next(kit->store, &number, &e), &e);
	assert_int_equal(number, 6);
	assert_ok(serial_take(kit->store, 2, &number, &e), &e);
	assert_int_equal(number, 7);
	assert_error(serial_take(kit->store, UINT64_MAX, &number, &e), ERR_CORRUPT, &e, "no number is left");
	assert_int_equal(number, 7);
}

static void a_damaged_counter_never_begins_again(void **state)
{
	struct kit *kit = *state;
	uint64_t number = 0;
	static const char *const bad[] = {"", "x", "\xA1\x00\x01", "\xA2\x00\x01\x01\x61x",
					  "\xA2\x00\x01\x01\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"};
	static const size_t lengths[] = {0, 1, 3, 6, 13};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err e = {0};
		assert_ok(store_put(kit->store, KEY_SERIAL, strlen(KEY_SERIAL), bad[i], lengths[i], &e), &e);
		assert_error(serial_next(kit->store, &number, &e), ERR_CORRUPT, &e, "counter meta/serial");
		assert_int_equal(number, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(they_begin_at_one_and_rise),
		kit_test(what_is_taken_elsewhere_is_passed_over),
		kit_test(several_processes_get_different_ones),
		kit_test(several_in_a_row_are_given_once),
		kit_test(a_damaged_counter_never_begins_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
