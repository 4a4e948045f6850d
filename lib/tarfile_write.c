/* tarfile_write.c - archives of an image, written. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "tarfile_private.h"
#include "when.h"

enum { MODE = 0600, ZEROS = 1 << 20 };

/* ---- where a disk has data ---- */

void tarfile_extents_done(struct tarfile_extents *extents)
{
	vec_done(extents);
}

struct measure {
	struct disk_writer writer;
	struct tarfile_extents *extents;
	uint64_t at;
};

static int measure_write(struct disk_writer *writer, const struct disk_chunk *chunk, struct err *e)
{
	struct measure *self = (struct measure *)writer;
	struct tarfile_extents *extents = self->extents;
	struct tarfile_extent *last = extents->count > 0 ? &extents->items[extents->count - 1] : NULL;

	(void)e;
	if (chunk->bytes && last && last->offset + last->length == self->at)
		last->length += chunk->length;
	else if (chunk->bytes)
		vec_push(extents, (struct tarfile_extent){self->at, chunk->length});
	self->at += chunk->length;
	return 0;
}

static int measure_finish(struct disk_writer *writer, struct err *e)
{
	(void)writer;
	(void)e;
	return 0;
}

static void measure_close(struct disk_writer *writer)
{
	free(writer);
}

struct disk_writer *tarfile_measure(struct tarfile_extents *extents)
{
	struct measure *made = mem_zalloc(1, sizeof *made);

	*made = (struct measure){{measure_write, measure_finish, measure_close}, extents, 0};
	return &made->writer;
}

/* ---- the archive ---- */

struct tarfile_writer {
	struct archive *archive;
	char *path;
	int fd;
	bool finished;
};

void tarfile_writer_free(struct tarfile_writer *writer)
{
	if (!writer)
		return;
	archive_write_free(writer->archive);
	if (writer->fd >= 0)
		close(writer->fd);
	if (!writer->finished)
		unlink(writer->path);
	free(writer->path);
	free(writer);
}

void cleanup_tarfile_writer(struct tarfile_writer **writer)
{
	tarfile_writer_free(*writer);
}

/* pax restricted would fall back to ustar, which has no holes. */
static int begin(struct tarfile_writer *writer, struct err *e)
{
	if (archive_write_set_format_pax(writer->archive) != ARCHIVE_OK ||
	    archive_write_open_fd(writer->archive, writer->fd) != ARCHIVE_OK)
		return tarfile_failed(writer->archive, writer->path, e);
	return 0;
}

int tarfile_create(struct tarfile_writer **writer, const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE);

	if (fd < 0)
		return err_set_errno(e, errno == ENOSPC ? ERR_FULL : ERR_ENV, errno, "%s", path);
	struct tarfile_writer *made = mem_zalloc(1, sizeof *made);
	made->fd = fd;
	made->path = mem_string(path);
	made->archive = archive_write_new();
	if (!made->archive)
		mem_exhausted();
	if (begin(made, e) < 0) {
		tarfile_writer_free(made);
		return e->code;
	}
	*writer = made;
	return 0;
}

static int add_header(struct tarfile_writer *writer, const char *name, uint64_t size_bytes,
		      const struct tarfile_extents *extents, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();

	if (!entry)
		mem_exhausted();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, MODE);
	archive_entry_set_size(entry, (la_int64_t)size_bytes);
	archive_entry_set_mtime(entry, (time_t)(when_now() / 1000), 0);
	for (size_t i = 0; extents && i < extents->count; i++)
		archive_entry_sparse_add_entry(entry, (la_int64_t)extents->items[i].offset,
					       (la_int64_t)extents->items[i].length);
	/* No extent at all would mean one that is all data. */
	if (extents && extents->count == 0 && size_bytes > 0)
		archive_entry_sparse_add_entry(entry, (la_int64_t)size_bytes, 0);
	int code = archive_write_header(writer->archive, entry);
	archive_entry_free(entry);
	return code == ARCHIVE_OK ? 0 : tarfile_failed(writer->archive, writer->path, e);
}

