/*
 * targets.h - whom hostping asks: names, addresses and confirm ports, packed, since there may be a hundred thousand.
 *
 * First the hosts, in their order, then the references. A host whose name
 * cannot be resolved stays in the list without an address (family 0): it is
 * UNKNOWN, not absent.
 */
#ifndef HOSTPING_TARGETS_H
#define HOSTPING_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "conf.h"
#include "err.h"
#include "hosts.h"
#include "icmp.h"
#include "str.h"

struct confirm_ports {
	uint16_t ports[HOSTS_CONFIRM_MAX];
	uint16_t count;
};

struct target {
	uint32_t name_at; /* in the names */
	uint16_t confirm; /* index of its ports; 0: none */
	bool listed;      /* in hosts(5): recorded; else asked for by its address only */
};

struct targets {
	struct target *items;           /* COUNT of them */
	struct icmp_address *addresses; /* COUNT, then REFERENCES */
	size_t count;
	size_t references;
	struct confirm_ports *confirms;
	size_t confirm_count;
	struct str names;  /* NUL-terminated, one after the other */
	size_t unresolved; /* hosts without an address */
};

void targets_done(struct targets *targets);
const char *targets_name(const struct targets *targets, uint32_t index);
const struct confirm_ports *targets_confirm(const struct targets *targets, uint32_t index);

/* What to ask for; all borrowed. */
struct targets_wish {
	const struct conf *conf;
	char *const *names; /* hosts of hosts(5), or addresses; NULL: all that are watched */
	size_t name_count;
	bool with_witnesses; /* with NAMES and without references: a few other hosts of the list are asked too, to tell a dead host from a dead network */
};

/*
 * Reads hosts(5) and resolves: may take as long as DNS does. ERR_USAGE or
 * ERR_ENV of the file; ERR_USAGE for a name that is neither a host nor an
 * address; what does not resolve is told through log_warning.
 */
int targets_read(struct targets *targets, const struct targets_wish *wish, struct err *e);

/* The same in a child, so that the caller never waits: its channel becomes readable when targets_take has something to do. */
int targets_start(struct child *loader, const struct targets_wish *wish, struct err *e);
/* 1 and the targets, 0 not yet, negative with what was wrong. After 1 or an error the loader has ended. */
int targets_take(struct child *loader, struct targets *targets, struct err *e);

#endif
