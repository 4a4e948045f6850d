/* repository_private.h - what a kind of repository has to do, and what they have in common. */
#ifndef VMROLL_REPOSITORY_PRIVATE_H
#define VMROLL_REPOSITORY_PRIVATE_H

#include "repository.h"
#include "str.h"
#include "vec.h"

/* Where a file that is being written belongs. */
struct repository_place {
	uint64_t stage, image, generation;
};

/* The functions of repository.h for one kind; those that are missing there are explained here. */
struct repository_kind {
	bool is_pool;
	const char *disk_suffix; /* what the name of a base has more than its target */
	void (*close)(struct repository *repository);
	int (*room)(struct repository *repository, unsigned reserve, uint64_t *bytes, struct err *e);
	int (*stage)(struct repository *repository, uint64_t stage, struct err *e);
	/* A file of at most SIZE_BYTES called NAME; a pool may make it longer. The writer checks nothing. */
	int (*write)(struct repository *repository, const struct repository_place *place, const char *name,
		     uint64_t size_bytes, struct disk_writer **writer, char **file, struct err *e);
	int (*write_layer)(struct repository *repository, const struct repository_place *place,
			   const char *name, const struct image_disk *old, struct disk_writer **writer,
			   char **file, uint64_t *written, struct err *e);
	int (*publish)(struct repository *repository, uint64_t stage, uint64_t image, struct err *e);
	int (*unstage)(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		       struct err *e);
	/* All that the files hold, of a pool perhaps zeros after it. */
	int (*read)(struct repository *repository, uint64_t image, const struct image_texts *files,
		    struct disk_reader **reader, struct err *e);
	int (*physical)(struct repository *repository, uint64_t image, const struct image_disk *disk,
			uint64_t *bytes, struct err *e);
	char *(*where)(const struct repository *repository, uint64_t image, const char *file);
	int (*fold)(struct repository *repository, const struct image *image, struct image *folded,
		    struct err *e);
	int (*tidy)(struct repository *repository, const struct image *image, uint64_t *removed_bytes,
		    struct err *e);
	int (*ids)(struct repository *repository, uint64_t **ids, size_t *count, struct err *e);
};

/* The first member of what a kind allocates. */
struct repository {
	const struct repository_kind *kind;
};

int repository_folder_open(struct repository **repository, const char *folder, struct err *e);
int repository_folder_hold(const char *path, const unsigned char *known, enum repository_making making,
			   unsigned char *mark, struct err *e);
/* POOL and URI are borrowed. */
int repository_pool_open(struct repository **repository, const char *pool, const char *uri, struct err *e);

/* Whether a generation of IMAGE needs FILE; before the names of its files stands PREFIX ("" in a folder). */
bool repository_is_needed(const struct image *image, const char *prefix, const char *file);
/* The generation that NAME, without prefix, is of: "3-vda.raw" of 3; 0: it is none of ours. */
uint64_t repository_generation_of(const char *name);
/* Whether NAME is a number from 1 on as we write it, which is *NUMBER then. */
bool repository_parse_id(const char *name, size_t length, uint64_t *number);
struct repository_numbers {
	uint64_t *items;
	size_t count, capacity;
};
/* Sorts, drops what is there twice, and hands them over. */
void repository_give_ids(struct repository_numbers *numbers, uint64_t **ids, size_t *count);

/* Takes over WRITER: exactly SIZE_BYTES, else ERR_CONFLICT. WHAT is borrowed for the message. */
struct disk_writer *repository_sized_writer(struct disk_writer *writer, uint64_t size_bytes, const char *what);
/* Takes over READER: the first SIZE_BYTES of it; ERR_CORRUPT if it has less, or other than zeros beyond. */
struct disk_reader *repository_sized_reader(struct disk_reader *reader, uint64_t size_bytes, const char *what);

#endif
