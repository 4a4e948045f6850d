/* test_watch.c - host states and our own blindness, with instants made up by the test. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "watch.h"

static const int64_t SECOND = 1000000000;
static const struct watch_rule RULE = {{3, 4}, 50, 120000000000};

enum { HOSTS_MAX = 16 };

/* A network of the test's own: which targets answer, and a clock that only it moves. */
struct bench {
	struct watch *watch;
	size_t count;
	int64_t now_ns;
	bool dead[HOSTS_MAX];
	bool blind;
};

static void cleanup_bench(struct bench *bench)
{
	watch_free(bench->watch);
}

static struct bench bench_of(const struct watch_rule *rule, size_t hosts, size_t references)
{
	return (struct bench){.watch = watch_new(rule, hosts, references),
			      .count = hosts + references,
			      .now_ns = 77 * SECOND};
}

static void probe(struct bench *bench, uint32_t target)
{
	int64_t sent_ns = bench->now_ns;

	if (bench->blind)
		watch_blind(bench->watch, target, sent_ns);
	else if (bench->dead[target])
		watch_lost(bench->watch, target, sent_ns, sent_ns + SECOND);
	else
		watch_answered(bench->watch, target, sent_ns, sent_ns + SECOND / 1000);
}

/* One probe to each, spread over a second. */
static void run_round(struct bench *bench)
{
	for (uint32_t i = 0; i < bench->count; i++) {
		probe(bench, i);
		bench->now_ns += SECOND / (int64_t)bench->count;
	}
	watch_tick(bench->watch, bench->now_ns);
}

static void rounds(struct bench *bench, int count)
{
	while (count-- > 0)
		run_round(bench);
}

static void assert_change(struct bench *bench, uint32_t host, enum host_state state, enum watch_reason reason)
{
	struct watch_change change;

	assert_int_equal(watch_next(bench->watch, &change), 1);
	assert_int_equal(change.host, host);
	assert_int_equal(change.state, state);
	assert_int_equal(change.reason, reason);
}

static void assert_quiet(struct bench *bench)
{
	struct watch_change change;

	if (watch_next(bench->watch, &change))
		fail_msg("host %u: state %d, reason %d", change.host, change.state, change.reason);
}

static void all_up(struct bench *bench, size_t hosts)
{
	rounds(bench, 3);
	for (uint32_t i = 0; i < hosts; i++)
		assert_change(bench, i, HOST_UP, WATCH_PINGS);
	assert_quiet(bench);
}

/* The definition of hostping(8), without bits: hold until k of the last n say the opposite. */
static enum host_state by_definition(enum host_state state, const bool *lost, int count,
				     const struct window_rule *rule)
{
	unsigned lost_count = 0;
	unsigned seen = 0;

	for (int i = count - 1; i >= 0 && seen < rule->size; i--, seen++)
		lost_count += lost[i];
	if (lost_count >= rule->needed)
		return HOST_DOWN;
	if (seen - lost_count >= rule->needed)
		return HOST_UP;
	return state;
}

static void check_sequence(unsigned sequence, int length, const struct watch_rule *rule)
{
	cleanup(cleanup_watch) struct watch *watch = watch_new(rule, 2, 0);
	struct watch_change change;
	bool lost[16];
	enum host_state expected = HOST_UNKNOWN;
	int64_t now_ns = 5 * SECOND;

	/* The other host answers, so that we are not blind. */
	watch_answered(watch, 1, now_ns, now_ns);
	while (watch_next(watch, &change))
		;
	for (int i = 0; i < length; i++) {
		lost[i] = sequence >> i & 1;
		now_ns += SECOND;
		if (lost[i])
			watch_lost(watch, 0, now_ns, now_ns + SECOND);
		else
			watch_answered(watch, 0, now_ns, now_ns);
		enum host_state before = expected;
		expected = by_definition(expected, lost, i + 1, &rule->window);
		assert_int_equal(watch_state(watch, 0), expected);
		assert_int_equal(watch_next(watch, &change), expected != before);
		if (expected == before)
			continue;
		assert_int_equal(change.state, expected);
		if (expected != HOST_DOWN)
			continue;
		int first = i + 1 < (int)rule->window.size ? 0 : i + 1 - (int)rule->window.size;
		while (!lost[first])
			first++;
		assert_int_equal(change.at_ns, (5 + first + 1) * SECOND);
	}
}

static void every_sequence_follows_the_definition(void **state)
{
	(void)state;
	static const struct window_rule rules[] = {{1, 1}, {2, 2}, {2, 3}, {3, 4}, {4, 4}, {3, 5}, {5, 6}};

	for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
		struct watch_rule rule = {rules[r], 50, 120 * SECOND};
		for (unsigned sequence = 0; sequence < 1U << 12; sequence++)
			check_sequence(sequence, 12, &rule);
	}
}

