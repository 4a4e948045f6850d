/* domxml_rewrite.c - the definition of a domain turned into that of another one. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "domxml_rewrite_private.h"

static void rewriting_done(struct rewriting *rewriting)
{
	free(rewriting->used);
	map_free(rewriting->told);
	vec_foreach(&rewriting->lines, line)
		free(*line);
	vec_done(&rewriting->lines);
}

/* ---- what is asked for ---- */

static int check_text(const char *text, const char *what, struct err *e)
{
	if (text && (!*text || !domxml_can_hold(text)))
		return err_set(e, ERR_USAGE, "XML cannot hold this as a %s: '%s'", what, text);
	return 0;
}

static int check_name(const char *name, struct err *e)
{
	/* It becomes a part of file names, too. */
	if (strchr(name, '/'))
		return err_set(e, ERR_USAGE, "'%s': a domain's name has no '/'", name);
	return check_text(name, "name", e);
}

static int check_change(const struct domxml_change *change, const struct domxml *old, struct err *e)
{
	if (change->mac_count != old->nics.count)
		return err_set(e, ERR_USAGE, "%zu MACs for %zu network interfaces", change->mac_count,
			       old->nics.count);
	int result = check_name(change->name, e);
	if (result == 0)
		result = check_text(change->uuid, "UUID", e);
	if (result == 0)
		result = check_text(change->nvram, "path", e);
	for (size_t i = 0; i < change->mac_count && result == 0; i++)
		result = check_text(change->macs[i], "MAC", e);
	for (size_t i = 0; i < change->disk_count && result == 0; i++)
		result = check_text(change->disks[i].path, "path", e);
	return result;
}

static int check_used(const struct rewriting *rewriting, struct err *e)
{
	for (size_t i = 0; i < rewriting->change->disk_count; i++)
		if (!rewriting->used[i])
			return err_set(e, ERR_USAGE, "no disk %s in the definition of '%s'",
				       rewriting->change->disks[i].target, rewriting->old->name);
	return 0;
}

/* ---- who it is ---- */

static void set_child_text(xmlNode *root, const char *name, const char *text)
{
	domxml_set_text(domxml_child(root, name), text);
}

/* libvirt refuses a domain whose firmware would tell another UUID. */
static void set_told_uuid(const struct rewriting *rewriting, const xmlNode *sysinfo)
{
	for (const xmlNode *block = sysinfo->children; block; block = block->next) {
		for (xmlNode *entry = block->children; entry; entry = entry->next) {
			if (!domxml_is_element(entry, "entry"))
				continue;
			cleanup(cleanup_mem) char *name = domxml_attribute(entry, "name");
			cleanup(cleanup_mem) char *value = domxml_text(entry);
			if (str_equal(name, "uuid") || (value && strcasecmp(value, rewriting->old->uuid) == 0))
				domxml_set_text(entry, rewriting->change->uuid);
		}
	}
}

static void set_identity(struct rewriting *rewriting, xmlNode *root)
{
	xmlNode *genid = domxml_child(root, "genid");

	set_child_text(root, "name", rewriting->change->name);
	set_child_text(root, "uuid", rewriting->change->uuid);
	if (genid)
		domxml_set_text(genid, NULL);
	for (const xmlNode *node = root->children; node; node = node->next) {
		if (!domxml_is_element(node, "sysinfo"))
			continue;
		set_told_uuid(rewriting, node);
		domxml_keep_files(rewriting, node, "sysinfo");
	}
}

static void remove_namespace(xmlNode *metadata, const xmlNs *namespace)
{
	xmlNode *next;

	for (xmlNode *node = metadata->children; node; node = next) {
		next = node->next;
		if (node->type == XML_ELEMENT_NODE && node->ns && xmlStrEqual(node->ns->href, namespace->href))
			domxml_remove(node);
	}
}

static int set_metadata(const struct rewriting *rewriting, xmlNode *root, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;
	const char *text = rewriting->change->metadata;

	if (!text)
		return 0;
	int result = domxml_read(&document, text, strlen(text), NULL, e);
	xmlNode *element = result == 0 ? xmlDocGetRootElement(document) : NULL;
	if (!element || !element->ns || !element->ns->href)
		return err_set(e, ERR_USAGE, "no element with a namespace of its own: '%s'", text);
	xmlNode *metadata = domxml_child_or_add(root, "metadata");
	remove_namespace(metadata, element->ns);
	xmlNode *copy = xmlDocCopyNode(element, root->doc, 1);
	if (!copy)
		mem_exhausted();
	xmlAddChild(metadata, copy);
	return 0;
}

/* ---- what it starts from ---- */

/* Formats of variables are those of a raw volume from now on. */
static void set_nvram(const struct rewriting *rewriting, xmlNode *os)
{
	const char *path = rewriting->change->nvram;
	xmlNode *nvram = path ? domxml_child_or_add(os, "nvram") : domxml_child(os, "nvram");

	if (!nvram)
		return;
	domxml_set(nvram, "type", NULL);
	domxml_set_text(nvram, path);
	if (path && xmlHasProp(nvram, (const xmlChar *)"format"))
		domxml_set(nvram, "format", "raw");
}

