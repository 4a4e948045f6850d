/*
 * neighbours.h - which network card the kernel last saw behind an address of the local network.
 *
 * The kernel's neighbour table (ARP and NDP), read over rtnetlink(7) with RTM_GETNEIGH; nothing is changed and nothing is sent.
 */
#ifndef VMROLL_NEIGHBOURS_H
#define VMROLL_NEIGHBOURS_H

#include <stddef.h>

#include "err.h"
#include "icmp.h"

enum { NEIGHBOUR_MAC_SIZE = 6 };

struct neighbour {
	struct icmp_address address; /* scope as icmp_address_parse gives it */
	unsigned char mac[NEIGHBOUR_MAC_SIZE];
};

struct neighbours {
	struct neighbour *items;
	size_t count, capacity;
};

/* Reads all entries, IPv4 and IPv6, whose Ethernet address is known; it need not have been seen lately. ERR_ENV. The caller calls neighbours_done, also after a failure. */
int neighbours_read(struct neighbours *neighbours, struct err *e);
void neighbours_done(struct neighbours *neighbours);
/* The card behind ADDRESS, NEIGHBOUR_MAC_SIZE bytes; NULL if it is not known. Borrowed. */
const unsigned char *neighbours_find(const struct neighbours *neighbours, const struct icmp_address *address);

#endif
