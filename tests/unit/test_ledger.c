/* test_ledger.c - nobody claims what another has claimed, nothing that was sent is written over, what is due is tried again, and an answer stays one. */
#include "config.h"

#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "ledger_kit.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

static void backoff_doubles_from_a_minute_to_an_hour(void **state)
{
	(void)state;
	static const int minutes[] = {1, 1, 2, 4, 8, 16, 32, 60, 60};

	for (unsigned i = 0; i < sizeof minutes / sizeof minutes[0]; i++)
		assert_int_equal(ledger_backoff(i), minutes[i] * 60000);
	assert_int_equal(ledger_backoff(4000000000U), 3600000);
}

static void owners_live_and_die(void **state)
{
	(void)state;
	int channel[2];
	char text[200];

	assert_true(ledger_owner_lives(me));
	assert_int_equal(pipe(channel), 0);
	pid_t pid = fork();
	if (pid == 0) {
		cleanup(cleanup_mem) char *child = ledger_owner();
		ssize_t ignored = write(channel[1], child, strlen(child));
		(void)ignored;
		_exit(0);
	}
	close(channel[1]);
	ssize_t length = read(channel[0], text, sizeof text - 1);
	close(channel[0]);
	assert_true(length > 0);
	text[length] = '\0';
	waitpid(pid, NULL, 0);
	assert_false(ledger_owner_lives(text));
	/* Of another machine nothing is known. */
	assert_true(ledger_owner_lives("00000000-0000-0000-0000-000000000000:1:1"));
}

static void a_claim_holds(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery mine = cell_of("7K3F", "a@b");
	cleanup(delivery_done) struct delivery other = cell_of("7K3F", "a@b");

	claim(&mine, me, 1000);
	assert_int_equal(mine.state, DELIVERY_SENDING);
	assert_int_equal(mine.attempts, 1);
	claim(&other, "elsewhere:1:1", 1001);
	assert_string_equal(other.owner, me);

	/* Who read the clock first may come last. */
	delivery_done(&other);
	other = cell_of("7K3F", "a@b");
	claim(&other, "elsewhere:1:1", 900);
	assert_string_equal(other.owner, me);

	/* Over its lease it may be taken, and keeps its Message-ID. */
	delivery_done(&other);
	other = cell_of("7K3F", "a@b");
	mem_replace(&other.message_id, "different@example.org");
	claim(&other, "elsewhere:1:1", mine.lease);
	assert_string_equal(other.owner, "elsewhere:1:1");
	assert_int_equal(other.attempts, 2);
	assert_string_equal(other.message_id, mine.message_id);
}

static void the_claim_of_the_dead_is_free_at_once(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery dead = cell_of("7K3F", "a@b");
	cleanup(delivery_done) struct delivery mine = cell_of("7K3F", "a@b");
	cleanup(cleanup_mem) char *boot = mem_string_n(me, strcspn(me, ":"));
	cleanup(cleanup_mem) char *gone = mem_format("%s:4194304999:1", boot);

	claim(&dead, gone, 1000);
	assert_string_equal(dead.owner, gone);
	claim(&mine, me, 1001);
	assert_string_equal(mine.owner, me);
}

static void outcomes_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		int code;
		enum delivery_state state;
	} cases[] = {
		{0, DELIVERY_SENT},
		{ERR_PERMANENT, DELIVERY_FAILED},
		{ERR_USAGE, DELIVERY_FAILED},
		{ERR_TEMPORARY, DELIVERY_PENDING},
		{ERR_NET, DELIVERY_PENDING},
		{ERR_AUTH, DELIVERY_PENDING},
		{ERR_DEADLINE, DELIVERY_PENDING},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(delivery_done) struct delivery cell = cell_of("7K3F", "a@b");
		struct delivery_outcome outcome = {.err = {.code = cases[i].code, .text = "why"}};
		cell.attempts = 3;
		cell.begun = 1000;
		delivery_settle(&cell, &outcome, 5000);
		assert_int_equal(cell.state, cases[i].state);
		if (cell.state == DELIVERY_PENDING)
			assert_int_equal(cell.next, 5000 + 4 * 60000);
		if (cases[i].code)
			assert_string_equal(cell.error, "why");
		else
			assert_int_equal(cell.sent, 5000);
	}
	cleanup(delivery_done) struct delivery cell = cell_of("7K3F", "a@b");
	struct delivery_outcome outcome = {.err = {.code = ERR_NET}};
	cell.begun = 0;
	delivery_settle(&cell, &outcome, 6LL * 24 * 3600 * 1000);
	assert_int_equal(cell.state, DELIVERY_FAILED);
}

