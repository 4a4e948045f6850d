/*
 * cells.h - what the board shows of each host, in memory shared with the prober.
 *
 * One writer, one reader, no lock: a cell that is read while it changes shows
 * a mixture for one refresh, which nothing but eyes depends on.
 */
#ifndef HOSTPING_CELLS_H
#define HOSTPING_CELLS_H

#include <stddef.h>
#include <stdint.h>

enum { CELLS_PROBES = 60 };

/* A probe of the last ones: 0 none yet, CELL_LOST, else 1 + the round trip on a scale of CELL_STEPS. */
enum { CELL_STEPS = 8, CELL_LOST = 255 };

struct cell {
	int64_t since_ms; /* WHEN_UNKNOWN: no change seen yet */
	int32_t rtt_us;   /* -1: none */
	uint8_t state;    /* enum host_state */
	uint8_t silent;   /* UP by a confirm port alone */
	uint8_t changes;  /* how many, up to 255 */
	uint8_t next;     /* where in PROBES the next one goes */
	uint8_t probes[CELLS_PROBES];
};

struct cells {
	size_t count;
	int64_t beat_ms; /* when the prober last looked, CLOCK_MONOTONIC */
	uint8_t isolated;
	uint8_t unwitnessed; /* no reference answers, though hosts do */
	struct cell items[];
};

#endif
