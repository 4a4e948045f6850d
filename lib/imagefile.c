/* imagefile.c - the content of one disk as a file and layers over it: reading it, and how large it is. */
#include "config.h"

#include <fcntl.h>

#include "imagefile_private.h"
#include "mem.h"

struct reader {
	struct disk_reader common;
	struct imagefile_view view;
	uint64_t at;
	unsigned char *buffer;
};

static int next(struct disk_reader *common, struct disk_chunk *chunk, struct err *e)
{
	struct reader *reader = (struct reader *)common;
	struct imagefile_extent extent;

	if (reader->at == reader->view.size_bytes)
		return 0;
	if (imagefile_view_at(&reader->view, reader->at, reader->view.size_bytes, &extent, e) < 0)
		return e->code;
	if (extent.data && extent.length > IMAGEFILE_READ_BYTES)
		extent.length = IMAGEFILE_READ_BYTES;
	if (extent.data && imagefile_part_read(extent.part, reader->buffer, extent.length, extent.offset, e) < 0)
		return e->code;
	*chunk = (struct disk_chunk){extent.data ? reader->buffer : NULL, extent.length};
	reader->at += extent.length;
	return 1;
}

static void close_reader(struct disk_reader *common)
{
	struct reader *reader = (struct reader *)common;

	imagefile_view_done(&reader->view);
	free(reader->buffer);
	free(reader);
}

int imagefile_read(struct disk_reader **reader, const struct imagefile *file, struct err *e)
{
	struct imagefile_view view;

	if (imagefile_view_open(&view, file, e) < 0)
		return e->code;
	/* Only a hint: the kernel reads further ahead. */
	posix_fadvise(view.base.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	struct reader *opened = mem_zalloc(1, sizeof *opened);
	*opened = (struct reader){{next, close_reader}, view, 0, mem_alloc(IMAGEFILE_READ_BYTES)};
	*reader = &opened->common;
	return 0;
}

static int physical_size(const char *folder, const char *name, uint64_t *bytes, struct err *e)
{
	cleanup(imagefile_part_done) struct imagefile_part part = IMAGEFILE_PART_NONE;

	if (imagefile_part_open(&part, folder, name, false, e) < 0)
		return e->code;
	*bytes += part.physical_bytes;
	return 0;
}

int imagefile_sizes(const struct imagefile *file, uint64_t *virtual_bytes, uint64_t *physical_bytes,
		    struct err *e)
{
	cleanup(imagefile_part_done) struct imagefile_part base = IMAGEFILE_PART_NONE;

	if (imagefile_part_open(&base, file->folder, file->files[0], false, e) < 0)
		return e->code;
	uint64_t physical = base.physical_bytes;
	for (size_t i = 1; i < file->count; i++) {
		cleanup(cleanup_mem) char *index = mem_format("%s" IMAGEFILE_INDEX, file->files[i]);
		if (physical_size(file->folder, file->files[i], &physical, e) < 0 ||
		    physical_size(file->folder, index, &physical, e) < 0)
			return e->code;
	}
	*virtual_bytes = base.size_bytes;
	*physical_bytes = physical;
	return 0;
}