static void what_is_sent_stays_sent(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = cell_of("7K3F", "a@b");
	struct delivery_outcome sent = {0};

	claim(&cell, me, 1000);
	delivery_settle(&cell, &sent, 2000);
	put(&cell, me);
	cell.state = DELIVERY_EXPIRED;
	put(&cell, me);
	cleanup(delivery_done) struct delivery found = stored("7K3F", "a@b");
	assert_int_equal(found.state, DELIVERY_SENT);
	assert_int_equal(found.sent, 2000);
	claim(&cell, me, 9000);
	assert_int_equal(cell.state, DELIVERY_SENT);
}

static void only_the_owner_settles_a_claim(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = cell_of("7K3F", "a@b");
	struct delivery_outcome sent = {0};

	claim(&cell, "elsewhere:1:1", 1000);
	delivery_settle(&cell, &sent, 2000);
	put(&cell, me);
	cleanup(delivery_done) struct delivery found = stored("7K3F", "a@b");
	assert_int_equal(found.state, DELIVERY_SENDING);
	put(&cell, "elsewhere:1:1");
	delivery_done(&found);
	found = stored("7K3F", "a@b");
	assert_int_equal(found.state, DELIVERY_SENT);
}

static void a_failure_is_handed_on_once(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = cell_of("7K3F", "a@b");
	struct delivery_outcome refused = {.err = {.code = ERR_PERMANENT, .text = "550 no such user"}};

	claim(&cell, me, 1000);
	delivery_settle(&cell, &refused, 2000);
	put(&cell, me);
	cell.handed = true;
	put(&cell, me);
	cleanup(delivery_done) struct delivery found = stored("7K3F", "a@b");
	assert_int_equal(found.state, DELIVERY_FAILED);
	assert_true(found.handed);
	assert_string_equal(found.error, "550 no such user");
}

enum { PERSONS = 300, RACERS = 3 };

/* Claims all that LIMITS let it, tells how many were its own, and lives until HOLD ends: the claim of the dead is free. */
static void claim_all(const struct ledger_limits *limits, int told, int hold)
{
	struct err e = {0};
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s/store", folder);
	cleanup(cleanup_mem) char *owner = ledger_owner();
	cleanup(ledger_done) struct ledger cells = {0};
	size_t mine = 0;
	char end;

	for (int person = 0; person < PERSONS; person++) {
		cleanup(cleanup_mem) char *name = mem_format("p%d@example.org", person);
		vec_push(&cells, cell_of("7K3F", name));
	}
	if (store_open(&store, uri, STORE_WRITE, &e) == 0 &&
	    ledger_claim(store, cells.items, cells.count, owner, 1000, limits, &e) == 0)
		vec_foreach(&cells, cell)
			mine += str_equal(cell->owner, owner);
	store_close(store);
	ssize_t ignored = write(told, &mine, sizeof mine);
	ignored = read(hold, &end, 1);
	_exit((int)(ignored * 0));
}

/* RACERS processes at once: how many cells they claimed in all. */
static size_t race(const struct ledger_limits *limits)
{
	int told[2];
	int hold[2];
	size_t claimed = 0;

	store_close(store);
	store = NULL;
	assert_int_equal(pipe(told) + pipe(hold), 0);
	for (size_t i = 0; i < RACERS; i++)
		if (fork() == 0) {
			close(hold[1]);
			claim_all(limits, told[1], hold[0]);
		}
	for (size_t i = 0; i < RACERS; i++) {
		size_t mine = 0;
		assert_int_equal(read(told[0], &mine, sizeof mine), sizeof mine);
		claimed += mine;
	}
	close(hold[1]);
	for (size_t i = 0; i < RACERS; i++)
		assert_true(wait(NULL) > 0);
	close(told[0]);
	close(told[1]);
	close(hold[0]);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s/store", folder);
	struct err e = {0};
	assert_ok(store_open(&store, uri, STORE_WRITE, &e), &e);
	return claimed;
}

static void many_are_claimed_at_once_by_one_only(void **state)
{
	(void)state;
	static const struct ledger_limits limits = {.person = 1, .total = PERSONS};

	assert_int_equal(race(&limits), PERSONS);
}

static void any_number_of_processes_keep_one_limit(void **state)
{
	(void)state;
	static const struct ledger_limits limits = {.person = 1, .total = 100};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(ledger_done) struct ledger all = {0};
	struct err e = {0};

	assert_int_equal(race(&limits), 100);
	/* Nobody is forgotten for that. */
	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(ledger_read(view, NULL, &all, &e), &e);
	assert_int_equal(all.count, PERSONS);
}

