/* test_rec.c - records: what is written is read, and nothing hostile is believed. */
#include "config.h"

#include "unit.h"

#include <stdlib.h>

#include "mem.h"
#include "rec.h"

static void write_sample(struct str *out)
{
	rec_begin(out, 3);
	rec_uint(out, 1, UINT64_MAX);
	rec_int(out, 2, INT64_MIN);
	rec_int(out, 3, 42);
	rec_bool(out, 4, true);
	rec_text(out, 5, "日本");
	rec_text(out, 6, "\xFF\xFE");
	rec_text(out, 7, NULL);
	rec_bytes(out, 8, "\0\1\2", 3);
	rec_array(out, 9);
	rec_item_uint(out, 1);
	rec_item_int(out, -1);
	rec_item_text(out, NULL);
	rec_item_text(out, "");
	rec_item_bytes(out, "xy", 2);
	rec_open_map(out);
	rec_uint(out, 24, 256);
	rec_array(out, 300);
	rec_close(out);
	rec_close(out);
	rec_close(out);
	rec_map(out, 1000000);
	rec_text(out, 1, "inner");
	rec_close(out);
	rec_end(out);
}

static void expect_next(struct rec_reader *reader, unsigned wanted_key, enum rec_type type, struct rec_value *value)
{
	struct err e = {0};
	unsigned key = 0;

	int found = rec_next(reader, &key, value, &e);
	assert_ok(found, &e);
	assert_int_equal(found, 1);
	assert_int_equal(key, wanted_key);
	assert_int_equal(value->type, type);
}

static void expect_end(struct rec_reader *reader)
{
	struct err e = {0};
	struct rec_value value;
	unsigned key;

	int found = rec_next(reader, &key, &value, &e);
	assert_ok(found, &e);
	assert_int_equal(found, 0);
}

static void check_array(const struct rec_value *array)
{
	struct rec_reader items, inner, none;
	struct rec_value value;
	struct err e = {0};
	int64_t number = 0;
	char *text = NULL;

	rec_enter(&items, array);
	expect_next(&items, 0, REC_UINT, &value);
	expect_next(&items, 0, REC_INT, &value);
	assert_ok(rec_as_int(&value, &number, &e), &e);
	assert_int_equal(number, -1);
	expect_next(&items, 0, REC_NULL, &value);
	assert_ok(rec_as_text(&value, &text, &e), &e);
	assert_null(text);
	expect_next(&items, 0, REC_TEXT, &value);
	assert_ok(rec_as_text(&value, &text, &e), &e);
	assert_string_equal(text, "");
	free(text);
	expect_next(&items, 0, REC_BYTES, &value);
	expect_next(&items, 0, REC_MAP, &value);
	rec_enter(&inner, &value);
	expect_next(&inner, 24, REC_UINT, &value);
	assert_int_equal(value.number, 256);
	expect_next(&inner, 300, REC_ARRAY, &value);
	rec_enter(&none, &value);
	expect_end(&none);
	expect_end(&inner);
	expect_end(&items);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	cleanup(str_done) struct str out = {0};
	struct err e = {0};
	struct rec_reader reader, inner;
	struct rec_value value;
	unsigned version = 0;
	int64_t number = 0;
	bool truth = false;
	unsigned char three[3];
	cleanup(cleanup_mem) char *japanese = NULL, *raw = NULL;

	write_sample(&out);
	assert_ok(rec_open(&reader, out.data, out.length, 3, &version, &e), &e);
	assert_int_equal(version, 3);
	expect_next(&reader, 1, REC_UINT, &value);
	assert_true(value.number == UINT64_MAX);
	assert_error(rec_as_int(&value, &number, &e), ERR_CORRUPT, &e, "a number");
	expect_next(&reader, 2, REC_INT, &value);
	assert_ok(rec_as_int(&value, &number, &e), &e);
	assert_true(number == INT64_MIN);
	expect_next(&reader, 3, REC_UINT, &value);
	assert_ok(rec_as_int(&value, &number, &e), &e);
	assert_int_equal(number, 42);
	expect_next(&reader, 4, REC_BOOL, &value);
	assert_ok(rec_as_bool(&value, &truth, &e), &e);
	assert_true(truth);
	expect_next(&reader, 5, REC_TEXT, &value);
	assert_ok(rec_as_text(&value, &japanese, &e), &e);
	assert_string_equal(japanese, "日本");
	expect_next(&reader, 6, REC_BYTES, &value);
	assert_ok(rec_as_text(&value, &raw, &e), &e);
	assert_string_equal(raw, "\xFF\xFE");
	expect_next(&reader, 8, REC_BYTES, &value);
	assert_ok(rec_as_fixed(&value, three, 3, &e), &e);
	assert_memory_equal(three, "\0\1\2", 3);
	assert_error(rec_as_fixed(&value, three, 2, &e), ERR_CORRUPT, &e, "3 bytes where 2");
	expect_next(&reader, 9, REC_ARRAY, &value);
	check_array(&value);
	expect_next(&reader, 1000000, REC_MAP, &value);
	rec_enter(&inner, &value);
	expect_next(&inner, 1, REC_TEXT, &value);
	expect_end(&inner);
	expect_end(&reader);
}

