/* source.c - what an image is imported from: which kind it is, and small files of it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "source.h"

void cleanup_source(struct source **source)
{
	struct source *self = *source;

	if (!self)
		return;
	image_done(&self->image);
	self->close(self);
}

int source_open(struct source **source, const char *path, const char *xml, size_t number, struct err *e)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return err_set_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_ENV, errno, "%s", path);
	if (S_ISDIR(status.st_mode) && !xml)
		return source_folder(source, path, number, e);
	if (number > 0)
		return 0;
	if (!S_ISREG(status.st_mode))
		return err_set(e, ERR_USAGE, "%s: neither a file nor a folder that --xml can go with", path);
	return xml ? source_disk(source, path, xml, e) : source_tar(source, path, e);
}

static int read_all(int fd, char *text, size_t size, const char *name, struct err *e)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(fd, text + done, size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set_errno(e, ERR_ENV, got < 0 ? errno : EIO, "%s", name);
		done += (size_t)got;
	}
	return 0;
}

/* A FIFO or a device would keep us waiting, or never end. */
static int check_text_file(int fd, const char *name, size_t maximum, size_t *size, struct err *e)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", name);
	if (!S_ISREG(status.st_mode))
		return err_set(e, ERR_CORRUPT, "%s: is no regular file", name);
	if ((uint64_t)status.st_size > maximum)
		return err_set(e, ERR_CORRUPT, "%s: larger than %zu bytes", name, maximum);
	*size = (size_t)status.st_size;
	return 0;
}

int source_read_text(int folder_fd, const char *name, size_t maximum, char **text, size_t *length, struct err *e)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (folder_fd == AT_FDCWD ? 0 : O_NOFOLLOW);
	cleanup(cleanup_fd) int fd = openat(folder_fd, name, flags);
	size_t size = 0;

	if (fd < 0)
		return err_set_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_ENV, errno, "%s", name);
	if (check_text_file(fd, name, maximum, &size, e) < 0)
		return e->code;
	cleanup(cleanup_mem) char *read = mem_alloc(size + 1);
	if (read_all(fd, read, size, name, e) < 0)
		return e->code;
	read[size] = '\0';
	if (memchr(read, '\0', size))
		return err_set(e, ERR_CORRUPT, "%s: is no text", name);
	*text = read;
	*length = size;
	read = NULL;
	return 0;
}
