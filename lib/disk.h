/*
 * disk.h - the content of a disk as it flows: data and holes in order, from a reader to a writer.
 *
 * Content is what a guest would see: raw bytes from the first to the last. A hole reads as zeros.
 * Whoever makes a reader or writer embeds one of the structs below as its first member.
 */
#ifndef VMROLL_DISK_H
#define VMROLL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "err.h"

enum { DISK_BLOCK = 64 << 10 }; /* aligned blocks of zeros are holes again */

struct disk_chunk {
	const void *bytes; /* NULL: a hole */
	uint64_t length;   /* never 0 */
};

struct disk_reader {
	/* 1 with the next *CHUNK (bytes borrowed until the next call), 0 at the end, negative on error. Chunks may be cut anywhere. */
	int (*next)(struct disk_reader *reader, struct disk_chunk *chunk, struct err *e);
	void (*close)(struct disk_reader *reader); /* frees it */
};

struct disk_writer {
	/* The next part; whole blocks of DISK_BLOCK, the end of the disk aside (disk_copy sees to that). */
	int (*write)(struct disk_writer *writer, const struct disk_chunk *chunk, struct err *e);
	/* All has arrived, and lies on disk. To be called once, after the last write. */
	int (*finish)(struct disk_writer *writer, struct err *e);
	void (*close)(struct disk_writer *writer); /* frees it; what was not finished is worth nothing */
};

void disk_reader_close(struct disk_reader *reader); /* NULL-safe */
void disk_writer_close(struct disk_writer *writer);
void cleanup_disk_reader(struct disk_reader **reader);
void cleanup_disk_writer(struct disk_writer **writer);

/* Whether all of them are 0. */
bool disk_is_zero(const void *bytes, size_t length);

/*
 * What is to be computed of the content, together or alone: WHOLE reads the holes too (digest.h), DATA only what is none.
 * DATA is SHA-256 over the number (64 bits, big-endian) and bytes of each block of DISK_BLOCK that is not all zeros, the last as
 * long as it is, and then the size of the disk (64 bits, big-endian): the same wherever holes lie.
 */
enum disk_digest { DISK_DIGEST_WHOLE = 1, DISK_DIGEST_DATA = 2 };

struct disk_copied {
	uint64_t size_bytes; /* holes included */
	uint64_t data_bytes; /* without the holes, those found here too */
	/* Of those that were not asked for all bytes are 0. */
	unsigned char sha256[DIGEST_SIZE];      /* WHOLE */
	unsigned char data_sha256[DIGEST_SIZE]; /* DATA */
};

/* What has gone by so far, about ten times a second while something does, and once when all has. Not 0 stops the copy with that code (*E is set by whoever says so). */
struct disk_progress {
	int (*moved)(void *context, uint64_t done_bytes, struct err *e);
	void *context;
};

/*
 * Copies all of READER to WRITER and finishes it; neither is closed. Aligned blocks of zeros become holes.
 * PROGRESS may be NULL; WRITER may be NULL: only the digests are wanted, those of DIGESTS (enum disk_digest, or 0).
 * Returns 0, or what either end returned.
 */
int disk_copy_digests(struct disk_reader *reader, struct disk_writer *writer,
		      const struct disk_progress *progress, unsigned digests, struct disk_copied *copied,
		      struct err *e);
/* The same with DISK_DIGEST_WHOLE. */
int disk_copy(struct disk_reader *reader, struct disk_writer *writer, const struct disk_progress *progress,
	      struct disk_copied *copied, struct err *e);

#endif