/* Reads everything that can be reached; 0 or the first error. */
static int read_all(struct rec_reader *reader, struct err *e)
{
	struct rec_value value;
	unsigned key;
	int found;

	while ((found = rec_next(reader, &key, &value, e)) == 1) {
		struct rec_reader inner;
		if (value.type != REC_ARRAY && value.type != REC_MAP)
			continue;
		rec_enter(&inner, &value);
		int inside = read_all(&inner, e);
		if (inside < 0)
			return inside;
	}
	return found;
}

static int read_record(const void *data, size_t length, struct err *e)
{
	/* In a block of its own size, so that the sanitizer sees a read beyond it. */
	cleanup(cleanup_mem) void *copy = mem_copy(data, length ? length : 1);
	struct rec_reader reader;
	unsigned version;

	int opened = rec_open(&reader, copy, length, 3, &version, e);
	return opened < 0 ? opened : read_all(&reader, e);
}

static void a_record_cut_anywhere_is_corrupt(void **state)
{
	(void)state;
	cleanup(str_done) struct str out = {0};

	write_sample(&out);
	for (size_t length = 0; length < out.length; length++) {
		struct err e = {0};
		assert_int_equal(read_record(out.data, length, &e), ERR_CORRUPT);
	}
	struct err e = {0};
	assert_ok(read_record(out.data, out.length, &e), &e);
}

static void a_changed_byte_never_breaks_the_reader(void **state)
{
	(void)state;
	cleanup(str_done) struct str out = {0};

	write_sample(&out);
	for (size_t at = 0; at < out.length; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			cleanup(cleanup_mem) char *copy = mem_copy(out.data, out.length);
			struct err e = {0};
			copy[at] = (char)byte;
			int result = read_record(copy, out.length, &e);
			if (result != 0 && result != ERR_CORRUPT && result != ERR_SCHEMA)
				fail_msg("byte %zu as %u: %d", at, byte, result);
			if (result < 0)
				assert_true(e.text[0] != '\0');
		}
	}
}

