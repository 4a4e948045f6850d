/* repository_manifest.c - which file of a folder says what image it is. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "repository_folder.h"

/* The greater, the newer; an export has one alone, without number. 0: NAME is none. */
static uint64_t manifest_number(const char *name)
{
	const char *hyphen = strchr(name, '-');

	if (strcmp(name, REPOSITORY_MANIFEST) == 0)
		return UINT64_MAX;
	return hyphen && strcmp(hyphen + 1, REPOSITORY_MANIFEST) == 0 ? repository_generation_of(name) : 0;
}

int repository_find_manifest(const char *folder, char **name, struct err *e)
{
	cleanup(cleanup_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(image_texts_done) struct image_texts names = {0};
	const char *newest = NULL;

	if (fd < 0)
		return folder_failed(errno, folder, e);
	if (folder_names(fd, folder, &names, e) < 0)
		return e->code;
	vec_foreach(&names, found)
		if (manifest_number(*found) > (newest ? manifest_number(newest) : 0))
			newest = *found;
	if (!newest)
		return err_set(e, ERR_NOT_FOUND,
			       "%s: has no " REPOSITORY_MANIFEST ": is no folder of an image", folder);
	*name = mem_string(newest);
	return 0;
}
