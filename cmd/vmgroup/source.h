/* source.h - the master images that a deployment is made from: their records, locked for reading, and their definitions. */
#ifndef VMGROUP_SOURCE_H
#define VMGROUP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "disk.h"
#include "image.h"
#include "lock.h"
#include "repository.h"
#include "session.h"
#include "vec.h"

/* A disk of an image as it is deployed: the image's own content, or that of a staged copy (identity.h). */
struct source_disk {
	const struct image_disk *disk;
	char *staged;                             /* file in the source's folder, or NULL */
	unsigned char staged_sha256[DIGEST_SIZE]; /* of that file: DISK_DIGEST_DATA */
};

struct source {
	struct image image;
	uint64_t number;                           /* of its generation */
	const struct image_generation *generation; /* of the image */
	struct lock lock;                          /* shared: nobody changes what is being read */
	char *xml;                                 /* the definition that it was captured with */
	size_t xml_length;
	size_t nics;
	uint64_t memory_bytes; /* of that definition */
	char *folder;          /* of the staged copy, or NULL */
	VEC(struct source_disk) disks;
};

struct sources {
	struct source *items;
	size_t count, capacity;
};
void sources_done(struct sources *sources);

/* Adds the image ID unless it is there, with its newest generation; GENERATION not 0: with that one. Locks it. ERR_NOT_FOUND, ERR_LOCKED. */
int source_add(struct session *session, struct sources *sources, uint64_t id, uint64_t generation, struct err *e);
/* Reads the definitions of all, in processes that can be given up. */
int source_read(struct session *session, struct sources *sources, struct err *e);
/* Place of the image ID in SOURCES. */
size_t source_place(const struct sources *sources, uint64_t id);
/* In a worker: the content of a disk. */
int source_open_disk(struct repository *repository, const struct source *source,
		     const struct source_disk *disk, struct disk_reader **reader, struct err *e);
/* What disk_copy_digests is to compute of it, and whether it was the content that it should be. */
unsigned source_digest(const struct source_disk *disk);
bool source_is(const struct source_disk *disk, const struct disk_copied *copied);

#endif
