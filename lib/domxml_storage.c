/* domxml_storage.c - XML of storage pools, volumes and backup jobs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "domxml_private.h"
#include "domxml_storage.h"
#include "when.h"

int domxml_parse_pool(struct domxml_pool *pool, const char *text, size_t length, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;
	cleanup(domxml_pool_done) struct domxml_pool parsed = {0};

	int result = domxml_read(&document, text, length, "pool", e);
	if (result < 0)
		return result;
	const xmlNode *root = xmlDocGetRootElement(document);
	parsed.name = domxml_text(domxml_child(root, "name"));
	parsed.type = domxml_attribute(root, "type");
	parsed.path = domxml_text(domxml_child(domxml_child(root, "target"), "path"));
	if (!parsed.name || !parsed.type)
		return err_set(e, ERR_CORRUPT, "bad XML: a pool without %s", parsed.name ? "type" : "name");
	*pool = parsed;
	parsed = (struct domxml_pool){0};
	return 0;
}

void domxml_pool_done(struct domxml_pool *pool)
{
	free(pool->name);
	free(pool->type);
	free(pool->path);
	*pool = (struct domxml_pool){0};
}

void domxml_write_pool(struct str *out, const char *name, const char *path)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = domxml_new_document("pool");
	xmlNode *root = xmlDocGetRootElement(document);

	domxml_set(root, "type", "dir");
	domxml_add(root, "name", name);
	domxml_add(domxml_add(root, "target", NULL), "path", path);
	domxml_write(document, out);
}

static uint64_t size_of(const xmlNode *node)
{
	return node ? domxml_bytes(node, "bytes") : UINT64_MAX;
}

/* Seconds, and a fraction that may be missing: 1341930622.047245868. */
static int64_t instant_of(const xmlNode *node)
{
	enum { SECONDS_MAX = 253402300799 /* the year 9999 */, MILLISECOND_DIGITS = 3 };
	cleanup(cleanup_mem) char *text = domxml_text(node);
	uint64_t seconds;
	int64_t milliseconds = 0;

	if (!text)
		return WHEN_UNKNOWN;
	char *fraction = strchr(text, '.');
	if (fraction)
		*fraction++ = '\0';
	if (str_parse_number(text, 0, SECONDS_MAX, &seconds, NULL) < 0)
		return WHEN_UNKNOWN;
	for (int i = 0; i < MILLISECOND_DIGITS; i++) {
		bool is_digit = fraction && *fraction >= '0' && *fraction <= '9';
		milliseconds = milliseconds * 10 + (is_digit ? *fraction++ - '0' : 0);
	}
	return (int64_t)seconds * 1000 + milliseconds;
}

int domxml_parse_volume(struct domxml_volume *volume, const char *text, size_t length, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;
	cleanup(domxml_volume_done) struct domxml_volume parsed = {0};

	int result = domxml_read(&document, text, length, "volume", e);
	if (result < 0)
		return result;
	const xmlNode *root = xmlDocGetRootElement(document);
	const xmlNode *target = domxml_child(root, "target");
	const xmlNode *backing = domxml_child(root, "backingStore");
	parsed.name = domxml_text(domxml_child(root, "name"));
	if (!parsed.name)
		return err_set(e, ERR_CORRUPT, "bad XML: a volume without name");
	parsed.path = domxml_text(domxml_child(target, "path"));
	parsed.format = domxml_child_attribute(target, "format", "type");
	parsed.backing_path = domxml_text(domxml_child(backing, "path"));
	parsed.backing_format = domxml_child_attribute(backing, "format", "type");
	parsed.capacity_bytes = size_of(domxml_child(root, "capacity"));
	parsed.allocation_bytes = size_of(domxml_child(root, "allocation"));
	parsed.modified = instant_of(domxml_child(domxml_child(target, "timestamps"), "mtime"));
	*volume = parsed;
	parsed = (struct domxml_volume){0};
	return 0;
}

void domxml_volume_done(struct domxml_volume *volume)
{
	free(volume->name);
	free(volume->path);
	free(volume->format);
	free(volume->backing_path);
	free(volume->backing_format);
	*volume = (struct domxml_volume){0};
}

static void add_number(xmlNode *parent, const char *name, uint64_t number)
{
	cleanup(str_done) struct str text = {0};

	str_add_number(&text, number);
	domxml_add(parent, name, str_text(&text));
}

static void add_target(xmlNode *root, const struct domxml_volume *volume)
{
	xmlNode *target = domxml_add(root, "target", NULL);

	if (volume->format)
		domxml_set(domxml_add(target, "format", NULL), "type", volume->format);
	if (volume->read_only)
		domxml_add(domxml_add(target, "permissions", NULL), "mode", "0444");
	/* Else libvirt's default counts, which was 0.10 for long: no zero clusters, copies that are slow. */
	if (str_equal(volume->format, "qcow2"))
		domxml_add(target, "compat", "1.1");
}

static void add_backing(xmlNode *root, const struct domxml_volume *volume)
{
	xmlNode *backing = domxml_add(root, "backingStore", NULL);

	domxml_add(backing, "path", volume->backing_path);
	if (volume->backing_format)
		domxml_set(domxml_add(backing, "format", NULL), "type", volume->backing_format);
}

void domxml_write_volume(struct str *out, const struct domxml_volume *volume)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = domxml_new_document("volume");
	xmlNode *root = xmlDocGetRootElement(document);

	domxml_add(root, "name", volume->name);
	if (volume->capacity_bytes != UINT64_MAX)
		add_number(root, "capacity", volume->capacity_bytes);
	/* Where nothing is said, libvirt allocates all of a raw volume. */
	add_number(root, "allocation", volume->allocation_bytes == UINT64_MAX ? 0 : volume->allocation_bytes);
	add_target(root, volume);
	if (volume->backing_path)
		add_backing(root, volume);
	domxml_write(document, out);
}

static void add_backup_disk(xmlNode *disks, const struct domxml_backup_disk *disk)
{
	xmlNode *node = domxml_add(disks, "disk", NULL);

	domxml_set(node, "name", disk->target);
	domxml_set(node, "backup", disk->file ? "yes" : "no");
	if (!disk->file)
		return;
	domxml_set(node, "type", "file");
	domxml_set(domxml_add(node, "driver", NULL), "type", disk->format);
	domxml_set(domxml_add(node, "target", NULL), "file", disk->file);
}

void domxml_write_backup(struct str *out, const struct domxml_backup_disk *disks, size_t count)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = domxml_new_document("domainbackup");
	xmlNode *root = xmlDocGetRootElement(document);
	xmlNode *list = domxml_add(root, "disks", NULL);

	domxml_set(root, "mode", "push");
	for (size_t i = 0; i < count; i++)
		add_backup_disk(list, &disks[i]);
	domxml_write(document, out);
}