static int rewrite_os(struct rewriting *rewriting, xmlNode *root, struct err *e)
{
	static const char *const files[] = {"kernel", "initrd", "dtb", "shim", "acpi"};
	xmlNode *os = domxml_child(root, "os");

	if (!os && rewriting->change->nvram)
		return err_set(e, ERR_USAGE, "no <os> for the variables of its firmware");
	for (size_t i = 0; os && i < sizeof files / sizeof files[0]; i++) {
		const xmlNode *file = domxml_child(os, files[i]);
		if (file)
			domxml_keep_files(rewriting, file, files[i]);
	}
	if (os)
		set_nvram(rewriting, os);
	return 0;
}

/* ---- what it has ---- */

/* Those that are understood; of others the files are told. */
static void rewrite_device(struct rewriting *rewriting, xmlNode *device)
{
	static const struct {
		const char *element;
		void (*rewrite)(struct rewriting *rewriting, xmlNode *device);
	} kinds[] = {
		{"serial", domxml_rewrite_line},     {"parallel", domxml_rewrite_line},
		{"console", domxml_rewrite_line},    {"channel", domxml_rewrite_line},
		{"redirdev", domxml_rewrite_line},   {"graphics", domxml_rewrite_graphics},
		{"hostdev", domxml_rewrite_hostdev}, {"tpm", domxml_rewrite_tpm},
		{"vsock", domxml_rewrite_vsock},     {"filesystem", domxml_rewrite_filesystem},
		{"shmem", domxml_rewrite_shmem},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (domxml_is_element(device, kinds[i].element)) {
			kinds[i].rewrite(rewriting, device);
			return;
		}
	}
	if (!domxml_is_element(device, "emulator"))
		domxml_keep_files(rewriting, device, (const char *)device->name);
}

static int rewrite_devices(struct rewriting *rewriting, const xmlNode *devices, struct err *e)
{
	xmlNode *next;
	int result = 0;

	for (xmlNode *node = devices ? devices->children : NULL; node && result == 0; node = next) {
		next = node->next;
		if (domxml_is_element(node, "disk"))
			result = domxml_rewrite_disk(rewriting, node, e);
		else if (domxml_is_element(node, "interface"))
			result = domxml_rewrite_interface(rewriting, node, e);
		else if (node->type == XML_ELEMENT_NODE)
			rewrite_device(rewriting, node);
	}
	return result == 0 ? check_used(rewriting, e) : result;
}

static void keep_label(struct rewriting *rewriting, const xmlNode *seclabel)
{
	cleanup(cleanup_mem) char *type = domxml_attribute(seclabel, "type");
	cleanup(cleanup_mem) char *label = domxml_text(domxml_child(seclabel, "label"));

	if (str_equal(type, "static"))
		domxml_keep(rewriting, "seclabel", label);
}

/* What the hypervisor is told past libvirt: <qemu:commandline> and its kind. */
static void keep_outermost(struct rewriting *rewriting, const xmlNode *root)
{
	for (const xmlNode *node = root->children; node; node = node->next) {
		if (domxml_is_element(node, "seclabel"))
			keep_label(rewriting, node);
		else if (node->type == XML_ELEMENT_NODE && node->ns)
			domxml_keep_files(rewriting, node, (const char *)node->name);
	}
}

static int rewrite_root(struct rewriting *rewriting, xmlNode *root, struct err *e)
{
	domxml_strip_life(root);
	int result = rewrite_devices(rewriting, domxml_child(root, "devices"), e);
	if (result == 0)
		result = rewrite_os(rewriting, root, e);
	if (result == 0)
		result = set_metadata(rewriting, root, e);
	if (result < 0)
		return result;
	set_identity(rewriting, root);
	keep_outermost(rewriting, root);
	return 0;
}

static int write_result(const struct rewriting *rewriting, const xmlDoc *document, struct str *out,
			struct str *kept, struct err *e)
{
	cleanup(str_done) struct str text = {0};

	domxml_write(document, &text);
	if (text.length > DOMXML_SIZE_MAX)
		return err_set(e, ERR_TOO_LARGE, "the new XML has %zu bytes, more than %d", text.length,
			       DOMXML_SIZE_MAX);
	str_add_n(out, str_text(&text), text.length);
	for (size_t i = 0; kept && i < rewriting->lines.count; i++) {
		str_add(kept, rewriting->lines.items[i]);
		str_add_char(kept, '\n');
	}
	return 0;
}

int domxml_rewrite(const char *xml, size_t length, const struct domxml_change *change, struct str *out,
		   struct str *kept, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;
	cleanup(domxml_done) struct domxml old = {0};
	cleanup(rewriting_done) struct rewriting rewriting = {.change = change, .old = &old};

	int result = domxml_parse(&old, xml, length, e);
	if (result == 0)
		result = check_change(change, &old, e);
	if (result == 0)
		result = domxml_read(&document, xml, length, "domain", e);
	if (result < 0)
		return result;
	rewriting.used = mem_zalloc(change->disk_count + 1, sizeof *rewriting.used);
	rewriting.told = map_new();
	result = rewrite_root(&rewriting, xmlDocGetRootElement(document), e);
	return result < 0 ? result : write_result(&rewriting, document, out, kept, e);
}
