/* link.h - one followed host as the parent of the shards sees it: what it said, and what of it is in the roll. */
#ifndef VMSNAP_LINK_H
#define VMSNAP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "child.h"
#include "err.h"
#include "hosts.h"
#include "known.h"
#include "shard.h"
#include "store.h"
#include "vec.h"

enum link_state {
	LINK_DOWN,    /* waits for its turn */
	LINK_TRIED,   /* a process of its own finds out whether it still hangs */
	LINK_ASKED,   /* its list is awaited: it was told to connect or to list, or an event came */
	LINK_READING, /* its list has come, XML follows */
	LINK_LIVE
};

/* What an event told, until the list that follows it has come. */
struct link_event {
	unsigned char uuid[VM_UUID_SIZE];
	int64_t at;
};

struct link {
	const struct host *host;
	enum link_state state;
	uint32_t generation;
	int64_t due; /* when_monotonic; DOWN: to connect; LIVE: unused; else: to give up */
	int64_t backoff_ms;
	bool hung;                        /* it was late, and a thread is left behind in its shard */
	struct child trial;               /* of TRIED */
	bool again;                       /* is to be asked again when there is a place */
	bool told;                        /* its failure was printed */
	bool waits;                       /* for a snapshot, because the roll does not know it */
	bool followed;                    /* roll_follow_begin was called, roll_follow_end was not */
	unsigned char uuid[VM_UUID_SIZE]; /* under which it is followed */
	bool identified;                  /* this connection has told who the host is */
	bool derived;                     /* by its name only */
	unsigned char identity[VM_UUID_SIZE];
	struct answer answer;
	VEC(struct link_event) events;
};

void link_done(struct link *link);
/* Forgets what an earlier connection told. */
void link_renew(struct link *link);

/*
 * Writes to the roll, for SESSION of roll_follow_open, what the whole list in link->answer changes, each at the
 * time of its event, else of the list. 1: done; 0: the roll does not know this
 * host yet, or as another: a snapshot must come first. The store's errors.
 */
int link_put(struct link *link, struct store *store, uint64_t session, const struct known *known, struct err *e);

#endif
