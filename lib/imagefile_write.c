/* imagefile_write.c - a new base. */
#include "config.h"

#include <unistd.h>

#include "imagefile_private.h"
#include "mem.h"

struct writer {
	struct disk_writer common;
	struct imagefile_part part;
	char *folder;
	uint64_t at;
	bool finished;
};

static int write_chunk(struct disk_writer *common, const struct disk_chunk *chunk, struct err *e)
{
	struct writer *writer = (struct writer *)common;
	int result = 0;

	if (chunk->bytes)
		result = imagefile_part_write(&writer->part, chunk->bytes, (size_t)chunk->length, writer->at, e);
	writer->at += chunk->length;
	return result;
}

static int finish(struct disk_writer *common, struct err *e)
{
	struct writer *writer = (struct writer *)common;

	int result = imagefile_part_end(&writer->part, writer->at, e);
	if (result == 0)
		result = imagefile_sync_folder(writer->folder, e);
	writer->finished = result == 0;
	return result;
}

static void close_writer(struct disk_writer *common)
{
	struct writer *writer = (struct writer *)common;

	if (!writer->finished)
		unlink(writer->part.path);
	imagefile_part_done(&writer->part);
	free(writer->folder);
	free(writer);
}

int imagefile_write(struct disk_writer **writer, const char *folder, const char *name, struct err *e)
{
	struct imagefile_part part;

	if (imagefile_part_make(&part, folder, name, e) < 0)
		return e->code;
	struct writer *opened = mem_zalloc(1, sizeof *opened);
	*opened = (struct writer){{write_chunk, finish, close_writer}, part, mem_string(folder), 0, false};
	*writer = &opened->common;
	return 0;
}
