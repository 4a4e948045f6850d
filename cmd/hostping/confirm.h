/*
 * confirm.h - second opinions: TCP ports that accept or refuse prove a living kernel.
 *
 * Connects do not wait and are reset as soon as they answer. How many may be
 * open at once is bounded by the descriptors we may have; what cannot be
 * tried for want of them says nothing about the host.
 */
#ifndef HOSTPING_CONFIRM_H
#define HOSTPING_CONFIRM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icmp.h"
#include "targets.h"

struct confirm;

/* EPOLL is borrowed: descriptors are added with their data set to TAG in the upper and their place in the lower 32 bits. */
struct confirm *confirm_new(int epoll, uint32_t tag, int64_t timeout_ns);
void confirm_free(struct confirm *confirm); /* NULL-safe */
/* Gives up what is under way. */
void confirm_forget(struct confirm *confirm);

/* Tries PORTS of target INDEX on behalf of its lost probe NUMBER. False if there is no descriptor left for it. */
bool confirm_try(struct confirm *confirm, uint32_t index, uint32_t number, const struct icmp_address *address,
		 const struct confirm_ports *ports, int64_t now_ns);

/* Whether more than half of the descriptors are in use. */
bool confirm_is_busy(const struct confirm *confirm);

struct confirm_answer {
	uint32_t index;
	uint32_t number;
};

/* The descriptor at PLACE is ready: 1 if the port accepted or refused, 0 if not. */
int confirm_ready(struct confirm *confirm, uint32_t place, struct confirm_answer *answer);
/* Gives up attempts that are older than the timeout. */
void confirm_expire(struct confirm *confirm, int64_t now_ns);
/* When the oldest attempt runs out, INT64_MAX if there is none. */
int64_t confirm_deadline(const struct confirm *confirm);

#endif
