/* follow.h - stays connected to all hosts and records each change as it happens. */
#ifndef VMSNAP_FOLLOW_H
#define VMSNAP_FOLLOW_H

#include <signal.h>
#include <stdbool.h>

#include "conf.h"
#include "err.h"
#include "hosts.h"
#include "store.h"

enum { FOLLOW_REREAD_MIN_MS = 1000 };

struct follow {
	const struct conf *conf;
	bool json;
	const volatile sig_atomic_t *stop;
	volatile sig_atomic_t *again; /* read hosts(5) again now; else before each snapshot */
};

/*
 * Follows HOSTS, which are replaced when hosts(5) says other, until *stop, then 0. ERR_LOCKED:
 * another process follows already. Else the store or the standard output cannot be written.
 */
int follow_hosts(const struct follow *follow, struct hosts *hosts, struct store *store, struct err *e);

#endif
