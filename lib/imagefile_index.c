/* imagefile_index.c - which blocks a layer holds. */
#include "config.h"

#include <endian.h>
#include <string.h>

#include "imagefile_private.h"
#include "mem.h"

size_t imagefile_block_length(uint64_t block, uint64_t size_bytes)
{
	uint64_t left = size_bytes - block * IMAGEFILE_BLOCK;

	return left < IMAGEFILE_BLOCK ? (size_t)left : IMAGEFILE_BLOCK;
}

size_t imagefile_index_find(const struct imagefile_index *index, uint64_t block)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (index->items[middle] < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int corrupt(const struct imagefile_part *part, const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: damaged: %s", part->path, why);
}

static int check_digest(const struct imagefile_part *part, const unsigned char *bytes, size_t length,
			struct err *e)
{
	unsigned char sha256[DIGEST_SIZE];

	if (digest_of(bytes, length, sha256, e) < 0)
		return e->code;
	return memcmp(sha256, bytes + length, DIGEST_SIZE) == 0 ? 0
								: corrupt(part, "its digest does not fit", e);
}

static int take_numbers(struct imagefile_index *index, const struct imagefile_part *part,
			const unsigned char *bytes, uint64_t size_bytes, struct err *e)
{
	uint64_t blocks = (size_bytes + IMAGEFILE_BLOCK - 1) / IMAGEFILE_BLOCK;

	for (size_t i = 0; i < index->count; i++) {
		uint64_t block;
		memcpy(&block, bytes + i * sizeof block, sizeof block);
		block = be64toh(block);
		if (block >= blocks || (i > 0 && block <= index->items[i - 1]))
			return corrupt(part, "it is not of this disk", e);
		index->items[i] = block;
	}
	return 0;
}

int imagefile_index_read(struct imagefile_index *index, const char *folder, const char *layer,
			 uint64_t size_bytes, struct err *e)
{
	cleanup(imagefile_part_done) struct imagefile_part part = IMAGEFILE_PART_NONE;
	cleanup(cleanup_mem) char *name = mem_format("%s" IMAGEFILE_INDEX, layer);
	uint64_t most = (size_bytes / IMAGEFILE_BLOCK + 1) * sizeof(uint64_t) + DIGEST_SIZE;

	if (imagefile_part_open(&part, folder, name, false, e) < 0)
		return e->code;
	if (part.size_bytes < DIGEST_SIZE || part.size_bytes % sizeof(uint64_t) || part.size_bytes > most)
		return corrupt(&part, "its length is none of an index", e);
	size_t length = (size_t)part.size_bytes - DIGEST_SIZE;
	cleanup(cleanup_mem) unsigned char *bytes = mem_alloc(part.size_bytes);
	int result = imagefile_part_read(&part, bytes, part.size_bytes, 0, e);
	if (result == 0)
		result = check_digest(&part, bytes, length, e);
	if (result < 0)
		return result;
	struct imagefile_index read = {.count = length / sizeof(uint64_t)};
	read.items = mem_zalloc(read.count + 1, sizeof *read.items);
	result = take_numbers(&read, &part, bytes, size_bytes, e);
	if (result < 0) {
		free(read.items);
		return result;
	}
	*index = read;
	return 0;
}

int imagefile_index_write(const struct imagefile_index *index, const char *folder, const char *layer,
			  struct err *e)
{
	cleanup(imagefile_part_done) struct imagefile_part part = IMAGEFILE_PART_NONE;
	cleanup(cleanup_mem) char *name = mem_format("%s" IMAGEFILE_INDEX, layer);
	size_t length = index->count * sizeof(uint64_t);
	cleanup(cleanup_mem) unsigned char *bytes = mem_alloc(length + DIGEST_SIZE);

	for (size_t i = 0; i < index->count; i++) {
		uint64_t block = htobe64(index->items[i]);
		memcpy(bytes + i * sizeof block, &block, sizeof block);
	}
	int result = digest_of(bytes, length, bytes + length, e);
	if (result == 0)
		result = imagefile_part_make(&part, folder, name, e);
	if (result == 0)
		result = imagefile_part_write(&part, bytes, length + DIGEST_SIZE, 0, e);
	return result == 0 ? imagefile_part_end(&part, length + DIGEST_SIZE, e) : result;
}
