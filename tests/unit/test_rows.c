/* test_rows.c - the same rows as table, raw and JSON: unknown stays unknown, hostile text stays one cell. */
#include "config.h"

#include "unit.h"

#include <locale.h>
#include <time.h>

#include "json.h"
#include "mem.h"
#include "rows.h"
#include "str.h"
#include "when.h"

enum { VM, MEMORY, SINCE, RTT, STALE, ADMINS, AGE };

static const struct column columns[] = {
	[VM] = {"VM", "vm", "name", ROWS_TEXT, false, false},
	[MEMORY] = {"MEMORY", "memory_bytes", "memory", ROWS_BYTES, false, false},
	[SINCE] = {"SINCE", "since", "since when", ROWS_TIME, false, false},
	[RTT] = {"RTT", "rtt_ms", "round trip", ROWS_RTT, false, false},
	[STALE] = {"STALE", "stale", "stale", ROWS_BOOL, true, false},
	[ADMINS] = {"ADMIN", "admins", "who", ROWS_LIST, false, false},
	[AGE] = {"AGE", "age_s", "age", ROWS_NUMBER, false, true},
};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static const char hostile[] = "a\tb\xE2\x80\xAE$(id)\n";

/* Two rows in FORMAT; the caller frees. */
static char *print(enum rows_format format, const char *selection, bool no_headings)
{
	char *text = NULL;
	size_t size = 0;
	struct err e = {0};
	FILE *out = open_memstream(&text, &size);
	struct rows *rows;

	assert_ok(rows_new(&rows, columns, COLUMN_COUNT, format, selection, no_headings, 1, out, &e), &e);
	rows_text(rows, VM, "web1");
	rows_number(rows, MEMORY, 16ULL << 30);
	rows_time(rows, SINCE, 1795174800123);
	rows_rtt(rows, RTT, 210);
	rows_bool(rows, STALE, true);
	rows_list_add(rows, ADMINS, "Ito");
	rows_list_add(rows, ADMINS, "Sato, Ken");
	rows_number(rows, AGE, 7);
	assert_ok(rows_end(rows, &e), &e);
	rows_text(rows, VM, hostile);
	rows_number(rows, MEMORY, ROWS_UNKNOWN);
	rows_time(rows, SINCE, WHEN_UNKNOWN);
	rows_rtt(rows, RTT, -1);
	assert_ok(rows_end(rows, &e), &e);
	assert_ok(rows_finish(rows, &e), &e);
	rows_free(rows);
	fclose(out);
	return text;
}

static void raw_is_tabs_and_plain_numbers(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *text = print(ROWS_RAW, NULL, false);

	assert_string_equal(text, "web1\t17179869184\t2026-11-20T11:40:00+00:00\t0.210\tIto,Sato\\x2c Ken\n"
				  "a\\tb\\u202e$(id)\\n\t-\t-\t-\t-\n");
}

static void table_is_for_people(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *text = print(ROWS_TABLE, "vm,Memory,stale", false);

	assert_string_equal(text, "VM                 MEMORY  STALE\n"
				  "web1               16 GiB  yes\n"
				  "a\\tb\\u202e$(id)\\n       -  -\n");
	cleanup(cleanup_mem) char *bare = print(ROWS_TABLE, "vm", true);
	assert_string_equal(bare, "web1\na\\tb\\u202e$(id)\\n\n");
}

static void json_is_lossless(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *text = print(ROWS_JSON, NULL, false);
	struct err e = {0};
	struct json *row;
	int64_t number;
	char *second = strchr(text, '\n') + 1;

	assert_ok(json_parse(text, (size_t)(second - text), &row, &e), &e);
	assert_true(json_int(json_get(row, "memory_bytes"), &number));
	assert_int_equal(number, 16LL << 30);
	assert_true(json_int(json_get(row, "schema"), &number));
	assert_true(json_int(json_get(row, "age_s"), &number));
	assert_string_equal(json_text(json_at(json_get(row, "admins"), 1)), "Sato, Ken");
	assert_non_null(strstr(text, "\"rtt_ms\":0.21,"));
	json_free(row);

	assert_ok(json_parse(second, strlen(second), &row, &e), &e);
	assert_string_equal(json_text(json_get(row, "vm")), hostile);
	assert_int_equal(json_count(json_get(row, "admins")), 0);
	assert_non_null(strstr(second, "\"memory_bytes\":null"));
	json_free(row);
}

