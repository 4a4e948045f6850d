/* services.h - the machines that the ways to reach people stand on: where they are, and how one looks. */
#ifndef NOTIFY_SERVICES_H
#define NOTIFY_SERVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "child.h"
#include "conf.h"
#include "dependence.h"
#include "err.h"

enum service_kind { SERVICE_RELAY, SERVICE_EXCHANGE, SERVICE_REGISTRAR, SERVICE_NAME_SERVERS, SERVICE_COUNT };

struct service {
	char *host; /* NULL: there is none, or it is the name servers */
	bool named; /* a name server must be asked for its address */
	struct dependence_address *items;
	size_t count, capacity;
};

struct services {
	struct service of[SERVICE_COUNT];
};

const char *service_what(enum service_kind kind); /* "mail relay" */
/* Adds ADDRESS, with no card known, unless it is there; of more than a few the rest is left out. */
void service_add(struct service *service, const struct icmp_address *address);
/* Takes the newer addresses over, and empties NEWER; none is no news, and a card that is not seen any more is kept. */
void service_take(struct service *service, struct service *newer);
void service_done(struct service *service);

/* What the settings, resolv.conf(5) and /etc/hosts say, without asking anybody. The caller calls services_done. */
void services_begin(struct services *services, const struct conf *conf);
/* The name servers of resolv.conf(5). */
void services_read_name_servers(struct service *servers);
void services_done(struct services *services);

/* The body of a child (child.h): looks, sends what it finds, waits for a minute or a frame, and begins again. CONTEXT: struct services. */
int services_watch(struct channel *channel, void *context);
/* What a frame of that child says: of which service, and its addresses. ERR_CORRUPT. */
int services_decode(const struct frame *frame, enum service_kind *kind, struct service *found, struct err *e);

#endif
