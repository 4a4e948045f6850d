/* ask.h - what the hosts are asked before anything is placed: what they have room for, and which names they know. */
#ifndef VMGROUP_ASK_H
#define VMGROUP_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deployment.h"
#include "hosts.h"
#include "map.h"
#include "session.h"
#include "vec.h"

/* What one host said. */
struct asked {
	const struct host *host;
	bool candidate; /* something may be placed there */
	bool answered;
	char *refusal;   /* why nothing is placed there: it does not answer, has no such pool, …; NULL */
	char *pool_path; /* or NULL */
	bool has_files;  /* its pool takes qcow2 */
	uint64_t capacity_bytes, available_bytes;
	uint64_t memory_bytes; /* UINT64_MAX: the driver does not tell */
	struct image_texts domains;
	struct image_texts volumes; /* of deployments, in the pool, that are there; and what each has taken */
	VEC(uint64_t) allocations;
	struct map *allocated; /* from volume to its allocation */
};

struct asked_hosts {
	struct asked *items;
	size_t count, capacity;
};
void asked_hosts_done(struct asked_hosts *asked);

/*
 * Asks every host that hosts(5) expects an answer of, and those of --host. One that cannot be used is named once. ERR_USAGE: a
 * host of --host is unknown; ERR_NET: no host answered. POOL is where volumes will be made; DEPLOYMENTS and BASES have volumes there of which it is asked how much they take.
 */
int ask_hosts(struct session *session, const char *pool, const struct deployments *deployments,
	      const struct deployed_bases *bases, struct asked_hosts *asked, struct err *e);

/* For deployment_promised: CONTEXT is a struct asked. UINT64_MAX: no such volume was seen. */
uint64_t asked_allocated(void *context, const char *volume);
/* The host that has a domain of that NAME, or NULL. */
const struct asked *asked_domain(const struct asked_hosts *asked, const char *name);

#endif
