/* call_process.h - struct caller, and its process. */
#ifndef VMROLL_CALL_PROCESS_H
#define VMROLL_CALL_PROCESS_H

#include "call_private.h"
#include "vec.h"

struct order {
	uint64_t tag;
	enum { ORDER_WAITING, ORDER_GIVEN, ORDER_TAKEN } state;
	struct str frame; /* until it is given */
};

struct settled {
	uint64_t tag;
	struct delivery_outcome outcome;
};

struct troubles {
	struct err *items;
	size_t count, capacity;
};

struct caller {
	char *from, *exchange, *registrar, *user, *password;
	int64_t ring_timeout_ms;
	unsigned calls;
	struct child child; /* pid 0: none */
	bool ending;        /* it was told to end, and takes no orders */
	int64_t heard;      /* CLOCK_MONOTONIC: when it last said anything, or got something to do */
	int poll, timer;    /* what is waited for; the timer is one of it */
	VEC(struct order) orders;
	VEC(struct settled) settled;
	struct troubles troubles; /* not told yet */
	struct troubles told;     /* since a call got through */
};

/* Takes what the process says, sees whether it lives, and gives it what it may have. */
void caller_step(struct caller *caller);
/* Sets the timer for what is to be done next. */
void caller_rearm(const struct caller *caller);
/* The process sees the end of its channel, hangs up, unregisters and ends; see `ending`. */
void caller_end_process(struct caller *caller);

#endif
