/* test_domxml_rewrite.c - definitions of one domain made those of another; what comes out is held against libvirt's schema and its test driver. */
#include "config.h"

#include "unit.h"

#include <stdbool.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "domxml.h"
#include "domxml_rewrite.h"
#include "mem.h"
#include "str.h"

#define OLD_UUID "8f1e3a90-1111-4222-8333-444455556666"
#define NEW_UUID "0c0ffee0-aaaa-4bbb-8ccc-ddddeeee0001"

static const char *const macs[] = {"52:54:00:aa:00:01", "52:54:00:aa:00:02", "52:54:00:aa:00:03"};

struct result {
	struct str out, kept;
};

static void result_done(struct result *result)
{
	str_done(&result->out);
	str_done(&result->kept);
}

/* A domain with OUTER beside and INNER in its devices; the caller frees. */
static char *domain_with(const char *outer, const char *inner)
{
	return mem_format("<domain type='test' id='3'>\n  <name>web1</name>\n  <uuid>" OLD_UUID "</uuid>\n"
			  "  <memory unit='KiB'>65536</memory>\n"
			  "  <os><type arch='x86_64'>hvm</type></os>\n"
			  "%s  <devices>\n%s  </devices>\n</domain>\n",
			  outer, inner);
}

static struct domxml_change change_to(const char *name)
{
	return (struct domxml_change){.name = name, .uuid = NEW_UUID};
}

static void rewrite(const char *xml, const struct domxml_change *change, struct result *result)
{
	struct err e = {0};

	result_done(result);
	assert_ok(domxml_rewrite(xml, strlen(xml), change, &result->out, &result->kept, &e), &e);
}

static void silent(void *context, virErrorPtr error)
{
	(void)context;
	(void)error;
}

static void assert_defines(const struct str *xml)
{
	virConnectPtr connection = virConnectOpen("test:///default");

	assert_non_null(connection);
	virDomainPtr domain = virDomainDefineXMLFlags(connection, str_text(xml), VIR_DOMAIN_DEFINE_VALIDATE);
	if (!domain)
		fail_msg("libvirt: %s\n%s", virGetLastErrorMessage(), str_text(xml));
	virDomainFree(domain);
	virConnectClose(connection);
}

static void assert_has(const struct str *text, const char *part)
{
	if (!strstr(str_text(text), part))
		fail_msg("'%s' is not in:\n%s", part, str_text(text));
}

static void assert_lacks(const struct str *text, const char *part)
{
	if (strstr(str_text(text), part))
		fail_msg("'%s' is in:\n%s", part, str_text(text));
}

/* A device INNER becomes one that has WANTED, tells KEPT of it (NULL: nothing), and that libvirt takes. */
static void device_becomes(const char *inner, const char *wanted, const char *kept)
{
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml = domain_with("", inner);
	struct domxml_change change = change_to("D-web1");

	change.macs = macs;
	change.mac_count = strstr(inner, "<interface") ? 1 : 0;
	rewrite(xml, &change, &result);
	assert_has(&result.out, wanted);
	assert_string_equal(str_text(&result.kept), kept ? kept : "");
	assert_defines(&result.out);
}

static void refuses(const char *xml, const struct domxml_change *change, int code, const char *reason)
{
	cleanup(result_done) struct result result = {0};
	struct err e = {0};

	str_add(&result.out, "before");
	str_add(&result.kept, "before");
	assert_error(domxml_rewrite(xml, strlen(xml), change, &result.out, &result.kept, &e), code, &e, reason);
	assert_string_equal(str_text(&result.out), "before");
	assert_string_equal(str_text(&result.kept), "before");
}

/* ---- who it is ---- */

static void is_another_one(void **state)
{
	static const char outer[] = "  <title>web1's title</title>\n"
				    "  <genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>\n"
				    "  <sysinfo type='smbios'><system><entry name='manufacturer'>x</entry>"
				    "<entry name='uuid'>8F1E3A90-1111-4222-8333-444455556666</entry>"
				    "<entry name='serial'>" OLD_UUID "</entry>"
				    "<entry name='sku'>web1</entry></system></sysinfo>\n";
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml = domain_with(outer, "");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "<domain type=\"test\">");
	assert_has(&result.out, "<name>D-web1</name>");
	assert_has(&result.out, "<uuid>" NEW_UUID "</uuid>");
	assert_has(&result.out, "<genid/>");
	assert_has(&result.out, "<entry name=\"uuid\">" NEW_UUID "</entry>");
	assert_has(&result.out, "<entry name=\"serial\">" NEW_UUID "</entry>");
	assert_has(&result.out, "<title>web1's title</title>");
	assert_has(&result.out, "<entry name=\"sku\">web1</entry>");
	assert_lacks(&result.out, OLD_UUID);
	assert_string_equal(str_text(&result.kept), "");
	assert_defines(&result.out);
}

static void takes_any_name(void **state)
{
	static const char *const names[] = {
		"a\tb", "\xE2\x80\xAEgnp.web", "日本語", "$(id);,\"'<&>]]>", " blanks ", "&amp;", "%s%n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		cleanup(result_done) struct result result = {0};
		cleanup(domxml_done) struct domxml d = {0};
		cleanup(cleanup_mem) char *xml = domain_with("", "");
		struct domxml_change change = change_to(names[i]);
		struct err e = {0};
		rewrite(xml, &change, &result);
		assert_ok(domxml_parse(&d, str_text(&result.out), result.out.length, &e), &e);
		assert_string_equal(d.name, names[i]);
	}
}

static void replaces_any_name(void **state)
{
	cleanup(result_done) struct result result = {0};
	static const char xml[] =
		"<domain type='test'><name>&lt;&amp;\xE2\x80\xAE&quot;é</name><uuid>" OLD_UUID
		"</uuid><memory>65536</memory><os><type>hvm</type></os>"
		"<devices><serial type='file'><source path='/log/&lt;&amp;\xE2\x80\xAE&quot;é.log'/>"
		"</serial></devices></domain>";
	struct domxml_change change = change_to("\"é'<");

	(void)state;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "<name>\"é'&lt;</name>");
	assert_has(&result.out, "path=\"/log/&quot;é'&lt;.log\"");
	assert_string_equal(str_text(&result.kept), "");
}

