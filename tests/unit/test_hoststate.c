/* test_hoststate.c - host states, their history, the minutes of a day and the heartbeat, in a real store. */
#include "config.h"

#include "unit.h"

#include "hoststate.h"
#include "keys.h"
#include "mem.h"
#include "store_kit.h"
#include "when.h"

static const int64_t START = 1795000000000;
static const int64_t MINUTE = 60000;

static struct hoststate state_of(const char *host, enum host_state state, int64_t since)
{
	return (struct hoststate){
		.host = (char *)host,
		.address = (char *)"192.0.2.1",
		.state = state,
		.since = since,
		.rtt_us = 210,
		.loss_percent = 25,
		.recorded = since + 5,
	};
}

static void put(struct kit *kit, const char *host, enum host_state state, int64_t since)
{
	struct hoststate recorded = state_of(host, state, since);
	struct err e = {0};

	assert_ok(hoststate_put(kit->store, &recorded, &e), &e);
}

static struct store_view *view_of(struct kit *kit)
{
	struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	return view;
}

static int get(struct kit *kit, const char *host, struct hoststate *state)
{
	cleanup(cleanup_store_view) struct store_view *view = view_of(kit);
	struct err e = {0};
	int result = hoststate_get(view, host, state, &e);

	assert_ok(result, &e);
	return result;
}

/* "UP@0 DOWN@10": the transitions as state and milliseconds after START. */
static void assert_history(struct kit *kit, const char *host, int64_t since, const char *expected)
{
	cleanup(cleanup_store_view) struct store_view *view = view_of(kit);
	cleanup(str_done) struct str seen = {0};
	struct hoststate_change *changes = NULL;
	size_t count;
	struct err e = {0};

	assert_ok(hoststate_history(view, host, since, &changes, &count, &e), &e);
	for (size_t i = 0; i < count; i++) {
		str_addf(&seen, "%s%s@%lld", i ? " " : "", hoststate_name(changes[i].state),
			 (long long)(changes[i].at - START));
		if (host)
			assert_string_equal(changes[i].host, host);
		hoststate_change_done(&changes[i]);
	}
	free(changes);
	assert_string_equal(str_text(&seen), expected);
}

static void a_state_comes_back_as_it_was(void **state)
{
	struct kit *kit = *state;
	cleanup(hoststate_done) struct hoststate got = {0};
	struct hoststate put_in = state_of("host1", HOST_DOWN, START);
	struct err e = {0};

	put_in.detail = (char *)"3 of 4 pings lost\t\x01\xff";
	put_in.rtt_us = -1;
	assert_int_equal(get(kit, "host1", &got), 0);
	assert_ok(hoststate_put(kit->store, &put_in, &e), &e);
	assert_int_equal(get(kit, "host1", &got), 1);
	assert_string_equal(got.host, "host1");
	assert_string_equal(got.address, "192.0.2.1");
	assert_string_equal(got.detail, put_in.detail);
	assert_int_equal(got.state, HOST_DOWN);
	assert_int_equal(got.since, START);
	assert_int_equal(got.rtt_us, -1);
	assert_int_equal(got.loss_percent, 25);
	assert_int_equal(got.recorded, START + 5);
	assert_false(got.ever_up);
}

static void the_same_state_again_is_no_transition(void **state)
{
	struct kit *kit = *state;
	cleanup(hoststate_done) struct hoststate got = {0};

	put(kit, "host1", HOST_UP, START);
	put(kit, "host1", HOST_UP, START + 500);
	put(kit, "host1", HOST_DOWN, START + 1000);
	put(kit, "host1", HOST_DOWN, START + 1500);
	assert_history(kit, "host1", 0, "UP@0 DOWN@1000");
	assert_int_equal(get(kit, "host1", &got), 1);
	assert_int_equal(got.since, START + 1000);
	assert_int_equal(got.recorded, START + 1505);
	assert_true(got.ever_up);
}

