/*
 * engine.h - one turn of probing: who is due is asked, what came back is judged.
 *
 * Sends are spread over the interval, in the order of the targets. Nothing
 * here waits; the caller sleeps until engine_wake, or until its epoll has
 * something, and takes the next turn.
 */
#ifndef HOSTPING_ENGINE_H
#define HOSTPING_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "cells.h"
#include "conf.h"
#include "confirm.h"
#include "err.h"
#include "icmp.h"
#include "prober.h"
#include "targets.h"
#include "watch.h"

/* The upper half of an epoll event's data; the lower is the owner's. */
enum engine_tag { TAG_ICMP, TAG_CONFIRM, TAG_SIGNAL, TAG_OUTPUT, TAG_RECORDER, TAG_LOADER };

struct engine {
	struct icmp *icmp;
	const struct targets *targets; /* these are borrowed, and changed by engine_use */
	struct watch *watch;
	struct course *courses;
	struct cells *cells; /* or NULL */

	int epoll;
	struct confirm *confirm;
	int64_t interval_ns;
	int64_t timeout_ns;

	bool undecided_only; /* hosts whose window says something are not asked again */
	int64_t round_ns;    /* when the first target of this round is due */
	uint32_t next;       /* target */
	unsigned rounds;     /* finished ones */
	bool polled;         /* the ICMP sockets are in the epoll: a wake-up each reply */
	int64_t turn_ns;     /* CLOCK_MONOTONIC of this turn */

	uint64_t blind; /* probes that failed on our side since it was last said */
	int blind_errnum;
	int64_t blind_said_ns;
};

/* ERR_ENV. The caller calls engine_done in any case. */
int engine_init(struct engine *engine, struct icmp *icmp, const struct conf *conf, struct err *e);
void engine_done(struct engine *engine);
/* From now on these targets; their first round begins now. */
void engine_use(struct engine *engine, const struct targets *targets, struct watch *watch,
		struct course *courses);

/* Sends what is due and judges what came. LAST_ROUND: no send after that many rounds; 0: for ever. */
void engine_turn(struct engine *engine, unsigned last_round);
/* Takes an event of TAG_ICMP or TAG_CONFIRM. */
void engine_event(struct engine *engine, const struct epoll_event *event);
/* When the next turn is due (CLOCK_MONOTONIC ns). */
int64_t engine_wake(const struct engine *engine, unsigned last_round);
/* Whether nothing is waited for any more. */
bool engine_is_idle(const struct engine *engine);
/* Waits for events until UNTIL_NS at most. Returns how many, 0 also when interrupted. */
int engine_wait(struct engine *engine, int64_t until_ns, struct epoll_event *events, int maximum);

uint64_t engine_data(enum engine_tag tag, uint32_t value);

#endif
