/* capture_private.h - what the two processes of a capture say to each other; only capture*.c include it. */
#ifndef VMROLL_CAPTURE_PRIVATE_H
#define VMROLL_CAPTURE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"
#include "child.h"
#include "err.h"
#include "image.h"
#include "lock.h"
#include "stage.h"
#include "vec.h"
#include "virt.h"

/*
 * Of the worker, but GO. REMOTE is answered by GO once it is recorded: only then it is made. The last is RESULT or FAILURE.
 */
enum capture_frame_kind { CAPTURE_MOVED = 1, CAPTURE_REMOTE, CAPTURE_GO, CAPTURE_RESULT, CAPTURE_FAILURE };

struct capture_moved {
	char *target, *phase;
	uint64_t number, count, done_bytes, total_bytes;
};
void capture_moved_done(struct capture_moved *moved);

int capture_send_moved(struct channel *channel, const struct capture_moved *moved, struct err *e);
int capture_take_moved(const struct frame *frame, struct capture_moved *moved, struct err *e);

/* Something on the host that is about to be made: its host and URI are the capture's. Waits for GO. */
int capture_send_remote(struct channel *channel, const struct stage_remote *remote, struct err *e);
int capture_take_remote(const struct frame *frame, struct stage_remote *remote, struct err *e);
void capture_remote_done(struct stage_remote *remote);

int capture_send_result(struct channel *channel, const struct image *image, uint64_t written_bytes,
			struct err *e);
int capture_take_result(const struct frame *frame, struct image *image, uint64_t *written_bytes, struct err *e);

int capture_send_failure(struct channel *channel, const struct err *why, struct err *e);
/* Returns the code of the failure, with its message in *E; ERR_CORRUPT. */
int capture_take_failure(const struct frame *frame, struct err *e);

/* ---- transient pools, which several captures may use at once ---- */

struct capture_pools {
	VEC(struct lock) locks;
};
void capture_pools_done(struct capture_pools *pools); /* lets go of all */
/* Holds POOL of the host of that URI, with others, until capture_pools_done: nobody removes it. ERR_LOCKED: somebody is at that for WAIT_MS. */
int capture_pools_hold(struct capture_pools *pools, const char *store_uri, const char *host_uri,
		       const char *pool, int64_t wait_ms, struct err *e);
/* Has it alone, to remove it: 1; 0: somebody uses it, and will remove it. */
int capture_pools_claim(struct capture_pools *pools, const char *store_uri, const char *host_uri,
			const char *pool, struct err *e);

/* capture_clean; not IN_FLIGHT: who made it had got an answer to all that it asked its host for. */
int capture_clean_after(const struct conf *conf, struct store *store, struct stage *stage, bool in_flight,
			struct err *e);

/* ---- the end of an order: each in a process of its own ---- */

/* Moves what STAGE holds to IMAGE's place, and sets what its newest generation takes up there. */
int capture_repository_publish(const struct conf *conf, const struct stage *stage, struct image *image,
			       struct err *e);
/* Removes what STAGE has written, also what was PUBLISHED and is not recorded. */
int capture_repository_unstage(const struct conf *conf, const struct stage *stage, bool published, struct err *e);

/* ---- the worker ---- */

struct capture_work {
	const struct capture *capture;
	const struct stage *stage;
	const struct image *old; /* NULL: none */
};
/* For child_start; CONTEXT is a struct capture_work. */
int capture_work(struct channel *channel, void *context);

#endif
