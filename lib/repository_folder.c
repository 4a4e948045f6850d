/* repository_folder.c - a repository in a folder: opening it, and the files in it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "imagefile.h"
#include "mem.h"
#include "repository_folder.h"

int folder_failed(int errnum, const char *path, struct err *e)
{
	return err_set_errno(e, errnum == ENOSPC || errnum == EDQUOT ? ERR_FULL : ERR_ENV, errnum, "%s", path);
}

char *folder_image_path(const struct folder *folder, uint64_t image)
{
	return mem_format("%s/images/%llu", folder->path, (unsigned long long)image);
}

static char *folder_stage_path(const struct folder *folder, uint64_t stage)
{
	return mem_format("%s/staging/%llu", folder->path, (unsigned long long)stage);
}

/* ---- opening ---- */

static int check_folder(struct folder *folder, int fd, struct err *e)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return folder_failed(errno, folder->path, e);
	if (status.st_mode & 022)
		return err_set(e, ERR_ENV,
			       "%s: others than its owner can write it (mode %04o), and so exchange images: "
			       "chmod go-w %s",
			       folder->path, status.st_mode & 07777, folder->path);
	folder->owner = status.st_uid;
	folder->group = status.st_gid;
	return 0;
}

/* What root has made is given to the owner of the repository. */
static int give_away(const struct folder *folder, int fd, const char *name, const char *path, struct err *e)
{
	if (geteuid() != 0 || fchownat(fd, name, folder->owner, folder->group, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return err_set_errno(e, ERR_ENV, errno, "%s: cannot be given to the owner of %s", path, folder->path);
}

/* A folder NAME in PARENT_FD, made if MAKE. 1, 0 if it is not there, negative. */
static int open_place(const struct folder *folder, int parent_fd, const char *name, bool make,
		      const char *path, int *fd, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
	int opened = openat(parent_fd, name, flags);

	if (opened < 0 && errno == ENOENT && !make)
		return 0;
	if (opened < 0 && errno == ENOENT) {
		if (mkdirat(parent_fd, name, REPOSITORY_FOLDER_MODE) < 0 && errno != EEXIST)
			return folder_failed(errno, path, e);
		if (give_away(folder, parent_fd, name, path, e) < 0)
			return e->code;
		if (fsync(parent_fd) < 0)
			return folder_failed(errno, path, e);
		opened = openat(parent_fd, name, flags);
	}
	if (opened < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_set(e, ERR_ENV, "%s: is no folder; a symbolic link is not followed", path);
	if (opened < 0)
		return folder_failed(errno, path, e);
	*fd = opened;
	return 1;
}

/* A folder that a repository has below it; it is made by repository_hold alone. */
static int open_below(const struct folder *folder, int parent_fd, const char *name, int *fd, struct err *e)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", folder->path, name);

	int result = open_place(folder, parent_fd, name, false, path, fd, e);
	return result == 0 ? err_set(e, ERR_ENV, "%s: is not there: is the repository mounted?", path) : result;
}

static int open_root(struct folder *folder, int *fd, struct err *e)
{
	int opened = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (opened < 0 && errno == ENOENT)
		return err_set(e, ERR_ENV, "%s: is not there: is it mounted?", folder->path);
	if (opened < 0)
		return folder_failed(errno, folder->path, e);
	*fd = opened;
	return check_folder(folder, opened, e);
}

static int open_folders(struct folder *folder, struct err *e)
{
	cleanup(cleanup_fd) int fd = -1;

	if (open_root(folder, &fd, e) < 0 || open_below(folder, fd, "images", &folder->images_fd, e) < 0 ||
	    open_below(folder, fd, "staging", &folder->staging_fd, e) < 0)
		return e->code;
	return 0;
}

static void close_folder(struct repository *repository)
{
	struct folder *folder = (struct folder *)repository;

	cleanup_fd(&folder->images_fd);
	cleanup_fd(&folder->staging_fd);
	free(folder->path);
	free(folder);
}

/* ---- whose repository it is ---- */

#define MARK_NAME "vmroll-repository"

static int not_the_one(const char *path, const char *why, struct err *e)
{
	return err_set(e, ERR_ENV, "repository %s: is not the one that images lie in (%s): is it mounted?",
		       path, why);
}

/* 1, or 0: there is none. */
static int read_mark(const struct folder *folder, int fd, unsigned char *mark, struct err *e)
{
	cleanup(cleanup_fd) int file = openat(fd, MARK_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unsigned char bytes[REPOSITORY_MARK_SIZE + 1];

	if (file < 0 && errno == ENOENT)
		return 0;
	ssize_t length = file < 0 ? -1 : read(file, bytes, sizeof bytes);
	if (length < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s/" MARK_NAME, folder->path);
	if (length != REPOSITORY_MARK_SIZE)
		return err_set(e, ERR_CORRUPT, "%s/" MARK_NAME ": damaged: of %zd bytes, %d expected",
			       folder->path, length, REPOSITORY_MARK_SIZE);
	memcpy(mark, bytes, REPOSITORY_MARK_SIZE);
	return 1;
}

static int write_mark(const struct folder *folder, int fd, const char *name, struct err *e)
{
	cleanup(cleanup_fd) int file =
		openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	unsigned char mark[REPOSITORY_MARK_SIZE];

	if (getrandom(mark, sizeof mark, 0) != sizeof mark)
		return err_set_errno(e, ERR_ENV, errno, "random number");
	if (file < 0 || write(file, mark, sizeof mark) != sizeof mark || fsync(file) < 0)
		return folder_failed(errno, folder->path, e);
	return give_away(folder, fd, name, folder->path, e);
}

/* Whoever is first has marked it; where there are no links, the last. */
static int publish_mark(const struct folder *folder, int fd, const char *name, struct err *e)
{
	if (linkat(fd, name, fd, MARK_NAME, 0) < 0 && errno != EEXIST && renameat(fd, name, fd, MARK_NAME) < 0)
		return folder_failed(errno, folder->path, e);
	return fsync(fd) < 0 ? folder_failed(errno, folder->path, e) : 0;
}

static int make_mark(const struct folder *folder, int fd, unsigned char *mark, struct err *e)
{
	cleanup(cleanup_mem) char *name = mem_format(MARK_NAME ".part%ld", (long)getpid());

	unlinkat(fd, name, 0);
	int result = write_mark(folder, fd, name, e);
	if (result == 0)
		result = publish_mark(folder, fd, name, e);
	unlinkat(fd, name, 0);
	return result < 0 ? result : read_mark(folder, fd, mark, e);
}

static int make_below(const struct folder *folder, int parent_fd, const char *name, struct err *e)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", folder->path, name);
	cleanup(cleanup_fd) int fd = -1;

	return open_place(folder, parent_fd, name, true, path, &fd, e) < 0 ? e->code : 0;
}

static bool is_repository(int fd)
{
	return faccessat(fd, "images", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What a repository has: an old one has no mark yet. */
static int complete(const struct folder *folder, int fd, unsigned char *mark, struct err *e)
{
	if (make_below(folder, fd, "images", e) < 0 || make_below(folder, fd, "staging", e) < 0)
		return e->code;
	int found = read_mark(folder, fd, mark, e);
	return found == 0 ? make_mark(folder, fd, mark, e) : found;
}

static int hold(struct folder *folder, const unsigned char *known, enum repository_making making,
		unsigned char *mark, struct err *e)
{
	cleanup(cleanup_fd) int fd = -1;

	if (making == REPOSITORY_MAKE && !known && mkdir(folder->path, REPOSITORY_FOLDER_MODE) < 0 &&
	    errno != EEXIST)
		return folder_failed(errno, folder->path, e);
	if (known && access(folder->path, F_OK) < 0 && errno == ENOENT)
		return not_the_one(folder->path, "no folder", e);
	if (open_root(folder, &fd, e) < 0)
		return e->code;
	int found = read_mark(folder, fd, mark, e);
	if (found < 0)
		return found;
	if (known && (!found || memcmp(known, mark, REPOSITORY_MARK_SIZE) != 0))
		return not_the_one(folder->path, found ? "another marker" : "no marker", e);
	if (making == REPOSITORY_LOOK)
		return found;
	if (!found && making == REPOSITORY_ADOPT && !is_repository(fd))
		return not_the_one(folder->path, "no folder images", e);
	return complete(folder, fd, mark, e);
}

int repository_folder_hold(const char *path, const unsigned char *known, enum repository_making making,
			   unsigned char *mark, struct err *e)
{
	struct folder folder = {.path = (char *)path, .images_fd = -1, .staging_fd = -1};
	int result = hold(&folder, known, making, mark, e);

	/* Some say themselves what they are about. */
	return result < 0 && !str_starts(e->text, "repository ") ? err_wrap(e, "repository") : result;
}

/* ---- places ---- */

void folder_place_done(struct folder_place *place)
{
	cleanup_fd(&place->fd);
	free(place->path);
	image_texts_done(&place->names);
}

/* Takes over PATH. */
static int open_number(const struct folder *folder, int parent_fd, uint64_t number, bool make, char *path,
		       struct folder_place *place, struct err *e)
{
	cleanup(folder_place_done) struct folder_place opened = {.fd = -1, .path = path};
	cleanup(cleanup_mem) char *name = mem_format("%llu", (unsigned long long)number);

	int result = open_place(folder, parent_fd, name, make, path, &opened.fd, e);
	if (result <= 0)
		return result;
	if (folder_names(opened.fd, path, &opened.names, e) < 0)
		return e->code;
	*place = opened;
	opened = (struct folder_place)FOLDER_PLACE_NONE;
	return 1;
}

int folder_open_image(const struct folder *folder, uint64_t image, struct folder_place *place, struct err *e)
{
	return open_number(folder, folder->images_fd, image, false, folder_image_path(folder, image), place, e);
}

int folder_open_stage(const struct folder *folder, uint64_t stage, struct folder_place *place, struct err *e)
{
	return open_number(folder, folder->staging_fd, stage, false, folder_stage_path(folder, stage), place, e);
}

int folder_make_image(const struct folder *folder, uint64_t image, struct folder_place *place, struct err *e)
{
	return open_number(folder, folder->images_fd, image, true, folder_image_path(folder, image), place, e);
}

int folder_make_stage(const struct folder *folder, uint64_t stage, struct folder_place *place, struct err *e)
{
	return open_number(folder, folder->staging_fd, stage, true, folder_stage_path(folder, stage), place, e);
}

/* ---- room and files ---- */

static int room(struct repository *repository, unsigned reserve, uint64_t *bytes, struct err *e)
{
	const struct folder *folder = (struct folder *)repository;
	struct statvfs system;

	if (fstatvfs(folder->staging_fd, &system) < 0)
		return folder_failed(errno, folder->path, e);
	uint64_t free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
	uint64_t all_bytes = (uint64_t)system.f_blocks * system.f_frsize;
	uint64_t kept_bytes = all_bytes / 100 * reserve + all_bytes % 100 * reserve / 100;
	*bytes = free_bytes > kept_bytes ? free_bytes - kept_bytes : 0;
	return 0;
}

static int write_file(struct repository *repository, const struct repository_place *place, const char *name,
		      uint64_t size_bytes, struct disk_writer **writer, char **file, struct err *e)
{
	cleanup(cleanup_mem) char *path = folder_stage_path((struct folder *)repository, place->stage);

	(void)size_bytes;
	int result = imagefile_write(writer, path, name, e);
	if (result == 0)
		*file = mem_string(name);
	return result;
}

static int write_layer(struct repository *repository, const struct repository_place *place, const char *name,
		       const struct image_disk *old, struct disk_writer **writer, char **file,
		       uint64_t *written, struct err *e)
{
	const struct folder *folder = (struct folder *)repository;
	cleanup(cleanup_mem) char *path = folder_stage_path(folder, place->stage);
	cleanup(cleanup_mem) char *old_path = folder_image_path(folder, place->image);
	const struct imagefile old_file = {old_path, (const char *const *)old->files.items, old->files.count};

	int result = imagefile_write_layer(writer, &old_file, path, name, written, e);
	if (result == 0)
		*file = mem_string(name);
	return result;
}

static int read_files(struct repository *repository, uint64_t image, const struct image_texts *files,
		      struct disk_reader **reader, struct err *e)
{
	cleanup(cleanup_mem) char *path = folder_image_path((struct folder *)repository, image);
	const struct imagefile file = {path, (const char *const *)files->items, files->count};

	return imagefile_read(reader, &file, e);
}

static int physical(struct repository *repository, uint64_t image, const struct image_disk *disk,
		    uint64_t *bytes, struct err *e)
{
	cleanup(cleanup_mem) char *path = folder_image_path((struct folder *)repository, image);
	const struct imagefile file = {path, (const char *const *)disk->files.items, disk->files.count};
	uint64_t virtual_bytes;

	if (imagefile_sizes(&file, &virtual_bytes, bytes, e) < 0)
		return e->code;
	return virtual_bytes == disk->virtual_bytes
		       ? 0
		       : err_set(e, ERR_CORRUPT, "%s/%s: of %llu bytes, %llu were recorded", path,
				 disk->files.items[0], (unsigned long long)virtual_bytes,
				 (unsigned long long)disk->virtual_bytes);
}

static char *where(const struct repository *repository, uint64_t image, const char *file)
{
	cleanup(cleanup_mem) char *path = folder_image_path((const struct folder *)repository, image);

	return mem_format("%s/%s", path, file);
}

static const struct repository_kind kind = {
	.disk_suffix = ".raw",
	.close = close_folder,
	.room = room,
	.stage = folder_stage,
	.write = write_file,
	.write_layer = write_layer,
	.publish = folder_publish,
	.unstage = folder_unstage,
	.read = read_files,
	.physical = physical,
	.where = where,
	.fold = folder_fold,
	.tidy = folder_tidy,
	.ids = folder_ids,
};

int repository_folder_open(struct repository **repository, const char *path, struct err *e)
{
	struct folder *folder = mem_zalloc(1, sizeof *folder);

	*folder = (struct folder){{&kind}, mem_string(path), -1, -1, 0, 0};
	int result = open_folders(folder, e);
	if (result < 0) {
		err_wrap(e, "repository");
		close_folder(&folder->common);
		return result;
	}
	*repository = &folder->common;
	return 0;
}
