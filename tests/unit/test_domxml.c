/* test_domxml.c - domain XML as QEMU hosts give it, and as an enemy would. */
#include "config.h"

#include "unit.h"

#include "domxml.h"
#include "mem.h"
#include "str.h"

static const char qemu_domain[] =
	"<domain type='kvm' id='7'>\n"
	"  <name>web1</name>\n"
	"  <uuid>8f1e3a90-1111-4222-8333-444455556666</uuid>\n"
	"  <title>front &amp; back</title>\n"
	"  <metadata>\n"
	"    <libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>\n"
	"      <libosinfo:os id='http://debian.org/debian/12'/>\n"
	"    </libosinfo:libosinfo>\n"
	"  </metadata>\n"
	"  <memory unit='KiB'>4194304</memory>\n"
	"  <currentMemory unit='KiB'>2097152</currentMemory>\n"
	"  <vcpu placement='static' current='2'>4</vcpu>\n"
	"  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>\n"
	"  <devices>\n"
	"    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='qcow2'/>\n"
	"      <source file='/var/lib/libvirt/images/web1.qcow2' index='1'/>\n"
	"      <backingStore type='file'><source file='/base.qcow2'/></backingStore>\n"
	"      <target dev='vda' bus='virtio'/>\n"
	"    </disk>\n"
	"    <disk type='network'><source protocol='rbd' name='pool/web1'/><target dev='vdb'/></disk>\n"
	"    <disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>\n"
	"    <interface type='network'>\n"
	"      <mac address='52:54:00:AB:CD:EF'/>\n"
	"      <source network='default' portid='x' bridge='virbr0'/>\n"
	"      <bandwidth><inbound average='1000' peak='5000'/><outbound average='128'/></bandwidth>\n"
	"      <target dev='vnet3'/><model type='virtio'/>\n"
	"    </interface>\n"
	"    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>\n"
	"    <interface type='user'><mac address='52:54:00:00:00:02'/></interface>\n"
	"  </devices>\n"
	"</domain>\n";

static int parse(struct domxml *domain, const char *text, struct err *e)
{
	return domxml_parse(domain, text, strlen(text), e);
}

/* A domain with MIDDLE in it; the caller frees. */
static char *domain_with(const char *middle)
{
	return mem_format("<domain><name>a</name><uuid>u</uuid>%s</domain>", middle);
}

static void reads_a_qemu_domain(void **state)
{
	cleanup(domxml_done) struct domxml d = {0};
	struct err e = {0};

	(void)state;
	assert_ok(parse(&d, qemu_domain, &e), &e);
	assert_string_equal(d.name, "web1");
	assert_string_equal(d.uuid, "8f1e3a90-1111-4222-8333-444455556666");
	assert_string_equal(d.title, "front & back");
	assert_string_equal(d.os, "Debian 12");
	assert_string_equal(d.os_id, "http://debian.org/debian/12");
	assert_string_equal(d.type, "kvm");
	assert_string_equal(d.arch, "x86_64");
	assert_string_equal(d.machine, "pc-q35-7.2");
	assert_string_equal(d.emulator, "/usr/bin/qemu-system-x86_64");
	assert_int_equal(d.vcpus, 2);
	assert_int_equal(d.vcpus_max, 4);
	assert_true(d.memory_bytes == 4ULL << 30);
	assert_null(d.description);
}

static void reads_disks(void **state)
{
	cleanup(domxml_done) struct domxml d = {0};
	struct err e = {0};

	(void)state;
	assert_ok(parse(&d, qemu_domain, &e), &e);
	assert_int_equal(d.disks.count, 3);
	assert_string_equal(d.disks.items[0].target, "vda");
	assert_string_equal(d.disks.items[0].source, "/var/lib/libvirt/images/web1.qcow2");
	assert_string_equal(d.disks.items[0].format, "qcow2");
	assert_false(d.disks.items[0].read_only);
	assert_string_equal(d.disks.items[1].source, "rbd:pool/web1");
	assert_string_equal(d.disks.items[1].device, "disk");
	assert_string_equal(d.disks.items[2].device, "cdrom");
	assert_null(d.disks.items[2].source);
	assert_true(d.disks.items[2].read_only);
	assert_string_equal(d.disks.items[0].type, "file");
	assert_string_equal(d.disks.items[0].bus, "virtio");
	assert_true(d.disks.items[0].backing);
	assert_string_equal(d.disks.items[1].type, "network");
	assert_null(d.disks.items[1].bus);
	assert_false(d.disks.items[1].backing);
}

