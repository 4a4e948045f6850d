/* source_folder.c - an image as a folder: as `export` makes one, or of a repository whose store was lost. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagefile.h"
#include "manifest.h"
#include "mem.h"
#include "source.h"
#include "str.h"

struct folder {
	struct source source;
	char *path;
	int fd;
};

static void close_folder(struct source *source)
{
	struct folder *self = (struct folder *)source;

	if (self->fd >= 0)
		close(self->fd);
	free(self->path);
	free(self);
}

/* ---- which manifest ---- */

/* Of a repository each generation has its own, NUMBER-manifest.json. */
static bool is_manifest(const char *name, uint64_t *generation)
{
	const char *rest = strchr(name, '-');
	cleanup(cleanup_mem) char *digits = rest ? mem_string_n(name, (size_t)(rest - name)) : NULL;

	return rest && strcmp(rest + 1, MANIFEST_NAME) == 0 &&
	       str_parse_number(digits, 1, UINT64_MAX, generation, NULL) == 0;
}

static int falling(const void *a, const void *b)
{
	const uint64_t *first = a;
	const uint64_t *second = b;

	return *first < *second ? 1 : *first > *second ? -1 : 0;
}

struct numbers {
	uint64_t *items;
	size_t count, capacity;
};

static void numbers_done(struct numbers *numbers)
{
	vec_done(numbers);
}

static int list_generations(const struct folder *self, struct numbers *numbers, struct err *e)
{
	DIR *listing = opendir(self->path);

	if (!listing)
		return err_set_errno(e, ERR_ENV, errno, "%s", self->path);
	for (const struct dirent *entry; (entry = readdir(listing));) {
		uint64_t number;
		if (is_manifest(entry->d_name, &number))
			vec_push(numbers, number);
	}
	closedir(listing);
	if (numbers->count > 1)
		qsort(numbers->items, numbers->count, sizeof *numbers->items, falling);
	return 0;
}

/* 1 with its name (the caller frees), 0: there is none of that NUMBER. */
static int choose_manifest(const struct folder *self, size_t number, char **name, struct err *e)
{
	cleanup(numbers_done) struct numbers numbers = {0};

	if (number == 0 && faccessat(self->fd, MANIFEST_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		*name = mem_string(MANIFEST_NAME);
		return 1;
	}
	if (list_generations(self, &numbers, e) < 0)
		return e->code;
	if (numbers.count == 0 && number == 0)
		return err_set(e, ERR_USAGE, "%s: has no %s: it is no image", self->path, MANIFEST_NAME);
	if (number >= numbers.count)
		return 0;
	*name = mem_format("%llu-%s", (unsigned long long)numbers.items[number], MANIFEST_NAME);
	return 1;
}

/* ---- what it holds ---- */

static int read_config(struct source *source, char **text, size_t *length, struct err *e)
{
	struct folder *self = (struct folder *)source;
	const char *name = source->image.generations.items[0].config;

	if (source_read_text(self->fd, name, SOURCE_XML_MAX, text, length, e) < 0)
		return err_wrap(e, "%s", self->path);
	return 0;
}

/* The base, and those layers that are there: one that was folded is in the base. The digest tells whether that is right. */
static int list_files(const struct folder *self, const struct image_disk *disk, struct image_texts *files,
		      struct err *e)
{
	for (size_t i = 0; i < disk->files.count; i++) {
		const char *file = disk->files.items[i];
		if (faccessat(self->fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			vec_push(files, mem_string(file));
		else if (i == 0 || errno != ENOENT)
			return err_set_errno(e, ERR_CORRUPT, errno, "%s/%s", self->path, file);
	}
	return 0;
}

static int read_disk(struct source *source, const struct image_disk *disk, struct disk_reader **reader,
		     struct err *e)
{
	struct folder *self = (struct folder *)source;
	cleanup(image_texts_done) struct image_texts files = {0};

	if (list_files(self, disk, &files, e) < 0)
		return e->code;
	const struct imagefile file = {self->path, (const char *const *)files.items, files.count};
	return imagefile_read(reader, &file, e);
}

static uint64_t count_bytes(const struct folder *self, const struct image_generation *generation)
{
	uint64_t bytes = 0;
	struct stat status;

	vec_foreach(&generation->disks, disk)
		vec_foreach(&disk->files, file)
			if (fstatat(self->fd, *file, &status, AT_SYMLINK_NOFOLLOW) == 0)
				bytes += (uint64_t)status.st_blocks * 512;
	return bytes;
}

static int read_manifest(struct folder *self, size_t number, struct err *e)
{
	cleanup(cleanup_mem) char *name = NULL;
	cleanup(cleanup_mem) char *text = NULL;
	size_t length;

	int result = choose_manifest(self, number, &name, e);
	if (result <= 0)
		return result;
	if (source_read_text(self->fd, name, MANIFEST_SIZE_MAX, &text, &length, e) < 0 ||
	    manifest_read(text, length, &self->source.image, e) < 0)
		return err_wrap(e, "%s", self->path);
	self->source.bytes = count_bytes(self, &self->source.image.generations.items[0]);
	return 1;
}

int source_folder(struct source **source, const char *path, size_t number, struct err *e)
{
	struct folder *made = mem_zalloc(1, sizeof *made);

	made->source = (struct source){
		.proven = true, .read_config = read_config, .read_disk = read_disk, .close = close_folder};
	/* Somebody's link to a folder is fine here; imagefile follows none. */
	made->path = realpath(path, NULL);
	if (!made->path)
		made->path = mem_string(path);
	made->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result =
		made->fd < 0 ? err_set_errno(e, ERR_ENV, errno, "%s", path) : read_manifest(made, number, e);
	if (result == 1)
		*source = &made->source;
	else
		close_folder(&made->source);
	return result;
}
