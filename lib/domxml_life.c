/* domxml_life.c - what of a domain's XML is of one life only: there while it runs, and made anew each time. */
#include "config.h"

#include <string.h>

#include "domxml_rewrite_private.h"

/* /var/lib/libvirt/qemu/channel/target/domain-7-web1/…, /run/libvirt/qemu/channel/7-web1/…, …/domain-7-web1/vnc.sock */
static bool is_libvirts(const char *path)
{
	const char *below = strstr(path, "/libvirt/qemu/");

	return below && (strstr(below, "/channel/") || strstr(below, "/domain-"));
}

static bool has(const xmlNode *node, const char *attribute, const char *value)
{
	cleanup(cleanup_mem) char *text = domxml_attribute(node, attribute);

	return str_equal(text, value);
}

static bool has_libvirts(const xmlNode *node, const char *attribute)
{
	cleanup(cleanup_mem) char *path = domxml_attribute(node, attribute);

	return path && is_libvirts(path);
}

static void strip_disk(xmlNode *disk)
{
	xmlNode *source = domxml_child(disk, "source");

	domxml_remove_child(disk, "backingStore");
	domxml_remove_child(disk, "mirror");
	if (source)
		domxml_set(source, "index", NULL);
}

/* As libvirt itself does where it writes what is inactive: names that it gave. */
static bool is_given_name(const char *device)
{
	static const char *const prefixes[] = {"vnet", "macvtap", "macvlan", "vif"};

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (str_starts(device, prefixes[i]))
			return true;
	return false;
}

static void strip_interface(xmlNode *interface)
{
	xmlNode *source = domxml_child(interface, "source");
	cleanup(cleanup_mem) char *device = domxml_child_attribute(interface, "target", "dev");

	if (device && is_given_name(device))
		domxml_remove_child(interface, "target");
	if (!source)
		return;
	domxml_set(source, "portid", NULL);
	if (xmlHasProp(source, (const xmlChar *)"network"))
		domxml_set(source, "bridge", NULL);
}

static void strip_line(xmlNode *line)
{
	domxml_set(line, "tty", NULL);
	if (has(line, "type", "pty") ||
	    (domxml_is_element(line, "channel") && has_libvirts(domxml_child(line, "source"), "path")))
		domxml_remove_child(line, "source");
}

static void strip_socket(xmlNode *graphics)
{
	xmlNode *listen = domxml_child(graphics, "listen");

	if (listen && has_libvirts(listen, "socket"))
		domxml_set(listen, "socket", NULL);
	if (!has_libvirts(graphics, "socket"))
		return;
	domxml_set(graphics, "socket", NULL);
	if (!listen)
		domxml_set(domxml_add(graphics, "listen", NULL), "type", "socket");
}

static void strip_graphics(xmlNode *graphics)
{
	static const char *const ports[] = {"port", "tlsPort", "websocket"};
	bool assigned = has(graphics, "autoport", "yes");

	for (size_t i = 0; assigned && i < sizeof ports / sizeof ports[0]; i++)
		if (xmlHasProp(graphics, (const xmlChar *)ports[i]))
			domxml_set(graphics, ports[i], "-1");
	strip_socket(graphics);
}

static void strip_vsock(xmlNode *vsock)
{
	xmlNode *cid = domxml_child(vsock, "cid");

	if (cid && has(cid, "auto", "yes"))
		domxml_set(cid, "address", NULL);
}

/* An alias of a user's (https://libvirt.org/formatdomain.html) is a part of the definition. */
static void strip_alias(xmlNode *device)
{
	xmlNode *alias = domxml_child(device, "alias");
	cleanup(cleanup_mem) char *name = domxml_attribute(alias, "name");

	if (!name || !str_starts(name, "ua-"))
		domxml_remove(alias);
}

static void strip_device(xmlNode *device)
{
	static const struct {
		const char *element;
		void (*strip)(xmlNode *device);
	} kinds[] = {
		{"disk", strip_disk},     {"interface", strip_interface}, {"serial", strip_line},
		{"parallel", strip_line}, {"console", strip_line},        {"channel", strip_line},
		{"redirdev", strip_line}, {"graphics", strip_graphics},   {"vsock", strip_vsock},
	};

	strip_alias(device);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (domxml_is_element(device, kinds[i].element))
			kinds[i].strip(device);
}

/* What is left of a dynamic one without what the driver has chosen; nothing, if nobody said more than that. */
static void strip_seclabel(xmlNode *seclabel)
{
	if (!has(seclabel, "type", NULL) && !has(seclabel, "type", "dynamic"))
		return;
	domxml_remove_child(seclabel, "label");
	domxml_remove_child(seclabel, "imagelabel");
	if (!domxml_child(seclabel, "baselabel"))
		domxml_remove(seclabel);
}

void domxml_strip_life(xmlNode *root)
{
	const xmlNode *devices = domxml_child(root, "devices");
	xmlNode *next;

	domxml_set(root, "id", NULL);
	for (xmlNode *node = root->children; node; node = next) {
		next = node->next;
		if (domxml_is_element(node, "seclabel"))
			strip_seclabel(node);
	}
	for (xmlNode *node = devices ? devices->children : NULL; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE)
			strip_device(node);
}