static void refuses_what_xml_cannot_hold(void **state)
{
	static const char *const texts[] = {"", "a\x01", "\xFF", "\xED\xA0\x80", "\x7F\xEF\xBF\xBE"};
	cleanup(cleanup_mem) char *xml = domain_with("", "<interface type='user'/>");

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct domxml_change change = change_to(texts[i]);
		change.macs = macs;
		change.mac_count = 1;
		refuses(xml, &change, ERR_USAGE, "XML cannot hold this as a name");
		change.name = "a";
		change.uuid = texts[i];
		refuses(xml, &change, ERR_USAGE, "as a UUID");
		change.uuid = NEW_UUID;
		change.nvram = texts[i];
		refuses(xml, &change, ERR_USAGE, "as a path");
		change.nvram = NULL;
		change.macs = &texts[i];
		refuses(xml, &change, ERR_USAGE, "as a MAC");
		change.macs = macs;
		change.disks = &(struct domxml_new_disk){"vda", texts[i], "file", "raw"};
		change.disk_count = 1;
		refuses(xml, &change, ERR_USAGE, "as a path");
	}
	struct domxml_change change = change_to("../a");
	change.macs = macs;
	change.mac_count = 1;
	refuses(xml, &change, ERR_USAGE, "no '/'");
}

static void refuses_what_is_no_domain(void **state)
{
	struct domxml_change change = change_to("a");

	(void)state;
	refuses("", &change, ERR_CORRUPT, "bad XML");
	refuses("<pool/>", &change, ERR_CORRUPT, "not a <domain>");
	refuses("<domain><uuid>u</uuid></domain>", &change, ERR_CORRUPT, "without name");
	refuses("<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
		"<domain><name>&x;</name><uuid>u</uuid></domain>",
		&change, ERR_CORRUPT, "DTD");
}

static void refuses_to_grow_without_end(void **state)
{
	cleanup(str_done) struct str inner = {0};
	cleanup(cleanup_mem) char *name = mem_zalloc(1, 3001);

	(void)state;
	memset(name, 'n', 3000);
	for (int i = 0; i < 1500; i++)
		str_add(&inner, "<serial type='file'><source path='/web1'/></serial>");
	cleanup(cleanup_mem) char *xml = domain_with("", str_text(&inner));
	struct domxml_change change = change_to(name);
	refuses(xml, &change, ERR_TOO_LARGE, "the new XML has");
}

/* ---- disks ---- */

static const char three_disks[] =
	"    <disk type='block' device='disk'>\n"
	"      <driver name='qemu' type='raw' cache='none' io='native'/>\n"
	"      <source dev='/dev/vg/web1' index='2'/>\n"
	"      <target dev='vda' bus='virtio'/>\n"
	"      <serial>KEEPME</serial><boot order='1'/><alias name='virtio-disk0'/>\n"
	"      <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>\n"
	"    </disk>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='qcow2'/>\n"
	"      <source file='/images/web1-b.qcow2' startupPolicy='optional' index='3'/>\n"
	"      <backingStore type='file' index='4'><format type='raw'/><source file='/images/base.raw'/>"
	"<backingStore/></backingStore>\n"
	"      <target dev='sda' bus='scsi'/><alias name='ua-mine'/>\n"
	"      <address type='drive' controller='0' bus='0' target='0' unit='0'/>\n"
	"    </disk>\n"
	"    <disk type='network' device='disk'>\n"
	"      <driver name='qemu' type='raw'/>\n"
	"      <source protocol='rbd' name='p/v'><host name='mon' port='6789'/>"
	"<auth username='a'><secret type='ceph' usage='u'/></auth></source>\n"
	"      <target dev='sdb' bus='scsi'/>\n"
	"      <address type='drive' controller='0' bus='0' target='0' unit='1'/>\n"
	"    </disk>\n"
	"    <controller type='scsi' index='0' model='virtio-scsi'/>\n";

static void gives_disks_their_volumes(void **state)
{
	static const struct domxml_new_disk disks[] = {
		{"sdb", "/pool/D-web1-sdb.7.qcow2", "file", "qcow2"},
		{"vda", "/pool/it's \"&<.7.raw", "file", "raw"},
		{"sda", "/dev/vg/D-web1-sda.7", "block", "raw"},
	};
	cleanup(result_done) struct result result = {0};
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(cleanup_mem) char *xml = domain_with("", three_disks);
	struct domxml_change change = change_to("D-web1");
	struct err e = {0};

	(void)state;
	change.disks = disks;
	change.disk_count = 3;
	rewrite(xml, &change, &result);
	assert_defines(&result.out);
	assert_ok(domxml_parse(&d, str_text(&result.out), result.out.length, &e), &e);
	assert_int_equal(d.disks.count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct domxml_new_disk *new = &disks[(i + 1) % 3];
		assert_string_equal(d.disks.items[i].target, new->target);
		assert_string_equal(d.disks.items[i].source, new->path);
		assert_string_equal(d.disks.items[i].type, new->type);
		assert_string_equal(d.disks.items[i].format, new->format);
		assert_false(d.disks.items[i].backing);
	}
	assert_has(&result.out, "cache=\"none\" io=\"native\"");
	assert_has(&result.out, "<serial>KEEPME</serial><boot order=\"1\"/>");
	assert_has(&result.out, "slot=\"0x05\"");
	assert_has(&result.out, "<alias name=\"ua-mine\"/>");
	assert_lacks(&result.out, "virtio-disk0");
	assert_lacks(&result.out, "index=\"2\"");
	assert_lacks(&result.out, "startupPolicy");
	assert_lacks(&result.out, "secret");
	assert_lacks(&result.out, "base.raw");
	assert_string_equal(str_text(&result.kept), "");
}

