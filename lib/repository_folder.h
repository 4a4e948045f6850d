/* repository_folder.h - a repository in a folder: what its parts have in common. */
#ifndef VMROLL_REPOSITORY_FOLDER_H
#define VMROLL_REPOSITORY_FOLDER_H

#include <sys/types.h>

#include "repository_private.h"

enum { REPOSITORY_FOLDER_MODE = 0700 };

struct folder {
	struct repository common;
	char *path;
	int images_fd, staging_fd;
	uid_t owner; /* of the folder: what root makes is for them */
	gid_t group;
};

/* An opened folder below one of those two, how people are told of it, and what is in it. */
struct folder_place {
	int fd;
	char *path;
	struct image_texts names;
};
#define FOLDER_PLACE_NONE                                                                                    \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}
void folder_place_done(struct folder_place *place);
/* images/ID or staging/STAGE: 1, 0 if it is not there, negative. */
int folder_open_image(const struct folder *folder, uint64_t image, struct folder_place *place, struct err *e);
int folder_open_stage(const struct folder *folder, uint64_t stage, struct folder_place *place, struct err *e);
/* Made if it is not there. */
int folder_make_image(const struct folder *folder, uint64_t image, struct folder_place *place, struct err *e);
int folder_make_stage(const struct folder *folder, uint64_t stage, struct folder_place *place, struct err *e);
/* Paths, which the caller frees. */
char *folder_image_path(const struct folder *folder, uint64_t image);

/* All names in the folder FD but . and .. */
int folder_names(int fd, const char *path, struct image_texts *names, struct err *e);
int folder_remove(const struct folder_place *place, const char *name, uint64_t *removed_bytes, struct err *e);
/* ERR_FULL or ERR_ENV, with PATH and why. */
int folder_failed(int errnum, const char *path, struct err *e);

int folder_stage(struct repository *repository, uint64_t stage, struct err *e);
int folder_publish(struct repository *repository, uint64_t stage, uint64_t image, struct err *e);
int folder_unstage(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		   struct err *e);
int folder_tidy(struct repository *repository, const struct image *image, uint64_t *removed_bytes, struct err *e);
int folder_ids(struct repository *repository, uint64_t **ids, size_t *count, struct err *e);
int folder_fold(struct repository *repository, const struct image *image, struct image *folded, struct err *e);

#endif
