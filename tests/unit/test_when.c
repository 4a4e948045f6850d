/* test_when.c - every way to name an instant, in a zone whose clocks change. */
#include "config.h"

#include "unit.h"

#include <time.h>

#include "when.h"

/* 2026-11-20T12:40:00+01:00 in Berlin */
static const int64_t NOW = 1795174800000;

static int in_berlin(void **state)
{
	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return 0;
}

static void instants_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t instant;
	} cases[] = {
		{"now", NOW},
		{"@1795174800", NOW},
		{"@1795174800.5", NOW + 500},
		{"2026-11-20 12:40:00", NOW},
		{"2026-11-20 12:40", NOW},
		{"2026-11-20T12:40:00+01:00", NOW},
		{"2026-11-20T11:40:00Z", NOW},
		{"2026-11-20T20:40:00.250+0900", NOW + 250},
		{"12:33", NOW - 7 * 60000},
		{"12:33:21", NOW - 7 * 60000 + 21000},
		{"12:41", NOW + 60000 - 86400000},
		{"15m ago", NOW - 15 * 60000},
		{"yesterday 12:40", NOW - 86400000},
		{"today 12:40", NOW},
		{"2026-11-20", NOW - (12 * 60 + 40) * 60000LL},
		{"2026-07-01 12:00", 1782900000000},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err e = {0};
		int64_t instant;
		bool ambiguous = true;
		assert_ok(when_parse(cases[i].text, NOW, &instant, &ambiguous, &e), &e);
		if (instant != cases[i].instant)
			fail_msg("%s: %lld, not %lld", cases[i].text, (long long)instant,
				 (long long)cases[i].instant);
		assert_false(ambiguous);
	}
}

static void what_is_no_instant_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"12",
		"25:00",
		"12:60",
		"2026-13-01",
		"2026-02-30",
		"2026-11-20 12:40 x",
		"@",
		"@x",
		"@99999999999999",
		"ago",
		"15 ago",
		"tomorrow",
		"2026-11-20T12:40:00+25:00",
		"yesterday noon",
		"12:33 ",
		"2026-02-30T00:00:00Z",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err e = {0};
		int64_t instant = 42;
		int result = when_parse(bad[i], NOW, &instant, NULL, &e);
		if (result != ERR_USAGE)
			fail_msg("'%s' was read as %lld", bad[i], (long long)instant);
		assert_int_equal(instant, 42);
	}
}

static void an_hour_that_occurs_twice_is_the_first(void **state)
{
	(void)state;
	struct err e = {0};
	int64_t instant;
	bool ambiguous = false;

	/* Clocks go from 03:00 +02:00 back to 02:00 +01:00. */
	assert_ok(when_parse("2026-10-25 02:30", NOW, &instant, &ambiguous, &e), &e);
	assert_true(ambiguous);
	assert_int_equal(instant, 1792888200000);
	assert_error(when_parse("2026-03-29 02:30", NOW, &instant, NULL, &e), ERR_USAGE, &e, "exists");
}

/* Clocks go back where summer does not end, by half an hour, and a day is left out; midnight is skipped. */
static void zones_that_change_in_other_ways(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *text, *first; /* NULL: does not exist */
		bool twice;
	} cases[] = {
		{"Europe/Moscow", "2014-10-26 01:30", "2014-10-26T01:30:00+04:00", true},
		{"Asia/Pyongyang", "2015-08-14 23:45", "2015-08-14T23:45:00+09:00", true},
		{"Asia/Pyongyang", "2018-05-04 23:45", NULL, false},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-05T01:45:00+11:00", true},
		{"Australia/Lord_Howe", "2026-04-05 01:15", "2026-04-05T01:15:00+11:00", false},
		{"Europe/Dublin", "2026-10-25 01:30", "2026-10-25T01:30:00+01:00", true},
		{"Pacific/Apia", "2011-12-30 12:00", NULL, false},
		{"Pacific/Apia", "2011-12-31 00:00", "2011-12-31T00:00:00+14:00", false},
		{"Pacific/Kiritimati", "2026-11-20 12:00", "2026-11-20T12:00:00+14:00", false},
		{"America/Santiago", "2026-09-06 00:00", NULL, false},
		{"UTC", "1969-12-31 23:59:59", "1969-12-31T23:59:59Z", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err e = {0};
		int64_t instant = 0, first = 0;
		bool twice = false;
		setenv("TZ", cases[i].zone, 1);
		tzset();
		int result = when_parse(cases[i].text, NOW, &instant, &twice, &e);
		if (cases[i].first)
			assert_ok(when_parse(cases[i].first, NOW, &first, NULL, &e), &e);
		if (result != (cases[i].first ? 0 : ERR_USAGE) || instant != first || twice != cases[i].twice)
			fail_msg("%s %s: %d, %lld, %s", cases[i].zone, cases[i].text, result,
				 (long long)instant, twice ? "twice" : "once");
	}
	in_berlin(NULL);
}

static void instants_print(void **state)
{
	(void)state;
	char text[WHEN_TEXT_SIZE];

	assert_string_equal(when_format(NOW + 7, WHEN_LOCAL, text), "2026-11-20 12:40:00");
	assert_string_equal(when_format(NOW + 7, WHEN_RFC3339, text), "2026-11-20T12:40:00+01:00");
	assert_string_equal(when_format(NOW + 7, WHEN_EVENT, text), "2026-11-20T12:40:00.007+01:00");
	assert_string_equal(when_format(NOW, WHEN_MAIL, text), "Fri, 20 Nov 2026 12:40:00 +0100");
	assert_string_equal(when_format(NOW, WHEN_CLOCK, text), "12:40:00");
	assert_string_equal(when_format(WHEN_UNKNOWN, WHEN_LOCAL, text), "-");
}

static void durations_read_and_print(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t milliseconds;
		const char *shown;
	} cases[] = {
		{"0", 0, "0s"},
		{"250ms", 250, "250ms"},
		{"1s", 1000, "1s"},
		{"90s", 90000, "1m30s"},
		{"15m", 900000, "15m"},
		{"1h30m", 5400000, "1h30m"},
		{"400d", 34560000000, "400d"},
		{"3m21s", 201000, "3m21s"},
		{"1d2h3m", 93780000, "1d2h"},
	};
	struct err e = {0};
	int64_t milliseconds;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char shown[WHEN_TEXT_SIZE];
		assert_ok(when_parse_duration(cases[i].text, &milliseconds, &e), &e);
		assert_int_equal(milliseconds, cases[i].milliseconds);
		assert_string_equal(when_format_duration(milliseconds, shown), cases[i].shown);
	}
	static const char *const bad[] = {"",     "5",   "m",  "-1s",       "1s1m", "1s1s",
					  "1.5s", "1 s", "1x", "99999999d", "1s "};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_error(when_parse_duration(bad[i], &milliseconds, &e), ERR_USAGE, &e, "is not a duration");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instants_read),
		cmocka_unit_test(what_is_no_instant_is_refused),
		cmocka_unit_test(an_hour_that_occurs_twice_is_the_first),
		cmocka_unit_test(zones_that_change_in_other_ways),
		cmocka_unit_test(instants_print),
		cmocka_unit_test(durations_read_and_print),
	};
	return cmocka_run_group_tests(tests, in_berlin, NULL);
}
