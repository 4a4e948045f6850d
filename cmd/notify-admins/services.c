/* services.c - the machines that the ways to reach people stand on: what is known of them without asking anybody. */
#include "config.h"

#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "mem.h"
#include "services.h"
#include "str.h"
#include "textfile.h"
#include "vec.h"

enum { ADDRESSES_MAX = 32, FIELDS_MAX = 64 };

const char *service_what(enum service_kind kind)
{
	static const char *const names[SERVICE_COUNT] = {"mail relay", "telephone exchange", "registrar",
							 "name server"};

	return names[kind];
}

void service_done(struct service *service)
{
	free(service->host);
	free(service->items);
	*service = (struct service){0};
}

void services_done(struct services *services)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		service_done(&services->of[i]);
}

static struct dependence_address *find(const struct service *service, const struct icmp_address *address)
{
	vec_foreach(service, item)
		if (dependence_same_address(&item->address, address))
			return item;
	return NULL;
}

void service_add(struct service *service, const struct icmp_address *address)
{
	if (service->count < ADDRESSES_MAX && !find(service, address))
		vec_push(service, (struct dependence_address){.address = *address});
}

void service_take(struct service *service, struct service *newer)
{
	if (newer->count == 0)
		return;
	vec_foreach(newer, item) {
		const struct dependence_address *known = find(service, &item->address);
		if (known && known->has_mac && !item->has_mac)
			*item = *known;
	}
	free(service->items);
	service->items = newer->items;
	service->count = newer->count;
	service->capacity = newer->capacity;
	newer->items = NULL;
	newer->count = newer->capacity = 0;
}

/* True if TEXT is an address, which was added. */
static bool add_literal(struct service *service, const char *text)
{
	struct icmp_address address;

	if (icmp_address_parse(text, &address, NULL) < 0)
		return false;
	service_add(service, &address);
	return true;
}

/* ---- files ---- */

/* Calls TAKE with the words of each line of the file; one that is not there has none. */
static void read_words(const char *path, void (*take)(struct service *service, char **words, size_t count),
		       struct service *service)
{
	cleanup(str_done) struct str text = {0};
	char *words[FIELDS_MAX];

	if (textfile_read(path, &text, NULL, NULL) < 0 || text.length == 0)
		return;
	for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));) {
		line[strcspn(line, "#;")] = '\0';
		size_t count = str_split_blanks(line, words, FIELDS_MAX);
		take(service, words, count < FIELDS_MAX ? count : FIELDS_MAX);
	}
}

/* The resolver asks the first few only. */
static void take_name_server(struct service *servers, char **words, size_t count)
{
	if (count >= 2 && strcmp(words[0], "nameserver") == 0 && servers->count < MAXNS)
		add_literal(servers, words[1]);
}

void services_read_name_servers(struct service *servers)
{
	read_words(_PATH_RESCONF, take_name_server, servers);
}

static void take_host_line(struct service *service, char **words, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (strcasecmp(words[i], service->host) == 0)
			add_literal(service, words[0]);
}

/* ---- the settings ---- */

static void begin(struct service *service, const char *uri)
{
	service->host = uri ? address_uri_host(uri) : NULL;
	if (!service->host || add_literal(service, service->host))
		return;
	read_words(_PATH_HOSTS, take_host_line, service);
	service->named = service->count == 0 && strcasecmp(service->host, "localhost") != 0;
}

void services_begin(struct services *services, const struct conf *conf)
{
	bool calls = conf->sip.from != NULL;

	*services = (struct services){0};
	begin(&services->of[SERVICE_RELAY], conf->smtp.url);
	begin(&services->of[SERVICE_EXCHANGE], calls ? conf->sip.exchange : NULL);
	begin(&services->of[SERVICE_REGISTRAR], calls ? conf->sip.registrar : NULL);
	services_read_name_servers(&services->of[SERVICE_NAME_SERVERS]);
}
