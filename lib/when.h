/* when.h - instants and durations: reading, writing, clocks. */
#ifndef VMROLL_WHEN_H
#define VMROLL_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* An instant is UTC milliseconds since 1970-01-01 (int64_t); WHEN_UNKNOWN is none. A duration is milliseconds. */
#define WHEN_UNKNOWN INT64_MIN

enum { WHEN_TEXT_SIZE = 48 };

enum when_style {
	WHEN_LOCAL,   /* 2026-11-20 12:33:21          local time, for tables */
	WHEN_RFC3339, /* 2026-11-20T12:33:21+09:00    local time with zone, whole seconds */
	WHEN_EVENT,   /* 2026-11-20T12:33:21.123+09:00  the same with milliseconds */
	WHEN_CLOCK,   /* 12:33:21                     local time of day */
	WHEN_MAIL     /* Fri, 20 Nov 2026 12:33:21 +0900  RFC 5322, never localised */
};

/* Now: wall clock (CLOCK_REALTIME), and CLOCK_MONOTONIC for deadlines. Milliseconds. */
int64_t when_now(void);
int64_t when_monotonic(void);
/* CLOCK_MONOTONIC in nanoseconds. */
int64_t when_monotonic_ns(void);

/* Writes the instant in STYLE into TEXT (WHEN_TEXT_SIZE bytes) and returns TEXT; WHEN_UNKNOWN gives "-". */
const char *when_format(int64_t instant, enum when_style style, char *text);

/*
 * Reads an instant as vmroll(7) allows it: RFC 3339, `@SECONDS[.mmm]`,
 * `2026-11-20 12:33[:21[.123]]`, `2026-11-20`, `12:33[:21]` (the latest that is past, relative to
 * NOW), `15m ago`, `yesterday [18:00]`, `today [18:00]`, `now`. An hour that
 * occurs twice means the first, and *AMBIGUOUS (may be NULL) is set so that
 * the caller can say so; a time of day that a change of clocks skips is
 * ERR_USAGE, as is everything else.
 */
int when_parse(const char *text, int64_t now, int64_t *instant, bool *ambiguous, struct err *e);

/* Reads "250ms", "1s", "15m", "2h", "400d", "1h30m", "0"; a number without unit (other than 0) is ERR_USAGE. Result in milliseconds. */
int when_parse_duration(const char *text, int64_t *milliseconds, struct err *e);

/* "3m21s", "2d4h", "450ms", "0s": the two largest units. Writes into TEXT (WHEN_TEXT_SIZE) and returns it. */
const char *when_format_duration(int64_t milliseconds, char *text);

#endif
