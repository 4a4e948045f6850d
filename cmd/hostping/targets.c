/* targets.c - whom hostping asks: names, addresses and confirm ports, packed. */
#include "config.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cli.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "targets.h"
#include "vec.h"

enum { WITNESSES = 5, CONFIRM_MAX = UINT16_MAX };

enum frame_kind { FRAME_ITEMS = 1, FRAME_ADDRESSES, FRAME_CONFIRMS, FRAME_NAMES, FRAME_COUNTS, FRAME_ERROR };

/* What the four arrays hold, to be checked against their sizes. */
struct counts {
	uint64_t count, references, confirm_count, unresolved;
};

void targets_done(struct targets *targets)
{
	free(targets->items);
	free(targets->addresses);
	free(targets->confirms);
	str_done(&targets->names);
	*targets = (struct targets){0};
}

const char *targets_name(const struct targets *targets, uint32_t index)
{
	return targets->names.data + targets->items[index].name_at;
}

const struct confirm_ports *targets_confirm(const struct targets *targets, uint32_t index)
{
	return &targets->confirms[targets->items[index].confirm];
}

/* Targets while they are gathered. */
struct gathering {
	VEC(struct target) items;
	VEC(struct icmp_address) addresses;
	VEC(struct confirm_ports) confirms;
	struct str names;
	size_t unresolved;
};

static void gathering_done(struct gathering *gathering)
{
	vec_done(&gathering->items);
	vec_done(&gathering->addresses);
	vec_done(&gathering->confirms);
	str_done(&gathering->names);
}

/* Hosts of one site mostly have the same ports: each list of them is kept once. */
static uint16_t add_confirm(struct gathering *gathering, const struct host *host)
{
	struct confirm_ports ports = {.count = (uint16_t)host->confirm_count};

	memcpy(ports.ports, host->confirm, host->confirm_count * sizeof ports.ports[0]);
	for (size_t i = gathering->confirms.count; i-- > 0;)
		if (memcmp(&gathering->confirms.items[i], &ports, sizeof ports) == 0)
			return (uint16_t)i;
	if (gathering->confirms.count == CONFIRM_MAX)
		return 0;
	vec_push(&gathering->confirms, ports);
	return (uint16_t)(gathering->confirms.count - 1);
}

static int resolve(const char *text, struct icmp_address *address, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;

	if (icmp_address_parse(text, address, e) == 0)
		return 0;
	int failure = getaddrinfo(text, NULL, &hints, &found);
	if (failure != 0)
		return err_set(e, ERR_NET, "%s: %s", text, gai_strerror(failure));
	int result = icmp_address_from(found->ai_addr, address, e);
	freeaddrinfo(found);
	return result;
}

static void add_target(struct gathering *gathering, const char *name, const struct host *host,
		       const struct icmp_address *address)
{
	struct target *target = vec_push_zero(&gathering->items);

	target->name_at = (uint32_t)gathering->names.length;
	str_add_n(&gathering->names, name, strlen(name) + 1);
	target->listed = host != NULL;
	target->confirm = host ? add_confirm(gathering, host) : 0;
	vec_push(&gathering->addresses, *address);
}

static void add_host(struct gathering *gathering, const struct host *host)
{
	struct icmp_address address = {0};
	struct err e;

	if (resolve(host->address ? host->address : host->name, &address, &e) < 0) {
		log_warning("%s: no address: %s", host->name, e.text);
		address = (struct icmp_address){0};
		gathering->unresolved++;
	}
	add_target(gathering, host->name, host, &address);
}

static int add_named(struct gathering *gathering, const struct hosts *hosts, const char *name, struct err *e)
{
	const struct host *host = hosts_find(hosts, name);
	struct icmp_address address;
	struct err cause;

	if (host) {
		add_host(gathering, host);
		return 0;
	}
	if (resolve(name, &address, &cause) < 0) {
		cleanup(cleanup_mem) char *shown = str_escape(name);
		return err_set(e, ERR_USAGE, "'%s' is neither a host of %s nor an address", shown, hosts->path);
	}
	add_target(gathering, name, NULL, &address);
	return 0;
}

/* The same name twice would be one host with two windows: it is asked once. */
static int gather_hosts(struct gathering *gathering, const struct hosts *hosts,
			const struct targets_wish *wish, struct err *e)
{
	struct map *seen = map_new();
	int result = 0;

	for (size_t i = 0; !wish->names && i < hosts->count; i++)
		if (!hosts->items[i].off)
			add_host(gathering, &hosts->items[i]);
	for (size_t i = 0; i < wish->name_count && result == 0; i++)
		if (map_add(seen, wish->names[i], strlen(wish->names[i]), wish->names[i]))
			result = add_named(gathering, hosts, wish->names[i], e);
	map_free(seen);
	return result;
}

static bool is_asked(const struct gathering *gathering, const char *name)
{
	for (size_t i = 0; i < gathering->items.count; i++)
		if (strcmp(gathering->names.data + gathering->items.items[i].name_at, name) == 0)
			return true;
	return false;
}

static void add_reference(struct gathering *gathering, const char *text)
{
	struct icmp_address address;
	struct err e;

	if (resolve(text, &address, &e) < 0)
		log_warning("reference %s: no address: %s", text, e.text);
	else
		vec_push(&gathering->addresses, address);
}

