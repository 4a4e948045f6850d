/* run.h - notify-admins as a filter, and as a cron job. */
#ifndef NOTIFY_RUN_H
#define NOTIFY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"

/*
 * Tells everybody who must still hear something. With INPUT reads hostping's lines
 * from stdin until its end, then goes on for DRAIN_MS at most while something is left; without, takes what the
 * store knows and ends when nothing is due. ERR_PARTIAL: somebody could not be told (each was said).
 */
int run(const struct conf *conf, bool input, int64_t drain_ms, bool dry_run, struct err *e);

#endif
