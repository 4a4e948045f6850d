/* source_tar.c - an image as an archive: read anew for each of its files, in whatever order they stand. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "manifest.h"
#include "mem.h"
#include "source.h"
#include "tarfile.h"

struct tar_source {
	struct source source;
	char *path;
	struct tarfile *tar; /* at the file that is being read, or NULL */
};

static void close_source(struct source *source)
{
	struct tar_source *self = (struct tar_source *)source;

	tarfile_close(self->tar);
	free(self->path);
	free(self);
}

/* The first of that name; check_files has seen that there is no second. */
static int seek(struct tar_source *self, const char *name, struct tarfile_entry *entry, struct err *e)
{
	int result;

	tarfile_close(self->tar);
	self->tar = NULL;
	if (tarfile_open(&self->tar, self->path, e) < 0)
		return e->code;
	while ((result = tarfile_next(self->tar, entry, e)) == 1)
		if (strcmp(entry->name, name) == 0)
			return 0;
	return result < 0 ? result : err_set(e, ERR_CORRUPT, "%s: there is no %.200s in it", self->path, name);
}

static int read_text(struct tar_source *self, const char *name, size_t maximum, char **text, size_t *length,
		     struct err *e)
{
	struct tarfile_entry entry;

	if (seek(self, name, &entry, e) < 0)
		return e->code;
	if (tarfile_read_text(self->tar, maximum, text, length, e) < 0)
		return e->code = ERR_CORRUPT;
	if (!memchr(*text, '\0', *length))
		return 0;
	free(*text);
	return err_set(e, ERR_CORRUPT, "%s: %.200s: is no text", self->path, name);
}

static int read_config(struct source *source, char **text, size_t *length, struct err *e)
{
	return read_text((struct tar_source *)source, source->image.generations.items[0].config,
			 SOURCE_XML_MAX, text, length, e);
}

static int read_disk(struct source *source, const struct image_disk *disk, struct disk_reader **reader,
		     struct err *e)
{
	struct tar_source *self = (struct tar_source *)source;
	struct tarfile_entry entry;

	if (seek(self, disk->files.items[0], &entry, e) < 0)
		return e->code;
	if (entry.size_bytes != disk->virtual_bytes)
		return err_set(e, ERR_CORRUPT, "%s: %.200s: of %llu bytes, where its manifest says %llu",
			       self->path, entry.name, (unsigned long long)entry.size_bytes,
			       (unsigned long long)disk->virtual_bytes);
	return tarfile_read_disk(self->tar, reader, e);
}

/* ---- what may be in it ---- */

static bool is_known(const struct image_generation *generation, const char *name)
{
	if (strcmp(name, MANIFEST_NAME) == 0 || strcmp(name, generation->config) == 0)
		return true;
	vec_foreach(&generation->disks, disk)
		if (strcmp(disk->files.items[0], name) == 0)
			return true;
	return false;
}

static bool add_name(struct image_texts *names, const char *name)
{
	vec_foreach(names, known)
		if (strcmp(*known, name) == 0)
			return false;
	vec_push(names, mem_string(name));
	return true;
}

/* What is in it twice would be checked once, and used the other time. */
static int check_files(struct tar_source *self, struct err *e)
{
	cleanup(image_texts_done) struct image_texts names = {0};
	cleanup(cleanup_tarfile) struct tarfile *tar = NULL;
	struct tarfile_entry entry;
	int result;

	if (tarfile_open(&tar, self->path, e) < 0)
		return e->code;
	while ((result = tarfile_next(tar, &entry, e)) == 1) {
		if (!is_known(&self->source.image.generations.items[0], entry.name))
			return err_set(e, ERR_CORRUPT, "%s: '%.200s': its manifest does not know it",
				       self->path, entry.name);
		if (!add_name(&names, entry.name))
			return err_set(e, ERR_CORRUPT, "%s: '%.200s': is in it twice", self->path, entry.name);
	}
	return result;
}

static int check_layers(const struct tar_source *self, struct err *e)
{
	vec_foreach(&self->source.image.generations.items[0].disks, disk)
		if (disk->files.count > 1)
			return err_set(e, ERR_CORRUPT, "%s: disk %.64s has layers: import its folder",
				       self->path, disk->target);
	return 0;
}

static int open_archive(struct tar_source *self, struct err *e)
{
	cleanup(cleanup_mem) char *text = NULL;
	struct stat status;
	size_t length;

	if (read_text(self, MANIFEST_NAME, MANIFEST_SIZE_MAX, &text, &length, e) < 0)
		return e->code;
	if (manifest_read(text, length, &self->source.image, e) < 0)
		return err_wrap(e, "%s", self->path);
	if (check_layers(self, e) < 0 || check_files(self, e) < 0)
		return e->code;
	self->source.bytes = stat(self->path, &status) == 0 ? (uint64_t)status.st_size : 0;
	return 1;
}

int source_tar(struct source **source, const char *path, struct err *e)
{
	struct tar_source *made = mem_zalloc(1, sizeof *made);

	made->source = (struct source){
		.proven = true, .read_config = read_config, .read_disk = read_disk, .close = close_source};
	made->path = mem_string(path);
	int result = open_archive(made, e);
	if (result == 1) {
		*source = &made->source;
	} else {
		image_done(&made->source.image);
		close_source(&made->source);
	}
	return result;
}
