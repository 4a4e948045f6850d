/* disk_kit.h - disks in memory for tests: a reader that cuts its content anywhere, a writer that keeps what it gets. */
#ifndef VMROLL_DISK_KIT_H
#define VMROLL_DISK_KIT_H

#include <stdbool.h>

#include "disk.h"
#include "str.h"

/* Always the same numbers for the same seed. */
struct disk_kit_random {
	uint64_t state;
};
uint64_t disk_kit_below(struct disk_kit_random *random, uint64_t limit);

/* Fills LENGTH bytes with what a disk may hold: runs of random bytes and of zeros that begin and end anywhere. */
void disk_kit_fill(struct disk_kit_random *random, unsigned char *bytes, size_t length);
/* Changes parts of it: some become other bytes, some zeros. */
void disk_kit_change(struct disk_kit_random *random, unsigned char *bytes, size_t length, unsigned times);

/* Reads LENGTH borrowed BYTES in chunks that are cut at random; zeros come as holes or as data. FAIL_AT: ERR_NET once so much was read; UINT64_MAX: never. */
struct disk_kit_source {
	struct disk_reader reader;
	const unsigned char *bytes;
	size_t length, at;
	size_t chunk_max;
	uint64_t fail_at;
	struct disk_kit_random random;
};
void disk_kit_source(struct disk_kit_source *source, const unsigned char *bytes, size_t length, uint64_t seed);

/* Keeps all in TEXT, and checks what disk.h promises to writers. */
struct disk_kit_sink {
	struct disk_writer writer;
	struct str content;
	uint64_t hole_bytes;
	unsigned holes;
	bool after_hole, ended, finished;
	int fail; /* what finish returns */
};
void disk_kit_sink(struct disk_kit_sink *sink);
void disk_kit_sink_done(struct disk_kit_sink *sink);

#endif
