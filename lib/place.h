/*
 * place.h - which host takes which virtual machine: bin packing of storage and memory over several hosts.
 *
 * Pure arithmetic, no store, no libvirt. First-fit: the first host in the order of hosts(5) with room. Best-fit: of those with room the one that
 * has the least (storage first, then memory). Spread: the one with the fewest of this deployment's machines, then the most room left. Of equals it is always
 * the first. Machines are placed in the order given; if that fails, once more with the largest first (first-fit decreasing; Johnson 1974), so that what fits
 * is not refused for its order where that helps. The size of a machine is the larger of its shares in all storage and in all memory
 * (vector bin packing; Panigrahy, Talwar, Uyeda, Wieder 2011).
 */
#ifndef VMROLL_PLACE_H
#define VMROLL_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum place_policy { PLACE_FIRST_FIT, PLACE_BEST_FIT, PLACE_SPREAD };
int place_policy_parse(const char *text, enum place_policy *policy, struct err *e);

#define PLACE_UNKNOWN UINT64_MAX

struct place_host {
	uint64_t storage_bytes; /* free, less reserve: what over-commit multiplies */
	uint64_t promised_bytes; /* of that, to others, in full whatever was over-committed then: goes off what over-commit makes of it */
	uint64_t memory_bytes; /* free, less promised; PLACE_UNKNOWN: is not looked at */
	/* out: */
	uint64_t storage_left; /* that may still be promised, over-commit included */
	uint64_t memory_left;  /* PLACE_UNKNOWN stays that */
	size_t machines;
};

/* Storage that a machine needs on any host, and once a host for those that share it (a base, by its number; linked deployments). */
struct place_machine {
	uint64_t storage_bytes, memory_bytes; /* memory PLACE_UNKNOWN: is not looked at */
	size_t base;                          /* index into bases; SIZE_MAX: none */
	/* out: */
	size_t host; /* index; SIZE_MAX: found no place */
};
struct place_base {
	uint64_t storage_bytes;
	const bool *present; /* by host: it lies there already; NULL: nowhere */
};

struct place {
	enum place_policy policy;
	struct place_host *hosts;
	size_t host_count;
	struct place_machine *machines;
	size_t machine_count;
	const struct place_base *bases;
	size_t base_count;
	unsigned over_commit_percent; /* 100: none. 150: half again as much of storage may be promised */
};

/*
 * Places all or none. 1: all have a host. 0: not all; then machines that found one in the first try have it, the others SIZE_MAX, for people to look at,
 * and what is left is what these left. Takes MACHINES x HOSTS steps, three times at most: 10,000 on 1,000 well under a second.
 */
int place_all(struct place *place);

/* Storage that a machine would need on a host beside those that place_all has put there: with its base, if that is not there. UINT64_MAX: more than can be counted. */
uint64_t place_need(const struct place *place, size_t machine, size_t host);

#endif