static void history_is_by_host_and_by_time(void **state)
{
	struct kit *kit = *state;

	put(kit, "b", HOST_UP, START + 1);
	put(kit, "a", HOST_UP, START + 2);
	put(kit, "ab", HOST_DOWN, START + 3);
	put(kit, "a", HOST_DOWN, START + 4);
	put(kit, "b", HOST_DOWN, START + 4);
	assert_history(kit, "a", 0, "UP@2 DOWN@4");
	assert_history(kit, "a", START + 3, "DOWN@4");
	assert_history(kit, NULL, START + 2, "UP@2 DOWN@3 DOWN@4 DOWN@4");
	assert_history(kit, "nobody", 0, "");
}

static void any_instant_can_be_asked(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct hoststate_change change;
	struct err e = {0};

	put(kit, "a", HOST_UP, START);
	put(kit, "a", HOST_DOWN, START + 100);
	put(kit, "aa", HOST_UP, START);
	view = view_of(kit);
	static const struct {
		int64_t at;
		int found;
		enum host_state state;
	} asked[] = {{-1, 0, 0}, {0, 1, HOST_UP}, {99, 1, HOST_UP}, {100, 1, HOST_DOWN}, {1000000, 1, HOST_DOWN}};
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		assert_int_equal(hoststate_at(view, "a", START + asked[i].at, &change, &e), asked[i].found);
		if (!asked[i].found)
			continue;
		assert_int_equal(change.state, asked[i].state);
		hoststate_change_done(&change);
	}
}

static void many_states_go_in_at_once(void **state)
{
	struct kit *kit = *state;
	enum { COUNT = 300 };
	struct hoststate states[COUNT];
	char names[COUNT][16];
	struct err e = {0};

	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "host%03d", i);
		states[i] = state_of(names[i], i % 2 ? HOST_UP : HOST_DOWN, START + i);
	}
	assert_ok(hoststate_put_all(kit->store, states, COUNT, &e), &e);
	cleanup(cleanup_store_view) struct store_view *view = view_of(kit);
	struct hoststate *all = NULL;
	size_t count;
	assert_ok(hoststate_all(view, &all, &count, &e), &e);
	assert_int_equal(count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_string_equal(all[i].host, names[i]);
		assert_int_equal(all[i].since, START + i);
		hoststate_done(&all[i]);
	}
	free(all);
}

static void put_minute(struct kit *kit, int64_t minute, size_t count, int step)
{
	struct hoststate_minute *hosts = mem_zalloc(count, sizeof *hosts);
	char *names = mem_alloc(count * 16);
	struct err e = {0};

	for (size_t i = 0; i < count; i++) {
		snprintf(names + 16 * i, 16, "h%zu", i * (size_t)step);
		hosts[i] = (struct hoststate_minute){
			.host = names + 16 * i,
			.rtt_us = i % 7 == 0 ? -1 : (int32_t)(i * 1000003 % INT32_MAX),
			.sent = (uint16_t)(i * 61),
			.lost = (uint16_t)(i % 3),
		};
	}
	assert_ok(hoststate_put_minute(kit->store, minute, hosts, count, minute + MINUTE, &e), &e);
	free(names);
	free(hosts);
}

static void assert_minute(struct kit *kit, int64_t minute, size_t count, int step)
{
	cleanup(cleanup_store_view) struct store_view *view = view_of(kit);
	cleanup(hoststate_minutes_done) struct hoststate_minutes minutes = {0};
	struct err e = {0};
	char name[16];
	int result = hoststate_get_minute(view, minute, &minutes, &e);

	assert_ok(result, &e);
	assert_int_equal(result, count > 0);
	assert_int_equal(minutes.count, count);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof name, "h%zu", i * (size_t)step);
		assert_string_equal(minutes.items[i].host, name);
		assert_int_equal(minutes.items[i].rtt_us, i % 7 == 0 ? -1 : (int32_t)(i * 1000003 % INT32_MAX));
		assert_int_equal(minutes.items[i].sent, (uint16_t)(i * 61));
		assert_int_equal(minutes.items[i].lost, i % 3);
	}
}

