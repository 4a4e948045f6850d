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

#define STEP(name, parameters, arguments, needs_room)                                                        \
	int __real_##name parameters;                                                                        \
	int __wrap_##name parameters;                                                                        \
	int __wrap_##name parameters                                                                         \
	{                                                                                                    \
		return go_on(needs_room, NULL) ? __real_##name arguments : -1;                               \
	}

STEP(mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode), true)
STEP(renameat, (int from_fd, const char *from, int to_fd, const char *to), (from_fd, from, to_fd, to), true)
STEP(renameat2, (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
     (from_fd, from, to_fd, to, flags), true)
STEP(unlink, (const char *name), (name), false)
STEP(unlinkat, (int fd, const char *name, int flags), (fd, name, flags), false)
STEP(ftruncate, (int fd, off_t length), (fd, length), false)
STEP(fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length), true)
STEP(fsync, (int fd), (fd), true)

ssize_t __real_pwrite(int fd, const void *bytes, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	bool half = false;

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
	return __real_openat(fd, name, flags, mode);
}

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
