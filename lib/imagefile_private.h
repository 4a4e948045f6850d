/* imagefile_private.h - what the parts of imagefile have in common: files by folder and name, indexes, and the merged view. */
#ifndef VMROLL_IMAGEFILE_PRIVATE_H
#define VMROLL_IMAGEFILE_PRIVATE_H

#include <stdbool.h>

#include "imagefile.h"
#include "vec.h"

enum { IMAGEFILE_READ_BYTES = 1 << 20, IMAGEFILE_MODE = 0600 };

/* ---- one file ---- */

struct imagefile_part {
	int fd;
	char *path; /* as people are told */
	uint64_t size_bytes, physical_bytes;
	uint64_t flushed_bytes; /* up to there, it is on its way to the disk */
	uint64_t stable_bytes;  /* up to there, it lies on it, where the file system can tell */
};
#define IMAGEFILE_PART_NONE                                                                                  \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}

void imagefile_part_done(struct imagefile_part *part);
/* ERR_NOT_FOUND, ERR_ENV (no regular file), ERR_CORRUPT (a name with a slash). */
int imagefile_part_open(struct imagefile_part *part, const char *folder, const char *name, bool write,
			struct err *e);
/* A new file. ERR_CONFLICT: there is one. */
int imagefile_part_make(struct imagefile_part *part, const char *folder, const char *name, struct err *e);
int imagefile_part_read(const struct imagefile_part *part, void *bytes, size_t length, uint64_t at,
			struct err *e);
int imagefile_part_write(struct imagefile_part *part, const void *bytes, size_t length, uint64_t at,
			 struct err *e);
/* Sets the length and waits until all lies on disk. */
int imagefile_part_end(struct imagefile_part *part, uint64_t size_bytes, struct err *e);
/* Length, at most LIMIT, of what begins at AT and is data or a hole throughout. */
int imagefile_part_extent(const struct imagefile_part *part, uint64_t at, uint64_t limit, uint64_t *length,
			  bool *data, struct err *e);
int imagefile_sync_folder(const char *folder, struct err *e);
/* ERR_FULL or ERR_ENV, with PATH and why. */
int imagefile_failed(int errnum, const char *path, struct err *e);

/* ---- the index of a layer ---- */

struct imagefile_index {
	uint64_t *items; /* numbers of blocks, rising */
	size_t count, capacity;
};

/* Of a disk of SIZE_BYTES. ERR_CORRUPT: digest, order, or a block beyond the end. */
int imagefile_index_read(struct imagefile_index *index, const char *folder, const char *layer,
			 uint64_t size_bytes, struct err *e);
int imagefile_index_write(const struct imagefile_index *index, const char *folder, const char *layer,
			  struct err *e);
/* Place of the first number that is not below BLOCK; count if there is none. */
size_t imagefile_index_find(const struct imagefile_index *index, uint64_t block);
/* Length of BLOCK of a disk of SIZE_BYTES. */
size_t imagefile_block_length(uint64_t block, uint64_t size_bytes);

/* ---- base and layers as one ---- */

struct imagefile_layer {
	struct imagefile_part blocks;
	struct imagefile_index index;
};

void imagefile_layer_done(struct imagefile_layer *layer);
int imagefile_layer_open(struct imagefile_layer *layer, const char *folder, const char *name,
			 uint64_t size_bytes, struct err *e);

struct imagefile_view {
	struct imagefile_part base;
	VEC(struct imagefile_layer) layers; /* the oldest first */
	uint64_t size_bytes;
};

void imagefile_view_done(struct imagefile_view *view);
int imagefile_view_open(struct imagefile_view *view, const struct imagefile *file, struct err *e);

/* What begins somewhere in a view: in which file, and where there. */
struct imagefile_extent {
	const struct imagefile_part *part;
	uint64_t offset, length;
	bool data; /* false: a hole */
};
/* AT is below the view's size; length is at most LIMIT. */
int imagefile_view_at(const struct imagefile_view *view, uint64_t at, uint64_t limit,
		      struct imagefile_extent *extent, struct err *e);
/* Bytes as a guest sees them. */
int imagefile_view_read(const struct imagefile_view *view, void *bytes, size_t length, uint64_t at,
			struct err *e);

#endif
