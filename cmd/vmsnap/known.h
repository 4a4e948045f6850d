/* known.h - what the roll says of a host before it is asked again. */
#ifndef VMSNAP_KNOWN_H
#define VMSNAP_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "hosts.h"
#include "roll.h"
#include "store.h"
#include "vm.h"

/* All zero bytes: nothing is known. */
struct known {
	bool any;              /* the host has answered before */
	struct roll_host host; /* as it was then */
	bool failed;           /* last time; for take.c, known_read leaves it alone */
	struct vm *vms;        /* sorted by UUID */
	size_t count;
};

/* Reads what is known of each of HOSTS into the array *KNOWN, in their order. known_free takes COUNT of them. */
int known_read(struct known **known, struct store *store, const struct hosts *hosts, struct err *e);
void known_done(struct known *known);
void known_free(struct known *known, size_t count);

/* Reads one host's VMs anew. */
int known_refresh(struct known *known, struct store *store, struct err *e);

/* The VM of that UUID, or NULL. */
const struct vm *known_vm(const struct known *known, const unsigned char *uuid);

/* Copies what libvirt told of a host; *TO is overwritten. */
void known_copy_host(struct roll_host *to, const struct roll_host *from);

#endif
