/*
 * image.h - master images: their records, names and generations.
 *
 * The store says which images exist; the repository (repository.h) holds their files. An image is its id: a
 * rename touches nothing else. What an unfinished operation has made is named by a stage, recorded before the first
 * byte is written, so that whatever a killed process leaves can be found and removed, and nothing else is.
 */
#ifndef VMROLL_IMAGE_H
#define VMROLL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "disk.h"
#include "err.h"
#include "store.h"
#include "vec.h"
#include "vm.h"

/*
 * One record holds all of an image, so that a batch can compare it and write it anew: one that would be larger than
 * IMAGE_RECORD_MAX (as 6 disks of 100 generations nearly are) is refused.
 */
enum { IMAGE_NAME_MAX = 64, IMAGE_KEEP_MAX = 100, IMAGE_RECORD_MAX = 500 * 1000 };

struct image_texts {
	char **items;
	size_t count, capacity;
};
void image_texts_done(struct image_texts *texts);
/* From an array of texts in a record, in place of what it holds. ERR_CORRUPT. */
struct rec_value;
int image_texts_read(const struct rec_value *value, struct image_texts *texts, struct err *e);
void image_texts_copy(struct image_texts *to, const struct image_texts *from); /* *to is overwritten, not freed */

struct image_disk {
	char *target;                           /* vda; IMAGE_NVRAM: the variables of its firmware */
	char *source_path;                      /* on the source host */
	char *source_format;                    /* there: raw, qcow2, … ; NULL unknown */
	char *format;                           /* in which volumes of deployments are made: raw or qcow2 */
	uint64_t virtual_bytes, physical_bytes; /* as a guest sees it; in the repository */
	unsigned char sha256[DIGEST_SIZE];      /* of what a guest sees */
	unsigned char data_sha256[DIGEST_SIZE]; /* the same without holes: DISK_DIGEST_DATA (disk.h); all 0: not known */
	struct image_texts files; /* in the folder of the image: base, then layers (imagefile.h); in a pool: the volume */
	int64_t source_modified; /* of its volume when it was captured; WHEN_UNKNOWN */
};
#define IMAGE_NVRAM "nvram"

struct image_generation {
	uint64_t number; /* 1, 2, … of this image */
	int64_t captured;
	bool running, quiesced; /* what its source was doing; whether its file systems were frozen */
	char *config;           /* file in the folder of the image: the domain's XML */
	unsigned char config_sha256[DIGEST_SIZE];     /* of that file */
	unsigned char definition_sha256[DIGEST_SIZE]; /* of domxml_canonical */
	VEC(struct image_disk) disks;                 /* in the order of the XML */
	struct image_texts left_out;                  /* for people, one a disk or thing: "sda: CD-ROM" */
};

struct image {
	uint64_t id;
	char *name, *comment; /* comment NULL: none */
	char *os, *os_id, *arch;
	uint64_t vcpus, memory_bytes;
	char *host, *vm; /* where it came from: name in hosts(5), name of the domain; NULL: imported from files */
	unsigned char vm_uuid[VM_UUID_SIZE];
	int64_t registered, updated;
	uint64_t keep; /* generations, at least 1 */
	uint64_t made; /* the highest number that a generation ever had, also one that was rolled back; what is lower is taken for the newest */
	VEC(struct image_generation) generations; /* newest first; at least one */
};

void image_disk_done(struct image_disk *disk);
void image_generation_done(struct image_generation *generation);
void image_done(struct image *image);
/* Each overwrites *TO and does not free it. */
void image_disk_copy(struct image_disk *to, const struct image_disk *from);
void image_generation_copy(struct image_generation *to, const struct image_generation *from);
void image_copy(struct image *to, const struct image *from);
/* What tells at the least cost whether a content is that of DISK: the digest that disk_copy_digests is to compute, and whether it is the same. */
unsigned image_disk_digest(const struct image_disk *disk);
bool image_disk_is(const struct image_disk *disk, const struct disk_copied *copied);

uint64_t image_virtual_bytes(const struct image *image); /* all disks of the newest generation */
/* All files of all generations, those that several share counted once: of each base the most that a generation takes. */
uint64_t image_physical_bytes(const struct image *image);
/* The disk with that TARGET, or NULL. */
const struct image_disk *image_find_disk(const struct image_generation *generation, const char *target);
/* The number for the next generation: none is given twice, for bases on hosts (deployment.h) are known by it. */
uint64_t image_next_generation(const struct image *image);
/* The generation of that NUMBER, or NULL. */
const struct image_generation *image_find_generation(const struct image *image, uint64_t number);

/* ERR_USAGE with what was expected unless TEXT can name an image, a group, a deployment or a member: [A-Za-z0-9] then [A-Za-z0-9._-]{0,63}. */
int image_check_name(const char *text, struct err *e);

/* 1 with *IMAGE (image_done), 0 if there is none. By name: exact. */
int image_find(struct store_view *view, const char *name, struct image *image, struct err *e);
int image_find_id(struct store_view *view, uint64_t id, struct image *image, struct err *e);
/* As image_find, but absent is ERR_NOT_FOUND with a message, and an unambiguous prefix will do (ERR_AMBIGUOUS with candidates). */
int image_require(struct store_view *view, const char *text, struct image *image, struct err *e);
struct images {
	struct image *items;
	size_t count, capacity;
};
void images_done(struct images *images);
int image_all(struct store_view *view, struct images *images, struct err *e); /* by name */

/* ---- changes: each one batch, all or nothing ---- */

/*
 * Makes IMAGE, whose id is that of STAGE (stage.h), and ends that stage. ERR_CONFLICT: the name is taken, or the stage has been
 * swept away; the message says which. ERR_TOO_LARGE.
 */
int image_create(struct store *store, const struct image *image, uint64_t stage, struct err *e);
/*
 * OLD becomes NEW (same id, perhaps another name) and, if it is not 0, STAGE ends. ERR_CONFLICT: somebody changed it
 * meanwhile, the name is taken, or the stage has been swept away. ERR_TOO_LARGE.
 */
int image_replace(struct store *store, const struct image *old, const struct image *new, uint64_t stage,
		  struct err *e);
/*
 * Forgets IMAGE. REFERENCES is the revision (references.h) of the view in which no group and no deployment used it.
 * ERR_CONFLICT: the image, or who refers to whom, was changed meanwhile; look again.
 */
int image_delete(struct store *store, const struct image *image, uint64_t references, struct err *e);

/*
 * Whether what was read from somewhere can be used, its id aside: a valid name, files and targets that are no paths, generations that
 * fall, a file of each disk, a generation at least. ERR_CORRUPT.
 */
int image_check(const struct image *image, struct err *e);

/* Record (rec.h). What is read has an id and holds image_check. ERR_CORRUPT, ERR_SCHEMA. */
void image_encode(const struct image *image, struct str *out);
int image_decode(const void *data, size_t length, struct image *image, struct err *e);

#endif
