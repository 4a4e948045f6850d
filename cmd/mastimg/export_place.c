/* export_place.c - where an export goes: under a name of its own until it is complete. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export_place.h"
#include "mem.h"
#include "str.h"

#define PARTIAL ".part"

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_string(".");
	return slash == path ? mem_string("/") : mem_string_n(path, (size_t)(slash - path));
}

char *export_partial(const char *path)
{
	return mem_format("%s" PARTIAL "%ld", path, (long)getpid());
}

/* ---- removing ---- */

static void remove_folder(int fd, const char *path)
{
	DIR *listing = fdopendir(fd);

	if (!listing) {
		close(fd);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(listing));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(listing), entry->d_name, 0);
	closedir(listing);
	rmdir(path);
}

void export_remove(const char *partial)
{
	int fd = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		remove_folder(fd, partial);
	else
		unlink(partial);
}

/* Whether NAME is BASE.partPID of a process that is gone; ours has made nothing yet. */
static bool is_left(const char *name, const char *base)
{
	size_t length = strlen(base);
	uint64_t process;

	if (strncmp(name, base, length) != 0 || !str_starts(name + length, PARTIAL) ||
	    str_parse_number(name + length + strlen(PARTIAL), 1, INT_MAX, &process, NULL) < 0)
		return false;
	return (pid_t)process == getpid() || (kill((pid_t)process, 0) < 0 && errno == ESRCH);
}

/* What somebody else has put there is theirs. */
static bool is_ours(int fd, const char *name)
{
	struct stat status;

	return fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_uid == geteuid();
}

void export_sweep(const char *path)
{
	cleanup(cleanup_mem) char *parent = parent_of(path);
	const char *slash = strrchr(path, '/');
	DIR *listing = opendir(parent);

	if (!listing)
		return;
	for (const struct dirent *entry; (entry = readdir(listing));)
		if (is_left(entry->d_name, slash ? slash + 1 : path) && is_ours(dirfd(listing), entry->d_name)) {
			cleanup(cleanup_mem) char *left = mem_format("%s/%s", parent, entry->d_name);
			export_remove(left);
		}
	closedir(listing);
}

/* ---- publishing ---- */

/* Without RENAME_NOREPLACE, as on NFS: a file by a link; a folder replaces an empty one at most. */
static int rename_plainly(const char *partial, const char *path)
{
	struct stat status;

	if (link(partial, path) == 0)
		return unlink(partial);
	if (errno == EEXIST)
		return -1;
	if (lstat(path, &status) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(partial, path);
}

static int sync_parent(const char *path, struct err *e)
{
	cleanup(cleanup_mem) char *parent = parent_of(path);
	cleanup(cleanup_fd) int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? err_set_errno(e, ERR_ENV, errno, "%s", parent) : 0;
}

int export_publish(const char *partial, const char *path, struct err *e)
{
	int result = renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE);

	if (result < 0 && (errno == EINVAL || errno == ENOSYS))
		result = rename_plainly(partial, path);
	return result < 0 ? err_set_errno(e, ERR_ENV, errno, "%s", path) : sync_parent(path, e);
}
