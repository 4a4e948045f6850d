/* tarfile.c - archives of an image, read. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "str.h"
#include "tarfile_private.h"

enum { READ_SIZE = 1 << 20 };

struct tarfile {
	struct archive *archive;
	char *path;
	int fd;
	char *name;
	uint64_t size_bytes;
	size_t entries;
};

int tarfile_failed(struct archive *archive, const char *path, struct err *e)
{
	int errnum = archive_errno(archive);
	const char *why = archive_error_string(archive);
	/* EINVAL, EILSEQ and what is not positive are its own, about what it reads. */
	bool own = errnum <= 0 || errnum == EINVAL || errnum == EILSEQ;
	int code = errnum == ENOSPC || errnum == EDQUOT ? ERR_FULL : own ? ERR_CORRUPT : ERR_ENV;

	return err_set(e, code, "%s: %s", path, why ? why : "damaged");
}

void tarfile_close(struct tarfile *tar)
{
	if (!tar)
		return;
	archive_read_free(tar->archive);
	if (tar->fd >= 0)
		close(tar->fd);
	free(tar->name);
	free(tar->path);
	free(tar);
}

void cleanup_tarfile(struct tarfile **tar)
{
	tarfile_close(*tar);
}

/* A pipe cannot be read twice, and a FIFO would be waited for. */
static int open_regular(const char *path, struct err *e)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_ENV, errno, "%s", path);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return err_set(e, ERR_USAGE, "%s: is no regular file", path);
}

/* No filter: what is compressed grows without bounds. */
static int begin(struct tarfile *tar, struct err *e)
{
	if (archive_read_support_format_tar(tar->archive) != ARCHIVE_OK ||
	    archive_read_open_fd(tar->archive, tar->fd, READ_SIZE) != ARCHIVE_OK)
		return tarfile_failed(tar->archive, tar->path, e);
	return 0;
}

int tarfile_open(struct tarfile **tar, const char *path, struct err *e)
{
	int fd = open_regular(path, e);

	if (fd < 0)
		return fd;
	struct tarfile *made = mem_zalloc(1, sizeof *made);
	made->fd = fd;
	made->path = mem_string(path);
	made->archive = archive_read_new();
	if (!made->archive)
		mem_exhausted();
	if (begin(made, e) < 0) {
		tarfile_close(made);
		return e->code;
	}
	*tar = made;
	return 0;
}

static const char *without_dot(const char *name)
{
	while (str_starts(name, "./"))
		name += 2;
	return name;
}

static int refuse(const struct tarfile *tar, const char *name, const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: '%.200s': %s", tar->path, name, why);
}

/* 1: a file to look at; 0: the folder itself. */
static int check_entry(const struct tarfile *tar, struct archive_entry *entry, struct err *e)
{
	const char *name = archive_entry_pathname(entry);
	const char *plain = name ? without_dot(name) : "";

	if (archive_entry_filetype(entry) == AE_IFDIR && (!*plain || strcmp(plain, ".") == 0))
		return 0;
	if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) != AE_IFREG)
		return refuse(tar, name ? name : "", "neither a file nor the folder of all", e);
	if (!*plain || *plain == '.' || strchr(plain, '/'))
		return refuse(tar, name ? name : "", "a name that leads elsewhere", e);
	if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0)
		return refuse(tar, plain, "of no size", e);
	return 1;
}

int tarfile_next(struct tarfile *tar, struct tarfile_entry *entry, struct err *e)
{
	struct archive_entry *found;
	int result = 0;

	do {
		int code = archive_read_next_header(tar->archive, &found);
		if (code == ARCHIVE_EOF)
			return 0;
		/* A warning is about a name in another character set. */
		if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
			return tarfile_failed(tar->archive, tar->path, e);
		if (++tar->entries > TARFILE_ENTRIES_MAX)
			return err_set(e, ERR_TOO_LARGE, "%s: more than %d files", tar->path,
				       (int)TARFILE_ENTRIES_MAX);
		result = check_entry(tar, found, e);
	} while (result == 0);
	if (result < 0)
		return result;
	mem_replace(&tar->name, without_dot(archive_entry_pathname(found)));
	tar->size_bytes = (uint64_t)archive_entry_size(found);
	*entry = (struct tarfile_entry){tar->name, tar->size_bytes};
	return 1;
}

int tarfile_read_text(struct tarfile *tar, size_t maximum, char **text, size_t *length, struct err *e)
{
	if (tar->size_bytes > maximum)
		return err_set(e, ERR_TOO_LARGE, "%s: %.200s: larger than %zu bytes", tar->path, tar->name,
			       maximum);
	size_t size = (size_t)tar->size_bytes;
	cleanup(cleanup_mem) char *read = mem_alloc(size + 1);
	size_t done = 0;
	while (done < size) {
		la_ssize_t got = archive_read_data(tar->archive, read + done, size - done);
		if (got < 0)
			return tarfile_failed(tar->archive, tar->path, e);
		if (got == 0)
			return refuse(tar, tar->name, "cut short", e);
		done += (size_t)got;
	}
	read[size] = '\0';
	*text = read;
	*length = size;
	read = NULL;
	return 0;
}

/* ---- a disk ---- */

struct tar_reader {
	struct disk_reader reader;
	struct tarfile *tar;
	uint64_t at; /* what was given so far */
	const void *bytes;
	size_t length;
	uint64_t offset; /* of these bytes */
	bool ended;      /* no data follows */
};

/* The next bytes that the archive has; a block may be empty. */
static int fetch(struct tar_reader *self, struct err *e)
{
	struct tarfile *tar = self->tar;
	la_int64_t offset;

	self->length = 0;
	while (self->length == 0 && !self->ended) {
		int code = archive_read_data_block(tar->archive, &self->bytes, &self->length, &offset);
		if (code == ARCHIVE_EOF) {
			self->ended = true;
			self->length = 0;
			self->offset = tar->size_bytes;
			return 0;
		}
		if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
			return tarfile_failed(tar->archive, tar->path, e);
		self->offset = (uint64_t)offset;
	}
	if (self->offset < self->at || self->length > tar->size_bytes ||
	    self->offset > tar->size_bytes - self->length)
		return refuse(tar, tar->name, "its map of holes is wrong", e);
	return 0;
}

static int next(struct disk_reader *reader, struct disk_chunk *chunk, struct err *e)
{
	struct tar_reader *self = (struct tar_reader *)reader;

	if (self->length == 0 && fetch(self, e) < 0)
		return e->code;
	if (self->at < self->offset) {
		*chunk = (struct disk_chunk){NULL, self->offset - self->at};
	} else if (self->length > 0) {
		*chunk = (struct disk_chunk){self->bytes, self->length};
		self->length = 0;
	} else {
		return 0;
	}
	self->at += chunk->length;
	return 1;
}

static void close_reader(struct disk_reader *reader)
{
	free(reader);
}

int tarfile_read_disk(struct tarfile *tar, struct disk_reader **reader, struct err *e)
{
	struct tar_reader *made = mem_zalloc(1, sizeof *made);

	(void)e;
	*made = (struct tar_reader){.reader = {next, close_reader}, .tar = tar};
	*reader = &made->reader;
	return 0;
}