static void other_writers_records(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t length;
		int result;
	} cases[] = {
		{"\xA2\x00\x01\x01\x83\x01\x02\x03", 8, 0},               /* definite lengths */
		{"\xA2\x00\x01\x01\x83\x01\x02\x03\x00", 9, ERR_CORRUPT}, /* a byte too many */
		{"\xBF\x00\x01\x01\x02\xFF\xFF", 7, ERR_CORRUPT},         /* a break too many */
		{"\xBF\x00\x01\x01\xFF", 5, ERR_CORRUPT},                 /* a key without a value */
		{"\xBF\x00\x01\x61x\x02\x05\x06\xFF", 9, 0},              /* a text as key: skipped */
		{"\xBF\x00\x01\x01\xC0\x01\xFF", 7, ERR_CORRUPT},         /* a tag */
		{"\xBF\x00\x01\x01\xF9\x3C\x00\xFF", 8, ERR_CORRUPT},     /* a float */
		{"\xBF\x00\x01\x01\x7F\x61x\xFF\xFF", 9, ERR_CORRUPT},    /* text in chunks */
		{"\xBF\x00\x01\x01\x1C\xFF", 6, ERR_CORRUPT},             /* a reserved head */
		{"\xBF\x01\x01\xFF", 4, ERR_CORRUPT},                     /* no version first */
		{"\xBF\x00\x04\xFF", 4, ERR_SCHEMA},                      /* a version from tomorrow */
		{"\xBF\xFF", 2, ERR_CORRUPT},
		{"\x9F\x00\x01\xFF", 4, ERR_CORRUPT},
		{"\xBF\x00\x01\x01\x7B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 14, ERR_CORRUPT},
		{"\xBF\x00\x01\x01\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 14, ERR_CORRUPT},
		{"\xBF\x00\x01\x01\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 14, ERR_CORRUPT},
		{"\xBF\x00\x01\x01\x3B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 14, ERR_CORRUPT},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = {0};
		int result = read_record(cases[i].bytes, cases[i].length, &e);
		if (result != cases[i].result)
			fail_msg("case %zu: %d '%s'", i, result, e.text);
	}
}

static void deep_nesting_is_refused(void **state)
{
	(void)state;
	for (size_t depth = 1; depth < 200; depth++) {
		cleanup(str_done) struct str out = {0};
		struct err e = {0};
		rec_begin(&out, 1);
		rec_array(&out, 1);
		for (size_t i = 1; i < depth; i++)
			str_add_char(&out, (char)0x9F);
		for (size_t i = 0; i < depth; i++)
			rec_close(&out);
		rec_end(&out);
		assert_int_equal(read_record(out.data, out.length, &e), depth > 16 ? ERR_CORRUPT : 0);
	}
}

static void a_text_with_a_nul_is_no_text(void **state)
{
	(void)state;
	struct rec_value value = {.type = REC_TEXT, .data = "a\0b", .length = 3};
	struct err e = {0};
	char *text = NULL;

	assert_error(rec_as_text(&value, &text, &e), ERR_CORRUPT, &e, "NUL");
	assert_null(text);
}

/* What taking fields one by one has seen. */
struct seen {
	char *text;
	size_t fields, items;
};

static int take_array_item(void *context, unsigned key, const struct rec_value *value, struct err *e)
{
	struct seen *seen = context;

	(void)value;
	(void)e;
	assert_int_equal(key, 0);
	seen->items++;
	return 0;
}

static int take_seen(void *context, unsigned key, const struct rec_value *value, struct err *e)
{
	struct seen *seen = context;
	struct err wrong = {0};

	seen->fields++;
	if (key == 5) {
		assert_error(rec_read_array(value, take_array_item, seen, &wrong), ERR_CORRUPT, &wrong,
			     "wrong type");
		return rec_replace_text(value, &seen->text, e);
	}
	if (key == 9) {
		assert_error(rec_read_map(value, take_array_item, seen, &wrong), ERR_CORRUPT, &wrong,
			     "wrong type");
		return rec_read_array(value, take_array_item, seen, e);
	}
	return key == 1000000 ? err_set(e, ERR_USAGE, "not this one") : 0;
}

static void a_record_is_given_field_by_field(void **state)
{
	cleanup(str_done) struct str out = {0};
	struct seen seen = {.text = mem_string("before")};
	struct err e = {0};
	uint64_t number = 7;

	(void)state;
	write_sample(&out);
	assert_error(rec_read(out.data, out.length, 3, take_seen, &seen, &e), ERR_USAGE, &e, "not this one");
	assert_string_equal(seen.text, "日本");
	assert_int_equal(seen.fields, 9);
	assert_int_equal(seen.items, 6);
	free(seen.text);
	assert_int_equal(rec_read(out.data, out.length, 2, take_seen, &seen, &e), ERR_SCHEMA);
	assert_ok(rec_read_number(out.data, out.length, 3, 3, &number, &e), &e);
	assert_int_equal(number, 42);
	assert_error(rec_read_number(out.data, out.length, 3, 77, &number, &e), ERR_CORRUPT, &e, "missing");
	assert_error(rec_read_number(out.data, out.length, 3, 5, &number, &e), ERR_CORRUPT, &e, "");
	assert_int_equal(number, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_record_cut_anywhere_is_corrupt),
		cmocka_unit_test(a_changed_byte_never_breaks_the_reader),
		cmocka_unit_test(other_writers_records),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(a_text_with_a_nul_is_no_text),
		cmocka_unit_test(a_record_is_given_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
