/* image.c - master images in memory: names, copies, sizes. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "mem.h"

void image_texts_done(struct image_texts *texts)
{
	vec_foreach(texts, text)
		free(*text);
	vec_done(texts);
}

void image_disk_done(struct image_disk *disk)
{
	free(disk->target);
	free(disk->source_path);
	free(disk->source_format);
	free(disk->format);
	image_texts_done(&disk->files);
	*disk = (struct image_disk){0};
}

void image_generation_done(struct image_generation *generation)
{
	free(generation->config);
	vec_foreach(&generation->disks, disk)
		image_disk_done(disk);
	vec_done(&generation->disks);
	image_texts_done(&generation->left_out);
	*generation = (struct image_generation){0};
}

void image_done(struct image *image)
{
	free(image->name);
	free(image->comment);
	free(image->os);
	free(image->os_id);
	free(image->arch);
	free(image->host);
	free(image->vm);
	vec_foreach(&image->generations, generation)
		image_generation_done(generation);
	vec_done(&image->generations);
	*image = (struct image){0};
}

void images_done(struct images *images)
{
	vec_foreach(images, image)
		image_done(image);
	vec_done(images);
}

/* ---- copies ---- */

void image_texts_copy(struct image_texts *to, const struct image_texts *from)
{
	*to = (struct image_texts){0};
	vec_foreach(from, text)
		vec_push(to, mem_string(*text));
}

void image_disk_copy(struct image_disk *to, const struct image_disk *from)
{
	*to = *from;
	to->target = mem_string(from->target);
	to->source_path = mem_string(from->source_path);
	to->source_format = mem_string(from->source_format);
	to->format = mem_string(from->format);
	image_texts_copy(&to->files, &from->files);
}

void image_generation_copy(struct image_generation *to, const struct image_generation *from)
{
	*to = *from;
	to->config = mem_string(from->config);
	to->disks.items = NULL;
	vec_done(&to->disks);
	vec_foreach(&from->disks, disk)
		image_disk_copy(vec_push_zero(&to->disks), disk);
	image_texts_copy(&to->left_out, &from->left_out);
}

void image_copy(struct image *to, const struct image *from)
{
	*to = *from;
	to->name = mem_string(from->name);
	to->comment = mem_string(from->comment);
	to->os = mem_string(from->os);
	to->os_id = mem_string(from->os_id);
	to->arch = mem_string(from->arch);
	to->host = mem_string(from->host);
	to->vm = mem_string(from->vm);
	to->generations.items = NULL;
	vec_done(&to->generations);
	vec_foreach(&from->generations, generation)
		image_generation_copy(vec_push_zero(&to->generations), generation);
}

/* ---- what it holds ---- */

unsigned image_disk_digest(const struct image_disk *disk)
{
	return digest_is_known(disk->data_sha256) ? DISK_DIGEST_DATA : DISK_DIGEST_WHOLE;
}

bool image_disk_is(const struct image_disk *disk, const struct disk_copied *copied)
{
	if (image_disk_digest(disk) == DISK_DIGEST_DATA)
		return memcmp(copied->data_sha256, disk->data_sha256, DIGEST_SIZE) == 0;
	return memcmp(copied->sha256, disk->sha256, DIGEST_SIZE) == 0;
}

const struct image_disk *image_find_disk(const struct image_generation *generation, const char *target)
{
	vec_foreach(&generation->disks, disk)
		if (strcmp(disk->target, target) == 0)
			return disk;
	return NULL;
}

const struct image_generation *image_find_generation(const struct image *image, uint64_t number)
{
	vec_foreach(&image->generations, generation)
		if (generation->number == number)
			return generation;
	return NULL;
}

uint64_t image_next_generation(const struct image *image)
{
	uint64_t newest = image->generations.count > 0 ? image->generations.items[0].number : 0;

	return (image->made > newest ? image->made : newest) + 1;
}

uint64_t image_virtual_bytes(const struct image *image)
{
	uint64_t bytes = 0;

	if (image->generations.count > 0)
		vec_foreach(&image->generations.items[0].disks, disk)
			bytes += disk->virtual_bytes;
	return bytes;
}

/* What has the same base shares its layers too: who has most of them takes up what all take up. */
static uint64_t bytes_of_base(const struct image *image, const char *base)
{
	uint64_t most = 0;

	vec_foreach(&image->generations, generation)
		vec_foreach(&generation->disks, disk)
			if (strcmp(disk->files.items[0], base) == 0 && disk->physical_bytes > most)
				most = disk->physical_bytes;
	return most;
}

static bool is_first_with_base(const struct image *image, const struct image_disk *wanted)
{
	vec_foreach(&image->generations, generation)
		vec_foreach(&generation->disks, disk)
			if (strcmp(disk->files.items[0], wanted->files.items[0]) == 0)
				return disk == wanted;
	return false;
}

uint64_t image_physical_bytes(const struct image *image)
{
	uint64_t bytes = 0;

	vec_foreach(&image->generations, generation)
		vec_foreach(&generation->disks, disk)
			if (is_first_with_base(image, disk))
				bytes += bytes_of_base(image, disk->files.items[0]);
	return bytes;
}

/* ---- names ---- */

static const char letters_and_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

int image_check_name(const char *text, struct err *e)
{
	static const char expected[] =
		"a letter or digit, then up to 63 letters, digits, dots, hyphens and underscores";
	size_t length = strlen(text);
	size_t valid = 0;

	while (text[valid] != '\0' &&
	       (strchr(letters_and_digits, text[valid]) || (valid > 0 && strchr("._-", text[valid]))))
		valid++;
	if (length == 0 || length > IMAGE_NAME_MAX || valid < length)
		return err_set(e, ERR_USAGE, "'%.80s' is no name: %s is one", text, expected);
	return 0;
}
