/*
 * child.h - child processes that can be given up: each has a channel of
 * length-prefixed frames to its parent, dies with it and holds nothing of it.
 *
 * Neither end trusts the other: a frame is bounded, and one that is cut short
 * or too long is an error.
 */
#ifndef VMROLL_CHILD_H
#define VMROLL_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "str.h"

enum { CHANNEL_FRAME_MAX = 16 << 20 };

/* One end of a stream of frames: four bytes of length, one of kind (both ends are this program), the bytes. */
struct channel {
	int fd;
	struct str in; /* received, not yet taken */
	size_t taken;
};

struct frame {
	unsigned char kind;
	const void *bytes; /* borrowed until the next call on this channel; not aligned */
	size_t length;
};

/* Sends one frame and waits until it is gone. ERR_TOO_LARGE; ERR_NET: the other end is gone. Not to be called by two threads at once. */
int channel_send(struct channel *channel, unsigned char kind, const void *bytes, size_t length, struct err *e);
/* Receives what has come, without waiting: 1 something, 0 nothing yet, ERR_NET the other end is gone. */
int channel_fill(struct channel *channel, struct err *e);
/* The next whole frame of what was received: 1, 0 if there is none, ERR_CORRUPT if it claims more than CHANNEL_FRAME_MAX. */
int channel_next(struct channel *channel, struct frame *frame, struct err *e);
/* Waits for the next frame. ERR_NET: the other end is gone. */
int channel_wait(struct channel *channel, struct frame *frame, struct err *e);

/* The parent's side of a child. All zero bytes is none; pid is 0 then. */
struct child {
	pid_t pid;
	struct channel channel;
};

/*
 * Forks a child that runs BODY(CHANNEL, CONTEXT) and ends with the status that
 * it returns; it sees CONTEXT as it is now. The child is killed when the parent dies; it has default signals but SIGPIPE, which is ignored, a
 * session of its own (nothing can prompt on the terminal), /dev/null as stdin
 * and stdout, and no other descriptor of the parent but stderr. ERR_ENV.
 */
int child_start(struct child *child, int (*body)(struct channel *channel, void *context), void *context,
		struct err *e);
/* Kills it and its group, and forgets it; safe on one that ended, or none. Waits for it a moment only: child_reap. */
void child_kill(struct child *child);
/*
 * Collects those that child_kill gave up waiting for, and waits for them for up to WAIT_MS: one that sleeps in the kernel
 * where no signal reaches (a dead disk) must not hold us. child_start does it without waiting.
 */
void child_reap(int64_t wait_ms);
/* After the channel ended: collects it, and says in TEXT how it ended ("killed by signal 11", "exit status 4"). Returns the exit status, -1 without one. */
int child_collect(struct child *child, char *text, size_t size);

#endif