static void drops_disks_that_nobody_wants(void **state)
{
	static const struct domxml_new_disk disks[] = {{"sdb", "/pool/b", "file", "raw"}};
	cleanup(result_done) struct result result = {0};
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(cleanup_mem) char *inner =
		mem_format("%s"
			   "<disk type='file' device='disk'><source file='/shared'/><target "
			   "dev='vdb'/><shareable/></disk>"
			   "<disk type='file' device='disk'><source file='/tools.iso'/><target "
			   "dev='vdc'/><readonly/></disk>"
			   "<disk type='file' device='disk'><source file='/x'/></disk>",
			   three_disks);
	cleanup(cleanup_mem) char *xml = domain_with("", inner);
	struct domxml_change change = change_to("D-web1");
	struct err e = {0};

	(void)state;
	change.disks = disks;
	change.disk_count = 1;
	rewrite(xml, &change, &result);
	assert_defines(&result.out);
	assert_ok(domxml_parse(&d, str_text(&result.out), result.out.length, &e), &e);
	assert_int_equal(d.disks.count, 1);
	assert_string_equal(d.disks.items[0].target, "sdb");
	/* Its own place on the controller that it shared, and nothing of the others'. */
	assert_has(&result.out, "unit=\"1\"");
	assert_lacks(&result.out, "unit=\"0\"");
	assert_has(&result.out, "<controller type=\"scsi\" index=\"0\"");
	assert_lacks(&result.out, "/shared");
	assert_lacks(&result.out, "/tools.iso");
	assert_lacks(&result.out, "slot=\"0x05\"");
}

static void keeps_a_read_only_disk_that_is_wanted(void **state)
{
	static const struct domxml_new_disk disks[] = {{"vdc", "/pool/c", "file", "raw"}};
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml =
		domain_with("", "<disk type='file'><source file='/t'/><target dev='vdc'/><readonly/></disk>");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.disks = disks;
	change.disk_count = 1;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "<source file=\"/pool/c\"/>");
	assert_has(&result.out, "<readonly/>");
	/* A format that nobody said is said now, so that libvirt does not take a qcow2 for raw. */
	assert_has(&result.out, "<driver type=\"raw\"/>");
	assert_defines(&result.out);
}

static void ejects_media(void **state)
{
	(void)state;
	device_becomes("<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>"
		       "<source file='/iso/web1.iso' index='1'/><backingStore/>"
		       "<target dev='sda' bus='sata'/><readonly/></disk>",
		       "<disk type=\"file\" device=\"cdrom\"><driver name=\"qemu\" type=\"raw\"/>"
		       "<target dev=\"sda\"",
		       NULL);
	device_becomes("<disk type='network' device='cdrom'><source protocol='https' name='x.iso'>"
		       "<host name='h' port='443'/></source><target dev='sda' bus='sata'/></disk>",
		       "<disk type=\"file\" device=\"cdrom\"><target dev=\"sda\"", NULL);
	device_becomes("<disk type='block' device='floppy'><source dev='/dev/fd0'/>"
		       "<target dev='fda' bus='fdc'/></disk>",
		       "<disk type=\"file\" device=\"floppy\"><target dev=\"fda\"", NULL);
	device_becomes("<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>",
		       "device=\"cdrom\"><target dev=\"sda\"", NULL);
}

static void makes_a_plain_disk_of_a_lun(void **state)
{
	static const struct domxml_new_disk disks[] = {{"sda", "/pool/a", "file", "raw"}};
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml =
		domain_with("", "<disk type='block' device='lun' rawio='yes' sgio='unfiltered'>"
				"<driver name='qemu' type='raw'/><source dev='/dev/sdz'><reservations "
				"managed='yes'/></source>"
				"<target dev='sda' bus='scsi'/></disk>");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.disks = disks;
	change.disk_count = 1;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "<disk type=\"file\" device=\"disk\">");
	assert_lacks(&result.out, "reservations");
	assert_defines(&result.out);
}

static void forgets_what_only_qcow2_has(void **state)
{
	static const struct domxml_new_disk raw = {"vda", "/pool/a", "file", "raw"};
	static const struct domxml_new_disk qcow2 = {"vda", "/pool/a", "file", "qcow2"};
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml = domain_with(
		"", "<disk type='file'><driver name='qemu' type='qcow2'>"
		    "<metadata_cache><max_size unit='bytes'>1234</max_size></metadata_cache></driver>"
		    "<source file='/a'><encryption format='luks'><secret type='passphrase' uuid='" OLD_UUID
		    "'/></encryption></source><target dev='vda'/></disk>");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.disks = &raw;
	change.disk_count = 1;
	rewrite(xml, &change, &result);
	assert_lacks(&result.out, "metadata_cache");
	assert_lacks(&result.out, "encryption");
	assert_defines(&result.out);
	change.disks = &qcow2;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "metadata_cache");
	assert_defines(&result.out);
}

/* Of a copy job that ran when the XML was read; and of a libvirt newer than the one that is tested with. */
static void forgets_jobs_and_tuning(void **state)
{
	static const struct domxml_new_disk disk = {"vda", "/pool/a", "file", "raw"};
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml = domain_with(
		"", "<disk type='file'><driver name='qemu' type='qcow2' discard_no_unref='on'/><source "
		    "file='/a'/>"
		    "<mirror type='file' job='copy'><source file='/b'/></mirror><target dev='vda'/></disk>");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.disks = &disk;
	change.disk_count = 1;
	rewrite(xml, &change, &result);
	assert_lacks(&result.out, "mirror");
	assert_lacks(&result.out, "discard_no_unref");
	assert_defines(&result.out);
}

