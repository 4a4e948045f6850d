/* repository_sized.c - readers and writers that hold a disk to its size, whatever a pool has rounded it to. */
#include "config.h"

#include "mem.h"
#include "repository_private.h"

struct sized_writer {
	struct disk_writer common;
	struct disk_writer *inner;
	uint64_t size_bytes, done_bytes;
	char *what;
};

static int other_size(const struct sized_writer *writer, struct err *e)
{
	return err_set(e, ERR_CONFLICT, "%s: %s than the %llu bytes that were expected", writer->what,
		       writer->done_bytes < writer->size_bytes ? "less" : "more",
		       (unsigned long long)writer->size_bytes);
}

static int write_sized(struct disk_writer *common, const struct disk_chunk *chunk, struct err *e)
{
	struct sized_writer *writer = (struct sized_writer *)common;

	writer->done_bytes += chunk->length;
	return writer->done_bytes > writer->size_bytes ? other_size(writer, e)
						       : writer->inner->write(writer->inner, chunk, e);
}

static int finish_sized(struct disk_writer *common, struct err *e)
{
	struct sized_writer *writer = (struct sized_writer *)common;

	return writer->done_bytes != writer->size_bytes ? other_size(writer, e)
							: writer->inner->finish(writer->inner, e);
}

static void close_writer(struct disk_writer *common)
{
	struct sized_writer *writer = (struct sized_writer *)common;

	disk_writer_close(writer->inner);
	free(writer->what);
	free(writer);
}

struct disk_writer *repository_sized_writer(struct disk_writer *inner, uint64_t size_bytes, const char *what)
{
	struct sized_writer *writer = mem_zalloc(1, sizeof *writer);

	*writer = (struct sized_writer){
		{write_sized, finish_sized, close_writer}, inner, size_bytes, 0, mem_string(what)};
	return &writer->common;
}

struct sized_reader {
	struct disk_reader common;
	struct disk_reader *inner;
	uint64_t size_bytes, done_bytes;
	char *what;
};

static int damaged(const struct sized_reader *reader, const char *how, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: damaged: %s the %llu bytes that were recorded", reader->what, how,
		       (unsigned long long)reader->size_bytes);
}

/* What lies beyond the disk; a pool makes volumes of certain sizes only. */
static int read_rest(struct sized_reader *reader, struct err *e)
{
	struct disk_chunk chunk;
	int result;

	while ((result = reader->inner->next(reader->inner, &chunk, e)) > 0)
		if (chunk.bytes && !disk_is_zero(chunk.bytes, (size_t)chunk.length))
			return damaged(reader, "holds more than", e);
	return result;
}

static int next_sized(struct disk_reader *common, struct disk_chunk *chunk, struct err *e)
{
	struct sized_reader *reader = (struct sized_reader *)common;
	uint64_t left = reader->size_bytes - reader->done_bytes;

	if (left == 0)
		return read_rest(reader, e);
	int result = reader->inner->next(reader->inner, chunk, e);
	if (result == 0)
		return damaged(reader, "holds less than", e);
	if (result < 0)
		return result;
	uint64_t more = chunk->length > left ? chunk->length - left : 0;
	if (more && chunk->bytes && !disk_is_zero((const char *)chunk->bytes + left, (size_t)more))
		return damaged(reader, "holds more than", e);
	chunk->length -= more;
	reader->done_bytes += chunk->length;
	return 1;
}

static void close_reader(struct disk_reader *common)
{
	struct sized_reader *reader = (struct sized_reader *)common;

	disk_reader_close(reader->inner);
	free(reader->what);
	free(reader);
}

struct disk_reader *repository_sized_reader(struct disk_reader *inner, uint64_t size_bytes, const char *what)
{
	struct sized_reader *reader = mem_zalloc(1, sizeof *reader);

	*reader = (struct sized_reader){{next_sized, close_reader}, inner, size_bytes, 0, mem_string(what)};
	return &reader->common;
}