static void reads_what_a_disk_lies_on(void **state)
{
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(cleanup_mem) char *text = domain_with(
		"<devices>"
		"<disk type='volume'><source pool='p' volume='v' index='2'/><backingStore/></disk>"
		"<disk type='block'><source dev='/dev/vg/a'><encryption format='luks'/></source>"
		"<shareable/></disk>"
		"<disk><encryption format='luks'/><backingStore type='file'><format "
		"type='raw'/></backingStore></disk>"
		"<x:disk xmlns:x='urn:x' type='file'/>"
		"</devices>");
	struct err e = {0};

	(void)state;
	assert_ok(parse(&d, text, &e), &e);
	assert_int_equal(d.disks.count, 3);
	assert_string_equal(d.disks.items[0].pool, "p");
	assert_string_equal(d.disks.items[0].volume, "v");
	assert_string_equal(d.disks.items[0].source, "v");
	assert_false(d.disks.items[0].backing);
	assert_false(d.disks.items[0].shareable);
	assert_false(d.disks.items[0].encrypted);
	assert_true(d.disks.items[1].encrypted);
	assert_true(d.disks.items[2].encrypted);
	assert_string_equal(d.disks.items[1].type, "block");
	assert_null(d.disks.items[1].pool);
	assert_true(d.disks.items[1].shareable);
	assert_null(d.disks.items[2].type);
	assert_false(d.disks.items[2].backing);
}

static void reads_firmware(void **state)
{
	static const char *const nvrams[] = {
		"<nvram template='/t.fd' format='qcow2'>/var/lib/a &amp; b_VARS.fd</nvram>",
		"<nvram type='file' template='/t.fd' format='qcow2'>\n"
		"  <source file='/var/lib/a &amp; b_VARS.fd'/>\n</nvram>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof nvrams / sizeof nvrams[0]; i++) {
		cleanup(domxml_done) struct domxml d = {0};
		cleanup(cleanup_mem) char *os =
			mem_format("<os firmware='efi'><type>hvm</type>"
				   "<loader type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>%s</os>"
				   "<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>"
				   "<devices><tpm model='tpm-crb'/></devices>",
				   nvrams[i]);
		cleanup(cleanup_mem) char *text = domain_with(os);
		struct err e = {0};
		assert_ok(parse(&d, text, &e), &e);
		assert_string_equal(d.firmware, "efi");
		assert_string_equal(d.loader, "/usr/share/OVMF/OVMF_CODE.fd");
		assert_string_equal(d.nvram, "/var/lib/a & b_VARS.fd");
		assert_string_equal(d.nvram_format, "qcow2");
		assert_string_equal(d.genid, "43dc0cf8-809b-4adb-9bea-a9abb5f3d90e");
		assert_true(d.has_tpm);
	}
}

static void finds_no_firmware_where_there_is_none(void **state)
{
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(cleanup_mem) char *text = domain_with("<os><type>hvm</type><nvram/></os><genid/>");
	struct err e = {0};

	(void)state;
	assert_ok(parse(&d, text, &e), &e);
	assert_null(d.firmware);
	assert_null(d.loader);
	assert_null(d.nvram);
	assert_null(d.nvram_format);
	assert_null(d.genid);
	assert_false(d.has_tpm);
}

