/* domxml.c - what libvirt's XML says about a domain and about a host. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "domxml.h"
#include "domxml_private.h"
#include "mem.h"
#include "str.h"

/* The version behind it may grow; libvirt-domain metadata of libosinfo has used 1.0 since 2018. */
static const char libosinfo_namespace[] = "http://libosinfo.org/xmlns/libvirt/domain/";

/* Families whose name is not their identifier with a capital letter. */
static const struct {
	const char *identifier;
	const char *name;
} families[] = {
	{"almalinux", "AlmaLinux"},
	{"alpinelinux", "Alpine Linux"},
	{"archlinux", "Arch Linux"},
	{"centos", "CentOS"},
	{"centos-stream", "CentOS Stream"},
	{"cirros", "CirrOS"},
	{"freebsd", "FreeBSD"},
	{"netbsd", "NetBSD"},
	{"ol", "Oracle Linux"},
	{"openbsd", "OpenBSD"},
	{"opensuse", "openSUSE"},
	{"rhel", "RHEL"},
	{"rocky", "Rocky Linux"},
	{"sled", "SLED"},
	{"sles", "SLES"},
	{"win", "Windows"},
};

static void add_family(struct str *name, const char *identifier, size_t length)
{
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		if (strlen(families[i].identifier) == length &&
		    strncmp(families[i].identifier, identifier, length) == 0) {
			str_add(name, families[i].name);
			return;
		}
	}
	str_add_char(name, (char)toupper((unsigned char)identifier[0]));
	str_add_n(name, identifier + 1, length - 1);
}

char *domxml_os_name(const char *identifier)
{
	struct str name = {0};
	const char *version = strrchr(identifier, '/');

	if (!version || !version[1] || version == identifier)
		return NULL;
	const char *family = version;
	while (family > identifier && family[-1] != '/')
		family--;
	if (family == version)
		return NULL;
	add_family(&name, family, (size_t)(version - family));
	str_add_char(&name, ' ');
	str_add(&name, version + 1);
	return str_take(&name);
}

static bool is_libosinfo(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
	       str_starts((const char *)node->ns->href, libosinfo_namespace) &&
	       strcmp((const char *)node->name, name) == 0;
}

static char *system_identifier(const xmlNode *libosinfo)
{
	for (const xmlNode *node = libosinfo->children; node; node = node->next)
		if (is_libosinfo(node, "os"))
			return domxml_attribute(node, "id");
	return NULL;
}

static char *os_identifier(const xmlNode *metadata)
{
	for (const xmlNode *node = metadata ? metadata->children : NULL; node; node = node->next) {
		char *identifier = is_libosinfo(node, "libosinfo") ? system_identifier(node) : NULL;
		if (identifier)
			return identifier;
	}
	return NULL;
}

/* <nvram>/path</nvram>, or since libvirt 8.5 <nvram type='file'><source file='/path'/></nvram>. */
static char *nvram_path(const xmlNode *nvram)
{
	const xmlNode *source = domxml_child(nvram, "source");

	return source ? domxml_attribute(source, "file") : domxml_text(nvram);
}

static void parse_firmware(struct domxml *domain, const xmlNode *os)
{
	domain->firmware = domxml_attribute(os, "firmware");
	domain->loader = domxml_text(domxml_child(os, "loader"));
	domain->nvram = nvram_path(domxml_child(os, "nvram"));
	domain->nvram_format = domxml_child_attribute(os, "nvram", "format");
}

static void parse_os(struct domxml *domain, const xmlNode *root)
{
	const xmlNode *type = domxml_child(domxml_child(root, "os"), "type");
	cleanup(cleanup_mem) char *kind = domxml_text(type);

	domain->arch = domxml_attribute(type, "arch");
	domain->machine = domxml_attribute(type, "machine");
	domain->os_id = os_identifier(domxml_child(root, "metadata"));
	if (domain->os_id)
		domain->os = domxml_os_name(domain->os_id);
	if (!domain->os && kind)
		domain->os = domain->arch ? mem_format("%s %s", kind, domain->arch) : mem_string(kind);
}

/* "file", "dev", "dir", "volume", "name": whichever the type of the source uses. */
static char *disk_source(const xmlNode *disk)
{
	static const char *const keys[] = {"file", "dev", "dir", "volume"};
	const xmlNode *source = domxml_child(disk, "source");

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		char *value = domxml_attribute(source, keys[i]);
		if (value)
			return value;
	}
	cleanup(cleanup_mem) char *protocol = domxml_attribute(source, "protocol");
	cleanup(cleanup_mem) char *name = domxml_attribute(source, "name");
	return protocol ? mem_format("%s:%s", protocol, name ? name : "") : NULL;
}

