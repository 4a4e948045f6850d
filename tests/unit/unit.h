/* unit.h - what every unit test includes: cmocka, and checks for struct err. */
#ifndef VMROLL_UNIT_H
#define VMROLL_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fails with the message of E unless RESULT is not negative. */
#define assert_ok(result, e)                                                                                 \
	do {                                                                                                 \
		int unit_result_ = (result);                                                                 \
		if (unit_result_ < 0)                                                                        \
			fail_msg("%s: %d: %s", #result, unit_result_, (e)->text);                            \
	} while (0)

/* Fails unless RESULT is CODE and the message of E holds TEXT. */
#define assert_error(result, expected_code, e, expected_text)                                                \
	do {                                                                                                 \
		assert_int_equal((result), (expected_code));                                                 \
		if (!strstr((e)->text, (expected_text)))                                                     \
			fail_msg("'%s' not in '%s'", (expected_text), (e)->text);                            \
	} while (0)

#endif
