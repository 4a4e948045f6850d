/* tell.h - a change in words: the detail of a line, for the administrator who reads it in a mail. */
#ifndef HOSTPING_TELL_H
#define HOSTPING_TELL_H

#include <stdint.h>

#include "str.h"
#include "targets.h"
#include "watch.h"

/* Appends the detail of CHANGE to TEXT: "3 of 4 pings lost; ports 16509 and 22 silent; 2 of 2 others answer". DOWN_MS: how long it was down before it came UP, or 0. Empty if there is nothing to say. */
void tell_detail(const struct watch_change *change, const struct targets *targets, int64_t down_ms,
		 struct str *text);

/* Appends that no reference answers while hosts do, and where to mend that, to TEXT. */
void tell_unwitnessed(const struct targets *targets, struct str *text);

#endif
