/* test_domxml_storage.c - XML of pools, volumes and backup jobs: as libvirt writes it, as an enemy would, as we do. */
#include "config.h"

#include "unit.h"

#include "domxml_storage.h"
#include "mem.h"
#include "when.h"

static const char pool_xml[] = "<pool type='dir'>\n"
			       "  <name>default</name>\n"
			       "  <uuid>8f1e3a90-1111-4222-8333-444455556666</uuid>\n"
			       "  <capacity unit='bytes'>1000</capacity>\n"
			       "  <source>\n  </source>\n"
			       "  <target>\n"
			       "    <path>/var/lib/libvirt/images &amp; more</path>\n"
			       "    <permissions><mode>0711</mode></permissions>\n"
			       "  </target>\n"
			       "</pool>\n";

static const char volume_xml[] = "<volume type='file'>\n"
				 "  <name>web1.qcow2</name>\n"
				 "  <key>/images/web1.qcow2</key>\n"
				 "  <capacity unit='bytes'>10737418240</capacity>\n"
				 "  <allocation unit='KiB'>200</allocation>\n"
				 "  <physical unit='bytes'>197120</physical>\n"
				 "  <target>\n"
				 "    <path>/images/web1.qcow2</path>\n"
				 "    <format type='qcow2'/>\n"
				 "    <timestamps>\n"
				 "      <atime>1341933637.273190990</atime>\n"
				 "      <mtime>1341930622.047245868</mtime>\n"
				 "    </timestamps>\n"
				 "  </target>\n"
				 "  <backingStore>\n"
				 "    <path>/images/base.raw</path>\n"
				 "    <format type='raw'/>\n"
				 "  </backingStore>\n"
				 "</volume>\n";

static int parse_volume(struct domxml_volume *volume, const char *text, struct err *e)
{
	return domxml_parse_volume(volume, text, strlen(text), e);
}

static void reads_a_pool(void **state)
{
	cleanup(domxml_pool_done) struct domxml_pool pool = {0};
	struct err e = {0};

	(void)state;
	assert_ok(domxml_parse_pool(&pool, pool_xml, strlen(pool_xml), &e), &e);
	assert_string_equal(pool.name, "default");
	assert_string_equal(pool.type, "dir");
	assert_string_equal(pool.path, "/var/lib/libvirt/images & more");
}

static void a_pool_may_have_no_path(void **state)
{
	static const char xml[] =
		"<pool type='rbd'><name>ceph</name><source><name>vms</name></source></pool>";
	cleanup(domxml_pool_done) struct domxml_pool pool = {0};
	struct err e = {0};

	(void)state;
	assert_ok(domxml_parse_pool(&pool, xml, strlen(xml), &e), &e);
	assert_string_equal(pool.name, "ceph");
	assert_null(pool.path);
}

static void reads_a_volume(void **state)
{
	cleanup(domxml_volume_done) struct domxml_volume volume = {0};
	struct err e = {0};

	(void)state;
	assert_ok(parse_volume(&volume, volume_xml, &e), &e);
	assert_string_equal(volume.name, "web1.qcow2");
	assert_string_equal(volume.path, "/images/web1.qcow2");
	assert_string_equal(volume.format, "qcow2");
	assert_string_equal(volume.backing_path, "/images/base.raw");
	assert_string_equal(volume.backing_format, "raw");
	assert_true(volume.capacity_bytes == 10ULL << 30);
	assert_true(volume.allocation_bytes == 200 << 10);
	assert_true(volume.modified == 1341930622047);
}

static void what_a_volume_does_not_say_is_unknown(void **state)
{
	cleanup(domxml_volume_done) struct domxml_volume volume = {0};
	struct err e = {0};

	(void)state;
	assert_ok(parse_volume(&volume, "<volume><name>a</name><capacity>7</capacity></volume>", &e), &e);
	assert_null(volume.path);
	assert_null(volume.format);
	assert_null(volume.backing_path);
	assert_true(volume.capacity_bytes == 7);
	assert_true(volume.allocation_bytes == UINT64_MAX);
	assert_true(volume.modified == WHEN_UNKNOWN);
}

