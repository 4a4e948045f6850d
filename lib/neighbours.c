/* neighbours.c - which network card the kernel last saw behind an address of the local network. */
#include "config.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "mem.h"
#include "neighbours.h"
#include "vec.h"

/* The kernel fills at most 32 KiB of a dump at a time, where so much is offered. */
enum { RECEIVE_SIZE = 32 << 10, RECEIVE_LIMIT_S = 5 };

enum { KNOWN_STATES = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT };

void neighbours_done(struct neighbours *neighbours)
{
	vec_done(neighbours);
}

static size_t address_size(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static int ask(int fd, struct err *e)
{
	struct {
		struct nlmsghdr header;
		struct ndmsg entry;
	} request = {
		.header = {.nlmsg_len = sizeof request,
			   .nlmsg_type = RTM_GETNEIGH,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.entry = {.ndm_family = AF_UNSPEC},
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(fd, &request, sizeof request, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return err_set_errno(e, ERR_ENV, errno, "neighbour table");
	return 0;
}

static const struct rtattr *find_attribute(struct nlmsghdr *message, unsigned short type)
{
	size_t length = NLMSG_PAYLOAD(message, sizeof(struct ndmsg));
	const struct rtattr *attribute =
		(const struct rtattr *)((char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct ndmsg)));

	for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
		if (attribute->rta_type == type)
			return attribute;
	return NULL;
}

static bool is_link_local(const struct icmp_address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xFE && (address->bytes[1] & 0xC0) == 0x80;
}

/* What has no Ethernet address (tunnels, loopback) is left out. */
static void take_entry(struct neighbours *neighbours, struct nlmsghdr *message)
{
	static const unsigned char nowhere[NEIGHBOUR_MAC_SIZE];
	const struct ndmsg *entry = NLMSG_DATA(message);
	struct neighbour found = {.address.family = entry->ndm_family};

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof *entry) || !(entry->ndm_state & KNOWN_STATES) ||
	    (entry->ndm_family != AF_INET && entry->ndm_family != AF_INET6))
		return;
	const struct rtattr *address = find_attribute(message, NDA_DST);
	const struct rtattr *mac = find_attribute(message, NDA_LLADDR);
	if (!address || RTA_PAYLOAD(address) != address_size(entry->ndm_family) || !mac ||
	    RTA_PAYLOAD(mac) != sizeof found.mac)
		return;
	memcpy(found.address.bytes, RTA_DATA(address), RTA_PAYLOAD(address));
	memcpy(found.mac, RTA_DATA(mac), sizeof found.mac);
	if (is_link_local(&found.address))
		found.address.scope = (uint32_t)entry->ndm_ifindex;
	if (memcmp(found.mac, nowhere, sizeof nowhere) != 0)
		vec_push(neighbours, found);
}

/* One datagram of the dump; 1 after the last. */
static int take(struct neighbours *neighbours, struct nlmsghdr *message, size_t length, struct err *e)
{
	for (; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
		if (message->nlmsg_type == NLMSG_DONE)
			return 1;
		if (message->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = NLMSG_DATA(message);
			bool whole = message->nlmsg_len >= NLMSG_LENGTH(sizeof *error);
			return err_set_errno(e, ERR_ENV, whole ? -error->error : EPROTO, "neighbour table");
		}
		if (message->nlmsg_type == RTM_NEWNEIGH)
			take_entry(neighbours, message);
	}
	return 0;
}

static int receive(int fd, struct neighbours *neighbours, struct err *e)
{
	union {
		struct nlmsghdr header;
		char bytes[RECEIVE_SIZE];
	} buffer;
	int result = 0;

	while (result == 0) {
		ssize_t length = recv(fd, &buffer, sizeof buffer, 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return err_set_errno(e, ERR_ENV, errno, "neighbour table");
		result = take(neighbours, &buffer.header, (size_t)length, e);
	}
	return result < 0 ? result : 0;
}

int neighbours_read(struct neighbours *neighbours, struct err *e)
{
	cleanup(cleanup_fd) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct timeval limit = {.tv_sec = RECEIVE_LIMIT_S};

	*neighbours = (struct neighbours){0};
	if (fd < 0)
		return err_set_errno(e, ERR_ENV, errno, "neighbour table");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	int result = ask(fd, e);
	return result < 0 ? result : receive(fd, neighbours, e);
}

const unsigned char *neighbours_find(const struct neighbours *neighbours, const struct icmp_address *address)
{
	vec_foreach(neighbours, item)
		if (item->address.family == address->family && item->address.scope == address->scope &&
		    memcmp(item->address.bytes, address->bytes, address_size(address->family)) == 0)
			return item->mac;
	return NULL;
}
