/* capture_worker.h - what the parts of the process that captures share; only they include it. */
#ifndef VMROLL_CAPTURE_WORKER_H
#define VMROLL_CAPTURE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture_look.h"
#include "capture_plan.h"
#include "capture_private.h"
#include "repository.h"

struct work {
	const struct capture_work *order;
	struct channel *channel;
	struct virt *virt;
	struct repository *repository;
	struct capture_machine machine;
	struct capture_plan plan;
	uint64_t mark;     /* in the names of volumes: no other station makes the same */
	VEC(char *) pools; /* that were announced */
	bool frozen;
	int64_t instant;    /* what the copies show */
	struct image image; /* what comes of it, with one generation */
	uint64_t written_bytes;
};

/* Only what moves is told: the parent takes silence for a stall. */
struct teller {
	struct work *work;
	struct capture_moved moved;
	int64_t told; /* when_monotonic */
};

/* Of the disk at PLACE of the plan. */
struct teller capture_teller_of(struct work *work, size_t place, const char *phase);
/* For struct disk_progress; CONTEXT is a teller. */
int capture_tell(void *context, uint64_t done_bytes, struct err *e);

/* For struct capture_looking; CONTEXT is the work. Once for each pool. */
int capture_announce_pool(void *context, const char *pool, struct err *e);

/* The name of the raw volume of the disk at PLACE. The caller frees. */
char *capture_copy_name(const struct work *work, size_t place);
/* Makes the raw volume of one disk of a machine that is off. */
int capture_flatten(struct work *work, size_t place, struct err *e);
/* Makes those of all disks of one that runs, all at one instant; its file systems frozen if that was asked for. */
int capture_back_up(struct work *work, struct err *e);

#endif
