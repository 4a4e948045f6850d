/*
 * shard.h - one process that follows up to SHARD_HOSTS hosts, and what it and
 * its parent say to each other.
 *
 * Each host has a thread (session.h), because connecting can hang for ever. A
 * thread that hangs is left behind and replaced when the parent says so, which
 * first tries in a process of its own whether the host still hangs. A shard with
 * many of them ends, and the parent starts it anew.
 */
#ifndef VMSNAP_SHARD_H
#define VMSNAP_SHARD_H

#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "err.h"
#include "hosts.h"
#include "known.h"
#include "virt.h"
#include "vm.h"

/* SHARD_XML_MS: how long the XML that belongs to one list may take. */
enum { SHARD_HOSTS = 64, SHARD_LEFT_BEHIND_MAX = 64, SHARD_XML_MS = 60000 };

/* Frame kinds. The first three go down, the others up; each frame begins with a struct shard_head. */
enum shard_kind {
	SHARD_CONNECT, /* (again): from now on only this generation counts */
	SHARD_ASK,     /* list your VMs */
	SHARD_GREET,   /* of no host: say that you are there */
	SHARD_HERE,
	SHARD_ANSWER, /* a frame of answer.h */
	SHARD_DONE,   /* the answer is whole, XML included */
	SHARD_EVENT,  /* struct shard_event, then the name of the VM */
	SHARD_LOST    /* int32 err_code, then why; the session is over */
};

struct shard_head {
	uint32_t host; /* place in hosts(5) */
	uint32_t generation;
};

struct shard_event {
	int64_t at;
	int32_t kind, event, detail; /* of struct virt_event */
	unsigned char uuid[VM_UUID_SIZE];
};

struct shard {
	const struct hosts *hosts;
	struct known *known; /* by place in hosts(5); the shard takes what is its own */
	size_t first, count; /* places */
	int64_t reread_ms;
};

/* For child_start; CONTEXT is the struct shard. Runs until its parent is gone. */
int shard_body(struct channel *channel, void *context);

#endif