static void a_flapping_host_says_nothing(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 2, 0);

	all_up(&bench, 2);
	for (int i = 0; i < 100; i++) {
		bench.dead[0] = !bench.dead[0];
		run_round(&bench);
	}
	assert_quiet(&bench);
	assert_int_equal(watch_state(bench.watch, 0), HOST_UP);
}

static void without_references_mass_death_is_our_blindness(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 10, 0);

	all_up(&bench, 10);
	for (int i = 4; i < 10; i++)
		bench.dead[i] = true;
	rounds(&bench, 10);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_MOST_SILENT);
	assert_quiet(&bench);
	memset(bench.dead, 0, sizeof bench.dead);
	rounds(&bench, 5);
	assert_change(&bench, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN);
	assert_quiet(&bench);
}

static void half_of_the_hosts_is_not_more_than_half(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 10, 0);

	all_up(&bench, 10);
	for (int i = 5; i < 10; i++)
		bench.dead[i] = true;
	rounds(&bench, 3);
	for (uint32_t i = 5; i < 10; i++)
		assert_change(&bench, i, HOST_DOWN, WATCH_PINGS);
	assert_quiet(&bench);
}

static void few_hosts_are_believed(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 4, 0);

	all_up(&bench, 4);
	memset(bench.dead, 1, sizeof bench.dead);
	rounds(&bench, 3);
	for (uint32_t i = 0; i < 4; i++)
		assert_change(&bench, i, HOST_DOWN, WATCH_PINGS);
	assert_quiet(&bench);
}

static void the_long_dead_do_not_blind_us(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 10, 0);

	all_up(&bench, 10);
	for (uint32_t i = 0; i < 5; i++) {
		bench.dead[i] = true;
		rounds(&bench, 5);
		assert_change(&bench, i, HOST_DOWN, WATCH_PINGS);
	}
	bench.dead[5] = true;
	rounds(&bench, 5);
	assert_change(&bench, 5, HOST_DOWN, WATCH_PINGS);
	assert_quiet(&bench);
}

static void a_reference_that_answers_makes_mass_death_real(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 10, 2);

	all_up(&bench, 10);
	memset(bench.dead, 1, sizeof bench.dead);
	bench.dead[11] = false;
	rounds(&bench, 4);
	for (uint32_t i = 0; i < 10; i++)
		assert_change(&bench, i, HOST_DOWN, WATCH_PINGS);
	assert_quiet(&bench);
}

static void without_any_reference_nobody_goes_down(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 3, 2);

	all_up(&bench, 3);
	memset(bench.dead, 1, sizeof bench.dead);
	rounds(&bench, 60);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NO_REFERENCE);
	assert_quiet(&bench);
	rounds(&bench, 120);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_ALL_DEAD);
	assert_quiet(&bench);
	memset(bench.dead, 0, sizeof bench.dead);
	bench.dead[1] = true; /* died while we were blind */
	rounds(&bench, 5);
	assert_change(&bench, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN);
	assert_change(&bench, 1, HOST_DOWN, WATCH_PINGS);
	assert_quiet(&bench);
}

/* The host that dies once the references have said nothing for SECONDS, while the other hosts answered. */
static void reference_dead_for(struct bench *bench, int seconds)
{
	all_up(bench, 4);
	bench->dead[4] = bench->dead[5] = true;
	rounds(bench, seconds);
	assert_quiet(bench);
	bench->dead[0] = true;
	rounds(bench, 4);
}

static void references_that_are_dead_for_good_hide_no_death(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 4, 2);

	reference_dead_for(&bench, 130);
	assert_change(&bench, 0, HOST_DOWN, WATCH_PINGS);
	assert_true(watch_unwitnessed_ns(bench.watch, bench.now_ns) >= 120 * SECOND);
	bench.dead[1] = true; /* 2 of 3 still answer */
	rounds(&bench, 4);
	assert_change(&bench, 1, HOST_DOWN, WATCH_PINGS);
	bench.dead[2] = bench.dead[3] = true; /* and this is our link */
	rounds(&bench, 4);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NO_REFERENCE);
	assert_quiet(&bench);
	assert_int_equal(watch_unwitnessed_ns(bench.watch, bench.now_ns), -1);
}

static void references_that_have_just_died_are_believed_for_a_while(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 4, 2);

	reference_dead_for(&bench, 20);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NO_REFERENCE);
	assert_quiet(&bench);
	rounds(&bench, 120);
	assert_change(&bench, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN);
	assert_change(&bench, 0, HOST_DOWN, WATCH_PINGS);
	rounds(&bench, 200);
	assert_quiet(&bench);
	bench.dead[4] = false; /* back, and a witness again */
	rounds(&bench, 4);
	assert_int_equal(watch_unwitnessed_ns(bench.watch, bench.now_ns), -1);
	bench.dead[4] = true;
	bench.dead[1] = true;
	rounds(&bench, 4);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NO_REFERENCE);
	assert_quiet(&bench);
}