static int add_disk(struct domxml *domain, const xmlNode *node, struct err *e)
{
	if (domain->disks.count == DOMXML_DEVICES_MAX)
		return err_set(e, ERR_TOO_LARGE, "more than %d disks", DOMXML_DEVICES_MAX);
	struct domxml_disk *disk = vec_push_zero(&domain->disks);
	disk->target = domxml_child_attribute(node, "target", "dev");
	disk->source = disk_source(node);
	disk->device = domxml_attribute(node, "device");
	disk->format = domxml_child_attribute(node, "driver", "type");
	disk->type = domxml_attribute(node, "type");
	disk->bus = domxml_child_attribute(node, "target", "bus");
	disk->pool = domxml_child_attribute(node, "source", "pool");
	disk->volume = domxml_child_attribute(node, "source", "volume");
	disk->read_only = domxml_child(node, "readonly") != NULL;
	disk->shareable = domxml_child(node, "shareable") != NULL;
	disk->encrypted =
		domxml_child(node, "encryption") || domxml_child(domxml_child(node, "source"), "encryption");
	disk->backing = domxml_child(domxml_child(node, "backingStore"), "source") != NULL;
	if (!disk->device)
		disk->device = mem_string("disk");
	return 0;
}

/* The first of KEYS that the source has. */
static char *nic_source(const xmlNode *nic, const char *const *keys)
{
	const xmlNode *source = domxml_child(nic, "source");

	for (; *keys; keys++) {
		char *value = domxml_attribute(source, *keys);
		if (value)
			return value;
	}
	return NULL;
}

static uint64_t bandwidth(const xmlNode *nic, const char *direction)
{
	cleanup(cleanup_mem) char *average =
		domxml_child_attribute(domxml_child(nic, "bandwidth"), direction, "average");

	return domxml_number(average);
}

