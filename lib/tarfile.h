/*
 * tarfile.h - archives of an image: a few texts and disks side by side, in the pax format of tar(5), holes kept as holes.
 *
 * The only user of libarchive. What is read may come from an enemy: only plain, uncompressed archives in a file; only regular files whose names
 * have no slash (a leading "./" aside, and the folder itself); no links, devices or other things; a bounded number of entries.
 */
#ifndef VMROLL_TARFILE_H
#define VMROLL_TARFILE_H

#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"
#include "vec.h"

enum { TARFILE_ENTRIES_MAX = 4096 };

/* Where a disk has data, in order; what lies between is a hole. */
struct tarfile_extent {
	uint64_t offset, length;
};
struct tarfile_extents {
	struct tarfile_extent *items;
	size_t count, capacity;
};
void tarfile_extents_done(struct tarfile_extents *extents);
/* A writer that keeps nothing but where there is data: adds to *EXTENTS, which must outlive it. */
struct disk_writer *tarfile_measure(struct tarfile_extents *extents);

/* ---- writing ---- */

struct tarfile_writer;

/* PATH must not exist; 0600. The caller calls tarfile_writer_free, which without tarfile_finish removes it again. ERR_ENV, ERR_FULL. */
int tarfile_create(struct tarfile_writer **writer, const char *path, struct err *e);
void tarfile_writer_free(struct tarfile_writer *writer); /* NULL-safe */
void cleanup_tarfile_writer(struct tarfile_writer **writer);
int tarfile_add_text(struct tarfile_writer *writer, const char *name, const char *text, size_t length,
		     struct err *e);
/*
 * A file NAME of SIZE_BYTES with data at EXTENTS (borrowed while it is written), whose content is written to *DISK and finished before anything else is
 * added. ERR_CONFLICT from write or finish: what comes has another size, or data where none was announced.
 */
int tarfile_add_disk(struct tarfile_writer *writer, const char *name, uint64_t size_bytes,
		     const struct tarfile_extents *extents, struct disk_writer **disk, struct err *e);
/* All is there: written out and on disk. */
int tarfile_finish(struct tarfile_writer *writer, struct err *e);

/* ---- reading ---- */

struct tarfile;

/* ERR_ENV, ERR_CORRUPT: no archive of this kind. */
int tarfile_open(struct tarfile **tar, const char *path, struct err *e);
void tarfile_close(struct tarfile *tar); /* NULL-safe */
void cleanup_tarfile(struct tarfile **tar);
struct tarfile_entry {
	const char *name; /* borrowed until the next call */
	uint64_t size_bytes;
};
/* 1 with the next regular file, 0 at the end, ERR_CORRUPT: something else is in it, which is named, or it is cut short. */
int tarfile_next(struct tarfile *tar, struct tarfile_entry *entry, struct err *e);
/* The content of the file that tarfile_next gave last, at most MAXIMUM bytes (ERR_TOO_LARGE), NUL-terminated beyond *LENGTH. The caller frees. */
int tarfile_read_text(struct tarfile *tar, size_t maximum, char **text, size_t *length, struct err *e);
/* The same as a disk; holes are holes. Closed before TAR. */
int tarfile_read_disk(struct tarfile *tar, struct disk_reader **reader, struct err *e);

#endif
