/*
 * progress.h - what is being copied or read: a line each on a terminal, with percent, rate and the time that is left.
 *
 * The lines stand on stderr, below all else, and are drawn anew about five times a second. Where that is no terminal
 * (--progress=always) a line is printed as it ends, and now and then before.
 */
#ifndef VMROLL_PROGRESS_H
#define VMROLL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

struct progress;

/*
 * WHEN is the argument of --progress: "auto" (NULL: the same; only where OUT is a terminal, and not QUIET), "always" or
 * "never"; else ERR_USAGE. The caller calls progress_free.
 */
int progress_new(struct progress **progress, FILE *out, const char *when, bool quiet, struct err *e);
void progress_free(struct progress *progress); /* NULL-safe; what stands on the terminal goes */
void cleanup_progress(struct progress **progress);

/* LABEL ("web1 vda 1/2 copying") has come to DONE of TOTAL bytes (0: not known). The first call begins it. Cheap. */
void progress_set(struct progress *progress, const char *label, uint64_t done_bytes, uint64_t total_bytes);
/* The same of whoever does one thing after the other: what was shown before is over where LABEL is another. */
void progress_set_only(struct progress *progress, const char *label, uint64_t done_bytes, uint64_t total_bytes);
/* LABEL is over, well or not: its line goes. */
void progress_drop(struct progress *progress, const char *label);
/* Takes the lines away until the next progress_set: before anything else is printed. */
void progress_hide(struct progress *progress);

#endif
