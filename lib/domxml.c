/* domxml.c - what libvirt's XML says about a domain and about a host. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "domxml.h"
#include "domxml_private.h"
#include "mem.h"
#include "str.h"

/* The version behind it may grow; libvirt-domain metadata of libosinfo has used 1.0 since 2018. */
static const char libosinfo_namespace[] = "http://libosinfo.org/xmlns/libvirt/domain/";

MEM_DEFINE_CLEANUP(xmlParserCtxt, xmlFreeParserCtxt)

bool domxml_is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

const xmlNode *domxml_child(const xmlNode *parent, const char *name)
{
	if (!parent)
		return NULL;
	for (const xmlNode *node = parent->children; node; node = node->next)
		if (domxml_is_element(node, name))
			return node;
	return NULL;
}

char *domxml_text(const xmlNode *node)
{
	if (!node)
		return NULL;
	xmlChar *content = xmlNodeGetContent(node);
	char *text = content && *content ? mem_string((const char *)content) : NULL;
	xmlFree(content);
	return text;
}

char *domxml_attribute(const xmlNode *node, const char *name)
{
	if (!node)
		return NULL;
	xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
	char *text = value && *value ? mem_string((const char *)value) : NULL;
	xmlFree(value);
	return text;
}

char *domxml_child_attribute(const xmlNode *node, const char *name, const char *key)
{
	return domxml_attribute(domxml_child(node, name), key);
}

/* A number that is not one is unknown, not an error: the rest of the domain still counts. */
uint64_t domxml_number(const char *text)
{
	uint64_t value;

	if (!text || str_parse_number(text, 0, UINT64_MAX, &value, NULL) < 0)
		return 0;
	return value;
}

/* libvirt's virScaleInteger: KB, MB, … are powers of 1000, K, KiB, … of 1024. */
static uint64_t unit_bytes(const char *unit)
{
	static const char letters[] = "KMGTPE";
	uint64_t base = 1024;
	uint64_t scale = 1;

	if (strcasecmp(unit, "b") == 0 || strcasecmp(unit, "bytes") == 0)
		return 1;
	const char *letter = strchr(letters, toupper((unsigned char)unit[0]));
	if (!letter)
		return 0;
	if (unit[1] && strcasecmp(unit + 1, "iB") != 0) {
		if (strcasecmp(unit + 1, "B") != 0)
			return 0;
		base = 1000;
	}
	for (const char *l = letters; l <= letter; l++)
		scale *= base;
	return scale;
}

uint64_t domxml_bytes(const xmlNode *node, const char *default_unit)
{
	cleanup(cleanup_mem) char *text = domxml_text(node);
	cleanup(cleanup_mem) char *unit = domxml_attribute(node, "unit");
	uint64_t bytes;

	if (__builtin_mul_overflow(domxml_number(text), unit_bytes(unit ? unit : default_unit), &bytes))
		return 0;
	return bytes;
}

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

static char *os_identifier(const xmlNode *metadata)
{
	for (const xmlNode *node = metadata ? metadata->children : NULL; node; node = node->next) {
		if (!domxml_is_element(node, "libosinfo") || !node->ns || !node->ns->href ||
		    !str_starts((const char *)node->ns->href, libosinfo_namespace))
			continue;
		char *identifier = domxml_child_attribute(node, "os", "id");
		if (identifier)
			return identifier;
	}
	return NULL;
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
	disk->read_only = domxml_child(node, "readonly") != NULL;
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

int domxml_read(xmlDoc **document, const char *text, size_t length, const char *root, struct err *e)
{
	cleanup(cleanup_xmlFreeParserCtxt) xmlParserCtxt *parser = xmlNewParserCtxt();

	if (length > DOMXML_SIZE_MAX)
		return err_set(e, ERR_TOO_LARGE, "XML of %zu bytes, more than %d", length, DOMXML_SIZE_MAX);
	if (!parser)
		return err_set(e, ERR_ENV, "libxml2: no parser");
	/* Not NOENT, DTDLOAD, XINCLUDE or HUGE: with NONET alone libxml2 keeps its limits. The other two flags only silence it. */
	cleanup(cleanup_xmlFreeDoc) xmlDoc *doc =
		xmlCtxtReadMemory(parser, text, (int)length, NULL, "UTF-8",
				  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc) {
		const xmlError *cause = xmlCtxtGetLastError(parser);
		size_t end = cause && cause->message ? strcspn(cause->message, "\n") : 0;
		return err_set(e, ERR_CORRUPT, "bad XML, line %d: %.*s", cause ? cause->line : 0,
			       end < 200 ? (int)end : 200, end ? cause->message : "");
	}
	if (doc->intSubset || doc->extSubset)
		return err_set(e, ERR_CORRUPT, "bad XML: it has a DTD");
	const xmlNode *top = xmlDocGetRootElement(doc);
	if (!top || !domxml_is_element(top, root))
		return err_set(e, ERR_CORRUPT, "bad XML: not a <%s>", root);
	*document = doc;
	doc = NULL;
	return 0;
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