static int add_nic(struct domxml *domain, const xmlNode *node, struct err *e)
{
	static const char *const networks[] = {"network", "bridge", "dev", NULL};
	static const char *const uplinks[] = {"bridge", "dev", NULL};

	if (domain->nics.count == DOMXML_DEVICES_MAX)
		return err_set(e, ERR_TOO_LARGE, "more than %d network interfaces", DOMXML_DEVICES_MAX);
	struct domxml_nic *nic = vec_push_zero(&domain->nics);
	nic->mac = domxml_child_attribute(node, "mac", "address");
	nic->type = domxml_attribute(node, "type");
	nic->network = nic_source(node, networks);
	nic->uplink = nic_source(node, uplinks);
	nic->model = domxml_child_attribute(node, "model", "type");
	nic->target = domxml_child_attribute(node, "target", "dev");
	nic->inbound_kib_s = bandwidth(node, "inbound");
	nic->outbound_kib_s = bandwidth(node, "outbound");
	for (char *c = nic->mac; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static int parse_devices(struct domxml *domain, const xmlNode *devices, struct err *e)
{
	int result = 0;

	domain->emulator = domxml_text(domxml_child(devices, "emulator"));
	domain->has_tpm = domxml_child(devices, "tpm") != NULL;
	for (const xmlNode *node = devices ? devices->children : NULL; node && result == 0; node = node->next) {
		if (domxml_is_element(node, "disk"))
			result = add_disk(domain, node, e);
		else if (domxml_is_element(node, "interface"))
			result = add_nic(domain, node, e);
	}
	return result;
}

static void parse_cpus(struct domxml *domain, const xmlNode *vcpu)
{
	cleanup(cleanup_mem) char *maximum = domxml_text(vcpu);
	cleanup(cleanup_mem) char *current = domxml_attribute(vcpu, "current");

	/* No <vcpu> means one. */
	domain->vcpus_max = maximum ? domxml_number(maximum) : 1;
	domain->vcpus = current ? domxml_number(current) : domain->vcpus_max;
}

int domxml_parse(struct domxml *domain, const char *text, size_t length, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;
	cleanup(domxml_done) struct domxml parsed = {0};

	int result = domxml_read(&document, text, length, "domain", e);
	if (result < 0)
		return result;
	const xmlNode *root = xmlDocGetRootElement(document);
	parsed.uuid = domxml_text(domxml_child(root, "uuid"));
	parsed.name = domxml_text(domxml_child(root, "name"));
	if (!parsed.uuid || !parsed.name)
		return err_set(e, ERR_CORRUPT, "bad XML: a domain without %s", parsed.uuid ? "name" : "UUID");
	parsed.title = domxml_text(domxml_child(root, "title"));
	parsed.description = domxml_text(domxml_child(root, "description"));
	parsed.type = domxml_attribute(root, "type");
	parsed.memory_bytes = domxml_bytes(domxml_child(root, "memory"), "KiB");
	parse_cpus(&parsed, domxml_child(root, "vcpu"));
	parse_os(&parsed, root);
	parse_firmware(&parsed, domxml_child(root, "os"));
	parsed.genid = domxml_text(domxml_child(root, "genid"));
	result = parse_devices(&parsed, domxml_child(root, "devices"), e);
	if (result < 0)
		return result;
	*domain = parsed;
	parsed = (struct domxml){0};
	return 0;
}

static void disk_done(struct domxml_disk *disk)
{
	free(disk->target);
	free(disk->source);
	free(disk->device);
	free(disk->format);
	free(disk->type);
	free(disk->bus);
	free(disk->pool);
	free(disk->volume);
}

static void nic_done(struct domxml_nic *nic)
{
	free(nic->mac);
	free(nic->type);
	free(nic->network);
	free(nic->uplink);
	free(nic->model);
	free(nic->target);
}

void domxml_done(struct domxml *domain)
{
	free(domain->uuid);
	free(domain->name);
	free(domain->title);
	free(domain->description);
	free(domain->os);
	free(domain->os_id);
	free(domain->type);
	free(domain->arch);
	free(domain->machine);
	free(domain->emulator);
	free(domain->firmware);
	free(domain->loader);
	free(domain->nvram);
	free(domain->nvram_format);
	free(domain->genid);
	vec_foreach(&domain->disks, disk)
		disk_done(disk);
	vec_foreach(&domain->nics, nic)
		nic_done(nic);
	vec_done(&domain->disks);
	vec_done(&domain->nics);
	*domain = (struct domxml){0};
}

int domxml_parse_capabilities(struct domxml_host *host, const char *text, size_t length, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;

	int result = domxml_read(&document, text, length, "capabilities", e);
	if (result < 0)
		return result;
	const xmlNode *node = domxml_child(xmlDocGetRootElement(document), "host");
	*host = (struct domxml_host){
		.uuid = domxml_text(domxml_child(node, "uuid")),
		.arch = domxml_text(domxml_child(domxml_child(node, "cpu"), "arch")),
		.cpu_model = domxml_text(domxml_child(domxml_child(node, "cpu"), "model")),
	};
	return 0;
}

void domxml_host_done(struct domxml_host *host)
{
	free(host->uuid);
	free(host->arch);
	free(host->cpu_model);
	*host = (struct domxml_host){0};
}

static uint64_t link_bps(const xmlNode *interface)
{
	const xmlNode *link = domxml_child(interface, "link");
	cleanup(cleanup_mem) char *state = domxml_attribute(link, "state");
	cleanup(cleanup_mem) char *speed = domxml_attribute(link, "speed");
	uint64_t mbit = domxml_number(speed);
	uint64_t bps;

	return mbit > 0 && str_equal(state, "up") && !__builtin_mul_overflow(mbit, 1000000, &bps) ? bps : 0;
}

/* A bridge's own link says nothing: it may be that of a VM's port. */
static uint64_t ports_bps(const xmlNode *bridge)
{
	uint64_t highest = 0;

	for (const xmlNode *node = bridge->children; node; node = node->next) {
		uint64_t bps = domxml_is_element(node, "interface") ? link_bps(node) : 0;
		if (bps > highest)
			highest = bps;
	}
	return highest;
}

int domxml_parse_interface(uint64_t *rate_bps, const char *text, size_t length, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;

	int result = domxml_read(&document, text, length, "interface", e);
	if (result < 0)
		return result;
	const xmlNode *root = xmlDocGetRootElement(document);
	const xmlNode *bridge = domxml_child(root, "bridge");
	uint64_t bps = bridge ? ports_bps(bridge) : link_bps(root);
	*rate_bps = bps ? bps : UINT64_MAX;
	return 0;
}
