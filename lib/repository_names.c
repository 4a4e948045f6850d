/* repository_names.c - the names of files: which generation each is of, and whether it is needed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "imagefile.h"
#include "mem.h"
#include "repository_private.h"

bool repository_parse_id(const char *name, size_t length, uint64_t *number)
{
	char digits[24];

	/* As it is written by us: no sign, no blank, no zero before it. */
	if (length == 0 || length >= sizeof digits || name[0] == '0')
		return false;
	memcpy(digits, name, length);
	digits[length] = '\0';
	return str_parse_number(digits, 1, UINT64_MAX, number, NULL) == 0;
}

uint64_t repository_generation_of(const char *name)
{
	const char *end = strchr(name, '-');
	uint64_t generation;

	return end && repository_parse_id(name, (size_t)(end - name), &generation) ? generation : 0;
}

static bool is_index_of(const char *file, const char *layer)
{
	size_t length = strlen(layer);

	return strncmp(file, layer, length) == 0 && strcmp(file + length, IMAGEFILE_INDEX) == 0;
}

static bool disk_needs(const struct image_disk *disk, const char *file)
{
	for (size_t i = 0; i < disk->files.count; i++) {
		const char *needed = disk->files.items[i];
		if (strcmp(file, needed) == 0 || (i > 0 && is_index_of(file, needed)))
			return true;
	}
	return false;
}

static bool generation_needs(const struct image_generation *generation, const char *prefix, const char *file)
{
	cleanup(cleanup_mem) char *manifest =
		mem_format("%s%llu-" MANIFEST_NAME, prefix, (unsigned long long)generation->number);

	if (str_equal(file, generation->config) || strcmp(file, manifest) == 0)
		return true;
	vec_foreach(&generation->disks, disk)
		if (disk_needs(disk, file))
			return true;
	return false;
}

bool repository_is_needed(const struct image *image, const char *prefix, const char *file)
{
	vec_foreach(&image->generations, generation)
		if (generation_needs(generation, prefix, file))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

void repository_give_ids(struct repository_numbers *numbers, uint64_t **ids, size_t *count)
{
	size_t kept = 0;

	if (numbers->count > 0)
		qsort(numbers->items, numbers->count, sizeof *numbers->items, compare);
	for (size_t i = 0; i < numbers->count; i++)
		if (kept == 0 || numbers->items[i] != numbers->items[kept - 1])
			numbers->items[kept++] = numbers->items[i];
	*ids = numbers->items;
	*count = kept;
	*numbers = (struct repository_numbers){0};
}
