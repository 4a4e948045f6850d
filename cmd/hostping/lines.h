/*
 * lines.h - the lines of hostping --watch on standard output, which never make us wait.
 *
 * A line goes out at once where the reader has room for it. Where it has
 * not, the newest line of each host waits (and an older one of that host is
 * forgotten: its state is no longer true), so that what waits is bounded by the number of hosts.
 */
#ifndef HOSTPING_LINES_H
#define HOSTPING_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "hoststate.h"
#include "rows.h"

struct lines;

/* FD is borrowed. FORMAT ROWS_JSON writes JSON Lines, all else the raw form. */
struct lines *lines_new(int fd, enum rows_format format);
void lines_free(struct lines *lines); /* NULL-safe */

/* Writes the change of the host known as KEY, or keeps it. ERR_ENV: the output cannot be written to any more; a closed pipe raises SIGPIPE. */
int lines_put(struct lines *lines, size_t key, const struct hoststate_change *change, struct err *e);
/* The keys of hosts change: what waits goes out as it is. */
void lines_forget_keys(struct lines *lines);
/* Writes what waits, as far as there is room. */
int lines_flush(struct lines *lines, struct err *e);
bool lines_waiting(const struct lines *lines);
/* To be polled for POLLOUT while lines wait. */
int lines_descriptor(const struct lines *lines);

#endif
