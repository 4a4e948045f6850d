/*
 * prober.h - the loop that asks every target once an interval, for ever or for some rounds, and never waits for anything else.
 */
#ifndef HOSTPING_PROBER_H
#define HOSTPING_PROBER_H

#include <stdbool.h>
#include <stdint.h>

#include "cells.h"
#include "conf.h"
#include "err.h"
#include "icmp.h"
#include "rows.h"
#include "targets.h"
#include "watch.h"

/* What the prober keeps of a host beside its window. Small: there may be a hundred thousand. */
struct course {
	int64_t since_ms;              /* WHEN_UNKNOWN until the first change */
	uint64_t rtt_sum_us;           /* of this minute */
	int64_t down_ns;               /* CLOCK_MONOTONIC of its death, 0 while it lives */
	uint16_t sent, lost, answered; /* in this minute */
	bool was_up;                   /* as it was told last */
	bool unrecorded;               /* its newest change found no room on the way to the recorder */
	int32_t rtt_us;                /* last round trip, -1: none */
};

/* ---- once ---- */

/*
 * Fills the window of each host by probes one interval apart; hosts that are
 * decided early are not asked again. WATCH and COURSES (a course a host, zeroed
 * by the caller) hold the result. ERR_ENV.
 */
int prober_fill(struct icmp *icmp, const struct conf *conf, const struct targets *targets,
		struct watch *watch, struct course *courses, struct err *e);

/* ---- for ever ---- */

struct prober_wish {
	const struct conf *conf;
	const struct targets_wish *targets; /* read again on SIGHUP */
	enum rows_format format;            /* of the lines */
	struct cells *cells; /* of the board, which then gets no lines and no SIGHUP; or NULL */
};

/* Probes until SIGINT or SIGTERM. Takes ownership of *TARGETS. ERR_ENV: it cannot go on; the message says why. */
int prober_watch(struct icmp *icmp, const struct prober_wish *wish, struct targets *targets, struct err *e);

/* The rule of the settings. ERR_USAGE if a window of that kind cannot decide. */
int prober_rule(const struct conf *conf, struct watch_rule *rule, struct err *e);

#endif