static void refuses_disks_that_do_not_fit(void **state)
{
	static const struct domxml_new_disk disks[] = {{"vda", "/a", "file", "raw"},
						       {"vdz", "/z", "file", "raw"}};
	cleanup(cleanup_mem) char *one = domain_with("", "<disk><target dev='vda'/></disk>");
	cleanup(cleanup_mem) char *twice =
		domain_with("", "<disk><target dev='vda'/></disk><disk><target dev='vda'/></disk>");
	cleanup(cleanup_mem) char *foreign =
		domain_with("", "<x:disk xmlns:x='urn:x'><x:target dev='vda'/></x:disk>");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.disks = disks;
	change.disk_count = 2;
	refuses(one, &change, ERR_USAGE, "no disk vdz in the definition of 'web1'");
	change.disk_count = 1;
	refuses(twice, &change, ERR_CORRUPT, "two disks are called vda");
	refuses(foreign, &change, ERR_USAGE, "no disk vda");
}

static void takes_many_devices(void **state)
{
	enum { MANY = 400 };
	cleanup(result_done) struct result result = {0};
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(str_done) struct str inner = {0};
	struct domxml_new_disk disks[MANY];
	char targets[MANY][16], paths[MANY][32], addresses[MANY][18];
	const char *many_macs[MANY];
	struct domxml_change change = change_to("D-web1");
	struct err e = {0};

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(targets[i], sizeof targets[i], "vd%d", i);
		snprintf(paths[i], sizeof paths[i], "/pool/%d", i);
		snprintf(addresses[i], sizeof addresses[i], "52:54:00:00:%02x:%02x", i / 256, i % 256);
		disks[MANY - 1 - i] = (struct domxml_new_disk){targets[i], paths[i], "file", "raw"};
		many_macs[i] = addresses[i];
		str_addf(&inner, "<disk type='file'><source file='/old'/><target dev='%s'/></disk><interface type='user'/>",
			 targets[i]);
	}
	cleanup(cleanup_mem) char *xml = domain_with("", str_text(&inner));
	change.disks = disks;
	change.macs = many_macs;
	change.disk_count = change.mac_count = MANY;
	rewrite(xml, &change, &result);
	assert_ok(domxml_parse(&d, str_text(&result.out), result.out.length, &e), &e);
	assert_int_equal(d.disks.count, MANY);
	assert_int_equal(d.nics.count, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_string_equal(d.disks.items[i].source, paths[i]);
		assert_string_equal(d.nics.items[i].mac, addresses[i]);
	}
}

/* ---- network ---- */

static void gives_interfaces_their_addresses(void **state)
{
	static const char inner[] =
		"    <interface type='network'><mac address='52:54:00:11:22:33'/>"
		"<source network='default' portid='8f1e3a90-0000-4222-8333-444455556666' bridge='virbr0'/>"
		"<target dev='vnet7'/><model type='virtio'/><alias name='net0'/>"
		"<address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/></interface>\n"
		"    <interface type='bridge'><source bridge='br0'/><virtualport type='openvswitch'>"
		"<parameters interfaceid='8f1e3a90-0000-4222-8333-444455556666' "
		"profileid='red'/></virtualport>"
		"<target dev='web1-red'/></interface>\n"
		"    <interface type='direct'><mac address='52:54:00:11:22:35'/>"
		"<source dev='eth0' mode='bridge'/><target dev='macvtap0'/></interface>\n";
	cleanup(result_done) struct result result = {0};
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(cleanup_mem) char *xml = domain_with("", inner);
	struct domxml_change change = change_to("D-web1");
	struct err e = {0};

	(void)state;
	change.macs = macs;
	change.mac_count = 3;
	rewrite(xml, &change, &result);
	assert_ok(domxml_parse(&d, str_text(&result.out), result.out.length, &e), &e);
	assert_int_equal(d.nics.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(d.nics.items[i].mac, macs[i]);
		assert_null(d.nics.items[i].target);
	}
	assert_has(&result.out, "<source network=\"default\"/>");
	assert_has(&result.out, "<parameters profileid=\"red\"/>");
	assert_has(&result.out, "<source dev=\"eth0\" mode=\"bridge\"/>");
	assert_has(&result.out, "slot=\"0x03\"");
	assert_lacks(&result.out, "net0");
	assert_string_equal(str_text(&result.kept), "");
	assert_defines(&result.out);
}

static void forgets_ids_of_ports(void **state)
{
	(void)state;
	device_becomes(
		"<interface type='direct'><source dev='eth0' mode='vepa'/><virtualport type='802.1Qbg'>"
		"<parameters managerid='1' typeid='2' typeidversion='1' "
		"instanceid='8f1e3a90-0000-4222-8333-444455556666'/></virtualport></interface>",
		"<parameters managerid=\"1\" typeid=\"2\" typeidversion=\"1\"/>", NULL);
}

static void refuses_another_count_of_addresses(void **state)
{
	cleanup(cleanup_mem) char *xml = domain_with("", "<interface type='user'/><interface type='user'/>");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.macs = macs;
	change.mac_count = 1;
	refuses(xml, &change, ERR_USAGE, "1 MACs for 2 network interfaces");
	change.mac_count = 3;
	refuses(xml, &change, ERR_USAGE, "3 MACs for 2 network interfaces");
}

static void tells_what_interfaces_use_of_the_host(void **state)
{
	(void)state;
	device_becomes(
		"<interface type='vhostuser'><source type='unix' path='/run/ovs/web1.sock' mode='client'/>"
		"<model type='virtio'/></interface>",
		"path=\"/run/ovs/D-web1.sock\"", NULL);
	device_becomes("<interface type='vhostuser'><source type='unix' path='/run/ovs/port7' mode='client'/>"
		       "<model type='virtio'/></interface>",
		       "path=\"/run/ovs/port7\"", "interface: /run/ovs/port7\n");
	device_becomes("<interface type='hostdev'><source><address type='pci' domain='0x0000' bus='0x3b' "
		       "slot='0x02' function='0x1'/></source></interface>",
		       "bus=\"0x3b\"", "hostdev: pci 0000:3b:02.1\n");
	device_becomes("<interface type='ethernet'><script path='/etc/qemu-ifup-web1'/></interface>",
		       "path=\"/etc/qemu-ifup-web1\"", "interface script: /etc/qemu-ifup-web1\n");
	device_becomes("<interface type='user'><filterref filter='clean-traffic'>"
		       "<parameter name='IP' value='10.0.0.5'/></filterref></interface>",
		       "10.0.0.5", "interface filter: IP 10.0.0.5\n");
}