static void reads_nics(void **state)
{
	cleanup(domxml_done) struct domxml d = {0};
	struct err e = {0};

	(void)state;
	assert_ok(parse(&d, qemu_domain, &e), &e);
	assert_int_equal(d.nics.count, 3);
	assert_string_equal(d.nics.items[0].mac, "52:54:00:ab:cd:ef");
	assert_string_equal(d.nics.items[0].network, "default");
	assert_string_equal(d.nics.items[0].uplink, "virbr0");
	assert_string_equal(d.nics.items[0].model, "virtio");
	assert_string_equal(d.nics.items[0].target, "vnet3");
	assert_int_equal(d.nics.items[0].inbound_kib_s, 1000);
	assert_int_equal(d.nics.items[0].outbound_kib_s, 128);
	assert_string_equal(d.nics.items[1].network, "br0");
	assert_string_equal(d.nics.items[1].uplink, "br0");
	assert_int_equal(d.nics.items[1].inbound_kib_s, 0);
	assert_string_equal(d.nics.items[2].type, "user");
	assert_null(d.nics.items[2].network);
}

static void names_systems(void **state)
{
	static const char *const cases[][2] = {
		{"http://debian.org/debian/12", "Debian 12"},
		{"http://microsoft.com/win/11", "Windows 11"},
		{"http://redhat.com/rhel/9.4", "RHEL 9.4"},
		{"http://centos.org/centos-stream/9", "CentOS Stream 9"},
		{"http://ubuntu.com/ubuntu/24.04", "Ubuntu 24.04"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(cleanup_mem) char *name = domxml_os_name(cases[i][0]);
		assert_string_equal(name, cases[i][1]);
	}
	assert_null(domxml_os_name("debian"));
	assert_null(domxml_os_name("debian/"));
	assert_null(domxml_os_name("/12"));
	assert_null(domxml_os_name("http://"));
	assert_null(domxml_os_name(""));
}

static void falls_back_to_the_type_of_machine(void **state)
{
	static const char *const cases[][2] = {
		{"<os><type arch='aarch64'>hvm</type></os>", "hvm aarch64"},
		{"<os><type>exe</type></os>", "exe"},
		/* Another namespace, and none. */
		{"<metadata><libosinfo xmlns='urn:x'><os id='a/b/1'/></libosinfo></metadata>"
		 "<os><type>hvm</type></os>",
		 "hvm"},
		{"<metadata><libosinfo><os id='a/b/1'/></libosinfo></metadata><os><type>hvm</type></os>",
		 "hvm"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(domxml_done) struct domxml d = {0};
		cleanup(cleanup_mem) char *text = domain_with(cases[i][0]);
		struct err e = {0};
		assert_ok(parse(&d, text, &e), &e);
		assert_string_equal(d.os, cases[i][1]);
		assert_null(d.os_id);
	}
}

static void reads_units(void **state)
{
	static const struct {
		const char *xml;
		uint64_t bytes;
	} cases[] = {
		{"<memory>1024</memory>", 1 << 20},
		{"<memory unit='b'>512</memory>", 512},
		{"<memory unit='bytes'>512</memory>", 512},
		{"<memory unit='KB'>5</memory>", 5000},
		{"<memory unit='M'>5</memory>", 5 << 20},
		{"<memory unit='GiB'>3</memory>", 3ULL << 30},
		{"<memory unit='TB'>1</memory>", 1000000000000ULL},
		{"<memory unit='parsec'>1</memory>", 0},
		{"<memory unit='EiB'>99</memory>", 0},
		{"<memory>-1</memory>", 0},
		{"<memory>99999999999999999999999</memory>", 0},
		{"<memory/>", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(domxml_done) struct domxml d = {0};
		cleanup(cleanup_mem) char *text = domain_with(cases[i].xml);
		struct err e = {0};
		assert_ok(parse(&d, text, &e), &e);
		assert_true(d.memory_bytes == cases[i].bytes);
	}
}

static void keeps_hostile_names(void **state)
{
	cleanup(str_done) struct str text = {0};
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(cleanup_mem) char *long_name = mem_alloc(1001);
	struct err e = {0};

	(void)state;
	memset(long_name, 'n', 1000);
	long_name[1000] = '\0';
	str_addf(&text, "<domain><name>a&#9;b\xE2\x80\xAE%s$(id);,&quot;</name><uuid>u</uuid></domain>",
		 long_name);
	assert_ok(parse(&d, str_text(&text), &e), &e);
	assert_int_equal(strlen(d.name), 3 + 3 + 1000 + 7 + 1);
	assert_memory_equal(d.name, "a\tb\xE2\x80\xAEnnn", 9);
	assert_string_equal(d.name + 1006, "$(id);,\"");
}

static void refuses(const char *text, int code, const char *reason)
{
	struct domxml untouched;
	struct domxml d;
	struct err e = {0};

	memset(&untouched, 0x5A, sizeof untouched);
	d = untouched;
	assert_error(parse(&d, text, &e), code, &e, reason);
	assert_memory_equal(&d, &untouched, sizeof d);
}

static void refuses_what_is_no_domain(void **state)
{
	(void)state;
	refuses("", ERR_CORRUPT, "bad XML");
	refuses("<domain>", ERR_CORRUPT, "bad XML");
	refuses("<network><name>a</name><uuid>u</uuid></network>", ERR_CORRUPT, "not a <domain>");
	refuses("<domain><name>a</name></domain>", ERR_CORRUPT, "without UUID");
	refuses("<domain><name/><uuid>u</uuid></domain>", ERR_CORRUPT, "without name");
	refuses("<domain><name>\xFF</name><uuid>u</uuid></domain>", ERR_CORRUPT, "bad XML");
	refuses("<domain><name>a&#0;</name><uuid>u</uuid></domain>", ERR_CORRUPT, "bad XML");
}

static void refuses_each_truncation(void **state)
{
	(void)state;
	/* The document ends with "</domain>\n": only the newline may be missing. */
	for (size_t length = 0; length < sizeof qemu_domain - 2; length++) {
		struct domxml d = {0};
		struct err e = {0};
		assert_int_equal(domxml_parse(&d, qemu_domain, length, &e), ERR_CORRUPT);
	}
}

static void refuses_entities(void **state)
{
	(void)state;
	refuses("<!DOCTYPE domain [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
		"<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
		"<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'><!ENTITY h '&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;'>]>"
		"<domain><name>&h;</name><uuid>u</uuid></domain>",
		ERR_CORRUPT, "bad XML");
	refuses("<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
		"<domain><name>&x;</name><uuid>u</uuid></domain>",
		ERR_CORRUPT, "DTD");
	refuses("<!DOCTYPE domain SYSTEM 'http://192.0.2.1/x.dtd'>"
		"<domain><name>a</name><uuid>u</uuid></domain>",
		ERR_CORRUPT, "DTD");
}

static void refuses_depth(void **state)
{
	cleanup(str_done) struct str text = {0};

	(void)state;
	str_add(&text, "<domain><name>a</name><uuid>u</uuid>");
	for (int i = 0; i < 100000; i++)
		str_add(&text, "<a>");
	for (int i = 0; i < 100000; i++)
		str_add(&text, "</a>");
	str_add(&text, "</domain>");
	refuses(str_text(&text), ERR_CORRUPT, "bad XML");
}

static void refuses_size(void **state)
{
	cleanup(str_done) struct str text = {0};
	cleanup(cleanup_mem) char *fill = mem_alloc(10 << 20);

	(void)state;
	memset(fill, 'x', 10 << 20);
	str_add(&text, "<domain><name>");
	str_add_n(&text, fill, 10 << 20);
	str_add(&text, "</name><uuid>u</uuid></domain>");
	refuses(str_text(&text), ERR_TOO_LARGE, "more than");
}

static void refuses_too_many_devices(void **state)
{
	static const char *const devices[] = {"<disk/>", "<interface/>"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		cleanup(str_done) struct str text = {0};
		str_add(&text, "<domain><name>a</name><uuid>u</uuid><devices>");
		for (int n = 0; n <= DOMXML_DEVICES_MAX; n++)
			str_add(&text, devices[i]);
		str_add(&text, "</devices></domain>");
		refuses(str_text(&text), ERR_TOO_LARGE, "more than 2048");
	}
}

static void reads_capabilities(void **state)
{
	static const char text[] =
		"<capabilities><host><uuid>11111111-2222-3333-4444-555555555555</uuid>"
		"<cpu><arch>x86_64</arch><model>Skylake-Client-IBRS</model></cpu></host></capabilities>";
	static const char none[] = "<capabilities><host/></capabilities>";
	cleanup(domxml_host_done) struct domxml_host host = {0};
	struct domxml_host empty = {0};
	struct err e = {0};

	(void)state;
	assert_ok(domxml_parse_capabilities(&host, text, strlen(text), &e), &e);
	assert_string_equal(host.uuid, "11111111-2222-3333-4444-555555555555");
	assert_string_equal(host.arch, "x86_64");
	assert_string_equal(host.cpu_model, "Skylake-Client-IBRS");
	assert_ok(domxml_parse_capabilities(&empty, none, strlen(none), &e), &e);
	assert_null(empty.uuid);
	assert_error(domxml_parse_capabilities(&empty, "<a/>", 4, &e), ERR_CORRUPT, &e, "capabilities");
}

static uint64_t rate_of(const char *text)
{
	struct err e = {0};
	uint64_t rate_bps = 1;

	assert_ok(domxml_parse_interface(&rate_bps, text, strlen(text), &e), &e);
	return rate_bps;
}

#define PORT(name, speed, state)                                                                             \
	"<interface type='ethernet' name='" name "'><link speed='" speed "' state='" state "'/></interface>"

static void reads_the_speed_of_interfaces(void **state)
{
	static const uint64_t gigabit = 1000000000;
	struct err e = {0};
	uint64_t rate_bps;

	(void)state;
	assert_int_equal(rate_of(PORT("eth0", "2500", "up")), gigabit * 5 / 2);
	assert_int_equal(rate_of(PORT("eth0", "1000", "down")), UINT64_MAX);
	assert_int_equal(rate_of("<interface name='eth0'><link state='up'/></interface>"), UINT64_MAX);
	assert_int_equal(rate_of("<interface name='eth0'/>"), UINT64_MAX);
	assert_int_equal(rate_of("<interface><link speed='18446744073709551615' state='up'/></interface>"),
			 UINT64_MAX);
	assert_int_equal(rate_of("<interface name='br0'><link speed='40000' state='up'/><bridge>" PORT(
				 "eth0", "1000", "up") PORT("eth1", "10000", "up")
					 PORT("eth2", "25000", "down") "</bridge></interface>"),
			 gigabit * 10);
	assert_int_equal(
		rate_of("<interface name='br0'><link speed='40000' state='up'/><bridge/></interface>"),
		UINT64_MAX);
	assert_error(domxml_parse_interface(&rate_bps, "<a/>", 4, &e), ERR_CORRUPT, &e, "not a <interface>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_qemu_domain),
		cmocka_unit_test(reads_disks),
		cmocka_unit_test(reads_what_a_disk_lies_on),
		cmocka_unit_test(reads_firmware),
		cmocka_unit_test(finds_no_firmware_where_there_is_none),
		cmocka_unit_test(reads_nics),
		cmocka_unit_test(names_systems),
		cmocka_unit_test(falls_back_to_the_type_of_machine),
		cmocka_unit_test(reads_units),
		cmocka_unit_test(keeps_hostile_names),
		cmocka_unit_test(refuses_what_is_no_domain),
		cmocka_unit_test(refuses_each_truncation),
		cmocka_unit_test(refuses_entities),
		cmocka_unit_test(refuses_depth),
		cmocka_unit_test(refuses_size),
		cmocka_unit_test(refuses_too_many_devices),
		cmocka_unit_test(reads_capabilities),
		cmocka_unit_test(reads_the_speed_of_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
