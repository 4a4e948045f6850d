/* line.h - the lines of vmsnap --follow: always one an event, raw or JSON, out at once. */
#ifndef VMSNAP_LINE_H
#define VMSNAP_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "shard.h"

struct lines;

int lines_new(struct lines **lines, bool json, struct err *e);
void lines_free(struct lines *lines); /* NULL-safe */

/* An event of a VM. ERR_ENV: the standard output cannot be written. */
int lines_event(struct lines *lines, const char *host, const struct shard_event *event, const char *name,
		struct err *e);
/* An event of the host itself; DETAIL may be NULL. */
int lines_host(struct lines *lines, int64_t at, const char *host, const char *event, const char *detail,
	       struct err *e);

#endif
