/*
 * capture.h - a virtual machine captured as a generation of a master image: all its disks and its definition, at one instant.
 *
 * A stopped machine's raw volumes are read as they are. A running one is copied beside its source by a backup job (virt_domain_backup), a stopped one
 * whose disks are qcow2 or stand on others is flattened beside its source by its host (virt_volume_clone); both as raw
 * volumes, for whose room is looked first, and which are deleted after. What is left out (CD-ROMs, floppies, shareable and read-only disks) is named;
 * what cannot be captured (a disk without a volume, a network disk of a stopped machine) is refused with the reason.
 */
#ifndef VMROLL_CAPTURE_H
#define VMROLL_CAPTURE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "hosts.h"
#include "image.h"
#include "stage.h"
#include "store.h"

struct capture_progress {
	/* Of disk NUMBER of COUNT, called at most ten times a second in the caller's process; PHASE is "copying", "reading", … */
	void (*moved)(void *context, const char *target, size_t number, size_t count, const char *phase,
		      uint64_t done_bytes, uint64_t total_bytes);
	void *context;
};

struct capture {
	const struct conf *conf;
	const struct host *host;
	const char *vm;                          /* exact name, else UUID as text */
	bool quiesce;                            /* freeze its file systems; no agent is an error then */
	const struct capture_progress *progress; /* NULL: silent */
	const volatile sig_atomic_t *stop; /* NULL, or: given up, and cleaned, once it is set: ERR_ENV */
};

/*
 * Captures into STAGE (begun, for its image's next generation; its remotes are recorded before they are made, and gone when this returns, whatever it
 * returns, unless the host does not answer). OLD NULL: IMAGE gets everything but name, comment, keep and id's own, with its first generation. OLD
 * given: *IMAGE is OLD with a new generation in front, disks as layers where that is possible; nothing is dropped yet. Not published. The work is done in a process of its own, which is
 * given up when nothing moves for conf->image.stall_ms: ERR_DEADLINE. ERR_NOT_FOUND: no such VM there; ERR_FULL says where, how much is wanted and there;
 * ERR_USAGE: refused, with the reason; ERR_CONFLICT: it went away, moved or changed its disks meanwhile. ERR_PARTIAL: all
 * is captured, but the host has stopped answering since and keeps something, which STAGE still names.
 */
int capture_vm(const struct capture *capture, struct store *store, struct stage *stage,
	       const struct image *old, struct image *image, uint64_t *written_bytes, struct err *e);

/* Removes what STAGE names on hosts; those that do not answer keep theirs, and ERR_PARTIAL names them. */
int capture_clean(const struct conf *conf, struct store *store, struct stage *stage, struct err *e);

/*
 * Folds the layers that no generation of IMAGE needs apart, and removes its files that none needs. The caller holds the lock of
 * IMAGE alone. *IMAGE is what is recorded then. STOP as in struct capture; stopped or killed anywhere, nothing is lost.
 */
int capture_fold(const struct conf *conf, struct store *store, const volatile sig_atomic_t *stop,
		 struct image *image, struct err *e);

/*
 * The whole of `mastimg register` and `mastimg update`: stage, capture, publish, record, drop generations beyond keep, fold.
 * Used by vmgroup too. *IMAGE (image_done) is what is recorded now. Locks and stages are those of conf->store, which STORE is.
 * ERR_USAGE: the name is taken, or none; ERR_CONFLICT: it was taken meanwhile, or the image was changed or deleted. ERR_LOCKED: somebody updates or
 * removes it. ERR_PARTIAL: it is recorded, *IMAGE is set, but something is left on a host or in the repository for gc, as *E says.
 */
struct capture_order {
	struct capture capture;
	const char *name;    /* register */
	const char *comment; /* NULL: none, or as it was */
	uint64_t keep;       /* 0: as it was, or conf->image.keep */
};
int capture_register(const struct capture_order *order, struct store *store, struct image *image,
		     uint64_t *written_bytes, struct err *e);
int capture_update(const struct capture_order *order, struct store *store, const struct image *old,
		   struct image *image, uint64_t *written_bytes, struct err *e);

#endif
