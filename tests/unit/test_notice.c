/* test_notice.c - each person hears of their VMs and no others, what concerns nobody is not lost, and the letter reads as promised. */
#include "config.h"

#include <time.h>

#include "unit.h"

#include "letter.h"
#include "mem.h"
#include "notice.h"
#include "people.h"
#include "scratch.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { DEATH = 1795145601 }; /* 2026-11-20 12:33:21 +0900 */
static const int64_t died = (int64_t)DEATH * 1000;

/* A case of a host with VMs, built by hand. */
struct world {
	struct incident incidents[3];
	struct affected affected[3];
	struct notice_case cases[3];
	size_t count;
	struct admins admins;
	struct people people;
	struct conf conf;
	struct notices notices;
};

static struct world world;
static const struct wording english;

static int begin(void **state)
{
	(void)state;
	world = (struct world){0};
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	return 0;
}

static int end(void **state)
{
	(void)state;
	notices_done(&world.notices);
	for (size_t i = 0; i < world.count; i++) {
		incident_done(&world.incidents[i]);
		affected_done(&world.affected[i]);
	}
	people_done(&world.people);
	admins_done(&world.admins);
	conf_done(&world.conf);
	return 0;
}

static struct affected *add_host(const char *host, int64_t answered)
{
	struct incident *incident = &world.incidents[world.count];
	struct affected *affected = &world.affected[world.count];

	*incident = (struct incident){.id = "7K3F",
				      .host = mem_string(host),
				      .at = died,
				      .opened = died,
				      .group = mem_string("7K3F"),
				      .acknowledged = WHEN_UNKNOWN,
				      .closed = WHEN_UNKNOWN,
				      .closing = WHEN_UNKNOWN};
	*affected = (struct affected){.host = mem_string(host),
				      .died = died,
				      .snapshot = answered == WHEN_UNKNOWN ? 0 : 7,
				      .answered = answered};
	world.cases[world.count] = (struct notice_case){incident, affected};
	world.count++;
	return affected;
}

static struct affected_vm *add_vm(struct affected *affected, const char *name, enum affected_now now)
{
	affected->vms = mem_resize(affected->vms, affected->count + 1, sizeof *affected->vms);
	struct affected_vm *vm = &affected->vms[affected->count++];

	*vm = (struct affected_vm){.grade = AFFECTED_PROBABLE, .now = now, .now_since = WHEN_UNKNOWN};
	vm->vm.name = mem_string(name);
	vm_uuid_from_name(name, vm->vm.uuid);
	vm->vm.state = VM_RUNNING;
	if (now == AFFECTED_RESTARTED) {
		vm->now_host = mem_string("host2");
		vm->now_since = died + 101000;
	}
	return vm;
}

static void list(const char *csv)
{
	struct err e = {0};

	assert_ok(admins_parse(&world.admins, csv, strlen(csv), "list", NULL, NULL, &e), &e);
}

/* Beside a relay for mail. */
static void settings(const char *text)
{
	cleanup(cleanup_mem) char *all = mem_format("smtp { url = \"smtp://m\" }\n%s\n", text);
	struct err e = {0};

	conf_done(&world.conf);
	scratch_write(all, strlen(all));
	assert_ok(conf_read(&world.conf, scratch_path, &e), &e);
}

static void build(void)
{
	notices_done(&world.notices);
	people_done(&world.people);
	if (!world.conf.path)
		settings("");
	people_build(&world.people, &world.admins, &world.conf);
	notices_build(&world.notices, world.cases, world.count, &world.admins, &world.people, &world.conf);
}

static void with_fallback(void)
{
	settings("notify { fallback = \"Ops@example.org\" }");
}

static const struct notice *of(const char *person)
{
	const struct notice *notice = notices_find(&world.notices, person);

	if (!notice)
		fail_msg("%s hears nothing", person);
	return notice;
}

static void each_hears_of_their_own(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	struct affected *two = add_host("host2", died - 201000);
	add_vm(one, "web1", AFFECTED_NOT_SEEN);
	add_vm(one, "db1", AFFECTED_NOT_SEEN);
	add_vm(two, "web1", AFFECTED_NOT_SEEN);
	list("vm,admin,email,phone,process\nweb1@host1,S,s@x,,httpd\ndb1,I,I@x,,pg\ndb1,S,S@x,,pg\nweb1@"
	     "host2,T,t@x,,nginx\n");
	build();

	assert_int_equal(world.notices.count, 3);
	assert_int_equal(of("s@x")->count, 2);
	assert_true(of("s@x")->concerned[0]);
	assert_false(of("s@x")->concerned[1]);
	assert_int_equal(of("i@x")->count, 1);
	assert_string_equal(of("i@x")->items[0].process, "pg");
	assert_string_equal(of("t@x")->items[0].process, "nginx");
	assert_true(of("t@x")->concerned[1]);
	assert_int_equal(world.notices.untold, 0);
}

static void listed_twice_is_told_once(void **state)
{
	(void)state;
	add_vm(add_host("host1", died), "web1", AFFECTED_NOT_SEEN);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,\nweb1@host1,S,S@X,,httpd\n");
	build();

	assert_int_equal(world.notices.count, 1);
	assert_int_equal(of("s@x")->count, 1);
}

