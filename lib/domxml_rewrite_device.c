/* domxml_rewrite_device.c - devices of one domain turned into those of another, disks apart. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "domxml_rewrite_private.h"

static bool is_type(const xmlNode *node, const char *type)
{
	cleanup(cleanup_mem) char *value = domxml_attribute(node, "type");

	return str_equal(value, type);
}

/* ---- network interfaces ---- */

/* Open vSwitch and 802.1Qbg know a port by an id of its own; libvirt makes one where none is said. */
static void forget_port(xmlNode *interface)
{
	xmlNode *parameters = domxml_child(domxml_child(interface, "virtualport"), "parameters");

	if (!parameters)
		return;
	domxml_set(parameters, "interfaceid", NULL);
	domxml_set(parameters, "instanceid", NULL);
}

static void keep_addresses(struct rewriting *rewriting, const xmlNode *interface)
{
	const xmlNode *filter = domxml_child(interface, "filterref");

	for (const xmlNode *node = filter ? filter->children : NULL; node; node = node->next) {
		if (!domxml_is_element(node, "parameter"))
			continue;
		cleanup(cleanup_mem) char *name = domxml_attribute(node, "name");
		cleanup(cleanup_mem) char *value = domxml_attribute(node, "value");
		cleanup(cleanup_mem) char *both = name && value ? mem_format("%s %s", name, value) : NULL;
		domxml_keep(rewriting, "interface filter", both);
	}
}

static void keep_forwards(struct rewriting *rewriting, const xmlNode *interface)
{
	for (const xmlNode *node = interface->children; node; node = node->next) {
		if (!domxml_is_element(node, "portForward"))
			continue;
		cleanup(cleanup_mem) char *protocol = domxml_attribute(node, "proto");
		cleanup(cleanup_mem) char *port = domxml_child_attribute(node, "range", "start");
		cleanup(cleanup_mem) char *both =
			mem_format("%s %s", protocol ? protocol : "all", port ? port : "ports");
		domxml_keep(rewriting, "interface forwards", both);
	}
}

/* A device of vDPA belongs to one domain; names of bridges and networks are the same on all hosts, or should be. */
static void keep_source(struct rewriting *rewriting, xmlNode *source)
{
	cleanup(cleanup_mem) char *device = domxml_attribute(source, "dev");

	domxml_rename_file(rewriting, source, "path", "interface");
	domxml_keep(rewriting, "interface", device && device[0] == '/' ? device : NULL);
}

int domxml_rewrite_interface(struct rewriting *rewriting, xmlNode *interface, struct err *e)
{
	xmlNode *mac = domxml_child(interface, "mac");
	xmlNode *source = domxml_child(interface, "source");
	cleanup(cleanup_mem) char *script = domxml_child_attribute(interface, "script", "path");

	if (rewriting->nic == rewriting->change->mac_count)
		return err_set(e, ERR_USAGE, "%zu MACs for %zu network interfaces",
			       rewriting->change->mac_count, rewriting->old->nics.count);
	if (!mac)
		mac = domxml_add(interface, "mac", NULL);
	domxml_set(mac, "address", rewriting->change->macs[rewriting->nic++]);
	domxml_remove_child(interface, "target");
	forget_port(interface);
	if (source)
		keep_source(rewriting, source);
	domxml_keep(rewriting, "interface script", script);
	keep_addresses(rewriting, interface);
	keep_forwards(rewriting, interface);
	if (is_type(interface, "hostdev"))
		domxml_rewrite_hostdev(rewriting, interface);
	return 0;
}

/* ---- serial lines, consoles, channels ---- */

static void keep_port(struct rewriting *rewriting, const xmlNode *line, const xmlNode *source, const char *kind)
{
	cleanup(cleanup_mem) char *type = domxml_attribute(line, "type");
	cleanup(cleanup_mem) char *host = domxml_attribute(source, "host");
	cleanup(cleanup_mem) char *service = domxml_attribute(source, "service");
	cleanup(cleanup_mem) char *where =
		service ? mem_format("%s %s:%s", type ? type : "?", host ? host : "", service) : NULL;

	domxml_keep(rewriting, kind, where);
}

/* The first console is the first serial line once more. */
static const char *line_kind(const xmlNode *line)
{
	cleanup(cleanup_mem) char *target = domxml_child_attribute(line, "target", "type");

	return domxml_is_element(line, "console") && str_equal(target, "serial") ? "serial"
										 : (const char *)line->name;
}

void domxml_rewrite_line(struct rewriting *rewriting, xmlNode *line)
{
	static const char *const paths[] = {"path", "master", "slave"};
	const char *kind = line_kind(line);
	xmlNode *log = domxml_child(line, "log");

	if (log)
		domxml_rename_file(rewriting, log, "file", kind);
	/* udp has two of them. */
	for (xmlNode *node = line->children; node; node = node->next) {
		if (!domxml_is_element(node, "source"))
			continue;
		for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
			domxml_rename_file(rewriting, node, paths[i], kind);
		keep_port(rewriting, line, node, kind);
	}
}

/* ---- what is used of the host ---- */

static void keep_figure(struct rewriting *rewriting, const xmlNode *node, const char *attribute,
			const char *type, const char *const *common)
{
	cleanup(cleanup_mem) char *value = domxml_attribute(node, attribute);
	cleanup(cleanup_mem) char *line = value ? mem_format("%s %s %s", type, attribute, value) : NULL;

	for (; value && *common; common++)
		if (str_equal(value, *common))
			return;
	domxml_keep(rewriting, "graphics", line);
}

