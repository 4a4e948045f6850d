/* take.h - takes one snapshot: asks the hosts, writes what they answer. */
#ifndef VMSNAP_TAKE_H
#define VMSNAP_TAKE_H

#include <signal.h>
#include <stddef.h>

#include "conf.h"
#include "err.h"
#include "hosts.h"
#include "store.h"

struct take {
	const struct conf *conf;
	const struct hosts *hosts;
	char *const *only; /* NULL-terminated names; empty: all */
	const volatile sig_atomic_t *stop;
};

/*
 * 0: all hosts that were to be asked have answered. ERR_PARTIAL: some have
 * not. ERR_NET: none has. These two leave *E without a message: each host that failed was
 * named (one that failed last time too with -v only). Else the store's errors, or ERR_USAGE.
 */
int take_snapshot(const struct take *take, struct store *store, struct err *e);

#endif