/* ---- lines and channels ---- */

static void names_files_of_lines_anew(void **state)
{
	(void)state;
	device_becomes("<serial type='file'><source path='/var/log/web1.log'/><target port='0'/></serial>",
		       "<source path=\"/var/log/D-web1.log\"/>", NULL);
	device_becomes("<serial type='file'><source path='/var/log/a-web1-ttyS0' append='on'/></serial>",
		       "<source path=\"/var/log/a-D-web1-ttyS0\" append=\"on\"/>", NULL);
	device_becomes("<serial type='file'><source path='/log/" OLD_UUID "'/></serial>", "/log/" NEW_UUID, NULL);
	device_becomes("<console type='file'><source path='/var/log/web1'/></console>", "/var/log/D-web1", NULL);
	device_becomes("<serial type='pty'><source path='/dev/pts/3'/><log file='/l/web1.log' append='off'/>"
		       "</serial>",
		       "<log file=\"/l/D-web1.log\"", NULL);
	device_becomes("<channel type='unix'><source mode='bind' path='/run/my/web1.sock'/>"
		       "<target type='virtio' name='a.b'/></channel>",
		       "path=\"/run/my/D-web1.sock\"", NULL);
}

static void tells_files_that_keep_their_names(void **state)
{
	(void)state;
	/* web10 and myweb1 are others'; a folder of the new name need not exist. */
	device_becomes("<serial type='file'><source path='/var/log/web10.log'/></serial>",
		       "/var/log/web10.log", "serial: /var/log/web10.log\n");
	device_becomes("<serial type='file'><source path='/var/log/myweb1'/></serial>", "/var/log/myweb1",
		       "serial: /var/log/myweb1\n");
	device_becomes("<serial type='file'><source path='/web1/x.log'/></serial>", "/web1/x.log",
		       "serial: /web1/x.log\n");
	device_becomes(
		"<serial type='file'><source path='/var/log/x'/><target port='0'/></serial>"
		"<console type='file'><source path='/var/log/x'/><target type='serial' port='0'/></console>",
		"/var/log/x", "serial: /var/log/x\n");
	device_becomes("<serial type='dev'><source path='/dev/ttyS0'/></serial>", "/dev/ttyS0",
		       "serial: /dev/ttyS0\n");
	device_becomes("<serial type='tcp'><source mode='bind' host='127.0.0.1' service='4555'/>"
		       "<protocol type='raw'/></serial>",
		       "4555", "serial: tcp 127.0.0.1:4555\n");
	device_becomes("<serial type='file'><source path='/l/\xE2\x80\xAE\\x&#9;'/></serial>", "<serial",
		       "serial: /l/\\u202e\\\\x\\t\n");
}

static void leaves_to_libvirt_what_it_chose(void **state)
{
	static const char *const paths[] = {
		"/var/lib/libvirt/qemu/channel/target/domain-3-web1/org.qemu.guest_agent.0",
		"/run/libvirt/qemu/channel/3-web1/org.qemu.guest_agent.0",
		"/home/me/.config/libvirt/qemu/channel/target/web1.org.qemu.guest_agent.0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		cleanup(cleanup_mem) char *channel =
			mem_format("<channel type='unix'><source mode='bind' path='%s'/>"
				   "<target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>"
				   "<alias name='channel0'/></channel>",
				   paths[i]);
		device_becomes(channel, "<channel type=\"unix\"><target type=\"virtio\"", NULL);
	}
	device_becomes("<console type='pty' tty='/dev/pts/1'><source path='/dev/pts/1'/></console>",
		       "<console type=\"pty\"/>", NULL);
}

/* ---- displays ---- */

static void frees_ports_that_were_assigned(void **state)
{
	(void)state;
	device_becomes("<graphics type='vnc' port='5903' autoport='yes' websocket='5700' listen='127.0.0.1'>"
		       "<listen type='address' address='127.0.0.1'/></graphics>",
		       "port=\"-1\" autoport=\"yes\" websocket=\"-1\"", NULL);
	device_becomes("<graphics type='spice' port='5903' tlsPort='5904' autoport='yes'/>",
		       "port=\"-1\" tlsPort=\"-1\"", NULL);
	device_becomes("<graphics type='vnc' port='5999' autoport='no' listen='10.0.0.5'>"
		       "<listen type='address' address='10.0.0.5'/></graphics>",
		       "port=\"5999\"", "graphics: vnc port 5999\ngraphics: vnc address 10.0.0.5\n");
}

static void frees_sockets_of_displays(void **state)
{
	(void)state;
	device_becomes(
		"<graphics type='vnc' socket='/var/lib/libvirt/qemu/domain-3-web1/vnc.sock'>"
		"<listen type='socket' socket='/var/lib/libvirt/qemu/domain-3-web1/vnc.sock'/></graphics>",
		"<graphics type=\"vnc\"><listen type=\"socket\"/></graphics>", NULL);
	device_becomes("<graphics type='vnc' socket='/var/lib/libvirt/qemu/domain-3-web1/vnc.sock'/>",
		       "<graphics type=\"vnc\"><listen type=\"socket\"/></graphics>", NULL);
	device_becomes("<graphics type='vnc' socket='/run/vnc/web1'>"
		       "<listen type='socket' socket='/run/vnc/web1'/></graphics>",
		       "<graphics type=\"vnc\" socket=\"/run/vnc/D-web1\">"
		       "<listen type=\"socket\" socket=\"/run/vnc/D-web1\"/>",
		       NULL);
	device_becomes("<graphics type='vnc' socket='/run/vnc/a'/>", "socket=\"/run/vnc/a\"",
		       "graphics: /run/vnc/a\n");
}