static void rewrite_listen(struct rewriting *rewriting, xmlNode *listen, const char *type)
{
	static const char *const everywhere[] = {"127.0.0.1", "0.0.0.0", "::1", "::", "localhost", NULL};

	domxml_rename_file(rewriting, listen, "socket", "graphics");
	keep_figure(rewriting, listen, "address", type, everywhere);
}

void domxml_rewrite_graphics(struct rewriting *rewriting, xmlNode *graphics)
{
	static const char *const ports[] = {"port", "tlsPort", "websocket"};
	static const char *const chosen[] = {"-1", "0", NULL};
	cleanup(cleanup_mem) char *type = domxml_attribute(graphics, "type");
	const xmlNode *gl = domxml_child(graphics, "gl");

	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
		keep_figure(rewriting, graphics, ports[i], type ? type : "?", chosen);
	domxml_rename_file(rewriting, graphics, "socket", "graphics");
	for (xmlNode *node = graphics->children; node; node = node->next)
		if (domxml_is_element(node, "listen"))
			rewrite_listen(rewriting, node, type ? type : "?");
	if (gl)
		domxml_keep_files(rewriting, gl, "graphics");
}

/* "0000:01:00.0" of PCI, "1:4" of USB and of what has no more than a bus and a device. */
static char *address_text(const xmlNode *address)
{
	cleanup(cleanup_mem) char *domain = domxml_attribute(address, "domain");
	cleanup(cleanup_mem) char *bus = domxml_attribute(address, "bus");
	cleanup(cleanup_mem) char *slot = domxml_attribute(address, "slot");
	cleanup(cleanup_mem) char *function = domxml_attribute(address, "function");
	cleanup(cleanup_mem) char *device = domxml_attribute(address, "device");
	cleanup(cleanup_mem) char *uuid = domxml_attribute(address, "uuid");

	if (uuid)
		return mem_string(uuid);
	if (slot)
		return mem_format("%04lx:%02lx:%02lx.%lx", domain ? strtoul(domain, NULL, 0) : 0,
				  bus ? strtoul(bus, NULL, 0) : 0, strtoul(slot, NULL, 0),
				  function ? strtoul(function, NULL, 0) : 0);
	return device ? mem_format("%s:%s", bus ? bus : "", device) : NULL;
}

/* "1234:5678": vendor and product of USB. */
static char *product_text(const xmlNode *source)
{
	cleanup(cleanup_mem) char *vendor = domxml_child_attribute(source, "vendor", "id");
	cleanup(cleanup_mem) char *product = domxml_child_attribute(source, "product", "id");

	return vendor && product ? mem_format("%s:%s", vendor, product) : NULL;
}

/* Of a device of mode capabilities, or of SCSI, what its source says first. */
static char *first_text(const xmlNode *source)
{
	for (const xmlNode *node = source ? source->children : NULL; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE) {
			char *name = domxml_attribute(node, "name");
			return name ? name : domxml_text(node);
		}
	return NULL;
}

void domxml_rewrite_hostdev(struct rewriting *rewriting, xmlNode *hostdev)
{
	const xmlNode *source = domxml_child(hostdev, "source");
	cleanup(cleanup_mem) char *type = domxml_attribute(hostdev, "type");
	cleanup(cleanup_mem) char *of_source = domxml_child_attribute(source, "address", "type");
	cleanup(cleanup_mem) char *text = address_text(domxml_child(source, "address"));
	const char *kind = str_equal(type, "hostdev") && of_source ? of_source : type;

	if (!text)
		text = product_text(source);
	if (!text)
		text = first_text(source);
	cleanup(cleanup_mem) char *line = mem_format("%s %s", kind ? kind : "?", text ? text : "?");
	domxml_keep(rewriting, "hostdev", line);
}

void domxml_rewrite_tpm(struct rewriting *rewriting, xmlNode *tpm)
{
	const xmlNode *backend = domxml_child(tpm, "backend");
	cleanup(cleanup_mem) char *type = domxml_attribute(backend, "type");

	domxml_keep(rewriting, "tpm", type ? type : "?");
	if (backend)
		domxml_keep_files(rewriting, backend, "tpm");
}

void domxml_rewrite_vsock(struct rewriting *rewriting, xmlNode *vsock)
{
	cleanup(cleanup_mem) char *address = domxml_child_attribute(vsock, "cid", "address");
	cleanup(cleanup_mem) char *line = address ? mem_format("CID %s", address) : NULL;

	domxml_keep(rewriting, "vsock", line);
}

void domxml_rewrite_filesystem(struct rewriting *rewriting, xmlNode *filesystem)
{
	static const char *const keys[] = {"dir", "file", "dev", "name", "socket", "volume"};
	const xmlNode *source = domxml_child(filesystem, "source");

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		cleanup(cleanup_mem) char *value = domxml_attribute(source, keys[i]);
		domxml_keep(rewriting, "filesystem", value);
	}
}

void domxml_rewrite_shmem(struct rewriting *rewriting, xmlNode *shmem)
{
	cleanup(cleanup_mem) char *name = domxml_attribute(shmem, "name");

	domxml_keep(rewriting, "shmem", name);
	domxml_keep_files(rewriting, shmem, "shmem");
}
