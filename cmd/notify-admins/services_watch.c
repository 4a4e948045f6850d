/* services_watch.c - looks, from a process of its own, where the services are and which cards stand behind their addresses. */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "mem.h"
#include "neighbours.h"
#include "services.h"
#include "vec.h"

enum { PERIOD_MS = 60 * 1000 };

/* What was complained of, and did not get better since. */
struct watch {
	struct channel *channel;
	const struct services *services;
	bool told[SERVICE_COUNT];
	bool told_neighbours;
};

static void add_cards(struct watch *watch, struct service *found)
{
	cleanup(neighbours_done) struct neighbours neighbours = {0};
	struct err e;

	bool failed = neighbours_read(&neighbours, &e) < 0;
	if (failed && !watch->told_neighbours)
		log_warning("%s", e.text);
	watch->told_neighbours = failed;
	vec_foreach(found, item) {
		const unsigned char *mac = neighbours_find(&neighbours, &item->address);
		item->has_mac = mac != NULL;
		if (mac)
			memcpy(item->mac, mac, sizeof item->mac);
	}
}

static void look_up(struct watch *watch, enum service_kind kind, struct service *found)
{
	const char *host = watch->services->of[kind].host;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *first = NULL;
	struct icmp_address address;

	int failure = getaddrinfo(host, NULL, &hints, &first);
	if (failure != 0 && !watch->told[kind])
		log_info("%s %s: %s", service_what(kind), host,
			 failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure));
	watch->told[kind] = failure != 0;
	if (failure != 0)
		return;
	for (const struct addrinfo *each = first; each; each = each->ai_next)
		if (icmp_address_from(each->ai_addr, &address, NULL) == 0)
			service_add(found, &address);
	freeaddrinfo(first);
}

static int send_found(struct watch *watch, enum service_kind kind, struct service *found, struct err *e)
{
	add_cards(watch, found);
	return channel_send(watch->channel, (unsigned char)kind, found->items,
			    found->count * sizeof *found->items, e);
}

/* What needs no lookup. */
static int look_nearby(struct watch *watch, enum service_kind kind, struct err *e)
{
	cleanup(service_done) struct service found = {0};
	const struct service *service = &watch->services->of[kind];

	if (kind == SERVICE_NAME_SERVERS)
		services_read_name_servers(&found);
	else
		vec_foreach(service, item)
			service_add(&found, &item->address);
	return send_found(watch, kind, &found, e);
}

static int look_afar(struct watch *watch, enum service_kind kind, struct err *e)
{
	cleanup(service_done) struct service found = {0};

	look_up(watch, kind, &found);
	return send_found(watch, kind, &found, e);
}

/* A lookup can hang for minutes: what needs none comes first. */
static int look(struct watch *watch, struct err *e)
{
	int result = 0;

	for (enum service_kind kind = 0; kind < SERVICE_COUNT && result == 0; kind++)
		if (!watch->services->of[kind].named)
			result = look_nearby(watch, kind, e);
	for (enum service_kind kind = 0; kind < SERVICE_COUNT && result == 0; kind++)
		if (watch->services->of[kind].named)
			result = look_afar(watch, kind, e);
	return result;
}

/* Until the time has come or somebody asks; all that asked meanwhile have then been heard. */
static int wait_for_next(struct channel *channel, struct err *e)
{
	struct pollfd ready = {.fd = channel->fd, .events = POLLIN};
	struct frame frame;
	int result = 1;

	if (poll(&ready, 1, PERIOD_MS) <= 0)
		return 0;
	while (result > 0)
		result = channel_fill(channel, e);
	if (result < 0)
		return result;
	while ((result = channel_next(channel, &frame, e)) > 0)
		continue;
	return result;
}

int services_watch(struct channel *channel, void *context)
{
	struct watch watch = {.channel = channel, .services = context};
	struct err e;

	while (look(&watch, &e) == 0 && wait_for_next(channel, &e) == 0)
		continue;
	return 0;
}

int services_decode(const struct frame *frame, enum service_kind *kind, struct service *found, struct err *e)
{
	struct dependence_address item;

	if (frame->kind >= SERVICE_COUNT || frame->length % sizeof item != 0)
		return err_set(e, ERR_CORRUPT, "frame %u of %zu bytes", frame->kind, frame->length);
	*kind = (enum service_kind)frame->kind;
	*found = (struct service){0};
	for (size_t at = 0; at < frame->length; at += sizeof item) {
		memcpy(&item, (const char *)frame->bytes + at, sizeof item);
		vec_push(found, item);
	}
	return 0;
}
