/* test_notice.c - each person hears of their VMs and no others, what concerns nobody is not lost. */
#include "config.h"

#include "unit.h"

#include "letter.h"
#include "mem.h"
#include "notice_kit.h"
#include "when.h"

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

static void who_can_be_called_is_told_themselves(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died);
	add_vm(one, "phone", AFFECTED_NOT_SEEN);
	add_vm(one, "quiet", AFFECTED_NOT_SEEN);
	settings("notify { fallback = \"ops@example.org\" }\n"
		 "sip { from = \"sip:v@10.0.0.9\" exchange = \"sip:%s@10.0.0.5\" }\n"
		 "person \"+81902\" { mail_only = \"yes\" }");
	list("vm,admin,email,phone,process\nphone,P,,+81901,pg\nquiet,Q,,+81902,\n");
	build();

	assert_int_equal(world.notices.count, 2);
	const struct notice *phone = of("+81901");
	assert_int_equal(phone->count, 1);
	assert_int_equal(phone->items[0].reason, NOTICE_OWN);
	assert_string_equal(phone->items[0].process, "pg");
	assert_string_equal(phone->address, "+81901");
	assert_ptr_equal(phone->contact, people_find(&world.people, "+81901"));
	assert_false(phone->fallback);
	const struct notice *fallback = of("ops@example.org");
	assert_int_equal(fallback->count, 1);
	assert_int_equal(fallback->items[0].reason, NOTICE_NO_WAY);
	assert_string_equal(fallback->items[0].unreachable->phone, "+81902");
	assert_ptr_equal(fallback->contact, people_find(&world.people, "ops@example.org"));
}

static void one_of_two_who_can_be_reached_is_enough(void **state)
{
	(void)state;
	add_vm(add_host("host1", died), "web1", AFFECTED_NOT_SEEN);
	with_fallback();
	list("vm,admin,email,phone,process\nweb1,P,,112,\nweb1,S,s@x,,\n");
	build();

	assert_int_equal(world.notices.count, 1);
	assert_int_equal(of("s@x")->count, 1);
}

#define COPIES                                                                                               \
	"notify { fallback = \"ops@x\" copy = { \"webhook:w\", \"Log@x\", \"s@x\", \"ops@x\" } }\n"          \
	"webhook \"w\" { url = \"http://127.0.0.1/\" }"

static void a_copy_hears_of_everything_beside(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died);
	add_vm(one, "web1", AFFECTED_NOT_SEEN);
	add_vm(one, "db1", AFFECTED_NOT_SEEN);
	add_vm(one, "unlisted", AFFECTED_NOT_SEEN);
	add_host("host2", WHEN_UNKNOWN);
	settings(COPIES);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\ndb1,I,i@x,,pg\n");
	build();

	assert_int_equal(world.notices.count, 5);
	assert_string_equal(world.notices.items[4].person, "ops@x");
	const struct notice *webhook = of("webhook:w");
	assert_true(webhook->copy);
	assert_false(webhook->fallback);
	assert_int_equal(webhook->count, 3);
	assert_true(webhook->concerned[0] && webhook->concerned[1]);
	assert_int_equal(webhook->items[0].reason, NOTICE_COPY);
	assert_string_equal(webhook->items[1].process, "pg");
	assert_true(of("log@x")->copy);
	assert_string_equal(of("log@x")->address, "Log@x");
	/* Who hears anyhow hears the rest as a copy, and nothing twice. */
	const struct notice *sato = of("s@x");
	assert_false(sato->copy);
	assert_int_equal(sato->count, 3);
	assert_int_equal(sato->items[0].reason, NOTICE_OWN);
	assert_int_equal(sato->items[1].reason, NOTICE_COPY);
	const struct notice *ops = of("ops@x");
	assert_true(ops->fallback);
	assert_false(ops->copy);
	assert_int_equal(ops->count, 3);
	assert_int_equal(ops->items[2].reason, NOTICE_NOBODY);
	assert_false(of("i@x")->copy);
	assert_int_equal(of("i@x")->count, 1);
}

static void a_copy_is_nobody_who_was_told(void **state)
{
	(void)state;
	add_vm(add_host("host1", died), "unlisted", AFFECTED_NOT_SEEN);
	add_host("host2", WHEN_UNKNOWN);
	settings("notify { copy = \"log@x\" }");
	list("vm,admin,email,phone,process\n");
	build();

	assert_int_equal(world.notices.count, 1);
	assert_int_equal(world.notices.untold, 2);
	cleanup(letter_done) struct letter letter = {0};
	const struct wording wording = {.lang = "en"};
	struct err e = {0};
	assert_ok(letter_write(&letter, DELIVERY_FIRST, &world.notices, of("log@x"), &wording, &e), &e);
	assert_non_null(strstr(letter.text, "  unlisted  "));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(each_hears_of_their_own),
		KIT_TEST(listed_twice_is_told_once),
		KIT_TEST(what_concerns_nobody_reaches_the_fallback_or_is_counted),
		KIT_TEST(who_can_be_called_is_told_themselves),
		KIT_TEST(one_of_two_who_can_be_reached_is_enough),
		KIT_TEST(a_copy_hears_of_everything_beside),
		KIT_TEST(a_copy_is_nobody_who_was_told),
		KIT_TEST(complete_means_all_of_theirs),
	};
	return cmocka_run_group_tests(tests, kit_open, kit_close);
}
