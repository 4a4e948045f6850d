/* imagefile_view.c - base and layers as one disk. */
#include "config.h"

#include <string.h>

#include "imagefile_private.h"
#include "mem.h"

/* Blocks of a layer that are looked at for one extent. */
enum { RUN_MAX = 256 };

void imagefile_layer_done(struct imagefile_layer *layer)
{
	imagefile_part_done(&layer->blocks);
	vec_done(&layer->index);
}

static uint64_t length_of_blocks(const struct imagefile_index *index, uint64_t size_bytes)
{
	if (index->count == 0)
		return 0;
	return (index->count - 1) * (uint64_t)IMAGEFILE_BLOCK +
	       imagefile_block_length(index->items[index->count - 1], size_bytes);
}

int imagefile_layer_open(struct imagefile_layer *layer, const char *folder, const char *name,
			 uint64_t size_bytes, struct err *e)
{
	cleanup(imagefile_layer_done) struct imagefile_layer opened = {.blocks = IMAGEFILE_PART_NONE};

	int result = imagefile_part_open(&opened.blocks, folder, name, false, e);
	if (result == 0)
		result = imagefile_index_read(&opened.index, folder, name, size_bytes, e);
	if (result < 0)
		return result;
	uint64_t wanted = length_of_blocks(&opened.index, size_bytes);
	if (opened.blocks.size_bytes != wanted)
		return err_set(e, ERR_CORRUPT, "%s: damaged: %llu bytes, where its index has %llu",
			       opened.blocks.path, (unsigned long long)opened.blocks.size_bytes,
			       (unsigned long long)wanted);
	*layer = opened;
	opened = (struct imagefile_layer){.blocks = IMAGEFILE_PART_NONE};
	return 0;
}

void imagefile_view_done(struct imagefile_view *view)
{
	imagefile_part_done(&view->base);
	vec_foreach(&view->layers, layer)
		imagefile_layer_done(layer);
	vec_done(&view->layers);
}

int imagefile_view_open(struct imagefile_view *view, const struct imagefile *file, struct err *e)
{
	cleanup(imagefile_view_done) struct imagefile_view opened = {.base = IMAGEFILE_PART_NONE};

	int result = imagefile_part_open(&opened.base, file->folder, file->files[0], false, e);
	opened.size_bytes = opened.base.size_bytes;
	for (size_t i = 1; result == 0 && i < file->count; i++) {
		struct imagefile_layer layer;
		result = imagefile_layer_open(&layer, file->folder, file->files[i], opened.size_bytes, e);
		if (result == 0)
			vec_push(&opened.layers, layer);
	}
	if (result < 0)
		return result;
	*view = opened;
	opened = (struct imagefile_view){.base = IMAGEFILE_PART_NONE};
	return 0;
}

/* Blocks from the one at PLACE of INDEX on that follow each other on the disk. */
static size_t run_length(const struct imagefile_index *index, size_t place)
{
	size_t run = 1;

	while (run < RUN_MAX && place + run < index->count &&
	       index->items[place + run] == index->items[place] + run)
		run++;
	return run;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The topmost file that has what is at AT, where there, and up to where it is that one. */
static void find_part(const struct imagefile_view *view, uint64_t at, struct imagefile_extent *extent)
{
	uint64_t block = at / IMAGEFILE_BLOCK, end = view->size_bytes;

	for (size_t i = view->layers.count; i-- > 0;) {
		const struct imagefile_layer *layer = &view->layers.items[i];
		size_t place = imagefile_index_find(&layer->index, block);
		if (place == layer->index.count)
			continue;
		if (layer->index.items[place] == block) {
			uint64_t run_end = (block + run_length(&layer->index, place)) * IMAGEFILE_BLOCK;
			extent->part = &layer->blocks;
			extent->offset = place * (uint64_t)IMAGEFILE_BLOCK + at % IMAGEFILE_BLOCK;
			extent->length = smaller(end, run_end) - at;
			return;
		}
		end = smaller(end, layer->index.items[place] * IMAGEFILE_BLOCK);
	}
	extent->part = &view->base;
	extent->offset = at;
	extent->length = end - at;
}

int imagefile_view_at(const struct imagefile_view *view, uint64_t at, uint64_t limit,
		      struct imagefile_extent *extent, struct err *e)
{
	find_part(view, at, extent);
	return imagefile_part_extent(extent->part, extent->offset, smaller(extent->length, limit),
				     &extent->length, &extent->data, e);
}

int imagefile_view_read(const struct imagefile_view *view, void *bytes, size_t length, uint64_t at, struct err *e)
{
	for (size_t done = 0; done < length;) {
		struct imagefile_extent extent;
		int result = imagefile_view_at(view, at + done, length - done, &extent, e);
		if (result == 0 && extent.data)
			result = imagefile_part_read(extent.part, (char *)bytes + done, extent.length,
						     extent.offset, e);
		else if (result == 0)
			memset((char *)bytes + done, 0, extent.length);
		if (result < 0)
			return result;
		done += extent.length;
	}
	return 0;
}
