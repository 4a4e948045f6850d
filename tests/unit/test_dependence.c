/* test_dependence.c - what has died with a host: each ground, the order of them, and what only looks like one. */
#include "config.h"

#include "unit.h"

#include "dependence.h"
#include "mem.h"

enum { VMS_MAX = 4, ADDRESSES_MAX = 2 };

/* One death on host1, and one service. */
struct scene {
	struct host host;
	struct vm_nic nics[VMS_MAX];
	struct affected_vm vms[VMS_MAX];
	struct affected affected;
	struct dependence_address addresses[ADDRESSES_MAX];
	struct dependence_service service;
	bool unlisted; /* the host has no line in hosts(5) */
};

static void begin(struct scene *scene, const char *host)
{
	*scene = (struct scene){
		.host = {.name = (char *)"host1", .address = (char *)"10.0.0.1"},
		.affected = {.host = (char *)"host1"},
		.service = {.what = "mail relay", .host = host},
	};
}

static struct affected_vm *add_vm(struct scene *scene, const char *name, const char *mac)
{
	size_t index = scene->affected.count++;
	struct affected_vm *vm = &scene->vms[index];

	assert_true(index < VMS_MAX);
	*vm = (struct affected_vm){.vm = {.name = (char *)name, .state = VM_RUNNING},
				   .grade = AFFECTED_PROBABLE,
				   .now = AFFECTED_NO_NEWER_LIST};
	if (mac) {
		scene->nics[index].mac = (char *)mac;
		vm->vm.nics = &scene->nics[index];
		vm->vm.nic_count = 1;
	}
	return vm;
}

static void add_address(struct scene *scene, const char *literal, const char *mac)
{
	struct dependence_address *address = &scene->addresses[scene->service.address_count++];
	struct err e = {0};

	assert_true(scene->service.address_count <= ADDRESSES_MAX);
	assert_ok(icmp_address_parse(literal, &address->address, &e), &e);
	address->has_mac = mac && vm_mac_parse(mac, address->mac);
	assert_true(!mac || address->has_mac);
}

static bool judge(struct scene *scene, struct str *why)
{
	struct dependence_death death = {.host = scene->unlisted ? NULL : &scene->host,
					 .affected = &scene->affected};

	scene->affected.vms = scene->vms;
	scene->service.addresses = scene->addresses;
	return dependence_judge(&scene->service, &death, why);
}

static void expect_at(struct scene *scene, const char *wanted, int line)
{
	cleanup(str_done) struct str why = {0};

	bool touched = judge(scene, &why);
	if (touched != (wanted != NULL) || strcmp(str_text(&why), wanted ? wanted : "") != 0)
		fail_msg("line %d: %d '%s', not '%s'", line, touched, str_text(&why), wanted ? wanted : "");
}
#define expect(scene, wanted) expect_at(scene, wanted, __LINE__)

#define MAC "52:54:00:77:00:05"
#define OTHER_MAC "52:54:00:77:00:06"

static void the_settings_name_the_vm(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "relay.example.org");
	add_vm(&scene, "web1", NULL);
	add_vm(&scene, "mail1", NULL);
	expect(&scene, NULL);
	scene.service.vm = "mail1";
	expect(&scene, "the mail relay relay.example.org is the VM mail1, which ran on host1");
	scene.service.vm = "MAIL1";
	expect(&scene, NULL);
	scene.service.vm = "mail";
	expect(&scene, NULL);
}

static void a_card_behind_its_address_is_a_vm_s(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "relay.example.org");
	add_vm(&scene, "web1", OTHER_MAC);
	add_vm(&scene, "post", MAC);
	add_address(&scene, "10.0.0.4", NULL);
	add_address(&scene, "fd00::5", MAC);
	expect(&scene, "the mail relay relay.example.org is the VM post, which ran on host1 "
		       "(fd00::5 has its MAC address " MAC ")");
	scene.addresses[1].mac[5]++;
	expect(&scene, "the mail relay relay.example.org is the VM web1, which ran on host1 "
		       "(fd00::5 has its MAC address " OTHER_MAC ")");
	scene.addresses[1].mac[5]++;
	expect(&scene, NULL);
}

/* As a host's line and a domain's XML may have it. */
static void cards_are_compared_as_numbers(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "relay.example.org");
	add_vm(&scene, "post", "52-54-00-AB-00-05");
	add_address(&scene, "10.0.0.5", "52:54:00:ab:00:05");
	expect(&scene, "the mail relay relay.example.org is the VM post, which ran on host1 "
		       "(10.0.0.5 has its MAC address 52:54:00:ab:00:05)");
}

static void a_card_behind_its_address_is_the_host_s(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "relay.example.org");
	scene.host.mac = (char *)MAC;
	add_address(&scene, "10.0.0.5", MAC);
	expect(&scene, "the mail relay relay.example.org is host1 itself (10.0.0.5 has its MAC address " MAC ")");
	scene.unlisted = true;
	expect(&scene, NULL);
}

