/*
 * workers.h - a bounded pool of worker processes, for calls that may hang.
 *
 * libvirt can hang where no timeout reaches, even in connect. So each job runs
 * in a process of its own, which is used again while it is healthy: one that
 * is late is killed and replaced. Jobs are started in the order of their
 * numbers. See child.h for what a worker has of its parent: nothing.
 */
#ifndef VMROLL_WORKERS_H
#define VMROLL_WORKERS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { WORKERS_JOB_BYTES_MAX = 512 << 20 }; /* what one job may send in all */

/* ---- in the worker ---- */

struct worker;

/* Sends one frame to the parent's received(). ERR_TOO_LARGE (CHANNEL_FRAME_MAX of child.h), ERR_NET (the parent is gone). */
int worker_send(struct worker *worker, const void *bytes, size_t length, struct err *e);
/* Until this job is late; the deadline of the whole run counts too, a stall does not. Years where there is neither. */
int64_t worker_time_left_ms(const struct worker *worker);
/* Says that the job is done, so that tidying up (closing a connection) counts no more. */
int worker_finish(struct worker *worker, struct err *e);

/* ---- in the parent ---- */

struct workers_outcome {
	bool asked; /* false: the run ended before its turn */
	int code; /* 0, or an err_code: what the job returned, ERR_DEADLINE late or stalled, ERR_ENV the worker died */
	const char *text; /* why, for people; borrowed */
	int64_t elapsed_ms;
};

struct workers_job {
	void *context; /* for the functions below; a worker sees it as it was when that worker was forked */
	/* In a worker. The message in *E goes to the parent with a negative result. */
	int (*work)(struct worker *worker, size_t job, void *context, struct err *e);
	/* In the parent, a frame of JOB. Negative: the frame is bad; the worker is killed and the job fails with *E. */
	int (*received)(void *context, size_t job, const void *bytes, size_t length, struct err *e);
	/* In the parent, once for every job. Negative ends the run with *E. */
	int (*finished)(void *context, size_t job, const struct workers_outcome *outcome, struct err *e);
};

/* Time that the parent spends in the functions above is not held against a job. */
struct workers_limits {
	unsigned parallel;       /* processes, at least 1 */
	int64_t job_deadline_ms; /* from its start; 0: none */
	int64_t run_deadline_ms; /* from the call of workers_run; 0: none */
	int64_t stall_ms; /* a job that sends nothing for so long is late, whatever its deadline; 0: none */
};

/*
 * Runs JOBS jobs; returns when all are finished, late or, after the run's
 * deadline or when *STOP (may be NULL) is set, not asked. 0; ERR_DEADLINE: the
 * run's deadline passed with jobs left; ERR_ENV: not even one worker could be
 * forked; or what finished() returned. No worker is left behind.
 */
int workers_run(const struct workers_job *job, size_t jobs, const struct workers_limits *limits,
		const volatile sig_atomic_t *stop, struct err *e);

#endif
