/*
 * repository_work.h - a part of repository.h: what is done to a repository in a process of its own, which can be given up.
 *
 * A folder on NFS and a pool behind libvirt may hang for ever. The process has neither the store nor a lock; its parent
 * keeps both, hears how far it has come, and ends it when nothing moves.
 */
#ifndef VMROLL_REPOSITORY_WORK_H
#define VMROLL_REPOSITORY_WORK_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"
#include "repository.h"

/* ---- in that process ---- */

struct repository_worker;

/* LABEL ("web1 vda") has come to DONE of TOTAL bytes. To be called while something moves, else the work is taken for stalled. */
int repository_worker_moved(struct repository_worker *worker, const char *label, uint64_t done_bytes,
			    uint64_t total_bytes, struct err *e);
/* Something for the parent's `took`. */
int repository_worker_send(struct repository_worker *worker, const void *bytes, size_t length, struct err *e);
/*
 * disk_copy_digests that says under LABEL how far it has come; TOTAL_BYTES are expected (0: not known). More than TOTAL_BYTES is
 * ERR_CORRUPT as soon as it comes: whoever reads from an enemy cannot be kept busy for ever.
 */
int repository_worker_copy(struct repository_worker *worker, const char *label, uint64_t total_bytes,
			   struct disk_reader *reader, struct disk_writer *writer, unsigned digests,
			   struct disk_copied *copied, struct err *e);

/* ---- in the parent ---- */

struct repository_work {
	const char *setting;               /* of the repository */
	int64_t stall_ms;                  /* conf->image.stall_ms */
	const volatile sig_atomic_t *stop; /* NULL, or: given up once it is set */
	/* In the process; CONTEXT as it was. Its result and message become those of repository_work. */
	int (*act)(struct repository *repository, struct repository_worker *worker, void *context, struct err *e);
	/* In the parent. May be NULL. */
	void (*moved)(void *context, const char *label, uint64_t done_bytes, uint64_t total_bytes);
	int (*took)(void *context, const void *bytes, size_t length, struct err *e);
	void *context;
};

/* Opens the repository there and acts. ERR_DEADLINE: nothing moved for stall_ms; ERR_ENV: it died, or was stopped; else what act says. */
int repository_work(const struct repository_work *work, struct err *e);

#endif
