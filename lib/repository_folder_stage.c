/* repository_folder_stage.c - what is not finished, and how it becomes an image's: complete, or not at all. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "repository_folder.h"

int folder_names(int fd, const char *path, struct image_texts *names, struct err *e)
{
	/* Of its own: closing the stream closes what it was given. */
	int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own_fd >= 0 ? fdopendir(own_fd) : NULL;

	if (!stream) {
		folder_failed(errno, path, e);
		cleanup_fd(&own_fd);
		return e->code;
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(stream);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			vec_push(names, mem_string(entry->d_name));
	}
	int result = errno ? folder_failed(errno, path, e) : 0;
	closedir(stream);
	return result;
}

int folder_remove(const struct folder_place *place, const char *name, uint64_t *removed_bytes, struct err *e)
{
	struct stat status;

	if (fstatat(place->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || unlinkat(place->fd, name, 0) < 0) {
		if (errno == ENOENT)
			return 0;
		err_set_errno(e, ERR_ENV, errno, "%s/%s: cannot be removed", place->path, name);
		return e->code;
	}
	*removed_bytes += (uint64_t)status.st_blocks * 512;
	return 0;
}

static int remove_all(const struct folder_place *place, struct err *e)
{
	uint64_t removed_bytes = 0;

	vec_foreach(&place->names, name)
		if (folder_remove(place, *name, &removed_bytes, e) < 0)
			return e->code;
	return 0;
}

int folder_stage(struct repository *repository, uint64_t stage, struct err *e)
{
	cleanup(folder_place_done) struct folder_place place = FOLDER_PLACE_NONE;

	int result = folder_make_stage((struct folder *)repository, stage, &place, e);
	return result < 0 ? result : remove_all(&place, e);
}

/* ---- publishing ---- */

static int already_there(const struct folder_place *place, const char *name, struct err *e)
{
	return err_set(e, ERR_CONFLICT,
		       "%s/%s: is there already: another run was faster, or one was killed: mastimg gc",
		       place->path, name);
}

/* Looked at all before the first is moved; NFS has no rename that does not replace. */
static int check_free(const struct folder_place *from, const struct folder_place *to, struct err *e)
{
	struct stat status;

	vec_foreach(&from->names, name)
		if (fstatat(to->fd, *name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			return already_there(to, *name, e);
		else if (errno != ENOENT)
			return folder_failed(errno, to->path, e);
	return 0;
}

static int move(const struct folder *folder, const struct folder_place *from, const struct folder_place *to,
		const char *name, struct err *e)
{
	if (geteuid() == 0 && fchownat(from->fd, name, folder->owner, folder->group, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s/%s: cannot be given to the owner of %s",
				     from->path, name, folder->path);
	if (renameat2(from->fd, name, to->fd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST)
		return already_there(to, name, e);
	if ((errno != EINVAL && errno != ENOSYS) || renameat(from->fd, name, to->fd, name) < 0)
		return folder_failed(errno, to->path, e);
	return 0;
}

static int remove_stage(const struct folder *folder, uint64_t stage, const char *path, struct err *e)
{
	cleanup(cleanup_mem) char *name = mem_format("%llu", (unsigned long long)stage);

	if (unlinkat(folder->staging_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return folder_failed(errno, path, e);
	return fsync(folder->staging_fd) < 0 ? folder_failed(errno, path, e) : 0;
}

int folder_publish(struct repository *repository, uint64_t stage, uint64_t image, struct err *e)
{
	const struct folder *folder = (struct folder *)repository;
	cleanup(folder_place_done) struct folder_place from = FOLDER_PLACE_NONE;
	cleanup(folder_place_done) struct folder_place to = FOLDER_PLACE_NONE;

	int result = folder_open_stage(folder, stage, &from, e);
	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "%s/staging/%llu: is missing", folder->path,
			       (unsigned long long)stage);
	if (result > 0)
		result = folder_make_image(folder, image, &to, e);
	if (result < 0 || check_free(&from, &to, e) < 0)
		return e->code;
	vec_foreach(&from.names, name)
		if (move(folder, &from, &to, *name, e) < 0)
			return e->code;
	if (fsync(to.fd) < 0 || fsync(from.fd) < 0)
		return folder_failed(errno, to.path, e);
	return remove_stage(folder, stage, from.path, e);
}

/* ---- giving up ---- */

/* Files that were published and not recorded; the folder too, if nothing else is in it. */
static int unpublish(const struct folder *folder, uint64_t image, uint64_t generation, struct err *e)
{
	cleanup(folder_place_done) struct folder_place place = FOLDER_PLACE_NONE;
	cleanup(cleanup_mem) char *name = mem_format("%llu", (unsigned long long)image);
	uint64_t removed_bytes = 0;

	int result = folder_open_image(folder, image, &place, e);
	if (result <= 0)
		return result;
	vec_foreach(&place.names, file)
		if (repository_generation_of(*file) >= generation &&
		    folder_remove(&place, *file, &removed_bytes, e) < 0)
			return e->code;
	if (fsync(place.fd) < 0)
		return folder_failed(errno, place.path, e);
	if (unlinkat(folder->images_fd, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return folder_failed(errno, place.path, e);
	return fsync(folder->images_fd) < 0 ? folder_failed(errno, place.path, e) : 0;
}

int folder_unstage(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		   struct err *e)
{
	const struct folder *folder = (struct folder *)repository;
	cleanup(folder_place_done) struct folder_place place = FOLDER_PLACE_NONE;

	int result = folder_open_stage(folder, stage, &place, e);
	if (result > 0)
		result = remove_all(&place, e);
	if (result == 0 && place.fd >= 0)
		result = remove_stage(folder, stage, place.path, e);
	return result == 0 && generation > 0 ? unpublish(folder, image, generation, e) : result;
}