static void a_minority_that_answers_is_no_witness(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 4, 1);

	all_up(&bench, 4);
	bench.dead[4] = true; /* the uplink of the rack that we stand in with two of the hosts */
	bench.dead[0] = bench.dead[1] = true;
	rounds(&bench, 119);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NO_REFERENCE);
	assert_quiet(&bench);
	rounds(&bench, 10);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_ALL_DEAD);
	rounds(&bench, 300);
	assert_quiet(&bench);
}

static void losses_of_the_blind_time_are_no_evidence(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 3, 1);

	all_up(&bench, 3);
	memset(bench.dead, 1, sizeof bench.dead);
	rounds(&bench, 10);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NO_REFERENCE);
	bench.dead[3] = false; /* the reference is back a moment before the hosts */
	rounds(&bench, 3);
	assert_change(&bench, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN);
	memset(bench.dead, 0, sizeof bench.dead);
	rounds(&bench, 5);
	assert_quiet(&bench);
}

static void what_was_on_its_way_while_we_were_blind_is_no_evidence(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 3, 1);

	all_up(&bench, 3);
	memset(bench.dead, 1, sizeof bench.dead);
	rounds(&bench, 10);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NO_REFERENCE);
	int64_t back_ns = bench.now_ns;
	watch_answered(bench.watch, 3, back_ns, back_ns);
	assert_change(&bench, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN);
	for (int i = 4; i > 0; i--)
		watch_lost(bench.watch, 0, back_ns - i, back_ns + SECOND);
	assert_quiet(&bench);
}

static void nothing_ever_answered_is_isolation(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 1, 0);

	bench.dead[0] = true;
	rounds(&bench, 10);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_NEVER_ANSWERED);
	bench.dead[0] = false;
	rounds(&bench, 3);
	assert_change(&bench, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN);
	assert_change(&bench, 0, HOST_UP, WATCH_PINGS);
	assert_quiet(&bench);
}

static void our_own_failures_are_never_down_but_blindness(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 6, 0);

	all_up(&bench, 6);
	bench.blind = true;
	rounds(&bench, 20);
	assert_change(&bench, WATCH_SELF, HOST_ISOLATED, WATCH_MOST_SILENT);
	assert_quiet(&bench);
	bench.blind = false;
	rounds(&bench, 4);
	assert_change(&bench, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN);
	assert_quiet(&bench);
}

static void one_host_that_we_cannot_ask_keeps_its_state(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 6, 0);

	all_up(&bench, 6);
	for (int i = 0; i < 50; i++) {
		watch_blind(bench.watch, 0, bench.now_ns);
		bench.now_ns += SECOND;
	}
	assert_quiet(&bench);
	assert_int_equal(watch_state(bench.watch, 0), HOST_UP);
}

static void a_confirm_port_keeps_a_silent_host_up(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 2, 0);

	all_up(&bench, 2);
	for (int i = 0; i < 10; i++) {
		uint32_t number = watch_probes(bench.watch, 0);
		watch_lost(bench.watch, 0, bench.now_ns, bench.now_ns + SECOND);
		watch_confirmed(bench.watch, 0, number, bench.now_ns + SECOND);
		bench.now_ns += SECOND;
	}
	assert_change(&bench, 0, HOST_UP, WATCH_ICMP_SILENT);
	assert_quiet(&bench);
	assert_true(watch_is_silent(bench.watch, 0));
	bench.dead[0] = true; /* and now the kernel is dead too */
	rounds(&bench, 4);
	assert_change(&bench, 0, HOST_DOWN, WATCH_PINGS);
	bench.dead[0] = false;
	rounds(&bench, 4);
	assert_change(&bench, 0, HOST_UP, WATCH_PINGS);
	assert_quiet(&bench);
}

static void icmp_that_comes_back_is_told_once(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 2, 0);

	watch_answered(bench.watch, 1, bench.now_ns, bench.now_ns);
	for (int i = 0; i < 5; i++) {
		uint32_t number = watch_probes(bench.watch, 0);
		watch_lost(bench.watch, 0, bench.now_ns, bench.now_ns + SECOND);
		watch_confirmed(bench.watch, 0, number, bench.now_ns + SECOND);
	}
	assert_change(&bench, 0, HOST_UP, WATCH_ICMP_SILENT);
	rounds(&bench, 6);
	assert_change(&bench, 1, HOST_UP, WATCH_PINGS);
	assert_change(&bench, 0, HOST_UP, WATCH_ICMP_BACK);
	assert_quiet(&bench);
}

