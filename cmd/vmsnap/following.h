/* following.h - what follow.c and follow_links.c share: all hosts that are followed, and the processes that do it. */
#ifndef VMSNAP_FOLLOWING_H
#define VMSNAP_FOLLOWING_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "err.h"
#include "follow.h"
#include "hosts.h"
#include "known.h"
#include "line.h"
#include "link.h"
#include "shard.h"
#include "store.h"

struct following {
	const struct follow *follow;
	const struct hosts *hosts;
	struct hosts *fresh; /* what hosts(5) says now, once it says other */
	struct store *store;
	uint64_t session;    /* of roll_follow_open */
	struct known *known; /* by place in hosts(5), as are the links */
	struct link *links;
	struct shard *plans;
	struct child *shards;
	unsigned *unheard; /* by shard: how often it was greeted since it last spoke */
	size_t shard_count;
	struct child snapshot; /* a process that takes one, or none */
	bool snapshot_wanted;  /* soon, for a host that the roll does not know yet */
	int64_t snapshot_due;  /* when_monotonic */
	int64_t snapshot_last; /* when the last one ended */
	int64_t alive_due;
	struct pollfd *polls;
	struct lines *lines;
};

/* Gives up the links that are late, and lets those whose turn it is connect or be asked again. */
int following_serve(struct following *f, struct err *e);
/* Takes what a shard says, or its end. */
int following_hear(struct following *f, size_t shard, struct err *e);
/* Greets the shards, and ends those that did not answer the last times. To be called every few seconds. */
int following_greet(struct following *f, struct err *e);

#endif
