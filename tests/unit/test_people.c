/* test_people.c - who is who, which ways reach them, and when they want quiet. */
#include "config.h"

#include <time.h>

#include "unit.h"

#include "mem.h"
#include "people.h"
#include "scratch.h"
#include "str.h"
#include "when.h"

#define HEADER "vm,admin,email,phone,process,voice_lang,policy,group\n"

struct world {
	struct admins admins;
	struct conf conf;
	struct people people;
};

static void world_done(struct world *world)
{
	people_done(&world->people);
	admins_done(&world->admins);
	conf_done(&world->conf);
}

/* CSV NULL: no list was imported. */
static void make(struct world *world, const char *csv, const char *settings)
{
	struct err e = {0};

	scratch_write(settings, strlen(settings));
	assert_ok(conf_read(&world->conf, scratch_path, &e), &e);
	if (csv)
		assert_ok(admins_parse(&world->admins, csv, strlen(csv), "list", NULL, NULL, &e), &e);
	people_build(&world->people, csv ? &world->admins : NULL, &world->conf);
}

static const struct person *of(const struct world *world, const char *key)
{
	const struct person *person = people_find(&world->people, key);

	if (!person)
		fail_msg("%s is nobody", key);
	return person;
}

static void rows_of_a_person_add_up(void **state)
{
	(void)state;
	cleanup(world_done) struct world world = {0};

	make(&world,
	     HEADER "web1,,Sato@x.example,,,,,a\n"
		    "web2,Sato,sato@X.example,112,,ja,both,b;a\n"
		    "web3,Other,SATO@x.example,113,,,,c\n"
		    "db1,Desk,,+8190,,,,\n",
	     "");
	assert_int_equal(world.people.count, 2);
	const struct person *sato = of(&world, "sato@x.example");
	assert_string_equal(sato->name, "Sato");
	assert_string_equal(sato->email, "Sato@x.example");
	assert_string_equal(sato->phone, "112");
	assert_string_equal(sato->voice_lang, "ja");
	assert_string_equal(sato->policy->name, "both");
	assert_null(sato->unknown_policy);
	assert_int_equal(sato->groups.count, 3);
	assert_int_equal(sato->quiet_from, -1);
	const struct person *desk = of(&world, "+8190");
	assert_null(desk->email);
	assert_string_equal(desk->voice_lang, "en-gb");
	assert_string_equal(desk->policy->name, "default");
	assert_null(people_find(&world.people, "+8191"));
}

static void the_settings_win_where_they_say_something(void **state)
{
	(void)state;
	cleanup(world_done) struct world world = {0};

	make(&world,
	     HEADER "web1,Sato,sato@x.example,112,,ja,default,a\nweb1,Ito,ito@x.example,114,,ja,default,a\n",
	     "sip { voice_lang = \"de\" }\n"
	     "person \"SATO@x.example\" { name = \"S.\" email = \"two@x.example\" phone = \"113\" voice_lang "
	     "= \"en-us\"\n"
	     "  policy = \"both\" groups = { \"b\" } quiet = \"22:00-07:30\" mail_only = \"yes\" }\n"
	     "person \"ito@x.example\" { groups = \"a\" }\n"
	     "person \"boss@x.example\" { phone = \"115\" groups = { \"a\", \"b\" } }\n"
	     "person \"+8199\" { }\n");
	assert_int_equal(world.people.count, 4);
	const struct person *sato = of(&world, "sato@x.example");
	assert_string_equal(sato->name, "S.");
	assert_string_equal(sato->email, "two@x.example");
	assert_string_equal(sato->phone, "113");
	assert_string_equal(sato->voice_lang, "en-us");
	assert_string_equal(sato->policy->name, "both");
	assert_int_equal(sato->groups.count, 2);
	assert_int_equal(sato->quiet_from, 22 * 60);
	assert_int_equal(sato->quiet_to, 7 * 60 + 30);
	assert_true(sato->mail_only);
	const struct person *ito = of(&world, "ito@x.example");
	assert_string_equal(ito->name, "Ito");
	assert_string_equal(ito->phone, "114");
	assert_string_equal(ito->voice_lang, "ja");
	assert_int_equal(ito->groups.count, 1);
	assert_false(ito->mail_only);
	const struct person *boss = of(&world, "boss@x.example");
	assert_null(boss->name);
	assert_string_equal(boss->email, "boss@x.example");
	assert_string_equal(boss->phone, "115");
	assert_string_equal(boss->voice_lang, "de");
	assert_string_equal(of(&world, "+8199")->phone, "+8199");
	assert_ptr_equal(people_find_address(&world.people, "Two@X.example"), sato);
	assert_ptr_equal(people_find_address(&world.people, "BOSS@x.example"), boss);
	assert_null(people_find_address(&world.people, "nobody@x.example"));
}

