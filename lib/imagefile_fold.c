/* imagefile_fold.c - the oldest layer becomes a part of the base. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "imagefile_private.h"
#include "mem.h"

static int make_hole(struct imagefile_part *base, const unsigned char *block, size_t length, uint64_t at,
		     struct err *e)
{
	if (fallocate(base->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)length) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return imagefile_failed(errno, base->path, e);
	return imagefile_part_write(base, block, length, at, e);
}

static int fold_blocks(struct imagefile_part *base, const struct imagefile_layer *layer, struct err *e)
{
	cleanup(cleanup_mem) unsigned char *block = mem_alloc(IMAGEFILE_BLOCK);

	for (size_t i = 0; i < layer->index.count; i++) {
		uint64_t number = layer->index.items[i], at = number * IMAGEFILE_BLOCK;
		size_t length = imagefile_block_length(number, base->size_bytes);
		if (imagefile_part_read(&layer->blocks, block, length, i * (uint64_t)IMAGEFILE_BLOCK, e) < 0)
			return e->code;
		int result = disk_is_zero(block, length) ? make_hole(base, block, length, at, e)
							 : imagefile_part_write(base, block, length, at, e);
		if (result < 0)
			return result;
	}
	return 0;
}

int imagefile_fold(const struct imagefile *file, struct err *e)
{
	cleanup(imagefile_part_done) struct imagefile_part base = IMAGEFILE_PART_NONE;
	cleanup(imagefile_layer_done) struct imagefile_layer layer = {.blocks = IMAGEFILE_PART_NONE};

	if (file->count < 2)
		return err_set(e, ERR_USAGE, "%s/%s: has no layer", file->folder, file->files[0]);
	int result = imagefile_part_open(&base, file->folder, file->files[0], true, e);
	if (result == 0)
		result = imagefile_layer_open(&layer, file->folder, file->files[1], base.size_bytes, e);
	if (result == 0)
		result = fold_blocks(&base, &layer, e);
	return result == 0 ? imagefile_part_end(&base, base.size_bytes, e) : result;
}
