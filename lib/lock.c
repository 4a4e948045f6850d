/* lock.c - one process at a time. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"
#include "mem.h"
#include "vec.h"

enum { MODE = 0660 };

struct held {
	dev_t device;
	ino_t file;
	int fd;
	pid_t process;
};

/* fcntl(2) grants a process its own lock again, and closing either file drops it: so we remember. */
static VEC(struct held) all_held;

static int failed(const char *path, int errnum, struct err *e)
{
	return err_set_errno(e, errnum == ENOSPC ? ERR_FULL : ERR_ENV, errnum, "lock %s", path);
}

static int open_file(const char *path, struct err *e)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags | O_CREAT | O_EXCL, MODE);

	if (fd >= 0) {
		if (fchmod(fd, MODE) == 0)
			return fd;
		int errnum = errno;
		close(fd);
		return failed(path, errnum, e);
	}
	if (errno == EEXIST)
		fd = open(path, flags);
	return fd >= 0 ? fd : failed(path, errno, e);
}

static bool is_held_here(const struct stat *file)
{
	vec_foreach(&all_held, held)
		if (held->process == getpid() && held->device == file->st_dev && held->file == file->st_ino)
			return true;
	return false;
}

static int tell_holder(int fd, const char *path, struct err *e)
{
	struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(fd, F_GETLK, &holder) == 0 && holder.l_type != F_UNLCK && holder.l_pid > 0)
		return err_set(e, ERR_LOCKED, "lock %s: held by process %ld", path, (long)holder.l_pid);
	return err_set(e, ERR_LOCKED, "lock %s: held by another process", path);
}

int lock_acquire(struct lock *lock, const char *path, struct err *e)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat file;

	/* Before it is opened: closing it again would drop the lock. */
	if (stat(path, &file) == 0 && is_held_here(&file))
		return err_set(e, ERR_USAGE, "lock %s: held by this process already", path);
	int fd = open_file(path, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &file) < 0 || fcntl(fd, F_SETLK, &whole) < 0) {
		int errnum = errno;
		int code = errnum == EAGAIN || errnum == EACCES ? tell_holder(fd, path, e)
								: failed(path, errnum, e);
		close(fd);
		return code;
	}
	vec_push(&all_held, (struct held){file.st_dev, file.st_ino, fd, getpid()});
	*lock = (struct lock){fd, getpid()};
	return 0;
}

/* l_pid must be 0: it is the description of the open file that holds it. */
static int lock_part(int fd, uint64_t part, bool shared)
{
	struct flock range = {.l_type = shared ? F_RDLCK : F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)(part & INT64_MAX),
			      .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &range);
}

int lock_acquire_part(struct lock *lock, const char *path, uint64_t part, bool shared, struct err *e)
{
	int fd = open_file(path, e);

	if (fd < 0)
		return fd;
	if (lock_part(fd, part, shared) < 0) {
		int errnum = errno;
		close(fd);
		if (errnum == EAGAIN || errnum == EACCES)
			return err_set(e, ERR_LOCKED, "lock %s, number %llu: held by another process", path,
				       (unsigned long long)part);
		return failed(path, errnum, e);
	}
	*lock = (struct lock){fd, getpid()};
	return 0;
}

/* A child that was forked meanwhile has the same open file: closing ours alone would leave the lock to it. */
static void drop_part(const struct lock *lock)
{
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	if (lock->process == getpid())
		fcntl(lock->fd, F_OFD_SETLK, &whole);
}

void lock_done(struct lock *lock)
{
	if (!lock->process)
		return;
	for (size_t i = 0; i < all_held.count; i++)
		if (all_held.items[i].fd == lock->fd && all_held.items[i].process == lock->process)
			all_held.items[i--] = all_held.items[--all_held.count];
	if (all_held.count == 0)
		vec_done(&all_held);
	drop_part(lock);
	close(lock->fd);
	*lock = (struct lock)LOCK_NONE;
}
