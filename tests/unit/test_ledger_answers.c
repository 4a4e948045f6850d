/* test_ledger_answers.c - who has answered is asked no more, whatever is under way. */
#include "config.h"

#include "unit.h"

#include "ledger_kit.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

static int acknowledge(const char *person)
{
	struct err e = {0};
	int result = ledger_acknowledge(store, "7K3F", person, 7000, person, &e);

	if (result == ERR_NOT_FOUND)
		assert_non_null(strstr(e.text, person));
	else
		assert_ok(result, &e);
	return result;
}

static struct delivery stored_cell(const struct delivery *wanted)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct delivery found = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_int_equal(ledger_get(view, wanted, &found, &e), 1);
	return found;
}

static void an_answer_ends_what_asks_for_it_and_nothing_else(void **state)
{
	(void)state;
	static const struct {
		enum delivery_kind kind;
		enum delivery_state before, after;
	} cases[] = {
		{DELIVERY_FIRST, DELIVERY_SENT, DELIVERY_ACKNOWLEDGED},
		{DELIVERY_FIRST, DELIVERY_PENDING, DELIVERY_ACKNOWLEDGED},
		{DELIVERY_ESCALATION, DELIVERY_NO_ANSWER, DELIVERY_ACKNOWLEDGED},
		{DELIVERY_ESCALATION, DELIVERY_FAILED, DELIVERY_ACKNOWLEDGED},
		{DELIVERY_SUMMARY, DELIVERY_HEARD, DELIVERY_ACKNOWLEDGED},
		{DELIVERY_FOLLOW_UP, DELIVERY_PENDING, DELIVERY_PENDING},
		{DELIVERY_RECOVERY, DELIVERY_PENDING, DELIVERY_PENDING},
	};
	enum { CASES = sizeof cases / sizeof cases[0] };
	cleanup(delivery_done) struct delivery other = cell_of("7K3F", "b@b");
	struct delivery cells[CASES];

	put(&other, me);
	for (size_t i = 0; i < CASES; i++) {
		cells[i] = cell_of("7K3F", "a@b");
		cells[i].kind = cases[i].kind;
		cells[i].part = (unsigned)i;
		cells[i].state = cases[i].before;
		put(&cells[i], me);
	}
	assert_int_equal(acknowledge("c@b"), ERR_NOT_FOUND);
	assert_int_equal(acknowledge("a@b"), 1);
	assert_int_equal(acknowledge("a@b"), 0);
	for (size_t i = 0; i < CASES; i++) {
		cleanup(delivery_done) struct delivery found = stored_cell(&cells[i]);
		assert_int_equal(found.state, cases[i].after);
		assert_int_equal(found.acknowledged, 7000);
		assert_string_equal(found.acknowledged_by, "a@b");
		assert_int_equal(delivery_is_open(&found), cases[i].after == DELIVERY_PENDING);
		delivery_done(&cells[i]);
	}
	cleanup(delivery_done) struct delivery found = stored_cell(&other);
	assert_null(found.acknowledged_by);
	assert_int_equal(found.state, DELIVERY_PENDING);
}

static void a_call_under_way_does_not_undo_an_answer(void **state)
{
	(void)state;
	static const enum call_end ends[] = {CALL_NO_ANSWER, CALL_KEY, CALL_UNREACHABLE, CALL_REFUSED};

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
		struct delivery_outcome outcome = {.call = ends[i], .key = '3'};
		claim(&cell, me, 1000);
		assert_int_equal(acknowledge("a@b"), 1);
		cleanup(delivery_done) struct delivery found = stored("7K3F", "a@b");
		/* Somebody who lives is at it. */
		assert_int_equal(found.state, DELIVERY_SENDING);
		assert_string_equal(found.owner, me);
		delivery_settle(&cell, &outcome, 9000);
		put(&cell, me);
		delivery_done(&found);
		found = stored("7K3F", "a@b");
		assert_int_equal(found.state, DELIVERY_ACKNOWLEDGED);
		assert_int_equal(found.outcome, ends[i]);
		assert_int_equal(found.acknowledged, 7000);
		assert_false(delivery_is_open(&found));
		assert_null(found.owner);
		close_store(NULL);
		open_store(NULL);
	}
}

static void an_answer_to_one_who_died_calling_ends_it(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = call_of("7K3F", "a@b");
	cleanup(cleanup_mem) char *boot = mem_string_n(me, strcspn(me, ":"));
	cleanup(cleanup_mem) char *gone = mem_format("%s:4194304999:1", boot);

	claim(&cell, gone, 1000);
	assert_int_equal(acknowledge("a@b"), 1);
	cleanup(delivery_done) struct delivery found = stored("7K3F", "a@b");
	assert_int_equal(found.state, DELIVERY_ACKNOWLEDGED);
	/* Whoever looks after the dead finds nothing to do. */
	claim(&cell, me, 2000);
	assert_int_equal(cell.state, DELIVERY_ACKNOWLEDGED);
}

static void an_answer_reaches_more_cells_than_a_transaction_holds(void **state)
{
	(void)state;
	enum { CELLS = 150 };
	cleanup(ledger_done) struct ledger all = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	for (unsigned i = 0; i < CELLS; i++) {
		struct delivery cell = call_of("7K3F", "a@b");
		cell.part = i;
		vec_push(&all, cell);
	}
	assert_ok(ledger_put(store, all.items, all.count, me, &e), &e);
	assert_int_equal(acknowledge("a@b"), 1);
	ledger_done(&all);
	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(ledger_read(view, "7K3F", &all, &e), &e);
	assert_int_equal(all.count, CELLS);
	vec_foreach(&all, cell)
		assert_int_equal(cell->state, DELIVERY_ACKNOWLEDGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_ends_what_asks_for_it_and_nothing_else),
		TEST(a_call_under_way_does_not_undo_an_answer),
		TEST(an_answer_to_one_who_died_calling_ends_it),
		TEST(an_answer_reaches_more_cells_than_a_transaction_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
