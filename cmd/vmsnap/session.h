/* session.h - one connection to one host in a shard, with a thread of its own. */
#ifndef VMSNAP_SESSION_H
#define VMSNAP_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "child.h"
#include "err.h"
#include "hosts.h"
#include "known.h"
#include "shard.h"

/* The way up to the parent, shared by the threads of a shard. */
struct upward {
	pthread_mutex_t lock;
	struct channel *channel;
	atomic_uint left_behind; /* threads that hang, of sessions that were left */
};

struct session;

/* Sends one frame up. */
int upward_tell(struct upward *up, struct shard_head head, enum shard_kind kind, const void *bytes,
		size_t length, struct err *e);

/*
 * Connects and listens to HOST and lists its VMs, in a thread; reports to UP
 * under HEAD. KNOWN is where what is known of the host lies while no session
 * has it; the session takes it, and brings it back when it ends in good order.
 * ERR_ENV: no thread.
 */
int session_start(struct session **session, const struct host *host, struct shard_head head,
		  struct known *known, int64_t reread_ms, struct upward *up, struct err *e);
/* Asks for the list again. */
void session_ask(struct session *session);
/* Gives up the caller's hold. A thread that has not ended is left behind, and goes without a word when it can. */
void session_leave(struct session *session);

#endif
