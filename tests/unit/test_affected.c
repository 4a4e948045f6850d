/* test_affected.c - what a death touched, by the newest list before it; and what is known since. */
#include "config.h"

#include "unit.h"

#include "affected.h"
#include "mem.h"
#include "roll_kit.h"
#include "when.h"

#define T0 INT64_C(1763600000000)
#define at(minutes) (T0 + (int64_t)((minutes)*MINUTE))

static const char *now_name(enum affected_now now)
{
	static const char *const names[] = {"restarted", "back", "not-seen", "no-newer-list"};

	return names[now];
}

/* "web probable restarted h2 15:01, db …": the minute and second of now_since after T0. */
static char *describe(const struct affected *affected)
{
	struct str out = {0};

	str_addf(&out, "%llu%s%s:", (unsigned long long)affected->snapshot, affected->followed ? "~" : "",
		 affected->complete_after ? "+" : "");
	for (size_t i = 0; i < affected->count; i++) {
		const struct affected_vm *vm = &affected->vms[i];
		str_addf(&out, "%s%s %s %s", i ? ", " : " ", vm->vm.name, affected_grade_name(vm->grade),
			 now_name(vm->now));
		if (vm->now_host)
			str_addf(&out, " %s %lld:%02lld", vm->now_host,
				 (long long)((vm->now_since - T0) / MINUTE),
				 (long long)((vm->now_since - T0) % MINUTE / SECOND));
	}
	return str_take(&out);
}

static void expect_at(struct kit *kit, const char *host, int64_t died, const char *wanted, int line)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(affected_done) struct affected affected = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(affected_find(view, host, died, &affected, &e), &e);
	assert_string_equal(affected.host, host);
	assert_int_equal(affected.died, died);
	cleanup(cleanup_mem) char *text = describe(&affected);
	if (strcmp(text, wanted) != 0)
		fail_msg("line %d: '%s', not '%s'", line, text, wanted);
}
#define expect(kit, host, died, wanted) expect_at(kit, host, died, wanted, __LINE__)

static void without_a_list_before_nothing_is_claimed(void **state)
{
	struct kit *kit = *state;

	expect(kit, "h1", at(0), "0:");
	roll_kit_snap(kit, at(15), "h1=a h2=! h3=b");
	expect(kit, "h1", at(10), "0:");
	expect(kit, "h1", at(15), "0:");
	expect(kit, "h2", at(20), "0:");
	expect(kit, "h9", at(20), "0:");
	expect(kit, "h1", at(20), "1: a probable no-newer-list");
}

static void the_newest_list_before_the_death_counts(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2=");
	roll_kit_snap(kit, at(15), "h1=a,b,off- h2=");
	roll_kit_snap(kit, at(30), "h1=! h2=");
	roll_kit_snap(kit, at(45), "h1=c h2=");
	expect(kit, "h1", at(14), "1+: a probable not-seen");
	expect(kit, "h1", at(31), "2+: a probable not-seen, b probable not-seen");
	expect(kit, "h1", at(46), "4: c probable no-newer-list");
}

static void a_list_taken_after_the_death_shows_where_they_run(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b,c h2=x h3=y");
	expect(kit, "h1", at(3),
	       "1: a probable no-newer-list, b probable no-newer-list, c probable no-newer-list");
	roll_kit_snap(kit, at(4), "h1=! h2=x,a h3=!");
	expect(kit, "h1", at(3),
	       "1: a probable restarted h2 4:01, b probable no-newer-list, c probable no-newer-list");
	roll_kit_snap(kit, at(5), "h1=! h2=x,a/3 h3=y,b-");
	expect(kit, "h1", at(3), "1+: a probable restarted h2 4:01, b probable not-seen, c probable not-seen");
	/* A list begun before the death proves nothing, though another answered since. */
	expect(kit, "h1", at(5) + SECOND / 2,
	       "1: a moved restarted h2 4:01, b probable no-newer-list, c probable no-newer-list");
}

