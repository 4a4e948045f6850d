/* test_watchline.c - hostping's lines are read as they are meant, and nothing else passes for one. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "watchline.h"

static int parse(const char *line, struct hoststate_change *change, struct err *e)
{
	return watchline_parse(line, strlen(line), change, e);
}

static void raw_and_json_say_the_same(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"2026-11-20T12:33:21.123+09:00\thost1\tDOWN\t3 of 4 pings lost",
		"2026-11-20T12:33:21.123+09:00\thost1\tDOWN\t3 of 4 pings lost\tmore\tfields\r",
		"@1795145601.123\thost1\tDOWN\t3 of 4 pings lost",
		"{\"schema\":1,\"time\":\"2026-11-20T12:33:21.123+09:00\",\"host\":\"host1\",\"state\":"
		"\"DOWN\","
		"\"detail\":\"3 of 4 pings lost\",\"new\":[{}]}",
	};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		cleanup(hoststate_change_done) struct hoststate_change change = {0};
		struct err e = {0};
		assert_ok(parse(lines[i], &change, &e), &e);
		assert_string_equal(change.host, "host1");
		assert_int_equal(change.state, HOST_DOWN);
		assert_int_equal(change.at, 1795145601123);
		assert_string_equal(change.detail, "3 of 4 pings lost");
	}
}

static void detail_may_be_absent_or_hostile(void **state)
{
	(void)state;
	struct err e = {0};

	static const char *const without[] = {
		"@1\th\tUP",
		"@1\th\tUP\t",
		"@1\th\tUP\t-",
		"{\"time\":\"@1\",\"host\":\"h\",\"state\":\"UP\",\"detail\":null}",
	};
	for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
		cleanup(hoststate_change_done) struct hoststate_change change = {0};
		assert_ok(parse(without[i], &change, &e), &e);
		assert_null(change.detail);
	}
	cleanup(hoststate_change_done) struct hoststate_change change = {0};
	assert_ok(parse("@1\th\tUP\ta\\tb\\nc\\u202e", &change, &e), &e);
	assert_string_equal(change.detail, "a\tb\nc\xE2\x80\xAE");
}

static void what_is_no_line_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"", "TIME, HOST and STATE expected"},
		{"hello", "TIME, HOST and STATE expected"},
		{"@1\thost1", "TIME, HOST and STATE expected"},
		{"12:33\thost1\tDOWN", "is not a time such as"},
		{"5m ago\thost1\tDOWN", "is not a time such as"},
		{"now\thost1\tDOWN", "is not a time such as"},
		{"2026-13-20T12:33:21Z\thost1\tDOWN", ""},
		{"@1\t\tDOWN", "is not the name of a host"},
		{"@1\tho st\tDOWN", "is not the name of a host"},
		{"@1\t../x\tDOWN", "is not the name of a host"},
		{"@1\th\xC3\xB6st\tDOWN", "is not the name of a host"},
		{"@1\thost1\tdead", ""},
		{"@1\thost1\tISOLATED", "cannot be ISOLATED"},
		{"@1\thost1\tDOWN\tbad \\q escape", "bad escape"},
		{"{", ""},
		{"{}", "TIME, HOST and STATE expected"},
		{"{\"time\":1,\"host\":\"h\",\"state\":\"UP\"}", "TIME, HOST and STATE expected"},
		{"{\"time\":\"@1\",\"host\":\"h\",\"state\":\"UP\"} trailing", ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct hoststate_change change = {0};
		struct err e = {0};
		assert_error(parse(cases[i].line, &change, &e), ERR_USAGE, &e, cases[i].text);
		assert_null(change.host);
	}
	char long_name[300];
	struct hoststate_change change = {0};
	struct err e = {0};
	snprintf(long_name, sizeof long_name, "@1\t%0254d\tDOWN", 1);
	assert_error(parse(long_name, &change, &e), ERR_USAGE, &e, "is not the name of a host");
	assert_error(watchline_parse("@1\th\0\tUP", 9, &change, &e), ERR_USAGE, &e, "NUL");
}

static void lines_come_in_any_pieces(void **state)
{
	(void)state;
	static const char text[] = "@1\ta\tUP\n\n@2\tb\tDOWN\tx\nrubbish\n@3\tc\tUP\n@4\tunfin";

	for (size_t piece = 1; piece < sizeof text; piece++) {
		struct watchline_reader reader = {0};
		struct str hosts = {0};
		struct err e = {0};
		for (size_t done = 0; done < sizeof text - 1; done += piece) {
			size_t length = sizeof text - 1 - done < piece ? sizeof text - 1 - done : piece;
			struct hoststate_change change;
			int result;
			watchline_feed(&reader, text + done, length);
			while ((result = watchline_next(&reader, &change, &e)) != 0) {
				str_add(&hosts, result == 1 ? change.host : "!");
				if (result == 1)
					hoststate_change_done(&change);
				else
					assert_error(result, ERR_USAGE, &e, "line 4: not a line of hostping");
			}
		}
		assert_string_equal(str_text(&hosts), "ab!c");
		str_done(&hosts);
		watchline_reader_done(&reader);
	}
}

static void an_endless_line_fills_no_memory(void **state)
{
	(void)state;
	struct watchline_reader reader = {0};
	struct hoststate_change change;
	struct err e = {0};
	char block[4096];

	memset(block, 'x', sizeof block);
	for (int i = 0; i < 1000; i++) {
		watchline_feed(&reader, block, sizeof block);
		assert_int_equal(watchline_next(&reader, &change, &e), 0);
		assert_true(reader.pending.length <= WATCHLINE_MAX + sizeof block);
	}
	static const char rest[] = "\n@1\ta\tUP\n";
	watchline_feed(&reader, rest, sizeof rest - 1);
	assert_error(watchline_next(&reader, &change, &e), ERR_USAGE, &e, "line 1: longer than");
	assert_int_equal(watchline_next(&reader, &change, &e), 1);
	assert_string_equal(change.host, "a");
	hoststate_change_done(&change);
	watchline_reader_done(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_and_json_say_the_same),
		cmocka_unit_test(detail_may_be_absent_or_hostile),
		cmocka_unit_test(what_is_no_line_is_refused),
		cmocka_unit_test(lines_come_in_any_pieces),
		cmocka_unit_test(an_endless_line_fills_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
