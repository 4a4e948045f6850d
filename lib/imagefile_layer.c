/* imagefile_layer.c - a layer: what of a disk differs from its last generation. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "imagefile_private.h"
#include "mem.h"

struct writer {
	struct disk_writer common;
	struct imagefile_view old;
	struct imagefile_part blocks;
	struct imagefile_index index;
	struct digest *digest; /* of all blocks, one after the other */
	struct digest *read;   /* of what of them was read back so far */
	uint64_t read_bytes;
	char *folder, *name;
	uint64_t at;          /* of the disk */
	uint64_t length;      /* of the blocks so far */
	uint64_t *written;    /* NULL: nobody asked */
	unsigned char *bytes; /* what the old generation has there */
	bool finished;
};

static const unsigned char zeros[IMAGEFILE_BLOCK];

static int other_size(const struct writer *writer, struct err *e)
{
	return err_set(
		e, ERR_CONFLICT,
		"%s: the disk is of another size than its last generation (%llu bytes): a new base is needed",
		writer->blocks.path, (unsigned long long)writer->old.size_bytes);
}

/* Reads what lies on disk up to END, not what is left of it in memory. While the layer grows, so that the end does not take long. */
static int read_back(struct writer *writer, uint64_t end, struct err *e)
{
	cleanup(cleanup_mem) unsigned char *bytes = mem_alloc(IMAGEFILE_READ_BYTES);

	posix_fadvise(writer->blocks.fd, (off_t)writer->read_bytes, (off_t)(end - writer->read_bytes),
		      POSIX_FADV_DONTNEED);
	while (writer->read_bytes < end) {
		uint64_t left = end - writer->read_bytes;
		size_t step = left < IMAGEFILE_READ_BYTES ? (size_t)left : IMAGEFILE_READ_BYTES;
		if (imagefile_part_read(&writer->blocks, bytes, step, writer->read_bytes, e) < 0)
			return e->code;
		digest_add(writer->read, bytes, step);
		writer->read_bytes += step;
	}
	return 0;
}

static int write_block(struct writer *writer, const unsigned char *bytes, size_t length, struct err *e)
{
	if (imagefile_part_write(&writer->blocks, bytes, length, writer->length, e) < 0)
		return e->code;
	if (writer->written)
		*writer->written += length;
	return writer->blocks.stable_bytes > writer->read_bytes
		       ? read_back(writer, writer->blocks.stable_bytes, e)
		       : 0;
}

static int add_block(struct writer *writer, const unsigned char *bytes, size_t length, struct err *e)
{
	if (!disk_is_zero(bytes, length) && write_block(writer, bytes, length, e) < 0)
		return e->code;
	digest_add(writer->digest, bytes, length);
	vec_push(&writer->index, writer->at / IMAGEFILE_BLOCK);
	writer->length += length;
	return 0;
}

/* BYTES NULL: zeros. LENGTH is at most IMAGEFILE_READ_BYTES. */
static int compare(struct writer *writer, const unsigned char *bytes, size_t length, struct err *e)
{
	if (imagefile_view_read(&writer->old, writer->bytes, length, writer->at, e) < 0)
		return e->code;
	for (size_t done = 0; done < length;) {
		size_t part = length - done < IMAGEFILE_BLOCK ? length - done : IMAGEFILE_BLOCK;
		const unsigned char *block = bytes ? bytes + done : zeros;
		if (memcmp(block, writer->bytes + done, part) != 0 && add_block(writer, block, part, e) < 0)
			return e->code;
		done += part;
		writer->at += part;
	}
	return 0;
}

/* How much of a hole of LENGTH, in whole blocks but for the end of the disk, was one before. */
static int same_hole(const struct writer *writer, uint64_t length, uint64_t *same, struct err *e)
{
	struct imagefile_extent extent;

	if (imagefile_view_at(&writer->old, writer->at, length, &extent, e) < 0)
		return e->code;
	*same = extent.length == length ? length : extent.length - extent.length % IMAGEFILE_BLOCK;
	if (extent.data)
		*same = 0;
	return 0;
}