static void its_address_is_the_host_s(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "relay.example.org");
	add_address(&scene, "10.0.0.2", NULL);
	add_address(&scene, "10.0.0.1", NULL);
	expect(&scene, "the mail relay relay.example.org is host1 itself (10.0.0.1 is its address)");
	scene.host.address = (char *)"10.0.0.11";
	expect(&scene, NULL);
	scene.host.address = (char *)"2001:0DB8::0001";
	add_vm(&scene, "web1", NULL);
	scene.service.address_count = 0;
	add_address(&scene, "2001:db8::1", NULL);
	expect(&scene, "the mail relay relay.example.org is host1 itself (2001:db8::1 is its address)");
	scene.host.address = NULL;
	expect(&scene, NULL);
}

/* Four bytes of an IPv6 address are no IPv4 address. */
static void addresses_of_two_families_are_not_the_same(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "relay.example.org");
	scene.host.address = (char *)"32.1.13.184";
	add_address(&scene, "2001:db8::", NULL);
	expect(&scene, NULL);
}

static void a_vm_is_called_as_its_host(void **state)
{
	(void)state;
	static const char *const fit[][2] = {
		{"mail", "mail.example.org"},
		{"MAIL", "mail.example.org"},
		{"mail.example.org", "mail.example.org"},
		{"Mail.Example.ORG", "mail.example.org."},
		{"mail.example.org.", "mail.example.org"},
		{"mail", "mail"},
		{"mail", "mail."},
		{"10.0.0.5", "10.0.0.5"},
		{"fd00::5", "FD00::5"},
	};
	static const char *const near[][2] = {
		{"m", "mail"},
		{"m", "mail.example.org"},
		{"mai", "mail.example.org"},
		{"mail1", "mail.example.org"},
		{"mail.example", "mail.example.org"},
		{"example", "mail.example.org"},
		{"example.org", "mail.example.org"},
		{"mail.example.org", "mail"},
		{"mail.example.org.evil", "mail.example.org"},
		{"mail-example-org", "mail.example.org"},
		{"", "mail.example.org"},
		{".", "mail.example.org"},
		{"", "."},
		{"10", "10.0.0.5"},
		{"10.", "10.0.0.5"},
		{"10.0.0", "10.0.0.5"},
		{"fd00", "fd00::5"},
		{"localhost", "localhost"},
		{"localhost", "LocalHost."},
		{"127", "127.0.0.1"},
		{"127.0.0.1", "127.0.0.1"},
		{"::1", "::1"},
		{"@ail", "`ail"},
	};
	struct scene scene;

	for (size_t i = 0; i < sizeof fit / sizeof fit[0]; i++) {
		cleanup(cleanup_mem) char *wanted =
			mem_format("the mail relay %s, by its name, is the VM %s, which ran on host1",
				   fit[i][1], fit[i][0]);
		begin(&scene, fit[i][1]);
		add_vm(&scene, "web1", NULL);
		add_vm(&scene, fit[i][0], NULL);
		expect(&scene, wanted);
	}
	for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
		cleanup(str_done) struct str why = {0};
		begin(&scene, near[i][1]);
		add_vm(&scene, near[i][0], NULL);
		if (judge(&scene, &why))
			fail_msg("'%s' is not '%s': %s", near[i][0], near[i][1], str_text(&why));
	}
}

static void the_host_is_called_as_its_host(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "HOST1.example.org");
	expect(&scene, "the mail relay HOST1.example.org, by its name, is host1 itself");
	scene.unlisted = true;
	expect(&scene, "the mail relay HOST1.example.org, by its name, is host1 itself");
	begin(&scene, "relay.example.org");
	scene.host.address = (char *)"relay.example.org";
	expect(&scene, "the mail relay relay.example.org, by its name, is host1 itself");
	begin(&scene, "host10.example.org");
	expect(&scene, NULL);
}

static void a_name_is_not_guessed_where_the_settings_have_it(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "mail.example.org");
	add_vm(&scene, "mail", MAC);
	scene.service.vm = "mail-b";
	expect(&scene, NULL);
	/* What is seen of it counts all the same. */
	add_address(&scene, "10.0.0.5", MAC);
	expect(&scene, "the mail relay mail.example.org is the VM mail, which ran on host1 "
		       "(10.0.0.5 has its MAC address " MAC ")");
}

static void the_strongest_ground_is_said(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "mail.example.org");
	add_vm(&scene, "mail", NULL);
	add_address(&scene, "10.0.0.1", MAC);
	expect(&scene, "the mail relay mail.example.org is host1 itself (10.0.0.1 is its address)");
	add_vm(&scene, "b", MAC);
	expect(&scene, "the mail relay mail.example.org is the VM b, which ran on host1 "
		       "(10.0.0.1 has its MAC address " MAC ")");
	add_vm(&scene, "a", NULL);
	scene.service.vm = "a";
	expect(&scene, "the mail relay mail.example.org is the VM a, which ran on host1");
}

