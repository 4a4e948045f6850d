/*
 * capture_plan.h - a part of capture.h: what is taken of a machine, how, and what is not; decided from facts alone.
 *
 * What a machine's XML calls a format counts, never what its volume looks like: a guest can write the head of a qcow2
 * file, with the name of any file as its backing file, onto a disk that is raw.
 */
#ifndef VMROLL_CAPTURE_PLAN_H
#define VMROLL_CAPTURE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domxml.h"
#include "err.h"
#include "image.h"
#include "vec.h"
#include "virt_volume.h"

enum capture_way {
	CAPTURE_PLAIN,   /* its volume is read as it is */
	CAPTURE_FLATTEN, /* its host makes a raw volume of it first */
	CAPTURE_BACKUP   /* a backup job of the running machine makes a raw volume of it */
};

/* What its host says of the volume of one disk. */
struct capture_source {
	bool wanted; /* by capture_plan_skips; the rest is asked for these only */
	char *pool;  /* NULL: no pool has it */
	char *why;   /* then: why */
	struct virt_volume volume;
};
void capture_source_done(struct capture_source *source);

struct capture_facts {
	const struct domxml *config;    /* as it will start next */
	const struct domxml *live;      /* as it runs; NULL: it does not run */
	struct capture_source *sources; /* one for each disk of LIVE, else of CONFIG */
	struct capture_source nvram;    /* wanted if it has a file of firmware variables */
	struct virt_pools pools;        /* of the host */
	const char *spare;              /* the pool for copies of what lies in no pool of files */
	unsigned reserve;               /* percent of a pool that stay free */
};
void capture_facts_done(struct capture_facts *facts); /* but CONFIG and LIVE, which are borrowed */
/* The domain whose disks the sources belong to. */
const struct domxml *capture_facts_domain(const struct capture_facts *facts);

struct capture_item {
	char *target, *path; /* of the disk, and where it lies; IMAGE_NVRAM */
	char *source_format; /* NULL: unknown */
	char *format;        /* for deployments */
	enum capture_way way;
	char *pool, *volume;    /* of the source; NULL: only a backup can reach it */
	char *copy_pool;        /* where the raw volume is made; NULL: none is */
	uint64_t virtual_bytes; /* VIRT_UNKNOWN: nobody said */
	uint64_t copy_bytes;    /* room that the raw volume may need */
	uint64_t data_bytes;    /* of them, what will likely come here */
	int64_t modified;
};

struct capture_plan {
	VEC(struct capture_item) items; /* in the order of the XML, then IMAGE_NVRAM */
	struct image_texts left_out;    /* for people; what is flattened is said here too */
};
void capture_plan_done(struct capture_plan *plan);

/* NULL if DISK is part of an image, else why not: "CD-ROM", "floppy", "shareable", "read-only". */
const char *capture_plan_skips(const struct domxml_disk *disk);
/* Whether the variables of its firmware lie in a file of their own. */
bool capture_plan_has_nvram(const struct domxml *domain);

/*
 * Decides. ERR_USAGE: something cannot be captured, with its name and the reason; ERR_FULL: a pool has no room for
 * the copies. The copies of a running machine are all there at once, those of a stopped one one after the other.
 */
int capture_plan(const struct capture_facts *facts, struct capture_plan *plan, struct err *e);

#endif
