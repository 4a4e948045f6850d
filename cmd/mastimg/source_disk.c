/* source_disk.c - an image made of one disk by hand, raw or qcow2, and the definition of a domain. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domxml.h"
#include "mem.h"
#include "source.h"
#include "str.h"
#include "when.h"

/* ---- a raw file that is open ---- */

enum { PART = 1 << 20 };

struct raw_reader {
	struct disk_reader reader;
	int fd;
	const char *path;
	off_t at, data_end, size; /* data from `at` to `data_end` */
	char bytes[PART];
};

static int failed(const struct raw_reader *self, struct err *e)
{
	return err_set_errno(e, ERR_ENV, errno ? errno : EIO, "%s", self->path);
}

/* A file system that knows no holes says that all is data. */
static int find_data(struct raw_reader *self, off_t *begin, struct err *e)
{
	*begin = lseek(self->fd, self->at, SEEK_DATA);
	if (*begin < 0 && errno != ENXIO)
		return failed(self, e);
	if (*begin < 0 || *begin > self->size)
		*begin = self->size;
	self->data_end = *begin == self->size ? self->size : lseek(self->fd, *begin, SEEK_HOLE);
	return self->data_end < 0 ? failed(self, e) : 0;
}

static int read_data(struct raw_reader *self, struct disk_chunk *chunk, struct err *e)
{
	off_t left = self->data_end - self->at;

	errno = 0;
	ssize_t got = pread(self->fd, self->bytes, left < PART ? (size_t)left : (size_t)PART, self->at);
	if (got <= 0)
		return failed(self, e);
	*chunk = (struct disk_chunk){self->bytes, (uint64_t)got};
	self->at += got;
	return 1;
}

static int next(struct disk_reader *reader, struct disk_chunk *chunk, struct err *e)
{
	struct raw_reader *self = (struct raw_reader *)reader;
	off_t begin;

	if (self->at >= self->size)
		return 0;
	if (self->at < self->data_end)
		return read_data(self, chunk, e);
	if (find_data(self, &begin, e) < 0)
		return e->code;
	if (begin == self->at)
		return read_data(self, chunk, e);
	*chunk = (struct disk_chunk){NULL, (uint64_t)(begin - self->at)};
	self->at = begin;
	return 1;
}

static void close_reader(struct disk_reader *reader)
{
	struct raw_reader *self = (struct raw_reader *)reader;

	close(self->fd);
	free(self);
}

/* Takes ownership of FD. */
static int open_reader(int fd, const char *path, struct disk_reader **reader, struct err *e)
{
	struct stat status;

	if (fstat(fd, &status) < 0) {
		close(fd);
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	}
	struct raw_reader *made = mem_zalloc(1, sizeof *made);
	made->reader = (struct disk_reader){next, close_reader};
	made->fd = fd;
	made->path = path;
	made->size = status.st_size;
	*reader = &made->reader;
	return 0;
}

/* ---- the source ---- */

struct disk_source {
	struct source source;
	char *path, *xml;
	size_t xml_length;
	bool qcow2;
};

static void close_source(struct source *source)
{
	struct disk_source *self = (struct disk_source *)source;

	free(self->path);
	free(self->xml);
	free(self);
}

static int read_config(struct source *source, char **text, size_t *length, struct err *e)
{
	struct disk_source *self = (struct disk_source *)source;

	(void)e;
	*text = mem_string(self->xml);
	*length = self->xml_length;
	return 0;
}

static int open_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 ? fd : err_set_errno(e, ERR_ENV, errno, "%s", path);
}

static int read_disk(struct source *source, const struct image_disk *disk, struct disk_reader **reader,
		     struct err *e)
{
	struct disk_source *self = (struct disk_source *)source;
	int fd = self->qcow2 ? source_qcow2_convert(source, self->path, disk->virtual_bytes, e)
			     : open_file(self->path, e);

	return fd < 0 ? fd : open_reader(fd, self->path, reader, e);
}

