/*
 * repository.h - where the files of master images lie: a folder, or a storage pool of a libvirt host.
 *
 * A folder has DIR/images/ID/ for each image (base files, layers, XML, manifest.json) and DIR/staging/STAGE/ for what is not
 * finished; publishing is fsync and rename. It may be on NFS or CephFS. A pool (image { repository = "pool:NAME@URI" }) has volumes
 * called vmroll-ID.GENERATION-TARGET, and one for the XML; nothing can be renamed there, so the store alone says which count.
 * What is done to a pool goes through libvirt, and may hang: call these in a process that can be killed.
 */
#ifndef VMROLL_REPOSITORY_H
#define VMROLL_REPOSITORY_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "disk.h"
#include "err.h"
#include "image.h"

struct repository;

/* Opens what the setting image.repository says; a folder is made (2770) if its parent is there. ERR_USAGE, ERR_ENV, ERR_NET. */
int repository_open(struct repository **repository, const char *setting, struct err *e);
void repository_close(struct repository *repository); /* NULL-safe */
void cleanup_repository(struct repository **repository);
bool repository_is_pool(const struct repository *repository);

/* Bytes that can still be written, without those that RESERVE (percent of all) keeps free. */
int repository_room(struct repository *repository, unsigned reserve, uint64_t *bytes, struct err *e);

/* ---- staging: STAGE is the id of a struct stage that was begun ---- */

/* The place for STAGE; exists already: emptied. */
int repository_stage(struct repository *repository, uint64_t stage, struct err *e);
/* A new base for IMAGE's GENERATION, or a layer over OLD (folder only; else ERR_USAGE). FILE (the caller frees) is the name for image_disk.files. */
int repository_write(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		     const char *target, struct disk_writer **writer, char **file, struct err *e);
int repository_write_layer(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
			   const struct image_disk *old, struct disk_writer **writer, char **file,
			   uint64_t *written, struct err *e);
/* A small file (XML, manifest) as a whole. */
int repository_write_text(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
			  const char *name, const char *text, size_t length, char **file, struct err *e);
/* All of STAGE becomes IMAGE's (files added to its folder, each by rename, fsynced). Then image_create or image_replace. A killed process between the two leaves files that no record names: repository_tidy. */
int repository_publish(struct repository *repository, uint64_t stage, uint64_t image, struct err *e);
/* Removes what STAGE holds, of a pool also volumes of IMAGE from GENERATION on. */
int repository_unstage(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		       struct err *e);

/* ---- images ---- */

int repository_read(struct repository *repository, const struct image *image, const struct image_disk *disk,
		    struct disk_reader **reader, struct err *e);
/* The caller frees *TEXT. Checked against SHA256: ERR_CORRUPT. */
int repository_read_text(struct repository *repository, const struct image *image, const char *file,
			 const unsigned char *sha256, char **text, size_t *length, struct err *e);
/* Folder or pool where DISK's files lie, as people are told: "/var/lib/vmroll/images/images/7/1-vda.raw". The caller frees. */
char *repository_where(const struct repository *repository, const struct image *image,
		       const struct image_disk *disk);
/* Folds the lowest layers that only the given-up generations would need into the bases, so that IMAGE as it should be recorded then is *FOLDED (image_done). 0: nothing to do. 1. Call image_replace, then repository_tidy. Folder only. */
int repository_fold(struct repository *repository, const struct image *image, struct image *folded,
		    struct err *e);
/* Removes files of IMAGE's place that no generation of it names; all of it where IMAGE has no generations. *REMOVED bytes are added. */
int repository_tidy(struct repository *repository, const struct image *image, uint64_t *removed_bytes,
		    struct err *e);
/* Ids of all images that have a place here, for gc: those that no record knows are told, and never removed unless asked. The caller frees the array. */
int repository_ids(struct repository *repository, uint64_t **ids, size_t *count, struct err *e);

#endif
