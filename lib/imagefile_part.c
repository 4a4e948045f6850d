/* imagefile_part.c - one file of the repository: opened without following links, read and written whole, flushed as it grows. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagefile_private.h"
#include "mem.h"

/* So much at most waits in memory: the fsync at the end is short, and nobody takes it for a transfer that stalls. */
enum { FLUSH_BYTES = 32 << 20 };

int imagefile_failed(int errnum, const char *path, struct err *e)
{
	bool full = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;

	return err_set_errno(e, full ? ERR_FULL : ERR_ENV, errnum, "%s", path);
}

void imagefile_part_done(struct imagefile_part *part)
{
	cleanup_fd(&part->fd);
	free(part->path);
	*part = (struct imagefile_part)IMAGEFILE_PART_NONE;
}

static int open_in(const char *folder, const char *name, int flags, const char *path, struct err *e)
{
	const int common = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;

	if (!name[0] || strchr(name, '/'))
		return err_set(e, ERR_CORRUPT, "%s: '%s' is not the name of a file there", folder, name);
	cleanup(cleanup_fd) int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int fd = folder_fd < 0 ? -1 : openat(folder_fd, name, flags | common, IMAGEFILE_MODE);
	if (fd >= 0)
		return fd;
	int errnum = errno;
	if (errnum == ENOENT && !(flags & O_CREAT))
		return err_set(e, ERR_NOT_FOUND, "%s: is missing", path);
	if (errnum == EEXIST)
		return err_set(e, ERR_CONFLICT, "%s: is there already", path);
	return imagefile_failed(errnum, path, e);
}

static int open_part(struct imagefile_part *part, const char *folder, const char *name, int flags, struct err *e)
{
	cleanup(imagefile_part_done) struct imagefile_part opened = {
		-1, mem_format("%s/%s", folder, name), 0, 0, 0, 0};
	struct stat status;

	opened.fd = open_in(folder, name, flags, opened.path, e);
	if (opened.fd < 0)
		return opened.fd;
	if (fstat(opened.fd, &status) < 0)
		return imagefile_failed(errno, opened.path, e);
	if (!S_ISREG(status.st_mode))
		return err_set(e, ERR_ENV, "%s: is no regular file", opened.path);
	opened.size_bytes = (uint64_t)status.st_size;
	opened.physical_bytes = (uint64_t)status.st_blocks * 512;
	*part = opened;
	opened = (struct imagefile_part)IMAGEFILE_PART_NONE;
	return 0;
}

int imagefile_part_open(struct imagefile_part *part, const char *folder, const char *name, bool write,
			struct err *e)
{
	/* A FIFO in its place must not hang us. */
	return open_part(part, folder, name, (write ? O_RDWR : O_RDONLY) | O_NONBLOCK, e);
}

int imagefile_part_make(struct imagefile_part *part, const char *folder, const char *name, struct err *e)
{
	return open_part(part, folder, name, O_RDWR | O_CREAT | O_EXCL, e);
}

static int cut_short(const struct imagefile_part *part, uint64_t at, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: ends at byte %llu: it was cut short", part->path,
		       (unsigned long long)at);
}

int imagefile_part_read(const struct imagefile_part *part, void *bytes, size_t length, uint64_t at, struct err *e)
{
	for (size_t done = 0; done < length;) {
		ssize_t got = pread(part->fd, (char *)bytes + done, length - done, (off_t)(at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return imagefile_failed(errno, part->path, e);
		if (got == 0)
			return cut_short(part, at + done, e);
		done += (size_t)got;
	}
	return 0;
}

/* Asks for what was written to go to the disk, and waits for what was asked for before that. File systems that cannot do that flush at the end. */
static int flush_behind(struct imagefile_part *part, uint64_t end, struct err *e)
{
	const unsigned wait_all =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	uint64_t begin = part->flushed_bytes;

	if (end < begin + FLUSH_BYTES)
		return 0;
	part->flushed_bytes = end;
	int result = sync_file_range(part->fd, (off_t)begin, (off_t)(end - begin), SYNC_FILE_RANGE_WRITE);
	if (result == 0 && begin > part->stable_bytes)
		result = sync_file_range(part->fd, (off_t)part->stable_bytes,
					 (off_t)(begin - part->stable_bytes), wait_all);
	if (result == 0)
		part->stable_bytes = begin;
	bool lost = result < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO);
	return lost ? imagefile_failed(errno, part->path, e) : 0;
}

int imagefile_part_write(struct imagefile_part *part, const void *bytes, size_t length, uint64_t at,
			 struct err *e)
{
	for (size_t done = 0; done < length;) {
		ssize_t put = pwrite(part->fd, (const char *)bytes + done, length - done, (off_t)(at + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return imagefile_failed(errno, part->path, e);
		done += (size_t)put;
	}
	return flush_behind(part, at + length, e);
}

int imagefile_part_end(struct imagefile_part *part, uint64_t size_bytes, struct err *e)
{
	if (ftruncate(part->fd, (off_t)size_bytes) < 0 || fsync(part->fd) < 0)
		return imagefile_failed(errno, part->path, e);
	part->size_bytes = part->stable_bytes = size_bytes;
	return 0;
}

/* A hole up to the end of the file; but one that was cut has none there. */
static int last_hole(const struct imagefile_part *part, struct err *e)
{
	off_t size = lseek(part->fd, 0, SEEK_END);

	if (size < 0)
		return imagefile_failed(errno, part->path, e);
	return (uint64_t)size < part->size_bytes ? cut_short(part, (uint64_t)size, e) : 0;
}

int imagefile_part_extent(const struct imagefile_part *part, uint64_t at, uint64_t limit, uint64_t *length,
			  bool *data, struct err *e)
{
	off_t next = lseek(part->fd, (off_t)at, SEEK_DATA);

	if (next < 0 && errno == ENXIO) {
		*data = false;
		*length = limit;
		return last_hole(part, e);
	}
	if (next < 0 && errno != EINVAL && errno != EOPNOTSUPP)
		return imagefile_failed(errno, part->path, e);
	/* Where holes cannot be asked for, all is data. */
	*data = next < 0 || (uint64_t)next == at;
	if (*data)
		next = lseek(part->fd, (off_t)at, SEEK_HOLE);
	*length = next > (off_t)at && (uint64_t)next - at < limit ? (uint64_t)next - at : limit;
	return 0;
}

int imagefile_sync_folder(const char *folder, struct err *e)
{
	cleanup(cleanup_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && fsync(fd) == 0 ? 0 : imagefile_failed(errno, folder, e);
}
