/*
 * icmp.h - echo requests to many addresses, and which of them came back in time.
 *
 * The only user of ICMP sockets and of libcap. Each request carries a random
 * 64-bit nonce, so that neither other processes, nor forged, late or
 * duplicate replies are ever taken for an answer: a reply counts once, from
 * the address that was asked, with the nonce of a request that is still
 * waited for. All deadlines run on CLOCK_MONOTONIC. Nothing here blocks.
 *
 * What goes wrong on our own side (EPERM, ENOBUFS, ENETUNREACH, a receive
 * buffer that ran over) says nothing about the target: it is BLIND, never LOST.
 */
#ifndef VMROLL_ICMP_H
#define VMROLL_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "err.h"

struct icmp_address {
	unsigned char bytes[16]; /* network order; IPv4 in the first four */
	uint32_t scope;          /* interface index of a link-local IPv6 address, else 0 */
	uint8_t family;          /* AF_INET or AF_INET6 */
};

enum { ICMP_ADDRESS_TEXT_SIZE = 64 };

/* Reads an IPv4 or IPv6 literal (with %interface where it is link-local). ERR_USAGE. */
int icmp_address_parse(const char *text, struct icmp_address *address, struct err *e);
/* Takes the first ICMP-capable address of a getaddrinfo(3) result entry. ERR_USAGE if it is neither IPv4 nor IPv6. */
int icmp_address_from(const struct sockaddr *from, struct icmp_address *address, struct err *e);
/* Writes the literal into TEXT (ICMP_ADDRESS_TEXT_SIZE bytes) and returns TEXT. */
const char *icmp_address_format(const struct icmp_address *address, char *text);
/* Fills *TO for connect(2) to PORT and returns its length. */
socklen_t icmp_address_socket(const struct icmp_address *address, uint16_t port, struct sockaddr_storage *to);

struct icmp;

/*
 * Opens the sockets: unprivileged ICMP (SOCK_DGRAM) where the kernel allows
 * it, else raw ones. A machine without IPv6 is no error. ERR_ENV, with what
 * to do, if neither is permitted. The caller calls icmp_free.
 */
int icmp_open(struct icmp **icmp, struct err *e);
void icmp_free(struct icmp *icmp); /* NULL-safe */
void cleanup_icmp(struct icmp **icmp);

/* Gives up every capability, and the right to gain new ones (also by execve), for good. To be called once icmp_open returned. */
int icmp_drop_capabilities(struct err *e);

/* Sets whom to ask: targets are known by their index. ADDRESSES is copied. What is still waited for is forgotten. */
void icmp_set_targets(struct icmp *icmp, const struct icmp_address *addresses, size_t count);
void icmp_set_timeout(struct icmp *icmp, int64_t timeout_ns);

/* The two descriptors to poll for POLLIN; either may be -1. */
void icmp_descriptors(const struct icmp *icmp, int descriptors[2]);

/* Queues a request; a full batch goes out at once, the rest with icmp_flush. */
void icmp_send(struct icmp *icmp, uint32_t target);
void icmp_flush(struct icmp *icmp);

enum icmp_result { ICMP_ANSWERED, ICMP_LOST, ICMP_BLIND };

struct icmp_outcome {
	uint32_t target;
	enum icmp_result result;
	int errnum;      /* BLIND: what our own side said */
	int64_t sent_ns; /* CLOCK_MONOTONIC */
	uint32_t rtt_us; /* ANSWERED: at least 1, from the kernel's receive time stamp */
};

/*
 * 1 and the next outcome, 0 when there is none for now. Each request has
 * exactly one. All that was received is looked at before anything is called
 * lost, and judged by when the kernel received it: a reply does not become
 * late because this process slept.
 */
int icmp_next(struct icmp *icmp, struct icmp_outcome *outcome);

/* When the oldest request waited for runs out (CLOCK_MONOTONIC ns), INT64_MAX if there is none. */
int64_t icmp_deadline(const struct icmp *icmp);

#endif
