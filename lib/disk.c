/* disk.c - from a reader to a writer: whole blocks, zeros as holes, a digest and progress on the way. */
#include "config.h"

#include <string.h>

#include "disk.h"
#include "mem.h"
#include "when.h"

enum {
	PROGRESS_MS = 100,
	/* At most so much between two looks at the clock: 0.03 s of hashing, 0.2 s on an old processor. */
	STEP_BYTES = 64 << 20,
	/* Less of data: a writer may be slow. */
	RUN_BYTES = 1 << 20,
	/* Nor is a hole given whole, however long: a writer may have to look at what was there before. */
	HOLE_BYTES = 1 << 30,
};

struct copy {
	struct disk_writer *writer; /* NULL: none */
	const struct disk_progress *progress;
	struct digest *whole, *data; /* NULL: not wanted */
	int64_t told_ms;
	uint64_t done_bytes, data_bytes;
	uint64_t hole_bytes;  /* passed, not yet given to the writer */
	unsigned char *block; /* the beginning of a block whose rest has not come */
	size_t block_length;
};

void disk_reader_close(struct disk_reader *reader)
{
	if (reader)
		reader->close(reader);
}

void disk_writer_close(struct disk_writer *writer)
{
	if (writer)
		writer->close(writer);
}

void cleanup_disk_reader(struct disk_reader **reader)
{
	disk_reader_close(*reader);
}

void cleanup_disk_writer(struct disk_writer **writer)
{
	disk_writer_close(*writer);
}

bool disk_is_zero(const void *bytes, size_t length)
{
	const unsigned char *first = bytes;

	return length == 0 || (first[0] == 0 && memcmp(first, first + 1, length - 1) == 0);
}

static int tell(const struct copy *copy, struct err *e)
{
	const struct disk_progress *progress = copy->progress;

	return progress ? progress->moved(progress->context, copy->done_bytes, e) : 0;
}

static int tell_now_and_then(struct copy *copy, struct err *e)
{
	int64_t now_ms = when_monotonic();

	if (now_ms - copy->told_ms < PROGRESS_MS)
		return 0;
	copy->told_ms = now_ms;
	return tell(copy, e);
}

static int give(struct copy *copy, const void *bytes, uint64_t length, struct err *e)
{
	const struct disk_chunk chunk = {bytes, length};

	return copy->writer ? copy->writer->write(copy->writer, &chunk, e) : 0;
}

/* Holes that touch are one: over a network each costs a message. */
static int give_hole(struct copy *copy, struct err *e)
{
	uint64_t length = copy->hole_bytes;

	copy->hole_bytes = 0;
	return length ? give(copy, NULL, length, e) : 0;
}

static void digest_number(struct digest *digest, uint64_t number)
{
	unsigned char bytes[sizeof number];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(number >> (8 * (sizeof bytes - 1 - i)));
	digest_add(digest, bytes, sizeof bytes);
}

/* Whole blocks, or the last. */
static void digest_blocks(struct copy *copy, const unsigned char *bytes, size_t length)
{
	uint64_t number = copy->done_bytes / DISK_BLOCK;

	for (size_t at = 0; at < length; at += DISK_BLOCK) {
		digest_number(copy->data, number++);
		digest_add(copy->data, bytes + at, length - at < DISK_BLOCK ? length - at : DISK_BLOCK);
	}
}

static int pass_data(struct copy *copy, const unsigned char *bytes, size_t length, struct err *e)
{
	int result = give_hole(copy, e);
	if (result == 0)
		result = give(copy, bytes, length, e);
	if (result != 0)
		return result;
	if (copy->whole)
		digest_add(copy->whole, bytes, length);
	if (copy->data)
		digest_blocks(copy, bytes, length);
	copy->done_bytes += length;
	copy->data_bytes += length;
	return tell_now_and_then(copy, e);
}

static int pass_hole(struct copy *copy, uint64_t length, struct err *e)
{
	while (length > 0) {
		uint64_t step = length < STEP_BYTES ? length : STEP_BYTES;
		if (copy->whole)
			digest_add_zeros(copy->whole, step);
		copy->hole_bytes += step;
		copy->done_bytes += step;
		length -= step;
		int result = copy->hole_bytes < HOLE_BYTES ? 0 : give_hole(copy, e);
		if (result == 0)
			result = tell_now_and_then(copy, e);
		if (result != 0)
			return result;
	}
	return 0;
}

