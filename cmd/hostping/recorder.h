/*
 * recorder.h - the process that writes what the prober sees into the store.
 *
 * A process of its own, so that neither a slow fsync nor a locked store
 * delays a probe. The prober's side never waits: what finds no room in the
 * channel is refused, and offered again later. The recorder outlives a dead
 * prober just long enough to write what it has been given. One recorder a
 * store: whoever does not get the lock keeps the newest of each host and
 * tries again.
 */
#ifndef HOSTPING_RECORDER_H
#define HOSTPING_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "lock.h"
#include "targets.h"

enum { RECORD_DETAIL_SIZE = 224, RECORD_MINUTE_HOSTS = 2048 };

/* One change of one host, as it goes through the channel. */
struct record_change {
	uint32_t index; /* in the targets, or WATCH_SELF */
	int32_t rtt_us; /* -1: none */
	int64_t at_ms;
	uint8_t state; /* enum host_state */
	uint8_t loss_percent;
	char detail[RECORD_DETAIL_SIZE]; /* "" for none; cut if longer */
};

struct record_minute {
	int32_t rtt_us; /* mean, -1: none */
	uint16_t sent, lost;
};

/* The prober's end. All zero bytes is none. */
struct recorder {
	pid_t pid;
	int fd;
};

/* STORE is its URI. SAY_LOCKED: whether to say so if another one records. ERR_ENV. */
int recorder_start(struct recorder *recorder, const struct targets *targets, const char *store,
		   bool say_locked, struct err *e);
/* True if it went out; false if there is no room now, or no recorder. */
bool recorder_change(const struct recorder *recorder, const struct record_change *change);
/* The minute that began at MINUTE_MS: COUNT hosts from FIRST on, at most RECORD_MINUTE_HOSTS; LAST ends it. */
bool recorder_minute(const struct recorder *recorder, int64_t minute_ms, uint32_t first,
		     const struct record_minute *hosts, size_t count, bool last);
/* Ends the channel: it writes what it has, CLEAN also that it stopped on purpose, and ends by itself. */
void recorder_close(struct recorder *recorder, bool clean);
/* Waits until the recorder PID ended, at most LIMIT_MS. */
void recorder_wait(pid_t pid, int64_t limit_ms);

/* Takes the lock of the one recorder of STORE (its URI), which must exist. ERR_LOCKED: another hostping records. */
int recorder_lock(const char *store, struct lock *lock, struct err *e);

#endif
