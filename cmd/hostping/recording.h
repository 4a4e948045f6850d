/*
 * recording.h - the prober's dealings with its recorder: what is handed over when, and a new recorder for a dead one.
 *
 * Nothing here waits. A change that finds no room on the way is handed over
 * later, as the host is then; a minute that finds none is left out.
 */
#ifndef HOSTPING_RECORDING_H
#define HOSTPING_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "prober.h"
#include "recorder.h"
#include "targets.h"
#include "vec.h"
#include "watch.h"

/* All zero bytes is none yet. */
struct recording {
	const char *store;             /* URI */
	bool say_locked;               /* say so if another hostping records */
	const struct targets *targets; /* these are borrowed, and changed by recording_use */
	const struct watch *watch;
	struct course *courses;
	struct recorder recorder;
	VEC(pid_t) leaving;        /* recorders of lists that were replaced, to be collected */
	VEC(uint32_t) left;        /* hosts whose newest change found no room */
	struct record_change self; /* the newest of ourselves; at_ms 0: none yet */
	bool self_left;            /* it found no room */
	int64_t restart_ms;        /* when_monotonic; 0: one runs */
	int64_t minute_ms;         /* the wall minute that is being filled */
};

/* From now on these hosts, with a recorder of their own; that of the hosts before writes what it has and ends. */
void recording_use(struct recording *recording, const struct targets *targets, const struct watch *watch,
		   struct course *courses);
/* What is still due for the hosts so far; before recording_use, while they are there. */
void recording_settle(struct recording *recording);
/* Hands over a change that was told at AT_MS (wall time). */
void recording_change(struct recording *recording, const struct watch_change *change, int64_t at_ms,
		      const char *detail);
/* To be called often: ends the minute, starts a recorder again, hands over what was left. */
void recording_turn(struct recording *recording);
/* Until the minute ends, milliseconds. */
int64_t recording_rest_ms(const struct recording *recording);
/* After SIGCHLD. */
void recording_collect(struct recording *recording);
/* Ends the recorder; CLEAN: says that this was on purpose, and waits a while until it is written. */
void recording_end(struct recording *recording, bool clean);

#endif