static void unknown_columns_are_named(void **state)
{
	(void)state;
	struct err e = {0};
	struct rows *rows;

	assert_error(rows_new(&rows, columns, COLUMN_COUNT, ROWS_RAW, "VM,NOPE", false, 1, stdout, &e),
		     ERR_USAGE, &e, "no column 'NOPE': there are VM MEMORY");
	assert_error(rows_new(&rows, columns, COLUMN_COUNT, ROWS_RAW, "age", false, 1, stdout, &e), ERR_USAGE,
		     &e, "no column 'age'");
	assert_error(rows_new(&rows, columns, COLUMN_COUNT, ROWS_RAW, "", false, 1, stdout, &e), ERR_USAGE,
		     &e, "no column named");
}

static void a_text_of_a_dash_is_not_unknown(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size = 0;
	struct err e = {0};
	FILE *out = open_memstream(&text, &size);
	struct rows *rows;

	assert_ok(rows_new(&rows, columns, COLUMN_COUNT, ROWS_RAW, "vm,admin", false, 1, out, &e), &e);
	rows_text(rows, VM, "-");
	rows_list_add(rows, ADMINS, "-");
	rows_end(rows, &e);
	rows_free(rows);
	fclose(out);
	assert_string_equal(text, "\\x2d\t\\x2d\n");
	free(text);
}

static void a_table_shows_escapes_as_raw_does(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size = 0;
	struct err e = {0};
	FILE *out = open_memstream(&text, &size);
	struct rows *rows;

	assert_ok(rows_new(&rows, columns, COLUMN_COUNT, ROWS_TABLE, "vm,stale", true, 1, out, &e), &e);
	rows_text(rows, VM, "-");
	rows_end(rows, &e);
	rows_text(rows, VM, "\xFF\\x41");
	rows_end(rows, &e);
	assert_ok(rows_finish(rows, &e), &e);
	rows_free(rows);
	fclose(out);
	assert_string_equal(text, "\\x2d       -\n\\xff\\\\x41  -\n");
	free(text);
}

static void json_can_be_more_than_text(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size = 0;
	struct err e = {0};
	FILE *out = open_memstream(&text, &size);
	struct rows *rows;

	assert_ok(rows_new(&rows, columns, COLUMN_COUNT, ROWS_JSON, "admin", false, 1, out, &e), &e);
	json_open_object(rows_json(rows, ADMINS));
	json_add_key(rows_json(rows, ADMINS), "a");
	json_add_number(rows_json(rows, ADMINS), 1);
	json_close_object(rows_json(rows, ADMINS));
	json_add_null(rows_json(rows, VM));
	rows_end(rows, &e);
	rows_list_add(rows, ADMINS, "Ito");
	rows_end(rows, &e);
	rows_free(rows);
	fclose(out);
	assert_string_equal(text,
			    "{\"schema\":1,\"admins\":{\"a\":1}}\n{\"schema\":1,\"admins\":[\"Ito\"]}\n");
	free(text);
}

static void a_key_stands_once_in_an_object(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *json = print(ROWS_JSON, "vm,memory,VM", false);
	cleanup(cleanup_mem) char *raw = print(ROWS_RAW, "vm,VM", false);

	assert_true(str_starts(json, "{\"schema\":1,\"vm\":\"web1\",\"memory_bytes\":17179869184}\n"));
	assert_true(str_starts(raw, "web1\tweb1\n"));
}

static int in_utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_is_tabs_and_plain_numbers),
		cmocka_unit_test(table_is_for_people),
		cmocka_unit_test(json_is_lossless),
		cmocka_unit_test(unknown_columns_are_named),
		cmocka_unit_test(a_text_of_a_dash_is_not_unknown),
		cmocka_unit_test(a_table_shows_escapes_as_raw_does),
		cmocka_unit_test(json_can_be_more_than_text),
		cmocka_unit_test(a_key_stands_once_in_an_object),
	};
	return cmocka_run_group_tests(tests, in_utc, NULL);
}