/* ---- what else a domain has of its host ---- */

static void tells_what_is_used_of_the_host(void **state)
{
	(void)state;
	device_becomes(
		"<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='1' "
		"slot='0' function='0'/></source><alias name='hostdev0'/></hostdev>",
		"bus=\"1\"", "hostdev: pci 0000:01:00.0\n");
	device_becomes(
		"<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x5678'/>"
		"</source></hostdev>",
		"0x5678", "hostdev: usb 0x1234:0x5678\n");
	device_becomes("<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
		       "<address bus='0' target='0' unit='0'/></source></hostdev>",
		       "scsi_host0", "hostdev: scsi scsi_host0\n");
	device_becomes(
		"<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" OLD_UUID
		"'/></source></hostdev>",
		OLD_UUID, "hostdev: mdev " OLD_UUID "\n");
	device_becomes("<filesystem type='mount'><source dir='/srv/web1'/><target dir='t'/></filesystem>",
		       "dir=\"/srv/web1\"", "filesystem: /srv/web1\n");
	device_becomes("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", "<tpm",
		       "tpm: emulator\n");
	device_becomes(
		"<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
		"/dev/tpm0", "tpm: passthrough\ntpm: /dev/tpm0\n");
	device_becomes("<vsock model='virtio'><cid auto='no' address='5'/></vsock>", "address=\"5\"",
		       "vsock: CID 5\n");
	device_becomes("<vsock model='virtio'><cid auto='yes' address='5'/></vsock>", "<cid auto=\"yes\"/>",
		       NULL);
	device_becomes("<shmem name='s0'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
		       "name=\"s0\"", "shmem: s0\n");
	device_becomes("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
		       "/dev/urandom", NULL);
	device_becomes("<input type='evdev'><source dev='/dev/input/event7'/></input>", "event7",
		       "input: /dev/input/event7\n");
}

static void tells_kernels(void **state)
{
	static const char xml[] =
		"<domain type='test'><name>web1</name><uuid>" OLD_UUID "</uuid>"
		"<memory>65536</memory><os><type>hvm</type><kernel>/boot/vmlinuz</kernel>"
		"<initrd>/boot/initrd</initrd><cmdline>root=/dev/vda</cmdline></os></domain>";
	cleanup(result_done) struct result result = {0};
	struct domxml_change change = change_to("D-web1");

	(void)state;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "<cmdline>root=/dev/vda</cmdline>");
	assert_string_equal(str_text(&result.kept), "kernel: /boot/vmlinuz\ninitrd: /boot/initrd\n");
	assert_defines(&result.out);
}

static void tells_files_of_other_namespaces(void **state)
{
	static const char xml[] =
		"<domain type='test' "
		"xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>web1</name>"
		"<uuid>" OLD_UUID "</uuid><memory>65536</memory><os><type>hvm</type></os><qemu:commandline>"
		"<qemu:arg value='-fw_cfg'/><qemu:arg value='name=opt/x,file=/etc/web1.fw'/>"
		"<qemu:env name='HOME' value='/root'/></qemu:commandline></domain>";
	cleanup(result_done) struct result result = {0};
	struct domxml_change change = change_to("D-web1");

	(void)state;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "xmlns:qemu=\"http://libvirt.org/schemas/domain/qemu/1.0\"");
	assert_has(&result.out, "<qemu:arg value=\"name=opt/x,file=/etc/web1.fw\"/>");
	assert_string_equal(str_text(&result.kept), "commandline: name=opt/x,file=/etc/web1.fw\n"
						    "commandline: /root\n");
	assert_defines(&result.out);
}

static void labels_are_made_anew(void **state)
{
	static const char outer[] =
		"<seclabel type='dynamic' model='selinux' relabel='yes'><label>s0:c1,c2</label>"
		"<imagelabel>s0:c1,c2</imagelabel></seclabel>"
		"<seclabel model='dac' type='dynamic' relabel='yes'><baselabel>base</baselabel>"
		"<label>+1:+1</label><imagelabel>+1:+1</imagelabel></seclabel>"
		"<seclabel type='static' model='apparmor' relabel='yes'><label>fixed</label></seclabel>";
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml = domain_with(outer, "");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	rewrite(xml, &change, &result);
	assert_lacks(&result.out, "selinux");
	assert_has(&result.out, "<baselabel>base</baselabel></seclabel>");
	assert_lacks(&result.out, "+1:+1");
	assert_has(&result.out, "<label>fixed</label>");
	assert_string_equal(str_text(&result.kept), "seclabel: fixed\n");
}

/* ---- firmware ---- */

static void os_becomes(const char *os, const char *nvram, const char *wanted)
{
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml = mem_format("<domain type='test'><name>web1</name><uuid>" OLD_UUID
						    "</uuid><memory>65536</memory>"
						    "<os>%s</os></domain>",
						    os);
	struct domxml_change change = change_to("D-web1");

	change.nvram = nvram;
	rewrite(xml, &change, &result);
	assert_has(&result.out, wanted);
	/* libvirt 9.0 has no format there yet. */
	if (!strstr(os, "format"))
		assert_defines(&result.out);
}