static int write_chunk(struct disk_writer *common, const struct disk_chunk *chunk, struct err *e)
{
	struct writer *writer = (struct writer *)common;
	uint64_t left = chunk->length;

	if (writer->at % IMAGEFILE_BLOCK || left > writer->old.size_bytes - writer->at)
		return other_size(writer, e);
	while (left > 0) {
		uint64_t step = 0;
		if (!chunk->bytes && same_hole(writer, left, &step, e) < 0)
			return e->code;
		if (step > 0) {
			writer->at += step;
			left -= step;
			continue;
		}
		step = left < IMAGEFILE_READ_BYTES ? left : IMAGEFILE_READ_BYTES;
		const unsigned char *bytes = chunk->bytes;
		if (compare(writer, bytes ? bytes + (chunk->length - left) : NULL, (size_t)step, e) < 0)
			return e->code;
		left -= step;
	}
	return 0;
}

static int check_written(struct writer *writer, struct err *e)
{
	cleanup(imagefile_layer_done) struct imagefile_layer layer = {.blocks = IMAGEFILE_PART_NONE};
	unsigned char wanted[DIGEST_SIZE], found[DIGEST_SIZE];

	int result = imagefile_layer_open(&layer, writer->folder, writer->name, writer->old.size_bytes, e);
	if (result == 0)
		result = read_back(writer, writer->length, e);
	if (result == 0)
		result = digest_end(writer->digest, wanted, e);
	if (result == 0)
		result = digest_end(writer->read, found, e);
	if (result == 0 && memcmp(wanted, found, DIGEST_SIZE) != 0)
		return err_set(e, ERR_CORRUPT, "%s: what was written there reads differently",
			       writer->blocks.path);
	return result;
}

static int finish(struct disk_writer *common, struct err *e)
{
	struct writer *writer = (struct writer *)common;

	if (writer->at != writer->old.size_bytes)
		return other_size(writer, e);
	int result = imagefile_part_end(&writer->blocks, writer->length, e);
	if (result == 0)
		result = imagefile_index_write(&writer->index, writer->folder, writer->name, e);
	if (result == 0)
		result = check_written(writer, e);
	if (result == 0)
		result = imagefile_sync_folder(writer->folder, e);
	writer->finished = result == 0;
	return result;
}

static void remove_files(const struct writer *writer)
{
	cleanup(cleanup_mem) char *index = mem_format("%s" IMAGEFILE_INDEX, writer->blocks.path);

	unlink(writer->blocks.path);
	unlink(index);
}

static void close_writer(struct disk_writer *common)
{
	struct writer *writer = (struct writer *)common;

	if (!writer->finished)
		remove_files(writer);
	imagefile_view_done(&writer->old);
	imagefile_part_done(&writer->blocks);
	vec_done(&writer->index);
	digest_free(writer->digest);
	digest_free(writer->read);
	free(writer->folder);
	free(writer->name);
	free(writer->bytes);
	free(writer);
}

int imagefile_write_layer(struct disk_writer **writer, const struct imagefile *old, const char *folder,
			  const char *name, uint64_t *written, struct err *e)
{
	struct imagefile_view view;
	struct imagefile_part blocks;

	if (imagefile_view_open(&view, old, e) < 0)
		return e->code;
	if (imagefile_part_make(&blocks, folder, name, e) < 0) {
		imagefile_view_done(&view);
		return e->code;
	}
	struct writer *opened = mem_zalloc(1, sizeof *opened);
	*opened = (struct writer){.common = {write_chunk, finish, close_writer},
				  .old = view,
				  .blocks = blocks,
				  .digest = digest_new(),
				  .read = digest_new(),
				  .folder = mem_string(folder),
				  .name = mem_string(name),
				  .written = written,
				  .bytes = mem_alloc(IMAGEFILE_READ_BYTES)};
	if (written)
		*written = 0;
	*writer = &opened->common;
	return 0;
}