static void a_late_confirmation_counts_for_its_own_probe(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 2, 0);

	all_up(&bench, 2);
	uint32_t first = watch_probes(bench.watch, 0);
	watch_lost(bench.watch, 0, bench.now_ns, bench.now_ns + SECOND);
	bench.now_ns += SECOND;
	watch_lost(bench.watch, 0, bench.now_ns, bench.now_ns + SECOND);
	watch_confirmed(bench.watch, 0, first, bench.now_ns);
	bench.now_ns += SECOND;
	watch_lost(bench.watch, 0, bench.now_ns, bench.now_ns + SECOND);
	struct watch_change change;
	assert_int_equal(watch_next(bench.watch, &change), 1);
	assert_int_equal(change.reason, WATCH_ICMP_SILENT);
	int64_t second_ns = bench.now_ns - SECOND;
	bench.now_ns += SECOND;
	watch_lost(bench.watch, 0, bench.now_ns, bench.now_ns + SECOND);
	assert_int_equal(watch_next(bench.watch, &change), 1);
	assert_int_equal(change.state, HOST_DOWN);
	assert_int_equal(change.at_ns, second_ns);
	watch_confirmed(bench.watch, 0, first - 1000, bench.now_ns); /* left the window long ago */
	assert_quiet(&bench);
}

static void an_adopted_host_goes_on_where_it_was(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 2, 0);

	all_up(&bench, 2);
	bench.dead[0] = true;
	rounds(&bench, 2);
	cleanup(cleanup_watch) struct watch *old = bench.watch;
	bench.watch = watch_new(&RULE, 3, 0);
	bench.count = 3;
	watch_adopt(bench.watch, 2, old, 0);
	watch_adopt(bench.watch, 0, old, 1);
	watch_adopt_self(bench.watch, old);
	bench.dead[0] = false;
	bench.dead[2] = true;
	run_round(&bench);
	assert_change(&bench, 2, HOST_DOWN, WATCH_PINGS);
	rounds(&bench, 2);
	assert_change(&bench, 1, HOST_UP, WATCH_PINGS);
	assert_quiet(&bench);
}

static void an_assumed_state_is_held_by_a_mixed_window(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 2, 0);

	watch_assume(bench.watch, 0, HOST_DOWN);
	watch_assume(bench.watch, 1, HOST_UP);
	for (int i = 0; i < 4; i++) {
		bench.dead[0] = i % 2 == 0;
		run_round(&bench);
		assert_true(watch_is_decided(bench.watch, 1) == (i >= 2));
	}
	assert_quiet(&bench);
	assert_int_equal(watch_state(bench.watch, 0), HOST_DOWN);
	assert_true(watch_is_decided(bench.watch, 0));
}

static void the_change_says_who_else_answers(void **state)
{
	(void)state;
	cleanup(cleanup_bench) struct bench bench = bench_of(&RULE, 4, 0);
	struct watch_change change;

	all_up(&bench, 4);
	bench.dead[1] = bench.dead[2] = true;
	rounds(&bench, 3);
	assert_int_equal(watch_next(bench.watch, &change), 1);
	assert_int_equal(change.host, 1);
	assert_int_equal(change.lost, 3);
	assert_int_equal(change.of, 4);
	assert_int_equal(change.others, 3);
	assert_int_equal(change.answering, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_follows_the_definition),
		cmocka_unit_test(a_flapping_host_says_nothing),
		cmocka_unit_test(without_references_mass_death_is_our_blindness),
		cmocka_unit_test(half_of_the_hosts_is_not_more_than_half),
		cmocka_unit_test(few_hosts_are_believed),
		cmocka_unit_test(the_long_dead_do_not_blind_us),
		cmocka_unit_test(a_reference_that_answers_makes_mass_death_real),
		cmocka_unit_test(without_any_reference_nobody_goes_down),
		cmocka_unit_test(references_that_are_dead_for_good_hide_no_death),
		cmocka_unit_test(references_that_have_just_died_are_believed_for_a_while),
		cmocka_unit_test(a_minority_that_answers_is_no_witness),
		cmocka_unit_test(losses_of_the_blind_time_are_no_evidence),
		cmocka_unit_test(what_was_on_its_way_while_we_were_blind_is_no_evidence),
		cmocka_unit_test(nothing_ever_answered_is_isolation),
		cmocka_unit_test(our_own_failures_are_never_down_but_blindness),
		cmocka_unit_test(one_host_that_we_cannot_ask_keeps_its_state),
		cmocka_unit_test(a_confirm_port_keeps_a_silent_host_up),
		cmocka_unit_test(icmp_that_comes_back_is_told_once),
		cmocka_unit_test(a_late_confirmation_counts_for_its_own_probe),
		cmocka_unit_test(an_adopted_host_goes_on_where_it_was),
		cmocka_unit_test(an_assumed_state_is_held_by_a_mixed_window),
		cmocka_unit_test(the_change_says_who_else_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
