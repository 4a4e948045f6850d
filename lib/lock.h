/*
 * lock.h - one process at a time: an advisory lock on a file of its own.
 *
 * The kernel drops it when its process ends, however that ends; a child of
 * fork does not hold it (fcntl(2), F_SETLK). The file stays: a file that is
 * removed can be locked twice. store_lock_path() says where the lock of a store lies.
 */
#ifndef VMROLL_LOCK_H
#define VMROLL_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct lock {
	int fd;
	pid_t process; /* 0: not held */
};

#define LOCK_NONE                                                                                            \
	{                                                                                                    \
		-1, 0                                                                                        \
	}

/*
 * Takes the lock at PATH without waiting; *LOCK is released with lock_done.
 * The file is made (mode 0660) if missing, its folder is not: open the store
 * for writing first. ERR_LOCKED names the process that holds it; ERR_USAGE:
 * this process holds it already; ERR_ENV; ERR_FULL.
 */
int lock_acquire(struct lock *lock, const char *path, struct err *e);
/*
 * One of many locks in one file: PART of the file at PATH, SHARED with others that share it or for this caller alone, also
 * within this process. Several locks of different parts may be held at once (fcntl(2), F_OFD_SETLK). A child of
 * fork holds it with us, until one calls lock_done here or all have closed the descriptor, as those of child.h and command.h do at once. The file is not one of
 * lock_acquire's. ERR_LOCKED without the holder's id, which the kernel does not tell; ERR_ENV; ERR_FULL.
 */
int lock_acquire_part(struct lock *lock, const char *path, uint64_t part, bool shared, struct err *e);
/* Fit for cleanup(). In a child of fork it only closes the file. */
void lock_done(struct lock *lock);

#endif
