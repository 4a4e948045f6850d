/* icmp_private.h - what the parts of icmp share: packets, sockets and their batches. */
#ifndef VMROLL_ICMP_PRIVATE_H
#define VMROLL_ICMP_PRIVATE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "icmp.h"

enum {
	ICMP_SEND_BATCH = 64,
	ICMP_RECEIVE_BATCH = 64,
	ICMP_RECEIVE_SIZE = 128, /* the longest IPv4 header and a request of ours fit */
	ICMP_CONTROL_SIZE = 96   /* SCM_TIMESTAMPNS and SO_RXQ_OVFL */
};

/* RFC 792, RFC 4443: both families share this header. */
struct icmp_request {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id;
	uint16_t sequence;
	uint64_t number; /* which request, never used twice */
	uint64_t nonce;
};

union icmp_endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* One socket and its batches. */
struct icmp_channel {
	int fd;      /* -1: there is none, and SOCKET_ERROR says why */
	int send_fd; /* for requests: FD, or one of its own that tells what was dropped on our side */
	int socket_error;
	int family;
	bool raw;
	uint16_t id; /* network order */
	uint32_t overruns;
	size_t queued;
	uint64_t numbers[ICMP_SEND_BATCH];
	struct icmp_request requests[ICMP_SEND_BATCH];
	union icmp_endpoint to[ICMP_SEND_BATCH];
	struct iovec send_parts[ICMP_SEND_BATCH];
	struct mmsghdr send[ICMP_SEND_BATCH];
	union icmp_endpoint from[ICMP_RECEIVE_BATCH];
	struct iovec receive_parts[ICMP_RECEIVE_BATCH];
	struct mmsghdr receive[ICMP_RECEIVE_BATCH];
	char data[ICMP_RECEIVE_BATCH][ICMP_RECEIVE_SIZE];
	_Alignas(struct cmsghdr) char control[ICMP_RECEIVE_BATCH][ICMP_CONTROL_SIZE];
};

/* ADDRESS and PORT as the kernel wants them; returns the length that counts. */
socklen_t icmp_fill_endpoint(const struct icmp_address *address, uint16_t port, union icmp_endpoint *to);

/* Opens the socket of FAMILY for echoes with identifier ID (network order); its batches are ready. -1 with CHANNEL's fd -1 and its socket_error. */
int icmp_open_channel(struct icmp_channel *channel, int family, uint16_t id);

#endif
