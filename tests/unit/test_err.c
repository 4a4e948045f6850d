/* test_err.c - messages grow outwards, and never end inside a character. */
#include "config.h"

#include "unit.h"

#include <errno.h>

#include "err.h"
#include "str.h"

static void wrapping_puts_the_subject_first(void **state)
{
	(void)state;
	struct err e = {0};

	assert_int_equal(err_set_errno(&e, ERR_ENV, ENOENT, "open"), ERR_ENV);
	assert_int_equal(err_wrap(&e, "store %s", "/x"), ERR_ENV);
	assert_string_equal(e.text, "store /x: open: No such file or directory");
	assert_int_equal(e.code, ERR_ENV);
}

static void a_long_message_is_cut_between_characters(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		char text[2 * ERR_TEXT_SIZE];
		size_t used = 0;
		struct err e = {0};
		while (used < shift)
			text[used++] = 'x';
		while (used + 3 < sizeof text) {
			memcpy(text + used, "\xE6\x97\xA5", 3);
			used += 3;
		}
		text[used] = '\0';
		err_set(&e, ERR_USAGE, "%s", text);
		assert_true(str_is_utf8(e.text, strlen(e.text)));
		assert_true(strlen(e.text) >= ERR_TEXT_SIZE - 4);
		err_wrap(&e, "%s", "subject");
		assert_true(str_is_utf8(e.text, strlen(e.text)));
	}
}

static void every_code_has_a_status_of_the_conventions(void **state)
{
	(void)state;
	static const struct {
		int code;
		int status;
	} expected[] = {
		{0, 0},
		{1, 0},
		{ERR_NOT_FOUND, 1},
		{ERR_REFUSED, 1},
		{ERR_USAGE, 2},
		{ERR_AMBIGUOUS, 2},
		{ERR_PARTIAL, 3},
		{ERR_ENV, 4},
		{ERR_NET, 4},
		{ERR_AUTH, 4},
		{ERR_CORRUPT, 4},
		{ERR_SCHEMA, 4},
		{ERR_FULL, 4},
		{ERR_DEADLINE, 5},
		{ERR_LOCKED, 5},
	};
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		assert_int_equal(err_exit_status(expected[i].code), expected[i].status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrapping_puts_the_subject_first),
		cmocka_unit_test(a_long_message_is_cut_between_characters),
		cmocka_unit_test(every_code_has_a_status_of_the_conventions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
