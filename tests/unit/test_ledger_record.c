/* test_ledger_record.c - old records are read, and an older program is not misled by new ones. */
#include "config.h"

#include "unit.h"

#include "ledger_kit.h"
#include "mem.h"
#include "rec.h"
#include "vec.h"
#include "when.h"

/* What the first version wrote, as it wrote it. */
static void old_records_are_read_and_written_as_they_were(void **state)
{
	(void)state;
	cleanup(str_done) struct str old = {0};
	cleanup(str_done) struct str again = {0};
	cleanup(delivery_done) struct delivery cell = {0};
	struct err e = {0};

	rec_begin(&old, 1);
	rec_text(&old, 1, "7K3F");
	rec_uint(&old, 2, 1);
	rec_uint(&old, 3, 0);
	rec_uint(&old, 4, 0);
	rec_text(&old, 5, "a@b");
	rec_uint(&old, 6, 4);
	rec_text(&old, 8, "a@b");
	rec_bool(&old, 10, false);
	rec_bool(&old, 11, true);
	rec_bool(&old, 12, false);
	rec_uint(&old, 13, 3);
	rec_int(&old, 14, 1000);
	rec_end(&old);
	assert_ok(delivery_decode(old.data, old.length, &cell, &e), &e);
	assert_int_equal(cell.kind, DELIVERY_FOLLOW_UP);
	assert_int_equal(cell.state, DELIVERY_EXPIRED);
	assert_true(delivery_has_reached(&cell));
	assert_int_equal(cell.acknowledged, WHEN_UNKNOWN);
	assert_null(cell.acknowledged_by);
	delivery_encode(&cell, &again);
	assert_int_equal(again.length, old.length);
	assert_memory_equal(again.data, old.data, old.length);
}

/* An older program must not take a call for a mail: it is told that a newer one wrote this. */
static void what_is_new_says_so(void **state)
{
	(void)state;
	struct delivery cells[] = {cell_of("7K3F", "a@b"), cell_of("7K3F", "a@b"), cell_of("7K3F", "a@b"),
				   cell_of("7K3F", "a@b"), cell_of("7K3F", "a@b"), cell_of("7K3F", "a@b")};
	struct err e = {0};

	cells[1].channel = DELIVERY_VOICE;
	cells[2].kind = DELIVERY_ESCALATION;
	cells[3].state = DELIVERY_ACKNOWLEDGED;
	cells[4].part = 2;
	mem_replace(&cells[5].acknowledged_by, "a@b");
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		cleanup(str_done) struct str record = {0};
		cleanup(delivery_done) struct delivery read = {0};
		struct rec_reader reader;
		unsigned version;
		delivery_encode(&cells[i], &record);
		int result = rec_open(&reader, record.data, record.length, 1, &version, &e);
		assert_int_equal(result, i == 0 ? 0 : ERR_SCHEMA);
		assert_ok(delivery_decode(record.data, record.length, &read, &e), &e);
		assert_true(delivery_is(&read, &cells[i]));
		assert_int_equal(read.state, cells[i].state);
		delivery_done(&cells[i]);
	}
}

static void all_of_a_call_is_kept(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = call_of("7K3F", "+4930123");
	cleanup(delivery_done) struct delivery read = {0};
	cleanup(str_done) struct str record = {0};
	struct err e = {0};

	cell.kind = DELIVERY_ESCALATION;
	cell.part = 7;
	cell.step = 2;
	cell.state = DELIVERY_NO_KEY;
	cell.outcome = CALL_NO_AUDIO;
	cell.key = '3';
	cell.held = true;
	delivery_encode(&cell, &record);
	assert_ok(delivery_decode(record.data, record.length, &read, &e), &e);
	assert_int_equal(read.kind, DELIVERY_ESCALATION);
	assert_int_equal(read.part, 7);
	assert_int_equal(read.step, 2);
	assert_int_equal(read.state, DELIVERY_NO_KEY);
	assert_int_equal(read.outcome, CALL_NO_AUDIO);
	assert_int_equal(read.key, '3');
	assert_true(read.held);
	assert_string_equal(delivery_channel_name(read.channel), "voice");
	assert_string_equal(delivery_state_name(DELIVERY_ACKNOWLEDGED), "acknowledged");
	assert_string_equal(call_end_name(CALL_REFUSED), "refused");
	assert_null(call_end_name(CALL_NONE));
}

static void the_first_turn_keeps_its_key(void **state)
{
	(void)state;
	static const char old[] = "led/7K3F\0first\0mail\0a@b";
	cleanup(delivery_done) struct delivery cell = cell_of("7K3F", "a@b");
	cleanup(bytes_done) struct bytes raw = {0};
	struct err e = {0};

	put(&cell, me);
	assert_int_equal(store_get(store, old, sizeof old - 1, &raw, &e), 1);
	cell.part = 2;
	put(&cell, me);
	static const char next[] = "led/7K3F\0first.2\0mail\0a@b";
	bytes_done(&raw);
	assert_int_equal(store_get(store, next, sizeof next - 1, &raw, &e), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_records_are_read_and_written_as_they_were),
		cmocka_unit_test(what_is_new_says_so),
		cmocka_unit_test(all_of_a_call_is_kept),
		TEST(the_first_turn_keeps_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
