/* test_policy.c - the turns of an escalation, and whom each tells. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "policy.h"
#include "scratch.h"
#include "str.h"

static void read_settings(struct conf *conf, const char *settings)
{
	struct err e = {0};

	scratch_write(settings, strlen(settings));
	assert_ok(conf_read(conf, scratch_path, &e), &e);
}

static void a_turn_is_a_step_in_a_round(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct turn turn = {0};

	read_settings(
		&conf,
		"policy \"p\" { step { channels = \"mail\" } step { after = \"3m\" channels = \"voice\" }\n"
		"  step { after = \"10m\" channels = \"mail\" } repeat = \"30m\" }\n");
	const struct conf_policy *policy = conf_find_policy(&conf, "p");
	assert_true(policy_turn(policy, 0, &turn));
	assert_int_equal(turn.number, 0);
	assert_int_equal(turn.step, 1);
	assert_int_equal(turn.round, 0);
	assert_int_equal(turn.after_ms, 0);
	assert_ptr_equal(turn.what, &policy->steps[0]);
	assert_true(policy_turn(policy, 7, &turn));
	assert_int_equal(turn.number, 7);
	assert_int_equal(turn.step, 2);
	assert_int_equal(turn.round, 2);
	assert_int_equal(turn.after_ms, (2 * 30 + 3) * 60000);
	assert_ptr_equal(turn.what, &policy->steps[1]);
	assert_true(policy_turn(policy, UINT32_MAX, &turn));
	assert_true(turn.after_ms > 0);
}

static void without_repeat_the_last_step_is_the_last_turn(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct turn turn;

	read_settings(&conf, "");
	const struct conf_policy *policy = conf_find_policy(&conf, "default");
	assert_true(policy_turn(policy, 1, &turn));
	assert_int_equal(turn.after_ms, 180000);
	assert_int_equal(turn.what->ways[0].channel, CONF_VOICE);
	assert_false(policy_turn(policy, 2, &turn));
	assert_false(policy_turn(policy, UINT32_MAX, &turn));
}

static void whom(const char *to, const char *expected)
{
	static const char list[] = "vm,admin,email,phone,process,group\n"
				   "v,,own@x.y,,,\nv,,a@x.y,,,on;call\nv,,b@x.y,,,on\nv,,,112,,call\n";
	cleanup(conf_done) struct conf conf = {0};
	cleanup(admins_done) struct admins admins = {0};
	cleanup(people_done) struct people people = {0};
	cleanup(str_done) struct str told = {0};
	cleanup(cleanup_mem) char *settings =
		mem_format("notify { fallback = { \"Ops@x.y\", \"B@x.y\" } }\n"
			   "policy \"p\" { step { to = { %s } channels = \"mail\" } }\n",
			   to);
	struct err e = {0};
	struct turn turn;
	size_t place = 0;

	read_settings(&conf, settings);
	assert_ok(admins_parse(&admins, list, strlen(list), "list", NULL, NULL, &e), &e);
	people_build(&people, &admins, &conf);
	assert_true(policy_turn(conf_find_policy(&conf, "p"), 0, &turn));
	const struct person *owner = people_find(&people, "own@x.y"), *person;
	while ((person = policy_next_person(&people, &conf, owner, &turn, &place)) != NULL)
		str_addf(&told, "%s ", person->key);
	assert_string_equal(str_text(&told), expected);
	assert_null(policy_next_person(&people, &conf, owner, &turn, &place));
}

static void each_whom_a_turn_names_is_told_once(void **state)
{
	(void)state;
	whom("", "own@x.y ");
	whom("\"group:on\"", "a@x.y b@x.y ");
	whom("\"group:nobody\"", "");
	whom("\"group:nobody\", \"A@x.y\"", "a@x.y ");
	whom("\"fallback\"", "ops@x.y b@x.y ");
	whom("\"112\", \"boss@x.y\", \"own@x.y\"", "112 boss@x.y own@x.y ");
	whom("\"b@x.y\", \"group:on\", \"group:call\", \"fallback\", \"112\", \"b@x.y\"",
	     "b@x.y a@x.y 112 ops@x.y ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_is_a_step_in_a_round),
		cmocka_unit_test(without_repeat_the_last_step_is_the_last_turn),
		cmocka_unit_test(each_whom_a_turn_names_is_told_once),
	};

	return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