static void whoever_runs_again_or_had_left_does_not_count(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "mail.example.org");
	add_address(&scene, "10.0.0.5", MAC);
	struct affected_vm *vm = add_vm(&scene, "mail", MAC);
	for (int named = 0; named < 2; named++) {
		scene.service.vm = named ? "mail" : NULL;
		vm->now = AFFECTED_RESTARTED;
		expect(&scene, NULL);
		vm->now = AFFECTED_BACK;
		expect(&scene, NULL);
		vm->now = AFFECTED_NOT_SEEN;
		vm->grade = AFFECTED_MOVED;
		expect(&scene, NULL);
		scene.service.address_count = 0;
		expect(&scene, NULL);
		scene.service.address_count = 1;
		vm->grade = AFFECTED_CERTAIN;
		cleanup(str_done) struct str why = {0};
		assert_true(judge(&scene, &why));
	}
}

/* A second VM of that name that does count is found behind one that does not. */
static void one_that_is_back_hides_no_other(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "mail.example.org");
	add_vm(&scene, "mail", NULL)->now = AFFECTED_BACK;
	add_vm(&scene, "mail", NULL);
	expect(&scene, "the mail relay mail.example.org, by its name, is the VM mail, which ran on host1");
	scene.service.vm = "mail";
	expect(&scene, "the mail relay mail.example.org is the VM mail, which ran on host1");
}

/* Whatever relays on the loopback goes on to: it is not this. */
static void the_loopback_says_nothing(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "localhost");
	add_vm(&scene, "localhost", MAC);
	add_address(&scene, "127.0.0.2", MAC);
	add_address(&scene, "::1", MAC);
	scene.host.address = (char *)"::1";
	expect(&scene, NULL);
	scene.host.address = (char *)"127.0.0.2";
	expect(&scene, NULL);
	scene.service.vm = "localhost";
	expect(&scene, "the mail relay localhost is the VM localhost, which ran on host1");
}

static void hostile_names_stay_on_their_line(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "relay.example.org");
	add_vm(&scene, "a\nb\t$(id);%s\xE2\x80\xAE\xFF", MAC);
	add_address(&scene, "10.0.0.5", MAC);
	expect(&scene,
	       "the mail relay relay.example.org is the VM a\\nb\\t$(id);%s\\u202e\\xff, which ran on host1 "
	       "(10.0.0.5 has its MAC address " MAC ")");
}

static void names_without_end_are_taken(void **state)
{
	(void)state;
	struct scene scene;
	char name[1001];

	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	begin(&scene, "a.example.org");
	add_vm(&scene, name, "not a MAC");
	add_address(&scene, "10.0.0.5", MAC);
	expect(&scene, NULL);
	begin(&scene, name);
	add_vm(&scene, name, NULL);
	cleanup(str_done) struct str why = {0};
	assert_true(judge(&scene, &why));
	assert_non_null(strstr(str_text(&why), name));
}

static void a_host_without_a_list_has_an_address_all_the_same(void **state)
{
	(void)state;
	struct scene scene;

	begin(&scene, "10.0.0.1");
	add_address(&scene, "10.0.0.1", NULL);
	expect(&scene, "the mail relay 10.0.0.1 is host1 itself (10.0.0.1 is its address)");
}

static void reasons_add_up(void **state)
{
	(void)state;
	struct scene scene;
	cleanup(str_done) struct str why = {0};

	begin(&scene, "mail");
	add_vm(&scene, "mail", NULL);
	assert_true(judge(&scene, &why));
	scene.service.what = "telephone exchange";
	scene.service.host = "pbx";
	assert_false(judge(&scene, &why));
	add_vm(&scene, "pbx", NULL);
	assert_true(judge(&scene, &why));
	assert_string_equal(str_text(&why),
			    "the mail relay mail, by its name, is the VM mail, which ran on host1; "
			    "the telephone exchange pbx, by its name, is the VM pbx, which ran on host1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_settings_name_the_vm),
		cmocka_unit_test(a_card_behind_its_address_is_a_vm_s),
		cmocka_unit_test(cards_are_compared_as_numbers),
		cmocka_unit_test(a_card_behind_its_address_is_the_host_s),
		cmocka_unit_test(its_address_is_the_host_s),
		cmocka_unit_test(addresses_of_two_families_are_not_the_same),
		cmocka_unit_test(a_vm_is_called_as_its_host),
		cmocka_unit_test(the_host_is_called_as_its_host),
		cmocka_unit_test(a_name_is_not_guessed_where_the_settings_have_it),
		cmocka_unit_test(the_strongest_ground_is_said),
		cmocka_unit_test(whoever_runs_again_or_had_left_does_not_count),
		cmocka_unit_test(one_that_is_back_hides_no_other),
		cmocka_unit_test(the_loopback_says_nothing),
		cmocka_unit_test(hostile_names_stay_on_their_line),
		cmocka_unit_test(names_without_end_are_taken),
		cmocka_unit_test(a_host_without_a_list_has_an_address_all_the_same),
		cmocka_unit_test(reasons_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