/* Length of the run of blocks at BYTES that are all zeros, or all not; *ZERO says which. LENGTH is in whole blocks. */
static size_t run_of_blocks(const unsigned char *bytes, size_t length, bool *zero)
{
	size_t run = DISK_BLOCK;

	*zero = disk_is_zero(bytes, DISK_BLOCK);
	while (run < length && disk_is_zero(bytes + run, DISK_BLOCK) == *zero)
		run += DISK_BLOCK;
	return run;
}

static int pass_blocks(struct copy *copy, const unsigned char *bytes, size_t length, struct err *e)
{
	while (length > 0) {
		bool zero;
		size_t run = run_of_blocks(bytes, length < RUN_BYTES ? length : RUN_BYTES, &zero);
		int result = zero ? pass_hole(copy, run, e) : pass_data(copy, bytes, run, e);
		if (result != 0)
			return result;
		bytes += run;
		length -= run;
	}
	return 0;
}

/* What has been put together of a block, whole or the last of the disk. */
static int pass_block(struct copy *copy, struct err *e)
{
	size_t length = copy->block_length;

	copy->block_length = 0;
	return disk_is_zero(copy->block, length) ? pass_hole(copy, length, e)
						 : pass_data(copy, copy->block, length, e);
}

/* Adds the beginning of CHUNK to the block that is waited for; *USED bytes of it. */
static int add_to_block(struct copy *copy, const struct disk_chunk *chunk, uint64_t *used, struct err *e)
{
	size_t room = DISK_BLOCK - copy->block_length;
	size_t length = chunk->length < room ? (size_t)chunk->length : room;

	if (chunk->bytes)
		memcpy(copy->block + copy->block_length, chunk->bytes, length);
	else
		memset(copy->block + copy->block_length, 0, length);
	copy->block_length += length;
	*used = length;
	return copy->block_length == DISK_BLOCK ? pass_block(copy, e) : 0;
}

static int pass_chunk(struct copy *copy, struct disk_chunk chunk, struct err *e)
{
	while (chunk.length > 0) {
		uint64_t used = chunk.length - chunk.length % DISK_BLOCK;
		int result;
		if (copy->block_length > 0 || used == 0)
			result = add_to_block(copy, &chunk, &used, e);
		else if (chunk.bytes)
			result = pass_blocks(copy, chunk.bytes, (size_t)used, e);
		else
			result = pass_hole(copy, used, e);
		if (result != 0)
			return result;
		if (chunk.bytes)
			chunk.bytes = (const unsigned char *)chunk.bytes + used;
		chunk.length -= used;
	}
	return 0;
}

static int pass_all(struct copy *copy, struct disk_reader *reader, struct err *e)
{
	struct disk_chunk chunk;
	int result;

	while ((result = reader->next(reader, &chunk, e)) > 0) {
		result = pass_chunk(copy, chunk, e);
		if (result != 0)
			return result;
	}
	if (result == 0 && copy->block_length > 0)
		result = pass_block(copy, e);
	if (result == 0)
		result = give_hole(copy, e);
	return result == 0 ? tell(copy, e) : result;
}

static int end_digests(struct copy *copy, struct disk_copied *copied, struct err *e)
{
	int result = copy->whole ? digest_end(copy->whole, copied->sha256, e) : 0;

	if (result < 0 || !copy->data)
		return result;
	digest_number(copy->data, copy->done_bytes);
	return digest_end(copy->data, copied->data_sha256, e);
}

int disk_copy_digests(struct disk_reader *reader, struct disk_writer *writer,
		      const struct disk_progress *progress, unsigned digests, struct disk_copied *copied,
		      struct err *e)
{
	cleanup(cleanup_digest) struct digest *whole = digests & DISK_DIGEST_WHOLE ? digest_new() : NULL;
	cleanup(cleanup_digest) struct digest *data = digests & DISK_DIGEST_DATA ? digest_new() : NULL;
	cleanup(cleanup_mem) unsigned char *block = mem_alloc(DISK_BLOCK);
	struct copy copy = {.writer = writer,
			    .progress = progress,
			    .whole = whole,
			    .data = data,
			    .told_ms = when_monotonic(),
			    .block = block};
	struct disk_copied result = {0};

	int code = pass_all(&copy, reader, e);
	if (code == 0 && writer)
		code = writer->finish(writer, e);
	if (code == 0)
		code = end_digests(&copy, &result, e);
	if (code != 0)
		return code;
	result.size_bytes = copy.done_bytes;
	result.data_bytes = copy.data_bytes;
	*copied = result;
	return 0;
}

int disk_copy(struct disk_reader *reader, struct disk_writer *writer, const struct disk_progress *progress,
	      struct disk_copied *copied, struct err *e)
{
	return disk_copy_digests(reader, writer, progress, DISK_DIGEST_WHOLE, copied, e);
}