static void minutes_are_kept_for_a_day(void **state)
{
	struct kit *kit = *state;
	int64_t first = START - START % MINUTE;

	put_minute(kit, first, 100, 1);
	put_minute(kit, first + MINUTE, 40000, 1);
	put_minute(kit, first + 2 * MINUTE, 100, 2);
	assert_minute(kit, first, 100, 1);
	assert_minute(kit, first + MINUTE, 40000, 1);
	assert_minute(kit, first + 2 * MINUTE, 100, 2);
	assert_minute(kit, first + 3 * MINUTE, 0, 1);
	put_minute(kit, first + MINUTE + 1440 * MINUTE, 10, 1); /* the slot of 40,000 a day later */
	assert_minute(kit, first + MINUTE, 0, 1);
	assert_minute(kit, first + MINUTE + 1440 * MINUTE, 10, 1);
}

static size_t count_keys(struct kit *kit, const char *prefix)
{
	cleanup(cleanup_store_view) struct store_view *view = view_of(kit);
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct err e = {0};
	size_t count = 0;

	assert_ok(store_cursor_open(&cursor, view, prefix, strlen(prefix), false, &e), &e);
	while (store_cursor_next(cursor, &item, &e) == 1)
		count++;
	return count;
}

static void names_that_nobody_refers_to_are_removed(void **state)
{
	struct kit *kit = *state;
	int64_t minute = START - START % MINUTE;

	for (int i = 1; i <= 5; i++) {
		put_minute(kit, minute, 3, i);
		minute += 48 * 60 * MINUTE;
	}
	assert_minute(kit, minute - 48 * 60 * MINUTE, 3, 5);
	assert_int_equal(count_keys(kit, KEY_MINUTE_SET), 2);
	for (int i = 0; i < 30; i++) {
		put_minute(kit, minute, 3, 5); /* used for days on end */
		minute += 60 * MINUTE;
	}
	assert_minute(kit, minute - 60 * MINUTE, 3, 5);
	assert_minute(kit, minute - 600 * MINUTE, 3, 5);
}

static void the_newest_states_show_the_last_minute(void **state)
{
	struct kit *kit = *state;
	struct hoststate_minute hosts[] = {{"a", 4321, 60, 6}, {NULL, 1, 1, 1}, {"b", -1, 0, 0}};
	struct err e = {0};

	put(kit, "a", HOST_UP, START);
	put(kit, "b", HOST_UP, START);
	assert_ok(hoststate_put_minute(kit->store, START, hosts, 3, START, &e), &e);
	cleanup(cleanup_store_view) struct store_view *view = view_of(kit);
	struct hoststate *all = NULL;
	size_t count;
	assert_ok(hoststate_all(view, &all, &count, &e), &e);
	assert_int_equal(count, 2);
	assert_int_equal(all[0].rtt_us, 4321);
	assert_int_equal(all[0].loss_percent, 10);
	assert_int_equal(all[1].rtt_us, 210);
	for (size_t i = 0; i < count; i++)
		hoststate_done(&all[i]);
	free(all);
}

static void the_heartbeat_says_when_and_whether_it_stopped(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	int64_t at, minute;
	bool stopped;
	struct store_view *view = view_of(kit);

	assert_ok(hoststate_heartbeat(view, &at, &stopped, &e), &e);
	assert_true(at == WHEN_UNKNOWN);
	assert_int_equal(hoststate_last_minute(view, &minute, &e), 0);
	store_view_close(view);
	put_minute(kit, START, 1, 1);
	assert_ok(hoststate_put_heartbeat(kit->store, START + 7, true, &e), &e);
	view = view_of(kit);
	assert_ok(hoststate_heartbeat(view, &at, &stopped, &e), &e);
	assert_true(at == START + 7 && stopped);
	assert_int_equal(hoststate_last_minute(view, &minute, &e), 1);
	assert_true(minute == START - START % MINUTE);
	store_view_close(view);
}

static void pruning_keeps_the_newest_of_each_host(void **state)
{
	struct kit *kit = *state;
	uint64_t removed = 0;
	struct err e = {0};

	for (int i = 0; i < 400; i++)
		put(kit, "flapping", i % 2 ? HOST_DOWN : HOST_UP, START + i);
	put(kit, "old", HOST_UP, START);
	put(kit, "two", HOST_UP, START);
	put(kit, "two", HOST_DOWN, START + 1000);
	assert_ok(hoststate_prune(kit->store, START + 398, &removed, &e), &e);
	assert_int_equal(removed, 398);
	assert_history(kit, "flapping", 0, "UP@398 DOWN@399");
	assert_history(kit, "old", 0, "UP@0");
	assert_history(kit, "two", 0, "UP@0 DOWN@1000");
	assert_ok(hoststate_prune(kit->store, START + 100000, &removed, &e), &e);
	assert_int_equal(removed, 2);
	assert_history(kit, NULL, 0, "UP@0 DOWN@399 DOWN@1000");
}

