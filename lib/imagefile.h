/*
 * imagefile.h - the content of one disk of a master image in the repository: a sparse raw file, and layers over it.
 *
 * An update writes only what changed: a layer is two files, NAME (the changed blocks of IMAGEFILE_BLOCK bytes, one after the
 * other, the last of the disk perhaps a short one) and NAME.index (the number of each as big-endian u64, rising, then the
 * SHA-256 of all before it). What is read is the base with every layer put over it, the last on top; so a generation that is
 * given up costs nothing, and a layer is folded into the base in any order and as often as one likes without a reader of the
 * newest generation seeing a difference: whatever is being overwritten in the base lies in the layer too. Sizes are fixed: a
 * disk of another size is a new base. What a block holds is checked by nothing here: the digest of the whole disk does that.
 *
 * Files are made 0600, are regular files, and no symbolic link is followed to them; their names have no slash.
 */
#ifndef VMROLL_IMAGEFILE_H
#define VMROLL_IMAGEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"

#define IMAGEFILE_INDEX ".index" /* what the name of a layer's second file has more */

/* Small, so that pages of 4 KiB that changed here and there cost at most four times themselves; divides DISK_BLOCK. */
enum { IMAGEFILE_BLOCK = 16 << 10 };

/* Where a disk's content lies: files in FOLDER, the base first. Borrowed. */
struct imagefile {
	const char *folder;
	const char *const *files; /* base, then layers, the oldest first */
	size_t count;             /* at least 1 */
};

/* Reads it all. ERR_NOT_FOUND: a file is missing; ERR_CORRUPT: a layer whose index fails its digest, or a file that has another length; both name the file. */
int imagefile_read(struct disk_reader **reader, const struct imagefile *file, struct err *e);

/* Writes a new base: FOLDER/NAME must not exist; holes stay holes. finish: fsynced, file and folder. Closed before that, it is removed. ERR_FULL, ERR_ENV. */
int imagefile_write(struct disk_writer **writer, const char *folder, const char *name, struct err *e);

/*
 * Takes content of exactly the size of OLD and writes a layer FOLDER/NAME with only what differs. finish: written blocks were read back
 * and compared by digest, all is fsynced. ERR_CONFLICT from finish or write: the size differs. *WRITTEN (may be NULL) counts
 * the bytes of blocks written, those of zeros not; it must outlive the writer. Closed before finish, it is removed.
 */
int imagefile_write_layer(struct disk_writer **writer, const struct imagefile *old, const char *folder,
			  const char *name, uint64_t *written, struct err *e);

/* Folds layer file->files[1] into the base and fsyncs it. The caller then records the shorter list, and removes the layer's two files. Nobody may read a generation without that layer. */
int imagefile_fold(const struct imagefile *file, struct err *e);

/* Virtual size, and what all its files take up on disk. */
int imagefile_sizes(const struct imagefile *file, uint64_t *virtual_bytes, uint64_t *physical_bytes,
		    struct err *e);

#endif
