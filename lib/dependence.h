/*
 * dependence.h - whether a service that our messages need has died with a host, as far as can be known.
 *
 * The grounds, the strongest first: the settings name the VM that the service runs in; the network card behind its
 * address is that of an affected VM, or the dead host's; its address is the dead host's; a VM, or the host, is called
 * as the service's host is, or as the first label of that ("mail" for mail.example.org). The last is a guess, and is
 * not made where the settings name the VM. VMs that run again, or had moved away before, do not count (notice_is_back).
 */
#ifndef VMROLL_DEPENDENCE_H
#define VMROLL_DEPENDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "affected.h"
#include "hosts.h"
#include "icmp.h"
#include "str.h"
#include "vm.h"

struct dependence_address {
	struct icmp_address address;
	bool has_mac; /* the card behind it is known */
	unsigned char mac[VM_MAC_SIZE];
};

/* All borrowed. */
struct dependence_service {
	const char *what;                           /* for people: "mail relay" */
	const char *host;                           /* name or literal */
	const char *vm;                             /* the name of the VM, by the settings; or NULL */
	const struct dependence_address *addresses; /* as far as known; those of the loopback say nothing */
	size_t address_count;
};

/* All borrowed. */
struct dependence_death {
	const struct host *host;         /* its line of hosts(5), or NULL */
	const struct affected *affected; /* what ran there, with its name */
};

/* Whether both are the same address. */
bool dependence_same_address(const struct icmp_address *a, const struct icmp_address *b);
/* Whether DEATH very likely took the service with it; then why is appended to WHY, for people, on one line, after "; " if WHY is not empty. */
bool dependence_judge(const struct dependence_service *service, const struct dependence_death *death,
		      struct str *why);

#endif