static void a_renamed_host_takes_its_history_along(void **state)
{
	struct kit *kit = *state;
	cleanup(hoststate_done) struct hoststate got = {0};
	struct err e = {0};

	for (int i = 0; i < 200; i++)
		put(kit, "old", i % 2 ? HOST_DOWN : HOST_UP, START + i);
	put(kit, "older", HOST_UP, START);
	assert_ok(hoststate_rename(kit->store, "old", "new", &e), &e);
	assert_int_equal(get(kit, "old", &got), 0);
	assert_history(kit, "old", 0, "");
	assert_history(kit, "new", START + 198, "UP@198 DOWN@199");
	assert_history(kit, "older", 0, "UP@0");
	assert_int_equal(get(kit, "new", &got), 1);
	assert_int_equal(got.since, START + 199);
	hoststate_done(&got);
	put(kit, "newer", HOST_UP, START + 500);
	assert_ok(hoststate_rename(kit->store, "new", "newer", &e), &e);
	assert_history(kit, "newer", START + 199, "DOWN@199 UP@500");
	assert_int_equal(get(kit, "newer", &got), 1);
	assert_int_equal(got.state, HOST_UP);
	assert_ok(hoststate_rename(kit->store, "nobody", "nothing", &e), &e);
	assert_ok(hoststate_rename(kit->store, "newer", "newer", &e), &e);
	assert_history(kit, "newer", START + 199, "DOWN@199 UP@500");
}

/* Whatever bytes a value holds (with a right checksum), reading it ends with a result. */
static void damaged_records_are_errors_not_answers(void **state)
{
	struct kit *kit = *state;
	static const unsigned char prefixes[] = {0xBF, 0xA1, 0x00, 0xFF, 0x9F, 0x5F};
	struct err e = {0};
	struct key key;

	for (unsigned seed = 0; seed < 600; seed++) {
		unsigned char value[24];
		struct hoststate got;
		struct hoststate_minutes minutes;
		struct hoststate_change change;
		for (size_t i = 0; i < sizeof value; i++)
			value[i] = (unsigned char)(i == 0 ? prefixes[seed % sizeof prefixes]
							  : seed * 31 + i * i * 7 * (seed + 1));
		key_add_text(key_begin(&key, KEY_STATE), "x");
		assert_ok(store_put(kit->store, key.bytes, key.length, value, seed % 25, &e), &e);
		key_add_u16(key_add_u16(key_begin(&key, KEY_MINUTE), 0), 0);
		assert_ok(store_put(kit->store, key.bytes, key.length, value, seed % 25, &e), &e);
		key_add_instant(key_add(key_add_text(key_begin(&key, KEY_TRANSITION), "x"), "", 1), 5);
		assert_ok(store_put(kit->store, key.bytes, key.length, value, seed % 25, &e), &e);
		cleanup(cleanup_store_view) struct store_view *view = view_of(kit);
		assert_true(hoststate_get(view, "x", &got, &e) < 0);
		assert_true(hoststate_get_minute(view, 0, &minutes, &e) <= 0);
		assert_true(hoststate_at(view, "x", 10, &change, &e) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(a_state_comes_back_as_it_was),
		kit_test(the_same_state_again_is_no_transition),
		kit_test(history_is_by_host_and_by_time),
		kit_test(any_instant_can_be_asked),
		kit_test(many_states_go_in_at_once),
		kit_test(minutes_are_kept_for_a_day),
		kit_test(names_that_nobody_refers_to_are_removed),
		kit_test(the_newest_states_show_the_last_minute),
		kit_test(the_heartbeat_says_when_and_whether_it_stopped),
		kit_test(pruning_keeps_the_newest_of_each_host),
		kit_test(a_renamed_host_takes_its_history_along),
		kit_test(damaged_records_are_errors_not_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
