/* domxml_rewrite_disk.c - a disk of one domain turned into that of another, or dropped. */
#include "config.h"

#include <string.h>

#include "domxml_rewrite_private.h"

/* 1 with the *CHOSEN of the change, 0 if it wants no such disk, ERR_CORRUPT if another one had that target. */
static int choose(struct rewriting *rewriting, const char *target, const struct domxml_new_disk **chosen,
		  struct err *e)
{
	const struct domxml_change *change = rewriting->change;

	for (size_t i = 0; target && i < change->disk_count; i++) {
		if (!str_equal(change->disks[i].target, target))
			continue;
		if (rewriting->used[i])
			return err_set(e, ERR_CORRUPT, "bad XML: two disks are called %s", target);
		rewriting->used[i] = true;
		*chosen = &change->disks[i];
		return 1;
	}
	return 0;
}

static bool is_removable(const xmlNode *disk)
{
	cleanup(cleanup_mem) char *device = domxml_attribute(disk, "device");

	return str_equal(device, "cdrom") || str_equal(device, "floppy");
}

/* What belongs to the old medium, wherever it lay. */
static void strip_medium(xmlNode *disk)
{
	static const char *const children[] = {"encryption", "auth"};

	for (size_t i = 0; i < sizeof children / sizeof children[0]; i++)
		domxml_remove_child(disk, children[i]);
}

static void eject(xmlNode *disk)
{
	strip_medium(disk);
	domxml_remove_child(disk, "source");
	domxml_set(disk, "type", "file");
}

/* The source with nothing of what it was: indexes, secrets, slices, start policies. */
static void set_source(xmlNode *disk, const struct domxml_new_disk *new)
{
	xmlNode *source = domxml_child_or_add(disk, "source");

	domxml_set_text(source, NULL);
	while (source->properties)
		xmlRemoveProp(source->properties);
	domxml_set(source, str_equal(new->type, "block") ? "dev" : "file", new->path);
}

/* libvirt refuses what tunes qcow2 on anything else. */
static void set_format(const struct rewriting *rewriting, xmlNode *disk, const struct domxml_new_disk *new)
{
	xmlNode *driver = domxml_child(disk, "driver");
	bool is_qemu = str_equal(rewriting->old->type, "kvm") || str_equal(rewriting->old->type, "qemu");

	if (!driver) {
		driver = domxml_add(disk, "driver", NULL);
		domxml_set(driver, "name", is_qemu ? "qemu" : NULL);
	}
	domxml_set(driver, "type", new->format);
	if (str_equal(new->format, "qcow2"))
		return;
	domxml_remove_child(driver, "metadata_cache");
	domxml_set(driver, "discard_no_unref", NULL);
}

/* A volume is no SCSI device to which commands could be passed. */
static void make_plain(xmlNode *disk)
{
	cleanup(cleanup_mem) char *device = domxml_attribute(disk, "device");

	if (!str_equal(device, "lun"))
		return;
	domxml_set(disk, "device", "disk");
	domxml_set(disk, "sgio", NULL);
	domxml_set(disk, "rawio", NULL);
}

int domxml_rewrite_disk(struct rewriting *rewriting, xmlNode *disk, struct err *e)
{
	cleanup(cleanup_mem) char *target = domxml_child_attribute(disk, "target", "dev");
	const struct domxml_new_disk *new = NULL;

	int result = choose(rewriting, target, &new, e);
	if (result < 0)
		return result;
	if (!new) {
		if (is_removable(disk))
			eject(disk);
		else
			domxml_remove(disk);
		return 0;
	}
	strip_medium(disk);
	make_plain(disk);
	domxml_set(disk, "type", new->type);
	set_source(disk, new);
	set_format(rewriting, disk, new);
	return 0;
}
