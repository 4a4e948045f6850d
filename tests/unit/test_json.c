/* test_json.c - what is written is read back the same, whatever bytes a name is made of; what is no JSON is refused. */
#include "config.h"

#include "unit.h"

#include <math.h>

#include "json.h"
#include "mem.h"

/* The text that a reader of JSON makes of BYTES as they are written; the caller frees. */
static char *through_json(const char *bytes, size_t length)
{
	cleanup(str_done) struct str line = {0};
	cleanup(cleanup_json) struct json *value = NULL;
	struct err e = {0};

	json_add_text_n(&line, bytes, length);
	assert_false(str_has_control(str_text(&line)));
	assert_ok(json_parse(line.data, line.length, &value, &e), &e);
	return mem_string(json_text(value));
}

static void check_text(const char *bytes, size_t length)
{
	cleanup(cleanup_mem) char *back = through_json(bytes, length);
	cleanup(str_done) struct str wanted = {0};

	if (str_is_utf8(bytes, length))
		str_add_n(&wanted, bytes, length);
	else
		str_add_escaped(&wanted, bytes, length);
	assert_string_equal(back, str_text(&wanted));
}

static void every_byte_alone_and_inside(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++) {
		char text[] = {'a', (char)byte, 'b', '\0'};
		/* DEL and the C1 controls need no escape in JSON, and str_has_control would stop at them. */
		if (byte == 0x7F)
			continue;
		check_text(text + 1, 1);
		check_text(text, 3);
	}
}

static void every_string_comes_back(void **state)
{
	(void)state;
	static const char *const pieces[] = {
		"a",    "\"",           "\\", "\x01", "\n", "\xC3\xA9", "\xE2\x80\xAE", "\xF0\x9F\x92\xA9",
		"\xFF", "\xED\xA0\x80", "/",  "}",    ","};
	unsigned seed = 3;

	for (int round = 0; round < 5000; round++) {
		cleanup(str_done) struct str text = {0};
		for (unsigned i = (unsigned)rand_r(&seed) % 8; i > 0; i--)
			str_add(&text, pieces[(unsigned)rand_r(&seed) % (sizeof pieces / sizeof pieces[0])]);
		check_text(str_text(&text), text.length);
	}
}

static void texts_have_one_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length;
		const char *json;
	} cases[] = {
		{"", 0, "\"\""},
		{"web1 {[:,", 9, "\"web1 {[:,\""},
		{"a\"b\\c\td", 7, "\"a\\\"b\\\\c\\td\""},
		{"a\0b", 3, "\"a\\u0000b\""},
		{"\x7F", 1, "\"\x7F\""},
		{"\xE6\x97\xA5", 3, "\"\xE6\x97\xA5\""},
		{"\\\xFF", 2, "\"\\\\\\\\\\\\xff\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(str_done) struct str line = {0};
		json_add_text_n(&line, cases[i].text, cases[i].length);
		assert_string_equal(str_text(&line), cases[i].json);
	}
}

static void values_are_parted_by_commas(void **state)
{
	(void)state;
	cleanup(str_done) struct str inner = {0};
	cleanup(str_done) struct str line = {0};

	json_open_array(&inner);
	json_close_array(&inner);
	json_open_object(&line);
	json_add_key(&line, "brace{");
	json_add_text(&line, "[");
	json_add_key(&line, "list:");
	json_open_array(&line);
	json_add_number(&line, 0);
	json_add_number(&line, UINT64_MAX);
	json_add_json(&line, &inner);
	json_open_object(&line);
	json_close_object(&line);
	json_add_bool(&line, true);
	json_add_bool(&line, false);
	json_add_text(&line, NULL);
	json_close_array(&line);
	json_add_key(&line, "rtt");
	json_add_real(&line, 0.24);
	json_add_key(&line, "nan");
	json_add_real(&line, NAN);
	json_close_object(&line);
	assert_string_equal(str_text(&line),
			    "{\"brace{\":\"[\",\"list:\":[0,18446744073709551615,[],{},true,false,null],"
			    "\"rtt\":0.24,\"nan\":null}");
}

static void what_is_no_json_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"",         "{",  "{\"a\":1,\"a\":2}", "{\"a\":1}x", "\"\xFF\"",
					  "\"a\nb\"", "nul"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct json *value = NULL;
		struct err e = {0};
		assert_error(json_parse(bad[i], strlen(bad[i]), &value, &e), ERR_USAGE, &e, "not JSON: ");
		assert_null(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_alone_and_inside), cmocka_unit_test(every_string_comes_back),
		cmocka_unit_test(texts_have_one_form),         cmocka_unit_test(values_are_parted_by_commas),
		cmocka_unit_test(what_is_no_json_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