static void odd_instants(void **state)
{
	static const struct {
		const char *text;
		int64_t instant;
	} cases[] = {
		{"1341930622", 1341930622000},
		{"1341930622.", 1341930622000},
		{"1341930622.5", 1341930622500},
		{"0.0009", 0},
		{"-1.5", WHEN_UNKNOWN},
		{"x", WHEN_UNKNOWN},
		{"1.x", 1000},
		{"99999999999999", WHEN_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(domxml_volume_done) struct domxml_volume volume = {0};
		cleanup(cleanup_mem) char *xml =
			mem_format("<volume><name>a</name><target><timestamps><mtime>%s</mtime></timestamps>"
				   "</target></volume>",
				   cases[i].text);
		struct err e = {0};
		assert_ok(parse_volume(&volume, xml, &e), &e);
		if (volume.modified != cases[i].instant)
			fail_msg("%s: %lld", cases[i].text, (long long)volume.modified);
	}
}

static void refuses_what_is_neither(void **state)
{
	static const char *const bad[] = {
		"", "<volume>", "<pool type='dir'><name>a</name></pool>",
		"<volume><capacity>1</capacity></volume>",
		"<!DOCTYPE volume [<!ENTITY a 'b'>]><volume><name>&a;</name></volume>"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct domxml_volume volume = {0};
		assert_error(parse_volume(&volume, bad[i], &e), ERR_CORRUPT, &e, "bad XML");
		assert_null(volume.name);
	}
	struct domxml_pool pool = {0};
	static const char no_type[] = "<pool><name>a</name></pool>";
	assert_error(domxml_parse_pool(&pool, no_type, strlen(no_type), &e), ERR_CORRUPT, &e, "without type");
	static const char no_name[] = "<pool type='dir'/>";
	assert_error(domxml_parse_pool(&pool, no_name, strlen(no_name), &e), ERR_CORRUPT, &e, "without name");
}

static void writes_a_pool(void **state)
{
	cleanup(str_done) struct str out = {0};
	cleanup(domxml_pool_done) struct domxml_pool pool = {0};
	struct err e = {0};

	(void)state;
	domxml_write_pool(&out, "vmroll-<&'\">", "/a b/]]>/\xE6\x97\xA5");
	assert_ok(domxml_parse_pool(&pool, out.data, out.length, &e), &e);
	assert_string_equal(pool.name, "vmroll-<&'\">");
	assert_string_equal(pool.type, "dir");
	assert_string_equal(pool.path, "/a b/]]>/\xE6\x97\xA5");
}

static void writes_a_volume(void **state)
{
	struct domxml_volume written = {
		.name = (char *)"<&'\">.qcow2",
		.format = (char *)"qcow2",
		.backing_path = (char *)"/images/a & b",
		.backing_format = (char *)"raw",
		.capacity_bytes = 5 << 20,
		.allocation_bytes = UINT64_MAX,
		.read_only = true,
	};
	cleanup(str_done) struct str out = {0};
	cleanup(domxml_volume_done) struct domxml_volume volume = {0};
	struct err e = {0};

	(void)state;
	domxml_write_volume(&out, &written);
	assert_ok(domxml_parse_volume(&volume, out.data, out.length, &e), &e);
	assert_string_equal(volume.name, written.name);
	assert_string_equal(volume.format, "qcow2");
	assert_string_equal(volume.backing_path, "/images/a & b");
	assert_string_equal(volume.backing_format, "raw");
	assert_true(volume.capacity_bytes == written.capacity_bytes);
	assert_true(volume.allocation_bytes == 0);
	assert_non_null(strstr(out.data, "<mode>0444</mode>"));
	assert_non_null(strstr(out.data, "<compat>1.1</compat>"));
}

static void a_plain_volume_says_no_more_than_it_must(void **state)
{
	const struct domxml_volume written = {.name = (char *)"a",
					      .format = (char *)"raw",
					      .capacity_bytes = UINT64_MAX,
					      .allocation_bytes = 3};
	cleanup(str_done) struct str out = {0};

	(void)state;
	domxml_write_volume(&out, &written);
	assert_null(strstr(str_text(&out), "capacity"));
	assert_non_null(strstr(str_text(&out), "<allocation>3</allocation>"));
	assert_null(strstr(str_text(&out), "mode"));
	assert_null(strstr(str_text(&out), "compat"));
	assert_null(strstr(str_text(&out), "backingStore"));
}

static void writes_a_backup(void **state)
{
	const struct domxml_backup_disk disks[] = {
		{"vda", "/images/a&b.raw", "raw"},
		{"vdb", NULL, NULL},
	};
	cleanup(str_done) struct str out = {0};

	(void)state;
	domxml_write_backup(&out, disks, 2);
	assert_non_null(strstr(str_text(&out), "<domainbackup mode=\"push\">"));
	assert_non_null(strstr(str_text(&out),
			       "<disk name=\"vda\" backup=\"yes\" type=\"file\">"
			       "<driver type=\"raw\"/><target file=\"/images/a&amp;b.raw\"/></disk>"));
	assert_non_null(strstr(str_text(&out), "<disk name=\"vdb\" backup=\"no\"/>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_pool),
		cmocka_unit_test(a_pool_may_have_no_path),
		cmocka_unit_test(reads_a_volume),
		cmocka_unit_test(what_a_volume_does_not_say_is_unknown),
		cmocka_unit_test(odd_instants),
		cmocka_unit_test(refuses_what_is_neither),
		cmocka_unit_test(writes_a_pool),
		cmocka_unit_test(writes_a_volume),
		cmocka_unit_test(a_plain_volume_says_no_more_than_it_must),
		cmocka_unit_test(writes_a_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