/* Claims two cells of one message, as of two incidents: how many became ours. */
static size_t claim_message(const char *id, int64_t now, const struct ledger_limits *limits)
{
	struct err e = {0};
	struct delivery cells[] = {cell_of("7K3F", "a@b"), cell_of("8K3F", "a@b")};
	size_t mine = 0;

	for (size_t i = 0; i < 2; i++) {
		cells[i].kind = DELIVERY_UNDELIVERED;
		cells[i].part = (unsigned)strtoul(id, NULL, 10);
		mem_replace(&cells[i].message_id, id);
	}
	assert_ok(ledger_claim(store, cells, 2, me, now, limits, &e), &e);
	for (size_t i = 0; i < 2; i++) {
		mine += cells[i].state == DELIVERY_SENDING;
		delivery_done(&cells[i]);
	}
	return mine;
}

static void a_limit_counts_messages_and_lets_up_after_an_hour(void **state)
{
	(void)state;
	static const struct ledger_limits limits = {.person = 2, .total = 100};
	static const int64_t hour = 60 * 60 * 1000;

	assert_int_equal(claim_message("1", hour, &limits), 2);
	assert_int_equal(claim_message("2", hour, &limits), 2);
	assert_int_equal(claim_message("3", hour + 1000, &limits), 0);
	assert_int_equal(claim_message("3", 2 * hour - 1000, &limits), 0);
	assert_int_equal(claim_message("3", 2 * hour + 60 * 1000, &limits), 2);
	/* A clock that is put back by more than a moment holds nobody back for hours. */
	assert_int_equal(claim_message("4", hour / 2, &limits), 2);
}

static void what_did_not_go_out_does_not_count(void **state)
{
	(void)state;
	static const struct ledger_limits limits = {.person = 1, .total = 1};
	cleanup(delivery_done) struct delivery first = cell_of("7K3F", "a@b");
	cleanup(delivery_done) struct delivery second = cell_of("7K3F", "b@b");
	struct delivery_outcome refused = {.err = {.code = ERR_TEMPORARY, .text = "451"}};
	struct err e = {0};

	assert_ok(ledger_claim(store, &first, 1, me, 1000, &limits, &e), &e);
	assert_ok(ledger_claim(store, &second, 1, me, 1000, &limits, &e), &e);
	assert_int_equal(second.state, DELIVERY_PENDING);
	assert_string_equal(second.error, "held back: 1 messages went out within an hour");
	delivery_settle(&first, &refused, 2000);
	put(&first, me);
	assert_ok(ledger_claim(store, &second, 1, me, 1000 + 60 * 1000, &limits, &e), &e);
	assert_int_equal(second.state, DELIVERY_SENDING);
}

static void parts_are_cells_of_their_own(void **state)
{
	(void)state;
	cleanup(delivery_done) struct delivery cell = cell_of("7K3F", "ops@b");
	cleanup(ledger_done) struct ledger all = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	put(&cell, me);
	cell.kind = DELIVERY_UNDELIVERED;
	for (cell.part = 1; cell.part <= 2; cell.part++)
		put(&cell, me);
	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(ledger_read(view, NULL, &all, &e), &e);
	assert_int_equal(all.count, 3);
}

static void pruning_follows_the_incident(void **state)
{
	(void)state;
	struct err e = {0};
	uint64_t removed = 0;
	cleanup(incident_done) struct incident incident = {
		.host = mem_string("host1"), .at = 1000, .opened = 1000};
	assert_int_equal(incident_open(store, &incident, &e), INCIDENT_OPENED);
	cleanup(delivery_done) struct delivery kept = cell_of(incident.id, "a@b");
	cleanup(delivery_done) struct delivery orphan = cell_of("0000", "a@b");

	put(&kept, me);
	put(&orphan, me);
	assert_ok(ledger_prune(store, 9000, &removed, &e), &e);
	assert_int_equal(removed, 1);
	incident_close(store, incident.id, 2000, 2000, "up", true, &e);
	assert_ok(ledger_prune(store, 9000, &removed, &e), &e);
	assert_int_equal(removed, 1);
	incident_retire(store, incident.id, &e);
	assert_ok(ledger_prune(store, 9000, &removed, &e), &e);
	assert_int_equal(removed, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backoff_doubles_from_a_minute_to_an_hour),
		TEST(owners_live_and_die),
		TEST(a_claim_holds),
		TEST(the_claim_of_the_dead_is_free_at_once),
		TEST(outcomes_are_told_apart),
		TEST(what_is_sent_stays_sent),
		TEST(only_the_owner_settles_a_claim),
		TEST(a_failure_is_handed_on_once),
		TEST(many_are_claimed_at_once_by_one_only),
		TEST(any_number_of_processes_keep_one_limit),
		TEST(a_limit_counts_messages_and_lets_up_after_an_hour),
		TEST(what_did_not_go_out_does_not_count),
		TEST(parts_are_cells_of_their_own),
		TEST(pruning_follows_the_incident),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