static void members_come_in_order(void **state)
{
	(void)state;
	cleanup(world_done) struct world world = {0};
	cleanup(str_done) struct str names = {0};
	const struct person *person;
	size_t place = 0;

	make(&world, HEADER "v,,a@x.y,,,,,on call\nv,,b@x.y,,,,,on\nv,,c@x.y,,,,,call;on\n",
	     "person \"b@x.y\" { groups = \"on\" }\nperson \"d@x.y\" { groups = \"on\" }\n");
	while ((person = people_next_of(&world.people, "on", &place)) != NULL)
		str_addf(&names, "%s ", person->key);
	assert_string_equal(str_text(&names), "a@x.y b@x.y c@x.y d@x.y ");
	assert_null(people_next_of(&world.people, "on", &place));
	place = 0;
	assert_null(people_next_of(&world.people, "off", &place));
	struct people nobody = {0};
	assert_null(people_next_of(&nobody, "on", &place));
	assert_null(people_find(&nobody, "a@x.y"));
}

static void whom_only_the_settings_name_exists(void **state)
{
	(void)state;
	cleanup(world_done) struct world world = {0};

	make(&world, NULL,
	     "notify { fallback = \"Ops@x.example\" policy = \"both\"\n"
	     "  copy = { \"webhook:w\", \"command:c\", \"Log@x.example\", \"ops@x.example\" } }\n"
	     "webhook \"w\" { url = \"http://127.0.0.1/\" }\ncommand \"c\" { argv = \"true\" }\n"
	     "policy \"p\" { step { to = { \"Boss@x.example\", \"+8190\", \"sip:Desk@h.example\" } channels "
	     "= \"mail\" } }\n");
	const struct person *ops = of(&world, "ops@x.example");
	assert_string_equal(ops->email, "Ops@x.example");
	assert_string_equal(ops->policy->name, "both");
	assert_string_equal(of(&world, "boss@x.example")->policy->name, "both");
	assert_string_equal(of(&world, "+8190")->phone, "+8190");
	assert_string_equal(of(&world, "sip:Desk@h.example")->phone, "sip:Desk@h.example");
	const struct conf_policy *log = of(&world, "log@x.example")->policy;
	assert_int_equal(log->step_count, 1);
	assert_int_equal(log->steps[0].way_count, 1);
	assert_int_equal(log->steps[0].ways[0].channel, CONF_MAIL);
	const struct person *webhook = of(&world, "webhook:w");
	const struct conf_way *way = &webhook->policy->steps[0].ways[0];
	assert_int_equal(way->channel, CONF_WEBHOOK);
	assert_string_equal(person_address(webhook, way), "w");
	assert_true(person_is_reachable(webhook, &world.conf));
	assert_int_equal(of(&world, "command:c")->policy->steps[0].ways[0].channel, CONF_COMMAND);
	assert_int_equal(world.people.count, 7);
}