static void what_concerns_nobody_reaches_the_fallback_or_is_counted(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died);
	add_vm(one, "unlisted", AFFECTED_NOT_SEEN);
	add_vm(one, "phone", AFFECTED_NOT_SEEN);
	add_host("host2", died);
	add_host("host3", WHEN_UNKNOWN);
	list("vm,admin,email,phone,process\nphone,P,,+81901,\n");
	build();
	assert_int_equal(world.notices.count, 0);
	assert_int_equal(world.notices.untold, 4);

	with_fallback();
	build();
	assert_int_equal(world.notices.untold, 0);
	const struct notice *fallback = of("ops@example.org");
	assert_true(fallback->fallback);
	assert_string_equal(fallback->address, "Ops@example.org");
	assert_int_equal(fallback->count, 2);
	assert_true(fallback->concerned[0] && fallback->concerned[1] && fallback->concerned[2]);
	assert_int_equal(fallback->items[0].reason, NOTICE_NOBODY);
	assert_int_equal(fallback->items[1].reason, NOTICE_NO_WAY);
}

static void complete_means_all_of_theirs(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "web2", AFFECTED_NO_NEWER_LIST);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,\nweb2,I,i@x,,\n");
	build();

	assert_true(notice_is_complete(of("s@x")));
	assert_false(notice_is_complete(of("i@x")));
}

static void the_letter_reads_as_promised(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "web2", AFFECTED_NOT_SEEN);
	world.incidents[0].detail = mem_string(
		"3 of 4 pings lost; ports 16509 and 22 silent; host2, host3 and the gateway answer");
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\nweb2,S,s@x,,httpd\n");
	build();
	cleanup(letter_done) struct letter letter = {0};
	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("s@x"), &english, NULL);

	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: check 2 VMs");
	assert_string_equal(letter.text,
			    "host1 stopped answering on 2026-11-20 at 12:33:21 +09:00\n"
			    "(3 of 4 pings lost; ports 16509 and 22 silent; host2, host3 and the gateway\n"
			    "answer).\n"
			    "\n"
			    "Please check:\n"
			    "  web1  httpd  restarted on host2 at 12:35:02\n"
			    "  web2  httpd  not seen since\n"
			    "\n"
			    "From the list of 12:30:00, 3m21s before it stopped: probable.\n"
			    "To acknowledge: run  notify-admins ack 7K3F\n");
}

static void follow_up_and_recovery_say_what_changed(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "web2", AFFECTED_NOT_SEEN);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\nweb2,S,s@x,,httpd\n");
	build();
	struct letter letter = {0};

	world.incidents[0].acknowledged = died + 60000;
	world.incidents[0].acknowledged_by = mem_string("Ito\n");
	letter_write(&letter, DELIVERY_FOLLOW_UP, &world.notices, of("s@x"), &english, NULL);
	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: 1 of 2 VMs back");
	assert_non_null(strstr(letter.text, "Acknowledged by Ito\\n at 12:34:21."));
	letter_done(&letter);

	world.incidents[0].closed = died + 401000;
	letter_write(&letter, DELIVERY_RECOVERY, &world.notices, of("s@x"), &english, NULL);
	assert_string_equal(letter.subject, "[vmroll] host1 up 12:40:02, down for 6m41s");
	assert_true(str_starts(letter.text,
			       "host1 answers again since 2026-11-20 at 12:40:02 +09:00; it had been"));
	assert_non_null(strstr(letter.text, "vmwhere --duplicates"));
	letter_done(&letter);
}

static void east_asian_names_align_and_hostile_ones_are_escaped(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "ウェブ", AFFECTED_NOT_SEEN);
	add_vm(one, "a\tb\xE2\x80\xAE<", AFFECTED_NOT_SEEN);
	with_fallback();
	list("vm,admin,email,phone,process\nウェブ,S,s@x,,httpd\n");
	build();
	struct letter letter = {0};

	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("s@x"), &english, NULL);
	assert_non_null(strstr(letter.text, "  ウェブ  httpd  not seen since\n"));
	letter_done(&letter);
	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("ops@example.org"), &english, NULL);
	assert_non_null(strstr(letter.text, "  a\\tb\\u202e<  -  not seen since\n"));
	assert_non_null(strstr(letter.html, "<td>a\\tb\\u202e&lt;</td>"));
	letter_done(&letter);
}

static void many_hosts_are_counted(void **state)
{
	(void)state;
	static const char *const names[] = {"host1", "host2", "host3"};
	for (size_t i = 0; i < 3; i++)
		add_vm(add_host(names[i], died - 201000), "web1", AFFECTED_NO_NEWER_LIST);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\n");
	build();
	cleanup(letter_done) struct letter letter = {0};
	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("s@x"), &english, NULL);

	assert_string_equal(letter.subject, "[vmroll] host1, host2, host3 down 12:33:21: check 3 VMs");
}

static void who_refuses_is_named_with_what_they_should_know(void **state)
{
	(void)state;
	add_vm(add_host("host1", died), "web1", AFFECTED_NO_NEWER_LIST);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\n");
	build();
	cleanup(delivery_done) struct delivery cell = {.person = mem_string("s@x"),
						       .error = mem_string("550 no such user")};
	const struct delivery *failed = &cell;
	cleanup(letter_done) struct letter letter = {0};
	letter_undelivered(&letter, &world.notices, &failed, 1, &english, NULL);

	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: 1 could not be told");
	assert_non_null(strstr(letter.text, "s@x: 550 no such user\nTheir VMs:\n  web1  httpd"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_hears_of_their_own),
		TEST(listed_twice_is_told_once),
		TEST(what_concerns_nobody_reaches_the_fallback_or_is_counted),
		TEST(complete_means_all_of_theirs),
		TEST(the_letter_reads_as_promised),
		TEST(follow_up_and_recovery_say_what_changed),
		TEST(east_asian_names_align_and_hostile_ones_are_escaped),
		TEST(many_hosts_are_counted),
		TEST(who_refuses_is_named_with_what_they_should_know),
	};
	return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
