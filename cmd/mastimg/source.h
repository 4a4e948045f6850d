/* source.h - what an image is imported from: a folder, an archive, or a disk with a definition. */
#ifndef MASTIMG_SOURCE_H
#define MASTIMG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"
#include "image.h"

enum { SOURCE_XML_MAX = 4 << 20 };

/* Whoever makes one embeds it as its first member. */
struct source {
	/* As its manifest says; of a disk by hand, as its definition does. The generation that is meant is the first. */
	struct image image;
	bool proven;    /* its digests are known, and must be those of what is read */
	uint64_t bytes; /* what it takes up, about */
	/* The text of the definition; the caller frees. */
	int (*read_config)(struct source *source, char **text, size_t *length, struct err *e);
	int (*read_disk)(struct source *source, const struct image_disk *disk, struct disk_reader **reader,
			 struct err *e);
	void (*close)(struct source *source);
	/* What read_disk calls now and then while it prepares a disk, if it is set: "converting". */
	int (*moved)(void *context, const char *phase, uint64_t done_bytes, uint64_t total_bytes, struct err *e);
	void *context;
};

/*
 * Opens PATH, as a disk if there is XML (a path). NUMBER: which of several generations that each have a manifest of their own
 * (a folder of a repository), 0 the newest. 1; 0: there is none of that number. ERR_NOT_FOUND: PATH is not there; ERR_USAGE,
 * ERR_CORRUPT, ERR_ENV. Not to be kept across fork.
 */
int source_open(struct source **source, const char *path, const char *xml, size_t number, struct err *e);
void cleanup_source(struct source **source);

/* ---- the kinds: as source_open ---- */

int source_folder(struct source **source, const char *path, size_t number, struct err *e);
int source_tar(struct source **source, const char *path, struct err *e);
int source_disk(struct source **source, const char *path, const char *xml, struct err *e);

/* ---- source_qcow2.c ---- */

/* 1: the file is qcow2 that stands alone; 0: it is something else. ERR_USAGE: it refers to other files, is encrypted, or of a kind unknown. SIZE_BYTES is what a guest sees. */
int source_qcow2_check(int fd, const char *path, uint64_t *size_bytes, struct err *e);
/* Its content as a raw file without a name, made by qemu-img(1) in TMPDIR: the descriptor, which the caller closes. ERR_USAGE: qemu-img is not there. */
int source_qcow2_convert(struct source *source, const char *path, uint64_t size_bytes, struct err *e);

/* The regular file PATH, or NAME in the folder FOLDER_FD without following a link, as a text of at most MAXIMUM bytes without NUL. The caller frees. */
int source_read_text(int folder_fd, const char *name, size_t maximum, char **text, size_t *length, struct err *e);

#endif