static void a_policy_that_is_gone_is_remembered(void **state)
{
	(void)state;
	cleanup(world_done) struct world world = {0};

	make(&world, HEADER "v,,a@x.y,,,,gone,\n", "notify { policy = \"both\" }\n");
	assert_string_equal(of(&world, "a@x.y")->policy->name, "both");
	assert_string_equal(of(&world, "a@x.y")->unknown_policy, "gone");
}

static void a_way_reaches_whom_it_can(void **state)
{
	(void)state;
	static const char list[] =
		HEADER "v,,m@x.y,,,,,\nv,,,112,,,,\nv,,,sip:u@h.example,,,,\nv,,b@x.y,113,,,,\n";
	static const struct {
		const char *settings;
		const char *key;
		bool mail, voice, reachable;
	} cases[] = {
		{"", "m@x.y", false, false, false},
		{"smtp { url = \"smtp://m\" }\n", "m@x.y", true, false, true},
		{"smtp { url = \"smtp://m\" }\n", "112", false, false, false},
		{"smtp { url = \"smtp://m\" }\n", "b@x.y", true, false, true},
		{"sip { from = \"sip:v@10.0.0.9\" }\n", "112", false, false, false},
		{"sip { from = \"sip:v@10.0.0.9\" }\n", "sip:u@h.example", false, true, true},
		{"sip { from = \"sip:v@10.0.0.9\" exchange = \"sip:%s@10.0.0.5\" }\n", "112", false, true, true},
		{"sip { from = \"sip:v@10.0.0.9\" exchange = \"sip:%s@10.0.0.5\" }\n", "b@x.y", false, true, true},
		{"sip { from = \"sip:v@10.0.0.9\" exchange = \"sip:%s@10.0.0.5\" }\n"
		 "person \"112\" { mail_only = \"yes\" }\n",
		 "112", false, false, false},
		{"sip { from = \"sip:v@10.0.0.9\" exchange = \"sip:%s@10.0.0.5\" }\n"
		 "policy \"m\" { step { channels = \"mail\" } step { to = \"group:g\" channels = \"voice\" } "
		 "}\n"
		 "person \"112\" { policy = \"m\" }\n",
		 "112", false, true, false},
		{"policy \"w\" { step { channels = \"webhook:w\" } }\nwebhook \"w\" { url = \"http://h\" }\n"
		 "person \"112\" { policy = \"w\" }\n",
		 "112", false, false, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(world_done) struct world world = {0};
		make(&world, list, cases[i].settings);
		const struct person *person = of(&world, cases[i].key);
		if (person_has(person, &world.conf, CONF_MAIL) != cases[i].mail ||
		    person_has(person, &world.conf, CONF_VOICE) != cases[i].voice ||
		    person_is_reachable(person, &world.conf) != cases[i].reachable)
			fail_msg("%s with %s", cases[i].key, cases[i].settings);
		assert_true(person_has(person, &world.conf, CONF_WEBHOOK));
		assert_true(person_has(person, &world.conf, CONF_COMMAND));
		const struct conf_way voice = {.channel = CONF_VOICE}, mail = {.channel = CONF_MAIL};
		assert_true(str_equal(person_address(person, &voice), person->phone));
		assert_true(str_equal(person_address(person, &mail), person->email));
	}
}

/* ---- quiet hours ---- */

static int64_t instant(const char *text)
{
	int64_t at;
	struct err e = {0};

	assert_ok(when_parse(text, when_now(), &at, NULL, &e), &e);
	return at;
}

static int minute(const char *clock)
{
	return (int)(strtol(clock, NULL, 10) * 60 + strtol(clock + 3, NULL, 10));
}

static void quiet_hours_are_those_of_the_clock_on_the_wall(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *from, *to, *now, *end; /* END NULL: it is not quiet */
	} cases[] = {
		{"UTC", "22:00", "07:00", "2026-11-20T21:59:59.999Z", NULL},
		{"UTC", "22:00", "07:00", "2026-11-20T22:00:00Z", "2026-11-21T07:00:00Z"},
		{"UTC", "22:00", "07:00", "2026-11-20T23:30:17.250Z", "2026-11-21T07:00:00Z"},
		{"UTC", "22:00", "07:00", "2026-11-21T06:59:59.999Z", "2026-11-21T07:00:00Z"},
		{"UTC", "22:00", "07:00", "2026-11-21T07:00:00Z", NULL},
		{"UTC", "12:00", "13:00", "2026-11-21T12:59:00Z", "2026-11-21T13:00:00Z"},
		{"UTC", "12:00", "13:00", "2026-11-21T13:00:00Z", NULL},
		{"UTC", "00:00", "06:00", "2026-11-21T00:00:00Z", "2026-11-21T06:00:00Z"},
		{"UTC", "18:00", "00:00", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
		{"UTC", "00:01", "00:00", "2026-11-21T00:01:00Z", "2026-11-22T00:00:00Z"},
		{"Asia/Tokyo", "22:00", "07:00", "2026-11-20T22:30:00+09:00", "2026-11-21T07:00:00+09:00"},
		{"Asia/Kolkata", "22:00", "07:00", "2026-11-20T22:30:00+05:30", "2026-11-21T07:00:00+05:30"},
		/* 29 March: 02:00 becomes 03:00. An hour of sleep less. */
		{"Europe/Berlin", "22:00", "07:00", "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"},
		{"Europe/Berlin", "22:00", "02:30", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"Europe/Berlin", "02:15", "02:45", "2026-03-29T01:59:00+01:00", NULL},
		{"Europe/Berlin", "02:15", "02:45", "2026-03-29T03:00:00+02:00", NULL},
		{"Europe/Berlin", "02:30", "07:00", "2026-03-29T03:00:00+02:00", "2026-03-29T07:00:00+02:00"},
		/* 25 October: 03:00 becomes 02:00. The hour comes twice, and is quiet twice. */
		{"Europe/Berlin", "22:00", "07:00", "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"},
		{"Europe/Berlin", "22:00", "02:30", "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"Europe/Berlin", "22:00", "02:30", "2026-10-25T02:45:00+02:00", NULL},
		{"Europe/Berlin", "22:00", "02:30", "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"},
		{"Europe/Berlin", "22:00", "03:00", "2026-10-25T01:00:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"Australia/Lord_Howe", "22:00", "07:00", "2026-10-03T23:00:00+10:30", "2026-10-04T07:00:00+11:00"},
		/* A day that there never was: 30 December. */
		{"Pacific/Apia", "22:00", "07:00", "2011-12-29T23:00:00-10:00", "2011-12-31T07:00:00+14:00"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct person person = {.quiet_from = minute(cases[i].from), .quiet_to = minute(cases[i].to)};
		char shown[WHEN_TEXT_SIZE];
		int64_t end = -1;
		setenv("TZ", cases[i].zone, 1);
		tzset();
		bool quiet = person_is_quiet(&person, instant(cases[i].now), &end);
		if (quiet != (cases[i].end != NULL) || (quiet && end != instant(cases[i].end)))
			fail_msg("%s %s-%s at %s: %s", cases[i].zone, cases[i].from, cases[i].to,
				 cases[i].now, quiet ? when_format(end, WHEN_RFC3339, shown) : "not quiet");
	}
	struct person person = {.quiet_from = -1, .quiet_to = -1};
	int64_t end;
	assert_false(person_is_quiet(&person, instant("2026-11-20T00:00:00Z"), &end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_a_person_add_up),
		cmocka_unit_test(the_settings_win_where_they_say_something),
		cmocka_unit_test(members_come_in_order),
		cmocka_unit_test(whom_only_the_settings_name_exists),
		cmocka_unit_test(a_policy_that_is_gone_is_remembered),
		cmocka_unit_test(a_way_reaches_whom_it_can),
		cmocka_unit_test(quiet_hours_are_those_of_the_clock_on_the_wall),
	};

	return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
