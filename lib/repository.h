/*
 * repository.h - where the files of master images lie: a folder, or a storage pool of a libvirt host.
 *
 * A folder has DIR/images/ID/ for each image (base files, layers, XML, manifest) and DIR/staging/STAGE/ for what is not
 * finished; publishing is fsync and rename. It may be on NFS or CephFS. Files are called GENERATION-TARGET.raw,
 * GENERATION-TARGET.layer (and .layer.index) and GENERATION-NAME. A pool (image { repository = "pool:NAME@URI" }) has volumes
 * called vmroll-ID.GENERATION-TARGET and vmroll-ID.GENERATION-NAME; nothing can be renamed there, so the store alone says which
 * count. What is done to a pool goes through libvirt, and may hang: call these in a process that can be killed.
 *
 * A manifest (MANIFEST_NAME of manifest.h) is kept as long as the generation that it is of.
 *
 * Images are as secret as the disks that they were made of: folders are 0700, files 0600; what root makes is given to the owner of
 * DIR. So DIR must be writable by its owner alone, and no symbolic link below it is followed. Members of a group who may look
 * at the store see which images there are, and not what is in them.
 *
 * The caller holds the lock of the image (lock_acquire_part): shared while it reads, alone for publish and the record that
 * follows, fold, tidy and unstage (in a pool, where nothing is staged, from the first write on): a
 * file that was published but not recorded yet looks like one that nobody needs.
 */
#ifndef VMROLL_REPOSITORY_H
#define VMROLL_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "disk.h"
#include "err.h"
#include "image.h"
#include "manifest.h"

enum { REPOSITORY_TEXT_MAX = 16 << 20 };

struct repository;

/*
 * A folder has a mark, random bytes in a file of its own that is made with it, so that the empty folder below a mount that is
 * missing is not taken for it (repository_known.h). ADOPT: an older one, which has the folder images, gets its mark; MAKE: the folder
 * too, if its parent is there. KNOWN: the mark that it must have, or NULL; where it has another one nothing is made. 1: *MARK is
 * set; 0: it has none (LOOK; a pool). ERR_USAGE, ERR_ENV, ERR_FULL, ERR_CORRUPT.
 */
enum { REPOSITORY_MARK_SIZE = 16 };
enum repository_making { REPOSITORY_LOOK, REPOSITORY_ADOPT, REPOSITORY_MAKE };
int repository_hold(const char *setting, const unsigned char *known, enum repository_making making,
		    unsigned char *mark, struct err *e);
/* Opens what the setting image.repository says; nothing is made. ERR_USAGE, ERR_ENV, ERR_NET. */
int repository_open(struct repository **repository, const char *setting, struct err *e);
void repository_close(struct repository *repository); /* NULL-safe */
void cleanup_repository(struct repository **repository);
bool repository_is_pool(const struct repository *repository);

/* Bytes that can still be written, without those that RESERVE (percent of all) keeps free. */
int repository_room(struct repository *repository, unsigned reserve, uint64_t *bytes, struct err *e);

/* ---- staging: STAGE is the id of a struct stage that was begun ---- */

/* The place for STAGE; exists already: emptied. */
int repository_stage(struct repository *repository, uint64_t stage, struct err *e);
/*
 * A new base for IMAGE's GENERATION, of SIZE_BYTES (less is ERR_CONFLICT, and so is more), or a layer over OLD (folder only; else
 * ERR_USAGE). FILE (the caller frees) is the name for image_disk.files. ERR_USAGE: TARGET is no word of [A-Za-z0-9._-], as
 * hostile XML may have it. The writer must be closed before REPOSITORY.
 */
int repository_write(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		     const char *target, uint64_t size_bytes, struct disk_writer **writer, char **file,
		     struct err *e);
int repository_write_layer(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
			   const struct image_disk *old, struct disk_writer **writer, char **file,
			   uint64_t *written, struct err *e);
/* A small file (XML, manifest) as a whole: text without NUL of at most REPOSITORY_TEXT_MAX bytes. NAME as TARGET above. */
int repository_write_text(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
			  const char *name, const char *text, size_t length, char **file, struct err *e);
/*
 * All of STAGE becomes IMAGE's (files added to its folder, each by rename, fsynced). Then image_create or image_replace: a killed
 * process between the two leaves files that no record names; repository_tidy removes them. ERR_CONFLICT: a file of that name is
 * there, of somebody else who was faster, or of a generation that was given up: read the record again, and tidy.
 */
int repository_publish(struct repository *repository, uint64_t stage, uint64_t image, struct err *e);
/* Removes what STAGE holds, and files of IMAGE from GENERATION on, which may have been published and not recorded (0: none). */
int repository_unstage(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		       struct err *e);

/* ---- images ---- */

/* ERR_NOT_FOUND: a file is missing; ERR_CORRUPT: one has another length than was recorded. The reader must be closed before REPOSITORY. */
int repository_read(struct repository *repository, const struct image *image, const struct image_disk *disk,
		    struct disk_reader **reader, struct err *e);
/* The caller frees *TEXT, NUL-terminated beyond *LENGTH. Checked against SHA256 (NULL: it is not known): ERR_CORRUPT. */
int repository_read_text(struct repository *repository, const struct image *image, const char *file,
			 const unsigned char *sha256, char **text, size_t *length, struct err *e);
/* What all files of DISK, which are published, take up: image_disk.physical_bytes. Of a folder ERR_CORRUPT where they have another size than was recorded, without reading them. */
int repository_physical(struct repository *repository, uint64_t image, const struct image_disk *disk,
			uint64_t *bytes, struct err *e);
/* Where DISK's files lie, as people are told: the base: "/var/lib/vmroll/images/images/7/1-vda.raw"; "pool vmroll of qemu+tcp://host1/system: vmroll-7.1-vda". The caller frees. */
char *repository_where(const struct repository *repository, const struct image *image,
		       const struct image_disk *disk);
/*
 * Folds the layers that the oldest generation of IMAGE needs into the bases (image as it is recorded: whoever would be harmed, an
 * older generation, was given up before), so that IMAGE as it should be recorded then is *FOLDED (image_done). 0: nothing to do.
 * 1: call image_replace, then repository_tidy. Killed anywhere, nothing is lost. Always 0 for a pool.
 */
int repository_fold(struct repository *repository, const struct image *image, struct image *folded,
		    struct err *e);
/* Removes files of IMAGE's place that no generation of it names; all of it where IMAGE has no generations. *REMOVED bytes are added. */
int repository_tidy(struct repository *repository, const struct image *image, uint64_t *removed_bytes,
		    struct err *e);
/* Ids of all images that have a place here, rising, for gc: those that no record knows are told, and never removed unless asked. The caller frees the array. */
int repository_ids(struct repository *repository, uint64_t **ids, size_t *count, struct err *e);

#endif
