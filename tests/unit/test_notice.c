/* test_notice.c - each person hears of their VMs and no others, what concerns nobody is not lost. */
#include "config.h"

#include "unit.h"

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
		KIT_TEST(complete_means_all_of_theirs),
	};
	return cmocka_run_group_tests(tests, kit_open, kit_close);
}