static int add_bytes(struct tarfile_writer *writer, const void *bytes, uint64_t length, struct err *e)
{
	const char *next = bytes;

	while (length > 0) {
		la_ssize_t done = archive_write_data(writer->archive, next, (size_t)length);
		if (done < 0)
			return tarfile_failed(writer->archive, writer->path, e);
		/* More than was announced. */
		if (done == 0)
			return err_set(e, ERR_CONFLICT, "%s: it has become longer", writer->path);
		next += done;
		length -= (uint64_t)done;
	}
	return 0;
}

int tarfile_add_text(struct tarfile_writer *writer, const char *name, const char *text, size_t length,
		     struct err *e)
{
	if (add_header(writer, name, length, NULL, e) < 0 || add_bytes(writer, text, length, e) < 0)
		return e->code;
	return archive_write_finish_entry(writer->archive) == ARCHIVE_OK
		       ? 0
		       : tarfile_failed(writer->archive, writer->path, e);
}

int tarfile_finish(struct tarfile_writer *writer, struct err *e)
{
	if (archive_write_close(writer->archive) != ARCHIVE_OK)
		return tarfile_failed(writer->archive, writer->path, e);
	if (fsync(writer->fd) < 0)
		return err_set_errno(e, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_ENV, errno, "%s",
				     writer->path);
	writer->finished = true;
	return 0;
}

/* ---- a disk in it ---- */

struct tar_disk {
	struct disk_writer writer;
	struct tarfile_writer *tar;
	const struct tarfile_extents *extents;
	size_t extent; /* where we are, or the next */
	uint64_t size_bytes, at;
};

/* libarchive takes holes as bytes that it passes over. */
static int pass_over(struct tar_disk *self, uint64_t length, struct err *e)
{
	static const char zeros[ZEROS];

	while (length > 0) {
		uint64_t part = length < sizeof zeros ? length : sizeof zeros;
		if (add_bytes(self->tar, zeros, part, e) < 0)
			return e->code;
		length -= part;
	}
	return 0;
}

/* Data outside of the extents would be lost without a word. */
static bool is_announced(struct tar_disk *self, uint64_t length)
{
	const struct tarfile_extents *extents = self->extents;

	while (self->extent < extents->count &&
	       extents->items[self->extent].offset + extents->items[self->extent].length <= self->at)
		self->extent++;
	if (self->extent == extents->count)
		return false;
	const struct tarfile_extent *extent = &extents->items[self->extent];
	return extent->offset <= self->at && self->at + length <= extent->offset + extent->length;
}

static int disk_write(struct disk_writer *writer, const struct disk_chunk *chunk, struct err *e)
{
	struct tar_disk *self = (struct tar_disk *)writer;

	if (chunk->length > self->size_bytes - self->at || (chunk->bytes && !is_announced(self, chunk->length)))
		return err_set(e, ERR_CONFLICT, "%s: what is being copied has changed meanwhile",
			       self->tar->path);
	int result = chunk->bytes ? add_bytes(self->tar, chunk->bytes, chunk->length, e)
				  : pass_over(self, chunk->length, e);
	self->at += chunk->length;
	return result;
}

static int disk_finish(struct disk_writer *writer, struct err *e)
{
	struct tar_disk *self = (struct tar_disk *)writer;

	if (self->at != self->size_bytes)
		return err_set(e, ERR_CONFLICT, "%s: what is being copied has become shorter", self->tar->path);
	return archive_write_finish_entry(self->tar->archive) == ARCHIVE_OK
		       ? 0
		       : tarfile_failed(self->tar->archive, self->tar->path, e);
}

static void disk_close(struct disk_writer *writer)
{
	free(writer);
}

int tarfile_add_disk(struct tarfile_writer *writer, const char *name, uint64_t size_bytes,
		     const struct tarfile_extents *extents, struct disk_writer **disk, struct err *e)
{
	if (add_header(writer, name, size_bytes, extents, e) < 0)
		return e->code;
	struct tar_disk *made = mem_zalloc(1, sizeof *made);
	*made = (struct tar_disk){.writer = {disk_write, disk_finish, disk_close},
				  .tar = writer,
				  .extents = extents,
				  .size_bytes = size_bytes};
	*disk = &made->writer;
	return 0;
}