static void what_left_before_the_death_has_moved(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b,c h2=x");
	roll_kit_snap(kit, at(15), "h1=! h2=x,a");
	roll_kit_snap(kit, at(30), "h1=! h2=x,a,b>,c");
	roll_kit_snap(kit, at(45), "h1=! h2=x,a,b>,c/7");
	expect(kit, "h1", at(20),
	       "1+: a moved restarted h2 15:01, b moved restarted h2 30:01, "
	       "c probable restarted h2 30:01");
	roll_kit_snap(kit, at(60), "h1=! h2=x");
	expect(kit, "h1", at(20), "1+: a moved not-seen, b moved not-seen, c probable not-seen");
}

/* Restarted on h2 first, migrated on to h3 later: that was no move before the death. */
static void a_later_migration_is_no_move(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b h2= h3=");
	roll_kit_snap(kit, at(20), "h1=! h2=a h3=");
	roll_kit_snap(kit, at(30), "h1=! h2= h3=a>,b>");
	expect(kit, "h1", at(10), "1+: a probable restarted h3 30:01, b probable restarted h3 30:01");
}

static void a_host_that_answers_again_is_looked_at(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b,c,d h2=");
	roll_kit_snap(kit, at(15), "h1=a,b/5,d h2=c");
	expect(kit, "h1", at(10),
	       "1+: a probable back h1 15:01, b probable restarted h1 15:01, c probable restarted h2 15:01, "
	       "d probable back h1 15:01");
	roll_kit_snap(kit, at(30), "h1=! h2=c");
	expect(kit, "h1", at(10),
	       "1+: a probable back h1 15:01, b probable restarted h1 15:01, c probable restarted h2 15:01, "
	       "d probable back h1 15:01");
}

static void what_was_followed_is_certain(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b h2=");
	roll_kit_follow(kit, "h1", at(1), at(9));
	roll_kit_event(kit, "h1", "c", at(5));
	roll_kit_event(kit, "h1", "-b", at(6));
	expect(kit, "h1", at(9), "1~: a certain no-newer-list, c certain no-newer-list");
	expect(kit, "h1", at(5.5),
	       "1~: a certain no-newer-list, b certain no-newer-list, c certain no-newer-list");
	expect(kit, "h1", at(12), "1: a probable no-newer-list, c probable no-newer-list");
}

static void a_host_that_is_off_is_not_waited_for(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2= h3=b");
	roll_kit_snap(kit, at(5), "h1=! h2= h3=?");
	expect(kit, "h1", at(3), "1: a probable no-newer-list");
	roll_kit_snap(kit, at(6), "h1=! h2= h3=off");
	expect(kit, "h1", at(3), "1+: a probable not-seen");
}

/* A gateway, say: it is watched, and nobody knows what it runs. */
static void a_host_without_a_uri_is_not_waited_for(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "gate=gate h1=a h2=");
	roll_kit_snap(kit, at(4), "gate=gate h1=! h2=");
	expect(kit, "h1", at(3), "1+: a probable not-seen");
	expect(kit, "gate", at(3), "0:");
}

static void a_new_name_is_the_same_host(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2=");
	roll_kit_snap(kit, at(15), "n1:h1=a h2=");
	expect(kit, "h1", at(10), "1+: a probable back n1 15:01");
	expect(kit, "n1", at(10), "1+: a probable back n1 15:01");
}

static void one_uuid_on_two_hosts_is_told_with_its_time(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2=a");
	expect(kit, "h1", at(10), "1: a probable restarted h2 0:01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(without_a_list_before_nothing_is_claimed),
		kit_test(the_newest_list_before_the_death_counts),
		kit_test(a_list_taken_after_the_death_shows_where_they_run),
		kit_test(what_left_before_the_death_has_moved),
		kit_test(a_later_migration_is_no_move),
		kit_test(a_host_that_answers_again_is_looked_at),
		kit_test(what_was_followed_is_certain),
		kit_test(a_host_that_is_off_is_not_waited_for),
		kit_test(a_host_without_a_uri_is_not_waited_for),
		kit_test(a_new_name_is_the_same_host),
		kit_test(one_uuid_on_two_hosts_is_told_with_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
