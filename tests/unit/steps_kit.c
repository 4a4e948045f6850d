/* steps_kit.c - stands before the calls that change files. */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steps_kit.h"
#include "vec.h"

enum { REACHED = 100, SECONDS_MAX = 60 };

static struct {
	bool on, full;
	enum steps_fate fate;
	unsigned left;
} steps;

/* Whether the call is to do as usual; else it fails with ENOSPC, or HALF is to be done before the process is killed. */
static bool go_on(bool needs_room, bool *half)
{
	if (!steps.on)
		return true;
	if (!steps.full && steps.left-- > 1)
		return true;
	if (steps.fate == STEPS_KILLED) {
		if (!half)
			raise(SIGKILL);
		*half = true;
		return false;
	}
	steps.full = true;
	errno = ENOSPC;
	return !needs_room;
}

/* ---- what is not on disk yet ---- */

static struct {
	bool on;
	unsigned renamed; /* files, before they were synced */
	VEC(ino_t) files;
} unsynced;

void steps_watch(void)
{
	unsynced.on = true;
	unsynced.renamed = 0;
	vec_done(&unsynced.files);
}

unsigned steps_unsynced(void)
{
	unsigned count = (unsigned)unsynced.files.count + unsynced.renamed;

	unsynced.on = false;
	vec_done(&unsynced.files);
	return count;
}

static bool forget(ino_t file)
{
	vec_foreach(&unsynced.files, found) {
		if (*found == file) {
			*found = unsynced.files.items[--unsynced.files.count];
			return true;
		}
	}
	return false;
}

static void changed(int fd)
{
	struct stat status;

	if (!unsynced.on || fstat(fd, &status) < 0)
		return;
	forget(status.st_ino);
	vec_push(&unsynced.files, status.st_ino);
}

static void synced(int fd)
{
	struct stat status;

	if (unsynced.on && fstat(fd, &status) == 0)
		forget(status.st_ino);
}

static ino_t number_of(int fd, const char *name)
{
	struct stat status;

	return fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_ino : 0;
}

/* ---- the calls ---- */

int __real_mkdirat(int fd, const char *name, mode_t mode);
int __wrap_mkdirat(int fd, const char *name, mode_t mode);
int __wrap_mkdirat(int fd, const char *name, mode_t mode)
{
	changed(fd);
	return go_on(true, NULL) ? __real_mkdirat(fd, name, mode) : -1;
}

static void renamed(int from_fd, const char *from, int to_fd)
{
	unsynced.renamed += forget(number_of(from_fd, from));
	changed(from_fd);
	changed(to_fd);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	renamed(from_fd, from, to_fd);
	return go_on(true, NULL) ? __real_renameat(from_fd, from, to_fd, to) : -1;
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	renamed(from_fd, from, to_fd);
	return go_on(true, NULL) ? __real_renameat2(from_fd, from, to_fd, to, flags) : -1;
}

int __real_unlink(const char *name);
int __wrap_unlink(const char *name);
int __wrap_unlink(const char *name)
{
	return go_on(false, NULL) ? __real_unlink(name) : -1;
}

int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags)
{
	ino_t file = number_of(fd, name);

	if (!go_on(false, NULL))
		return -1;
	int result = __real_unlinkat(fd, name, flags);
	if (result == 0) {
		forget(file);
		changed(fd);
	}
	return result;
}

int __real_ftruncate(int fd, off_t length);
int __wrap_ftruncate(int fd, off_t length);
int __wrap_ftruncate(int fd, off_t length)
{
	changed(fd);
	return go_on(false, NULL) ? __real_ftruncate(fd, length) : -1;
}

int __real_fallocate(int fd, int mode, off_t at, off_t length);
int __wrap_fallocate(int fd, int mode, off_t at, off_t length);
int __wrap_fallocate(int fd, int mode, off_t at, off_t length)
{
	changed(fd);
	return go_on(true, NULL) ? __real_fallocate(fd, mode, at, length) : -1;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	if (!go_on(true, NULL))
		return -1;
	synced(fd);
	return __real_fsync(fd);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	bool half = false;

	changed(fd);
	if (go_on(true, &half))
		return __real_pwrite(fd, bytes, length, at);
	if (half && __real_pwrite(fd, bytes, length / 2, at) >= 0)
		raise(SIGKILL);
	return -1;
}

int __real_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if (flags & O_CREAT && !go_on(true, NULL))
		return -1;
	int opened = __real_openat(fd, name, flags, mode);
	if (flags & O_CREAT && opened >= 0) {
		changed(fd);
		changed(opened);
	}
	return opened;
}

/* ---- running ---- */

int steps_run(int (*act)(void *context), void *context, enum steps_fate fate, unsigned step, bool *reached)
{
	int status, ends[2];
	char told = 0;

	fflush(NULL);
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(SECONDS_MAX);
		steps.on = true;
		steps.fate = fate;
		steps.left = step;
		int result = act(context);
		if (steps.full && write(ends[1], "f", 1) != 1)
			_exit(REACHED);
		_exit(result);
	}
	close(ends[1]);
	ssize_t length = read(ends[0], &told, 1);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		*reached = true;
		return STEPS_ENDED;
	}
	*reached = length == 1;
	return WEXITSTATUS(status);
}
