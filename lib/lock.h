/*
 * lock.h - one process at a time: an advisory lock on a file of its own.
 *
 * The kernel drops it when its process ends, however that ends; a child of
 * fork does not hold it (fcntl(2), F_SETLK). The file stays: a file that is
 * removed can be locked twice. store_lock_path() says where the lock of a store lies.
 */
#ifndef VMROLL_LOCK_H
#define VMROLL_LOCK_H

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
/* Fit for cleanup(). In a child of fork it only closes the file. */
void lock_done(struct lock *lock);

#endif