static void gather_references(struct gathering *gathering, const struct hosts *hosts,
			      const struct targets_wish *wish)
{
	const struct conf_list *references = &wish->conf->ping.reference;
	size_t hosts_asked = gathering->addresses.count;

	for (size_t i = 0; i < references->count; i++)
		add_reference(gathering, references->items[i]);
	if (!wish->with_witnesses || !wish->names || references->count > 0)
		return;
	for (size_t i = 0; i < hosts->count && gathering->addresses.count < hosts_asked + WITNESSES; i++)
		if (!hosts->items[i].off && hosts->items[i].address && !is_asked(gathering, hosts->items[i].name))
			add_reference(gathering, hosts->items[i].address);
}

static void *trim(void *items, size_t count, size_t size)
{
	return mem_resize(items, count ? count : 1, size);
}

static void settle(struct targets *targets, struct gathering *gathering)
{
	*targets = (struct targets){
		.items = trim(gathering->items.items, gathering->items.count, sizeof *targets->items),
		.addresses = trim(gathering->addresses.items, gathering->addresses.count,
				  sizeof *targets->addresses),
		.count = gathering->items.count,
		.references = gathering->addresses.count - gathering->items.count,
		.confirms = trim(gathering->confirms.items, gathering->confirms.count, sizeof *targets->confirms),
		.confirm_count = gathering->confirms.count,
		.names = gathering->names,
		.unresolved = gathering->unresolved,
	};
	*gathering = (struct gathering){0};
}

int targets_read(struct targets *targets, const struct targets_wish *wish, struct err *e)
{
	cleanup(gathering_done) struct gathering gathering = {0};
	cleanup(hosts_done) struct hosts hosts = {0};

	if (cli_hosts(wish->conf, &hosts, e) < 0)
		return e->code;
	vec_push(&gathering.confirms, (struct confirm_ports){0});
	int result = gather_hosts(&gathering, &hosts, wish, e);
	if (result < 0)
		return result;
	gather_references(&gathering, &hosts, wish);
	settle(targets, &gathering);
	return 0;
}

static int send_targets(struct channel *channel, const struct targets *targets, struct err *e)
{
	struct counts counts = {targets->count, targets->references, targets->confirm_count, targets->unresolved};
	size_t addresses = targets->count + targets->references;
	int result =
		channel_send(channel, FRAME_ITEMS, targets->items, targets->count * sizeof *targets->items, e);

	if (result == 0)
		result = channel_send(channel, FRAME_ADDRESSES, targets->addresses,
				      addresses * sizeof *targets->addresses, e);
	if (result == 0)
		result = channel_send(channel, FRAME_CONFIRMS, targets->confirms,
				      targets->confirm_count * sizeof *targets->confirms, e);
	if (result == 0)
		result = channel_send(channel, FRAME_NAMES, targets->names.data, targets->names.length, e);
	return result < 0 ? result : channel_send(channel, FRAME_COUNTS, &counts, sizeof counts, e);
}

static int load(struct channel *channel, void *context)
{
	cleanup(targets_done) struct targets targets = {0};
	struct err e = {0};

	if (targets_read(&targets, context, &e) == 0)
		return send_targets(channel, &targets, &e) < 0;
	return channel_send(channel, FRAME_ERROR, &e, sizeof e, &e) < 0;
}

int targets_start(struct child *loader, const struct targets_wish *wish, struct err *e)
{
	return child_start(loader, load, (void *)wish, e);
}

static int take_frame(struct targets *targets, const struct frame *frame, struct err *e)
{
	struct counts counts;

	switch (frame->kind) {
	case FRAME_ITEMS:
		targets->items = mem_copy(frame->bytes, frame->length);
		return 0;
	case FRAME_ADDRESSES:
		targets->addresses = mem_copy(frame->bytes, frame->length);
		return 0;
	case FRAME_CONFIRMS:
		targets->confirms = mem_copy(frame->bytes, frame->length);
		return 0;
	case FRAME_NAMES:
		str_add_n(&targets->names, frame->bytes, frame->length);
		return 0;
	case FRAME_COUNTS:
		memcpy(&counts, frame->bytes, sizeof counts);
		targets->count = counts.count;
		targets->references = counts.references;
		targets->confirm_count = counts.confirm_count;
		targets->unresolved = counts.unresolved;
		return 1;
	default:
		memcpy(e, frame->bytes, sizeof *e);
		return e->code;
	}
}

/* All frames stay in the channel until the last has come; then they are taken at once. */
int targets_take(struct child *loader, struct targets *targets, struct err *e)
{
	struct targets taken = {0};
	struct frame frame;
	int result = 0;
	char how[64];

	for (;;) {
		int received = channel_fill(&loader->channel, e);
		if (received == 0)
			return 0;
		if (received < 0)
			break;
	}
	while (result == 0 && (result = channel_next(&loader->channel, &frame, e)) == 1)
		result = take_frame(&taken, &frame, e);
	child_collect(loader, how, sizeof how);
	if (result == 1) {
		*targets = taken;
		return 1;
	}
	targets_done(&taken);
	return result < 0 ? result : err_set(e, ERR_ENV, "reading the hosts: the process ended: %s", how);
}
