/* test_ledger_calls.c - each end of a call is told apart, and limits hold to the second. */
#include "config.h"

#include "unit.h"

#include "ledger_kit.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

static void each_end_of_a_call_has_its_state_and_its_time(void **state)
{
	(void)state;
	static const struct {
		enum call_end end;
		enum delivery_state state;
		int seconds[2]; /* after the first and the second attempt */
		enum delivery_state over;
	} cases[] = {
		{CALL_BUSY, DELIVERY_BUSY, {60, 60}, DELIVERY_BUSY},
		{CALL_NO_ANSWER, DELIVERY_NO_ANSWER, {120, 120}, DELIVERY_NO_ANSWER},
		{CALL_DECLINED, DELIVERY_DECLINED, {300, 300}, DELIVERY_DECLINED},
		{CALL_NO_KEY, DELIVERY_NO_KEY, {180, 180}, DELIVERY_NO_KEY},
		{CALL_EARLY_BYE, DELIVERY_NO_KEY, {120, 120}, DELIVERY_NO_KEY},
		{CALL_NO_AUDIO, DELIVERY_NO_KEY, {60, 60}, DELIVERY_NO_KEY},
		{CALL_UNREACHABLE, DELIVERY_PENDING, {30, 60}, DELIVERY_FAILED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
		struct delivery_outcome outcome = {.err = {.text = "486 Busy Here"}, .call = cases[i].end};
		for (cell.attempts = 1; cell.attempts < LEDGER_CALLS_MAX; cell.attempts++) {
			delivery_settle(&cell, &outcome, 5000);
			assert_int_equal(cell.state, cases[i].state);
			assert_int_equal(cell.outcome, cases[i].end);
			assert_string_equal(cell.error, "486 Busy Here");
			assert_int_equal(cell.next, 5000 + cases[i].seconds[cell.attempts - 1] * 1000);
			assert_true(delivery_is_open(&cell));
			assert_false(delivery_has_reached(&cell));
			assert_false(delivery_is_due(&cell, cell.next - 1));
			assert_true(delivery_is_due(&cell, cell.next));
		}
		delivery_settle(&cell, &outcome, 5000);
		assert_int_equal(cell.state, cases[i].over);
		assert_int_equal(cell.next, WHEN_UNKNOWN);
		assert_false(delivery_is_open(&cell));
		assert_false(delivery_is_due(&cell, INT64_MAX / 2));
	}
}

static void a_key_is_heard_and_one_acknowledges(void **state)
{
	(void)state;
	static const struct {
		struct delivery_outcome outcome;
		enum delivery_state state;
	} cases[] = {
		{{.call = CALL_KEY, .key = '1'}, DELIVERY_ACKNOWLEDGED},
		{{.call = CALL_KEY, .key = '3'}, DELIVERY_HEARD},
		{{.call = CALL_KEY, .key = '#'}, DELIVERY_HEARD},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
		claim(&cell, me, 1000);
		delivery_settle(&cell, &cases[i].outcome, 5000);
		put(&cell, me);
		cleanup(delivery_done) struct delivery found = stored("7K3F", "a@b");
		assert_int_equal(found.state, cases[i].state);
		assert_int_equal(found.key, cases[i].outcome.key);
		assert_int_equal(found.sent, 5000);
		assert_null(found.error);
		assert_true(delivery_has_reached(&found) && !delivery_is_open(&found));
		if (cases[i].state == DELIVERY_ACKNOWLEDGED)
			assert_string_equal(found.acknowledged_by, "a@b");
		else
			assert_null(found.acknowledged_by);
		/* Final: a later copy changes nothing. */
		cell.state = DELIVERY_PENDING;
		put(&cell, me);
		claim(&cell, me, 900000);
		assert_int_equal(cell.state, cases[i].state);
		close_store(NULL);
		open_store(NULL);
	}
}

static void a_number_that_is_none_has_failed(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
	struct delivery_outcome refused = {.err = {.text = "404 Not Found"}, .call = CALL_REFUSED};
	struct delivery_outcome mute = {.err = {.code = ERR_ENV, .text = "no voice"}};

	cell.attempts = 1;
	delivery_settle(&cell, &mute, 5000);
	assert_int_equal(cell.state, DELIVERY_PENDING);
	assert_int_equal(cell.outcome, CALL_NONE);
	delivery_settle(&cell, &refused, 5000);
	assert_int_equal(cell.state, DELIVERY_FAILED);
	assert_string_equal(cell.error, "404 Not Found");
	assert_false(delivery_is_open(&cell));
}

/* When the call of turn PART may begin: NOW, or the `next` of a cell that is held. */
static int64_t call_at(unsigned part, int64_t now, const struct ledger_limits *limits)
{
	cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
	struct err e = {0};

	cell.part = part;
	mem_replace(&cell.message_id, part % 2 ? "odd" : "even");
	assert_ok(ledger_claim(store, &cell, 1, me, now, limits, &e), &e);
	assert_int_equal(cell.held, cell.state == DELIVERY_PENDING);
	return cell.held ? cell.next : now;
}

enum { SECOND = 1000, MINUTE = 60 * SECOND };
static const struct ledger_limits usual = {
	.person = 20, .total = 500, .voice_minute = 1, .voice_quarter = 3, .voice_hour = 7, .voice_total = 500};

static void calls_to_one_are_limited_by_the_minute_the_quarter_and_the_hour(void **state)
{
	(void)state;
	int64_t now = 1000 * MINUTE + 59 * SECOND;
	int64_t began[7];

	/* As soon as it is let, each time. */
	for (unsigned i = 0; i < 7; i++) {
		int64_t next = call_at(i, now, &usual);
		if (next > now) {
			assert_int_equal(call_at(i, next - 1, &usual), next);
			now = next;
			assert_int_equal(call_at(i, now, &usual), now);
		}
		began[i] = now++;
	}
	for (unsigned i = 1; i < 7; i++)
		assert_true(began[i] >= began[i - 1] + MINUTE);
	for (unsigned i = 3; i < 7; i++)
		assert_true(began[i] >= began[i - 3] + 15 * MINUTE);
	assert_true(began[2] <= began[0] + 2 * (MINUTE + SECOND));
	assert_true(began[3] <= began[0] + 15 * MINUTE + SECOND);
	int64_t eighth = call_at(7, now, &usual);
	assert_true(eighth >= began[0] + 60 * MINUTE && eighth <= began[0] + 60 * MINUTE + SECOND);
	cleanup(delivery_done) struct delivery mail = cell_of("7K3F", "a@b");
	struct err e = {0};
	/* Mail is another thing. */
	assert_ok(ledger_claim(store, &mail, 1, me, now, &usual, &e), &e);
	assert_int_equal(mail.state, DELIVERY_SENDING);
}

static void a_held_cell_says_why_and_until_when(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = call_of("8K3F", "a@b");
	struct ledger_limits limits = usual;
	struct err e = {0};

	assert_int_equal(call_at(0, 1000 * MINUTE, &usual), 1000 * MINUTE);
	assert_ok(ledger_claim(store, &cell, 1, me, 1000 * MINUTE + 20 * SECOND, &usual, &e), &e);
	assert_true(cell.held && cell.state == DELIVERY_PENDING);
	assert_int_equal(cell.next, 1001 * MINUTE + SECOND);
	assert_string_equal(cell.error, "held back: has had 1 calls within a minute");
	cleanup(delivery_done) struct delivery found = stored("8K3F", "a@b");
	assert_true(found.held);
	assert_int_equal(found.next, cell.next);

	limits.voice_total = 1;
	assert_ok(ledger_claim(store, &cell, 1, me, 1002 * MINUTE, &limits, &e), &e);
	assert_true(cell.held);
	assert_string_equal(cell.error, "held back: 1 calls were made within an hour");
	assert_int_equal(cell.next, 1061 * MINUTE);
	/* A summary goes in place of what is held. */
	cell.kind = DELIVERY_SUMMARY;
	assert_ok(ledger_claim(store, &cell, 1, me, 1002 * MINUTE, &limits, &e), &e);
	assert_int_equal(cell.state, DELIVERY_SENDING);
	assert_false(cell.held);
}

static void what_rang_counts_and_what_did_not_ring_does_not(void **state)
{
	(void)state;
	static const struct {
		enum call_end end;
		bool counts;
	} cases[] = {
		{CALL_KEY, true},    {CALL_NO_ANSWER, true},    {CALL_DECLINED, true},
		{CALL_NO_KEY, true}, {CALL_EARLY_BYE, true},    {CALL_NO_AUDIO, true},
		{CALL_BUSY, false},  {CALL_UNREACHABLE, false}, {CALL_REFUSED, false},
		{CALL_NONE, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
		struct delivery_outcome outcome = {.call = cases[i].end, .key = '2'};
		outcome.err.code = cases[i].end == CALL_NONE ? ERR_TEMPORARY : 0;
		claim(&cell, me, 1000 * MINUTE);
		delivery_settle(&cell, &outcome, 1000 * MINUTE + 30 * SECOND);
		put(&cell, me);
		int64_t now = 1000 * MINUTE + 40 * SECOND;
		assert_int_equal(call_at(9, now, &usual), cases[i].counts ? 1001 * MINUTE + SECOND : now);
		close_store(NULL);
		open_store(NULL);
	}
}

static void limits_can_be_asked_without_a_claim(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_mem) char *why = NULL;
	struct err e = {0};
	int64_t next = 0;

	call_at(0, 1000 * MINUTE, &usual);
	assert_ok(store_view_open(&view, store, &e), &e);
	int64_t now = 1002 * MINUTE;
	assert_int_equal(ledger_check_limits(view, &cell, &usual, 0, 0, now, &next, &why, &e), 1);
	assert_null(why);
	assert_int_equal(ledger_check_limits(view, &cell, &usual, 1, 1, now, &next, &why, &e), 0);
	assert_string_equal(why, "held back: has had 1 calls within a minute");
	assert_int_equal(next, now + MINUTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_of_a_call_has_its_state_and_its_time),
		TEST(a_key_is_heard_and_one_acknowledges),
		cmocka_unit_test(a_number_that_is_none_has_failed),
		TEST(calls_to_one_are_limited_by_the_minute_the_quarter_and_the_hour),
		TEST(a_held_cell_says_why_and_until_when),
		TEST(what_rang_counts_and_what_did_not_ring_does_not),
		TEST(limits_can_be_asked_without_a_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