static void gives_firmware_its_variables(void **state)
{
	static const char loader[] = "<loader readonly='yes' type='pflash'>/code.fd</loader>";
	cleanup(cleanup_mem) char *old =
		mem_format("<type>hvm</type>%s<nvram template='/t.fd'>/nvram/web1_VARS.fd</nvram>", loader);
	cleanup(cleanup_mem) char *new = mem_format("<type>hvm</type>%s<nvram template='/t.fd' type='file' "
						    "format='qcow2'><source file='/w'/></nvram>",
						    loader);
	cleanup(cleanup_mem) char *none = mem_format("<type>hvm</type>%s", loader);

	(void)state;
	os_becomes(old, "/pool/a&b", "<nvram template=\"/t.fd\">/pool/a&amp;b</nvram>");
	os_becomes(old, NULL, "<nvram template=\"/t.fd\"/>");
	os_becomes(new, "/pool/n", "<nvram template=\"/t.fd\" format=\"raw\">/pool/n</nvram>");
	os_becomes(none, "/pool/n", "<nvram>/pool/n</nvram></os>");
	os_becomes(none, NULL, "</loader></os>");
	os_becomes("<type>hvm</type>", NULL, "<os><type>hvm</type></os>");
	struct domxml_change change = change_to("D-web1");
	change.nvram = "/n";
	refuses("<domain><name>a</name><uuid>u</uuid></domain>", &change, ERR_USAGE, "no <os>");
}

/* ---- metadata ---- */

#define OURS "https://vmroll.example/xmlns/1"

static void replaces_our_metadata_only(void **state)
{
	static const char outer[] = "<metadata><libosinfo:libosinfo "
				    "xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
				    "<libosinfo:os id='http://debian.org/debian/12'/></libosinfo:libosinfo>"
				    "<x:old xmlns:x='" OURS "' deployment='before'/>"
				    "<app:app xmlns:app='urn:app'>web1</app:app></metadata>\n";
	cleanup(result_done) struct result result = {0};
	cleanup(domxml_done) struct domxml d = {0};
	cleanup(cleanup_mem) char *xml = domain_with(outer, "");
	struct domxml_change change = change_to("D-web1");
	struct err e = {0};

	(void)state;
	change.metadata = "<v:vm xmlns:v='" OURS "'><v:deployment name='&quot;D&amp;'/></v:vm>";
	rewrite(xml, &change, &result);
	assert_has(&result.out, "<v:vm xmlns:v=\"" OURS "\"><v:deployment name=\"&quot;D&amp;\"/></v:vm>");
	assert_has(&result.out, "<app:app xmlns:app=\"urn:app\">web1</app:app>");
	assert_lacks(&result.out, "before");
	assert_ok(domxml_parse(&d, str_text(&result.out), result.out.length, &e), &e);
	assert_string_equal(d.os_id, "http://debian.org/debian/12");
	assert_defines(&result.out);

	change.metadata = NULL;
	rewrite(xml, &change, &result);
	assert_has(&result.out, "before");
	assert_defines(&result.out);
}

static void makes_metadata_where_there_was_none(void **state)
{
	cleanup(result_done) struct result result = {0};
	cleanup(cleanup_mem) char *xml = domain_with("", "");
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.metadata = "<vm xmlns='" OURS "'/>";
	rewrite(xml, &change, &result);
	assert_has(&result.out, "<metadata><vm xmlns=\"" OURS "\"/></metadata>");
	assert_defines(&result.out);
	change.metadata = "<vm/>";
	refuses(xml, &change, ERR_USAGE, "namespace of its own");
	change.metadata = "<vm";
	refuses(xml, &change, ERR_USAGE, "namespace of its own");
}

static void tells_nobody_who_does_not_ask(void **state)
{
	cleanup(str_done) struct str out = {0};
	cleanup(cleanup_mem) char *xml = domain_with("", "<serial type='file'><source path='/x'/></serial>");
	struct domxml_change change = change_to("D-web1");
	struct err e = {0};

	(void)state;
	assert_ok(domxml_rewrite(xml, strlen(xml), &change, &out, NULL, &e), &e);
	assert_has(&out, "/x");
}

/* A change to the same is the same, and a rewritten one can be rewritten. */
static void can_be_done_again(void **state)
{
	static const struct domxml_new_disk disks[] = {{"vda", "/pool/a", "file", "raw"}};
	cleanup(result_done) struct result once = {0}, twice = {0};
	cleanup(cleanup_mem) char *xml = domain_with("", three_disks);
	struct domxml_change change = change_to("D-web1");

	(void)state;
	change.disks = disks;
	change.disk_count = 1;
	rewrite(xml, &change, &once);
	rewrite(str_text(&once.out), &change, &twice);
	assert_string_equal(str_text(&once.out), str_text(&twice.out));
}

/* ---- the canonical text ---- */

static char *canonical(const char *xml)
{
	struct str out = {0};
	struct err e = {0};

	assert_ok(domxml_canonical(xml, strlen(xml), &out, &e), &e);
	return str_take(&out);
}

static bool means_the_same(const char *a, const char *b)
{
	cleanup(cleanup_mem) char *x = canonical(a);
	cleanup(cleanup_mem) char *y = canonical(b);

	return strcmp(x, y) == 0;
}

#define HEAD "<name>a</name><uuid>u</uuid>"

static void sees_the_same_meaning(void **state)
{
	static const char plain[] =
		"<domain type='kvm'>" HEAD "<memory unit='KiB'>5</memory><devices>"
		"<disk type='file' device='disk'><source file='/a'/><target dev='vda'/></disk>"
		"<interface type='network'><mac address='1'/><source network='n'/></interface>"
		"<interface type='network'><mac address='2'/><source network='n'/></interface>"
		"<channel type='unix'><target name='x' type='virtio'/></channel>"
		"<console type='pty'/></devices>"
		"<metadata><x:a xmlns:x='urn:x' x:k='v'/></metadata></domain>";
	static const char alive[] =
		"<?xml version='1.0'?>\n<domain id='7' type=\"kvm\">\n <!-- no --> <uuid>u</uuid>\n"
		"  <name>\n a </name><metadata>\n<y:a xmlns:y='urn:x' y:k='v'/></metadata>"
		"<memory unit='KiB'> 5 </memory>\n  <devices>\n"
		"<console tty='/dev/pts/2' type='pty'><source path='/dev/pts/2'/><alias "
		"name='c'/></console>\n"
		"<interface type='network'><mac address='2'/><source bridge='b' network='n' portid='p'/>"
		"<target dev='vnet3'/><alias name='net1'/></interface>"
		"<interface type='network'><mac address='1'/><source network='n'/></interface>"
		"<disk device='disk' type='file'><source index='1' file='/a'/><backingStore/>"
		"<target dev='vda'/><alias name='d'/></disk>\n"
		"<channel type='unix'><source mode='bind' path='/run/libvirt/qemu/channel/7-a/x'/>"
		"<target type='virtio' name='x'/></channel>"
		"</devices>"
		"<seclabel type='dynamic' model='dac' "
		"relabel='yes'><label>+1:+1</label></seclabel></domain>\n";

	(void)state;
	assert_true(means_the_same(plain, alive));
}