static bool is_disk(const struct domxml_disk *disk)
{
	return disk->target && (!disk->device || strcmp(disk->device, "disk") == 0);
}

/* The one disk that the file is. */
static int find_disk(const struct domxml *domain, const char *xml, const struct domxml_disk **found,
		     struct err *e)
{
	size_t count = 0;

	vec_foreach(&domain->disks, disk)
		if (is_disk(disk)) {
			*found = disk;
			count++;
		}
	if (count != 1)
		return err_set(e, ERR_USAGE,
			       "%s: defines %zu disks, where one file is given: one is expected", xml, count);
	return 0;
}

/* What is wrong with a definition of elsewhere is the caller's to mend. */
static int check_definition(const char *text, size_t length, struct domxml *domain, const char *xml,
			    struct err *e)
{
	int result = domxml_parse(domain, text, length, e);

	if (result == ERR_CORRUPT)
		e->code = ERR_USAGE;
	return result < 0 ? err_wrap(e, "%s", xml) : 0;
}

/* Images have the variables of the firmware under this name. */
static int check_target(const struct domxml_disk *disk, const char *xml, struct err *e)
{
	return strcmp(disk->target, IMAGE_NVRAM) != 0 ? 0
						      : err_set(e, ERR_USAGE,
								"%s: its disk cannot be called " IMAGE_NVRAM
								", as the variables of the firmware are: "
								"give it another target",
								xml);
}

/* A name is taken from the definition where it can be one. */
static void describe(struct image *image, const struct domxml *domain, const struct domxml_disk *disk,
		     uint64_t size_bytes)
{
	struct image_generation *generation = vec_push_zero(&image->generations);
	struct image_disk *made = vec_push_zero(&generation->disks);
	bool qcow2 = disk->format && strcmp(disk->format, "qcow2") == 0;

	if (image_check_name(domain->name, NULL) == 0)
		image->name = mem_string(domain->name);
	image->registered = image->updated = WHEN_UNKNOWN;
	image->keep = 1;
	generation->number = 1;
	generation->captured = when_now();
	made->target = mem_string(disk->target);
	made->format = mem_string(qcow2 ? "qcow2" : "raw");
	made->virtual_bytes = size_bytes;
	made->source_modified = WHEN_UNKNOWN;
}

static int read_definition(struct disk_source *self, const char *xml, uint64_t size_bytes, struct err *e)
{
	cleanup(domxml_done) struct domxml domain = {0};
	const struct domxml_disk *disk = NULL;

	if (source_read_text(AT_FDCWD, xml, SOURCE_XML_MAX, &self->xml, &self->xml_length, e) < 0)
		return e->code;
	if (check_definition(self->xml, self->xml_length, &domain, xml, e) < 0 ||
	    find_disk(&domain, xml, &disk, e) < 0 || check_target(disk, xml, e) < 0)
		return e->code;
	describe(&self->source.image, &domain, disk, size_bytes);
	return 1;
}

static int look_at_file(struct disk_source *self, uint64_t *size_bytes, struct err *e)
{
	cleanup(cleanup_fd) int fd = open_file(self->path, e);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", self->path);
	self->source.bytes = (uint64_t)status.st_blocks * 512;
	*size_bytes = (uint64_t)status.st_size;
	int result = source_qcow2_check(fd, self->path, size_bytes, e);
	self->qcow2 = result == 1;
	if (result >= 0 && *size_bytes == 0)
		return err_set(e, ERR_USAGE, "%s: is empty", self->path);
	return result < 0 ? result : 0;
}

int source_disk(struct source **source, const char *path, const char *xml, struct err *e)
{
	struct disk_source *made = mem_zalloc(1, sizeof *made);
	uint64_t size_bytes = 0;

	made->source =
		(struct source){.read_config = read_config, .read_disk = read_disk, .close = close_source};
	made->path = mem_string(path);
	int result = look_at_file(made, &size_bytes, e);
	if (result == 0)
		result = read_definition(made, xml, size_bytes, e);
	if (result == 1)
		*source = &made->source;
	else
		close_source(&made->source);
	return result;
}
