/* test_str.c - escaping is lossless and leaves nothing that moves a cursor; parsing is strict. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "str.h"

static void escaping_shows_what_hides(void **state)
{
	(void)state;
	static const struct {
		const char *raw;
		const char *escaped;
	} cases[] = {
		{"web1", "web1"},
		{"a\tb\nc\r\\", "a\\tb\\nc\\r\\\\"},
		{"\x1b[31m", "\\x1b[31m"},
		{"\xE2\x80\xAE"
		 "evil",
		 "\\u202eevil"},
		{"\xC2\x85", "\\u0085"},
		{"\xE0\xA2\x90", "\\u0890"},
		{"web\xF3\xA0\x81\xA1", "web\\xf3\\xa0\\x81\\xa1"},
		{"\xE8\x91\x9B\xF3\xA0\x84\x80", "\xE8\x91\x9B\xF3\xA0\x84\x80"},
		{"caf\xC3\xA9 \xE6\x97\xA5", "caf\xC3\xA9 \xE6\x97\xA5"},
		{"\xFF\xC3", "\\xff\\xc3"},
		{"$(id);,\"", "$(id);,\""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(cleanup_mem) char *escaped = str_escape(cases[i].raw);
		assert_string_equal(escaped, cases[i].escaped);
	}
}

static void every_byte_string_comes_back(void **state)
{
	(void)state;
	unsigned seed = 7;

	for (int round = 0; round < 2000; round++) {
		char raw[16];
		for (size_t i = 0; i < sizeof raw; i++)
			raw[i] = (char)(rand_r(&seed) >> 8);
		struct str s = {0};
		struct err e;
		char *back;
		size_t length;
		str_add_escaped(&s, raw, sizeof raw);
		assert_false(str_has_control(str_text(&s)));
		assert_ok(str_unescape(str_text(&s), &back, &length, &e), &e);
		assert_int_equal(length, sizeof raw);
		assert_memory_equal(back, raw, sizeof raw);
		free(back);
		str_done(&s);
	}
}

static void every_invisible_character_comes_back(void **state)
{
	(void)state;
	static const char *const hidden[] = {"\xC2\xAD",         "\xE2\x80\x8B",     "\xEF\xBB\xBF",
					     "\xF0\x91\x82\xBD", "\xF0\x9D\x85\xB3", "\xF3\xA0\x80\x81"};

	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		cleanup(cleanup_mem) char *escaped = str_escape(hidden[i]);
		cleanup(cleanup_mem) char *back = NULL;
		struct err e = {0};
		size_t length;
		assert_int_equal(escaped[0], '\\');
		assert_ok(str_unescape(escaped, &back, &length, &e), &e);
		assert_string_equal(back, hidden[i]);
	}
}

static void bad_escapes_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"\\", "\\q", "\\x1", "\\xg0", "\\u12", "\\u0041"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err e = {0};
		char *back;
		size_t length;
		assert_error(str_unescape(bad[i], &back, &length, &e), ERR_USAGE, &e, "bad escape");
	}
}

static void sizes_print(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *shown;
	} cases[] = {
		{0, "0 B"},
		{512, "512 B"},
		{1023, "1023 B"},
		{1 << 20, "1 MiB"},
		{3ULL << 29, "1.5 GiB"},
		{16ULL << 30, "16 GiB"},
		{200ULL << 30, "200 GiB"},
		{UINT64_MAX, "16 EiB"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char shown[32];
		str_format_bytes(cases[i].bytes, shown, sizeof shown);
		assert_string_equal(shown, cases[i].shown);
	}
}

static void numbers_are_whole_and_in_range(void **state)
{
	(void)state;
	struct err e = {0};
	uint64_t value;

	assert_ok(str_parse_number("65535", 1, 65535, &value, &e), &e);
	assert_int_equal(value, 65535);
	static const char *const bad[] = {"",   "0",  "65536", " 1",
					  "+1", "-1", "1x",    "99999999999999999999999"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_error(str_parse_number(bad[i], 1, 65535, &value, &e), ERR_USAGE, &e, "from 1 to 65535");
}

static void fields_split_as_in_fstab(void **state)
{
	(void)state;
	char line[] = "  host1\t10.0.0.1   - a=b,c ";
	char *fields[3];

	assert_int_equal(str_split_blanks(line, fields, 3), 4);
	assert_string_equal(fields[0], "host1");
	assert_string_equal(fields[1], "10.0.0.1");
	assert_string_equal(fields[2], "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaping_shows_what_hides),
		cmocka_unit_test(every_byte_string_comes_back),
		cmocka_unit_test(every_invisible_character_comes_back),
		cmocka_unit_test(bad_escapes_are_refused),
		cmocka_unit_test(sizes_print),
		cmocka_unit_test(numbers_are_whole_and_in_range),
		cmocka_unit_test(fields_split_as_in_fstab),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
