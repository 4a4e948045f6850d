/*
 * domxml_storage.h - a part of domxml.h: XML of storage pools, volumes and backup jobs, read and written.
 *
 * Formats: https://libvirt.org/formatstorage.html, formatbackup.html. Whatever is written is escaped by libxml2.
 */
#ifndef VMROLL_DOMXML_STORAGE_H
#define VMROLL_DOMXML_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

struct domxml_pool {
	char *name, *type, *path;
};
int domxml_parse_pool(struct domxml_pool *pool, const char *text, size_t length, struct err *e);
void domxml_pool_done(struct domxml_pool *pool);
void domxml_write_pool(struct str *out, const char *name, const char *path); /* type dir */

struct domxml_volume {
	char *name, *path, *format, *backing_path, *backing_format;
	uint64_t capacity_bytes, allocation_bytes; /* UINT64_MAX: not said */
	int64_t modified;                          /* from <timestamps>; WHEN_UNKNOWN */
	bool read_only;                            /* when written: mode 0444 */
};
int domxml_parse_volume(struct domxml_volume *volume, const char *text, size_t length, struct err *e);
void domxml_volume_done(struct domxml_volume *volume);
void domxml_write_volume(struct str *out,
			 const struct domxml_volume *volume); /* path is not written; allocation 0 where not said */

struct domxml_backup_disk {
	const char *target, *file, *format; /* file NULL: left out (backup='no') */
};
void domxml_write_backup(struct str *out, const struct domxml_backup_disk *disks, size_t count);

#endif
