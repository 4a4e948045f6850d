/* step.h - what workers tell of their work on hosts, step by step. */
#ifndef VMGROUP_STEP_H
#define VMGROUP_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"
#include "virt_volume.h"
#include "workers.h"

enum step_kind {
	STEP_MOVED,   /* bytes of this job so far: it lives */
	STEP_BASE,    /* the base of that place is whole, or gone as it should be */
	STEP_LOST,    /* the base of that place was whole, and is gone */
	STEP_MACHINE, /* what was to be done to the machine of that place is done */
};

struct step {
	uint32_t kind;
	uint32_t reserved;
	uint64_t place, bytes;
};

/* In a worker. ERR_NET: the parent is gone. */
int step_send(struct worker *worker, enum step_kind kind, uint64_t place, uint64_t bytes, struct err *e);
/* In the parent. ERR_CORRUPT. */
int step_receive(const void *bytes, size_t length, struct step *step, struct err *e);

/* What a transfer tells while it moves, as a struct disk_progress. */
struct step_mover {
	struct worker *worker;
	uint64_t before_bytes; /* moved by this job before */
	int64_t told;          /* when_monotonic */
};
struct disk_progress step_progress(struct step_mover *mover);

/*
 * Deletes a volume; gone already is success. One that is in use by a transfer whose client was killed (libvirtd goes on for a
 * while) is waited for, at most LIMIT_MS, telling that the job lives.
 */
int step_delete_volume(struct worker *worker, struct virt *virt, const char *pool, const char *volume,
		       int64_t limit_ms, struct err *e);

#endif