static void sees_another_meaning(void **state)
{
	static const char *const pairs[][2] = {
		{"<memory>5</memory>", "<memory>6</memory>"},
		{"<memory>5</memory>", "<memory unit='b'>5</memory>"},
		{"<os><boot dev='hd'/><boot dev='network'/></os>",
		 "<os><boot dev='network'/><boot dev='hd'/></os>"},
		{"<devices><disk><target dev='vda'/></disk></devices>",
		 "<devices><disk><target dev='vda'/></disk><disk><target dev='vda'/></disk></devices>"},
		{"<devices><alias name='ua-1'/></devices>", "<devices><alias name='ua-2'/></devices>"},
		{"<a><b/></a>", "<a/><b/>"},
		{"<a b='c&quot; d=&quot;e'/>", "<a b='c' d='e'/>"},
		{"<a>x{}</a>", "<a>x</a>"},
		{"<a xmlns='urn:a'/>", "<a xmlns='urn:b'/>"},
		{"<seclabel type='static'><label>a</label></seclabel>",
		 "<seclabel type='static'><label>b</label></seclabel>"},
		{"<devices><interface type='ethernet'><target dev='tap0'/></interface></devices>",
		 "<devices><interface type='ethernet'><target dev='tap1'/></interface></devices>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		cleanup(cleanup_mem) char *a = mem_format("<domain>" HEAD "%s</domain>", pairs[i][0]);
		cleanup(cleanup_mem) char *b = mem_format("<domain>" HEAD "%s</domain>", pairs[i][1]);
		if (means_the_same(a, b))
			fail_msg("the same: %s and %s", a, b);
	}
}

static void canonical_text_of_what_libvirt_gives_back(void **state)
{
	cleanup(cleanup_mem) char *xml = domain_with("", three_disks);
	virConnectPtr connection = virConnectOpen("test:///default");

	(void)state;
	assert_non_null(connection);
	virDomainPtr domain = virDomainDefineXML(connection, xml);
	assert_non_null(domain);
	char *stopped = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
	assert_int_equal(virDomainCreate(domain), 0);
	char *running = virDomainGetXMLDesc(domain, 0);
	char *inactive = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
	assert_true(means_the_same(stopped, inactive));
	assert_true(means_the_same(stopped, running));
	free(stopped);
	free(running);
	free(inactive);
	virDomainFree(domain);
	virConnectClose(connection);
}

static void canonical_refuses_what_is_no_domain(void **state)
{
	cleanup(str_done) struct str out = {0};
	struct err e = {0};

	(void)state;
	assert_error(domxml_canonical("<a/>", 4, &out, &e), ERR_CORRUPT, &e, "not a <domain>");
	assert_int_equal(out.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_another_one),
		cmocka_unit_test(takes_any_name),
		cmocka_unit_test(replaces_any_name),
		cmocka_unit_test(refuses_what_xml_cannot_hold),
		cmocka_unit_test(refuses_what_is_no_domain),
		cmocka_unit_test(refuses_to_grow_without_end),
		cmocka_unit_test(gives_disks_their_volumes),
		cmocka_unit_test(drops_disks_that_nobody_wants),
		cmocka_unit_test(keeps_a_read_only_disk_that_is_wanted),
		cmocka_unit_test(ejects_media),
		cmocka_unit_test(makes_a_plain_disk_of_a_lun),
		cmocka_unit_test(forgets_what_only_qcow2_has),
		cmocka_unit_test(forgets_jobs_and_tuning),
		cmocka_unit_test(refuses_disks_that_do_not_fit),
		cmocka_unit_test(takes_many_devices),
		cmocka_unit_test(gives_interfaces_their_addresses),
		cmocka_unit_test(forgets_ids_of_ports),
		cmocka_unit_test(refuses_another_count_of_addresses),
		cmocka_unit_test(tells_what_interfaces_use_of_the_host),
		cmocka_unit_test(names_files_of_lines_anew),
		cmocka_unit_test(tells_files_that_keep_their_names),
		cmocka_unit_test(leaves_to_libvirt_what_it_chose),
		cmocka_unit_test(frees_ports_that_were_assigned),
		cmocka_unit_test(frees_sockets_of_displays),
		cmocka_unit_test(tells_what_is_used_of_the_host),
		cmocka_unit_test(tells_kernels),
		cmocka_unit_test(tells_files_of_other_namespaces),
		cmocka_unit_test(labels_are_made_anew),
		cmocka_unit_test(gives_firmware_its_variables),
		cmocka_unit_test(replaces_our_metadata_only),
		cmocka_unit_test(makes_metadata_where_there_was_none),
		cmocka_unit_test(tells_nobody_who_does_not_ask),
		cmocka_unit_test(can_be_done_again),
		cmocka_unit_test(sees_the_same_meaning),
		cmocka_unit_test(sees_another_meaning),
		cmocka_unit_test(canonical_text_of_what_libvirt_gives_back),
		cmocka_unit_test(canonical_refuses_what_is_no_domain),
	};

	virSetErrorFunc(NULL, silent);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
