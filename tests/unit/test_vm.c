/* test_vm.c - a VM's record comes back whole; identities are read as people write them. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "vm.h"
#include "when.h"

static struct vm_nic nics[] = {
	{.mac = (char *)"52:54:00:12:34:56",
	 .network = (char *)"default",
	 .model = (char *)"virtio",
	 .rate_bps = UINT64_C(10000000000)},
	{.mac = (char *)"52:54:00:AB:cd:ef", .rate_bps = VM_UNKNOWN},
	{.rate_bps = 0},
};

static const struct vm full = {
	.uuid = {0x4d, 0xea, 0x22, 0xb3, 0x1d, 0x52, 0x48, 0xf3, 0x90, 0xb5, 0x01, 0x4d, 0x3e, 0xde, 0xf2, 0x1f},
	.name = (char *)"we\tb\xE2\x80\xAE \xFF$(id);,\"",
	.state = VM_PAUSED,
	.reason = 5,
	.domain_id = 0,
	.os = (char *)"Debian 12",
	.os_id = (char *)"http://debian.org/debian/12",
	.vcpus = 4,
	.memory_bytes = UINT64_C(17179869184),
	.disk_bytes = 1,
	.nics = nics,
	.nic_count = 3,
	.xml_read = 1700000000123,
	.disks_mark = UINT64_C(0xFEDCBA9876543210),
	.xml_known = true,
};

static const struct vm bare = {
	.name = (char *)"",
	.state = VM_GONE,
	.domain_id = -1,
	.vcpus = VM_UNKNOWN,
	.memory_bytes = VM_UNKNOWN,
	.disk_bytes = VM_UNKNOWN,
	.xml_read = WHEN_UNKNOWN,
};

static void a_record_comes_back_as_it_was(void **state)
{
	(void)state;
	const struct vm *each[] = {&full, &bare};

	for (size_t i = 0; i < 2; i++) {
		cleanup(str_done) struct str record = {0};
		cleanup(vm_done) struct vm read = {0};
		struct err e = {0};
		vm_encode(each[i], &record);
		assert_ok(vm_decode(record.data, record.length, &read, &e), &e);
		assert_true(vm_same(each[i], &read));
		assert_int_equal(each[i]->xml_read, read.xml_read);
		assert_int_equal(each[i]->disks_mark, read.disks_mark);
	}
}

static void a_damaged_record_is_corrupt_or_another_never_a_crash(void **state)
{
	(void)state;
	cleanup(str_done) struct str record = {0};

	vm_encode(&full, &record);
	for (size_t cut = 0; cut < record.length; cut++) {
		struct vm read = {0};
		struct err e = {0};
		char *copy = mem_copy(record.data, cut);
		assert_int_equal(vm_decode(copy, cut, &read, &e), ERR_CORRUPT);
		free(copy);
	}
	for (size_t bit = 0; bit < record.length * 8; bit++) {
		struct vm read = {0};
		struct err e = {0};
		char *copy = mem_copy(record.data, record.length);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		if (vm_decode(copy, record.length, &read, &e) == 0)
			vm_done(&read);
		free(copy);
	}
}

static void any_difference_is_a_difference(void **state)
{
	(void)state;
	struct vm other;

#define assert_differs(change)                                                                               \
	do {                                                                                                 \
		vm_copy(&other, &full);                                                                      \
		assert_true(vm_same(&full, &other));                                                         \
		change;                                                                                      \
		assert_false(vm_same(&full, &other));                                                        \
		assert_false(vm_same(&other, &full));                                                        \
		vm_done(&other);                                                                             \
	} while (0)
	assert_differs(other.uuid[15]++);
	assert_differs(mem_replace(&other.name, "web"));
	assert_differs(other.state = VM_RUNNING);
	assert_differs(other.reason = 0);
	assert_differs(other.domain_id = 1);
	assert_differs(mem_replace(&other.os, NULL));
	assert_differs(mem_replace(&other.os_id, "x"));
	assert_differs(other.vcpus = VM_UNKNOWN);
	assert_differs(other.memory_bytes--);
	assert_differs(other.disk_bytes--);
	assert_differs(other.nics[1].rate_bps = 0);
	assert_differs(mem_replace(&other.nics[2].mac, "52:54:00:00:00:01"));
	assert_differs(mem_replace(&other.nics[0].network, NULL));
	assert_differs(mem_replace(&other.nics[0].model, "e1000"));
	assert_differs(other.xml_known = false);
#undef assert_differs
	vm_copy(&other, &full);
	other.xml_read++;
	assert_true(vm_same(&full, &other));
	vm_done(&other);
}

static void states_are_active_or_not(void **state)
{
	(void)state;
	static const enum vm_state active[] = {VM_RUNNING, VM_BLOCKED, VM_PAUSED, VM_SHUTDOWN, VM_PMSUSPENDED};
	static const enum vm_state idle[] = {VM_NO_STATE, VM_SHUTOFF, VM_CRASHED, VM_GONE};

	for (size_t i = 0; i < sizeof active / sizeof active[0]; i++)
		assert_true(vm_is_active(&(struct vm){.state = active[i]}));
	for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
		assert_false(vm_is_active(&(struct vm){.state = idle[i]}));
	assert_string_equal(vm_state_name(VM_SHUTOFF), "shut off");
	assert_string_equal(vm_state_name((enum vm_state)99), "unknown");
	assert_string_equal(vm_reason_name(VM_RUNNING, 2), "migrated");
	assert_string_equal(vm_reason_name(VM_PAUSED, 13), "post-copy failed");
	assert_null(vm_reason_name(VM_RUNNING, 13));
	assert_null(vm_reason_name(VM_RUNNING, -1));
	assert_null(vm_reason_name(VM_GONE, 1));
}

static void uuids_are_read_as_people_write_them(void **state)
{
	(void)state;
	static const char *const good[] = {"4dea22b3-1d52-48f3-90b5-014d3edef21f",
					   "4DEA22B31D5248F390B5014D3EDEF21F"};
	static const char *const bad[] = {"",
					  "4dea22b3-1d52-48f3-90b5-014d3edef21",
					  "4dea22b3-1d52-48f3-90b5-014d3edef21f0",
					  "4dea22b3-1d5248f390b5014d3edef21f",
					  "4dea22b3--1d52-48f3-90b5014d3edef21f",
					  "-4dea22b31d5248f390b5014d3edef21f",
					  "4dea22b3-1d52-48f3-90b5-014d3edef21g",
					  "4dea22b31d52-48f390b5014d3edef21f"};
	unsigned char uuid[VM_UUID_SIZE];
	char text[VM_UUID_TEXT_SIZE];
	struct err e = {0};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_ok(vm_uuid_parse(good[i], uuid, &e), &e);
		assert_memory_equal(uuid, full.uuid, VM_UUID_SIZE);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_error(vm_uuid_parse(bad[i], uuid, &e), ERR_USAGE, &e, "is not a UUID");
	assert_string_equal(vm_uuid_format(full.uuid, text), good[0]);
	vm_uuid_swap(full.uuid, uuid);
	assert_string_equal(vm_uuid_format(uuid, text), "b322ea4d-521d-f348-90b5-014d3edef21f");
	assert_int_equal(vm_uuid_parse_prefix("4dea22b3-1", uuid), 9);
	assert_int_equal(uuid[4], 0x10);
	assert_int_equal(vm_uuid_parse_prefix("4dea22b3-", uuid), 8);
	assert_int_equal(vm_uuid_parse_prefix("web", uuid), 0);
}

static void a_name_gives_a_lasting_identity(void **state)
{
	(void)state;
	unsigned char a[VM_UUID_SIZE], b[VM_UUID_SIZE];
	char text[VM_UUID_TEXT_SIZE];

	vm_uuid_from_name("host1", a);
	vm_uuid_from_name("host2", b);
	assert_memory_not_equal(a, b, VM_UUID_SIZE);
	/* In stores out there: must never change. */
	assert_string_equal(vm_uuid_format(a, text), "d4f3c7cb-adc5-8b7f-bb8c-a41b41342182");
}

static void macs_are_read_and_written(void **state)
{
	(void)state;
	unsigned char mac[VM_MAC_SIZE];
	char text[VM_MAC_TEXT_SIZE];

	assert_true(vm_mac_parse("52-54-00-AB-cd-0f", mac));
	assert_string_equal(vm_mac_format(mac, text), "52:54:00:ab:cd:0f");
	assert_false(vm_mac_parse("52:54:00:ab:cd", mac));
	assert_false(vm_mac_parse("52:54:00:ab:cd:0f:", mac));
	assert_false(vm_mac_parse("52:54:00:ab:cd:g0", mac));
	assert_false(vm_mac_parse("525400abcd0f", mac));
	assert_false(vm_mac_parse("", mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was),
		cmocka_unit_test(a_damaged_record_is_corrupt_or_another_never_a_crash),
		cmocka_unit_test(any_difference_is_a_difference),
		cmocka_unit_test(states_are_active_or_not),
		cmocka_unit_test(uuids_are_read_as_people_write_them),
		cmocka_unit_test(a_name_gives_a_lasting_identity),
		cmocka_unit_test(macs_are_read_and_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
