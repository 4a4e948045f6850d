/* virt_guest.c - what the inside of a domain tells: its addresses, and file systems that hold still; and memory for more of them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "mem.h"
#include "str.h"
#include "virt_control.h"
#include "virt_private.h"

/* ---- addresses ---- */

static bool is_told(const struct virt_names *addresses, const char *address)
{
	vec_foreach(addresses, known)
		if (strcmp(*known, address) == 0)
			return true;
	return false;
}

static bool is_reachable(const char *address)
{
	static const char *const near[] = {"127.", "169.254.", "fe80:"};

	for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
		if (str_starts(address, near[i]))
			return false;
	return strcmp(address, "::1") != 0;
}

static void take_addresses(const virDomainInterface *interface, struct virt_names *addresses)
{
	for (unsigned i = 0; i < interface->naddrs; i++) {
		const char *address = interface->addrs[i].addr;
		if (address && is_reachable(address) && !is_told(addresses, address))
			vec_push(addresses, mem_string(address));
	}
}

/* A source that a domain does not have is none; whether the host still answers is asked at the end. */
static void ask_source(virDomainPtr domain, unsigned source, struct virt_names *addresses)
{
	virDomainInterfacePtr *interfaces = NULL;

	int count = virDomainInterfaceAddresses(domain, &interfaces, source, 0);
	for (int i = 0; i < count; i++) {
		take_addresses(interfaces[i], addresses);
		virDomainInterfaceFree(interfaces[i]);
	}
	free(interfaces);
}

int virt_domain_addresses(struct virt *virt, const unsigned char *uuid, struct virt_names *addresses,
			  struct err *e)
{
	static const unsigned sources[] = {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
					   VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
					   VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP};
	cleanup(cleanup_domain) virDomainPtr domain = NULL;
	cleanup(virt_names_done) struct virt_names found = {0};

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof sources / sizeof sources[0] && found.count == 0; i++)
		ask_source(domain, sources[i], &found);
	if (virConnectIsAlive(virt->connection) != 1)
		return err_set(e, ERR_NET, "the connection broke");
	*addresses = found;
	found = (struct virt_names){0};
	return 0;
}

/* ---- file systems ---- */

/* Whatever went wrong on the way to the agent, the agent did not do it. */
static int agent_error(virDomainPtr domain, struct err *e)
{
	bool is_late = virGetLastErrorCode() == VIR_ERR_OPERATION_TIMEOUT;
	int result = virt_domain_error(domain, e);

	if (!is_late)
		return result;
	if (e)
		e->code = ERR_ENV;
	return ERR_ENV;
}

int virt_domain_freeze(struct virt *virt, const unsigned char *uuid, int wait_s, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result;
	/* Else an agent that has stopped answering is waited for until this process is killed. */
	if (virDomainAgentSetResponseTimeout(domain, wait_s, 0) < 0)
		return agent_error(domain, e);
	if (virDomainFSFreeze(domain, NULL, 0, 0) < 0)
		result = agent_error(domain, e);
	virDomainAgentSetResponseTimeout(domain, VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, 0);
	return result;
}

int virt_domain_thaw(struct virt *virt, const unsigned char *uuid, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result;
	return virDomainFSThaw(domain, NULL, 0, 0) < 0 ? agent_error(domain, e) : 0;
}

/* ---- memory ---- */

/* What files have in memory goes when somebody needs it: virNodeGetFreeMemory would call a busy host full. */
static bool is_free(const char *field)
{
	return strcmp(field, VIR_NODE_MEMORY_STATS_FREE) == 0 ||
	       strcmp(field, VIR_NODE_MEMORY_STATS_BUFFERS) == 0 ||
	       strcmp(field, VIR_NODE_MEMORY_STATS_CACHED) == 0;
}

static int read_memory(virConnectPtr connection, uint64_t *bytes, int count, struct err *e)
{
	cleanup(cleanup_mem) virNodeMemoryStats *stats = mem_zalloc((size_t)count, sizeof *stats);

	if (virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &count, 0) < 0)
		return virt_error(e, "memory of the host");
	*bytes = 0;
	for (int i = 0; i < count; i++)
		if (is_free(stats[i].field))
			*bytes += (uint64_t)stats[i].value * 1024;
	return 0;
}

int virt_free_memory(struct virt *virt, uint64_t *bytes, struct err *e)
{
	int count = 0;

	if (virNodeGetMemoryStats(virt->connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &count, 0) == 0 &&
	    count > 0)
		return read_memory(virt->connection, bytes, count, e);
	if (!virt_cannot())
		return virt_error(e, "memory of the host");
	*bytes = VIRT_UNKNOWN;
	return 0;
}
