/* surroundings.c - what the ways to reach people stand on, and whether a death has cut one. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "services.h"
#include "str.h"
#include "surroundings.h"
#include "vec.h"
#include "when.h"

enum { RESTART_MS = 60 * 1000 };

struct surroundings {
	struct services services; /* the newest that is known */
	struct child child;
	int64_t restart; /* CLOCK_MONOTONIC: not before */
	bool asked;      /* to look again, and nothing has come since */
};

int surroundings_start(struct surroundings **surroundings, const struct conf *conf, struct err *e)
{
	struct surroundings *started = mem_zalloc(1, sizeof *started);

	services_begin(&started->services, conf);
	if (child_start(&started->child, services_watch, &started->services, e) < 0) {
		surroundings_free(started);
		return err_wrap(e, "surroundings");
	}
	*surroundings = started;
	return 0;
}

void surroundings_free(struct surroundings *surroundings)
{
	if (!surroundings)
		return;
	child_kill(&surroundings->child);
	services_done(&surroundings->services);
	free(surroundings);
}

int surroundings_fd(const struct surroundings *surroundings)
{
	return surroundings->child.pid ? surroundings->child.channel.fd : -1;
}

static int take_frames(struct surroundings *surroundings, struct err *e)
{
	enum service_kind kind;
	struct frame frame;
	int result;

	while ((result = channel_next(&surroundings->child.channel, &frame, e)) > 0) {
		cleanup(service_done) struct service found = {0};
		if (services_decode(&frame, &kind, &found, e) < 0)
			return e->code;
		service_take(&surroundings->services.of[kind], &found);
		surroundings->asked = false;
	}
	return result;
}

static int give_up(struct surroundings *surroundings, struct err *e)
{
	char how[64];

	child_collect(&surroundings->child, how, sizeof how);
	surroundings->restart = when_monotonic() + RESTART_MS;
	return err_set(
		e, ERR_ENV,
		"looking for relay, exchange and name servers: the process ended: %s; what is known stays", how);
}

int surroundings_collect(struct surroundings *surroundings, struct err *e)
{
	int received = 1;

	if (surroundings->child.pid == 0) {
		if (when_monotonic() < surroundings->restart)
			return 0;
		surroundings->restart = when_monotonic() + RESTART_MS;
		surroundings->asked = false;
		return child_start(&surroundings->child, services_watch, &surroundings->services, e);
	}
	while (received > 0)
		received = channel_fill(&surroundings->child.channel, e);
	if (take_frames(surroundings, e) < 0 || received < 0)
		return give_up(surroundings, e);
	return 0;
}

/* While it hangs in a lookup it does not read: it is asked once. */
int surroundings_look_again(struct surroundings *surroundings, struct err *e)
{
	if (surroundings->child.pid == 0 || surroundings->asked)
		return 0;
	surroundings->asked = true;
	return channel_send(&surroundings->child.channel, 0, NULL, 0, e);
}

/* ---- whether it was cut ---- */

struct judgement {
	const struct services *services;
	const struct dependence_death *deaths;
	size_t count;
	struct str *why;
};

static bool is_dead(const struct judgement *judgement, const struct dependence_service *service, struct str *why)
{
	for (size_t i = 0; i < judgement->count; i++)
		if (dependence_judge(service, &judgement->deaths[i], why))
			return true;
	return false;
}

static bool judge_service(const struct judgement *judgement, enum service_kind kind, const char *vm)
{
	const struct service *known = &judgement->services->of[kind];
	struct dependence_service service = {
		.what = service_what(kind),
		.host = known->host,
		.vm = vm,
		.addresses = known->items,
		.address_count = known->count,
	};

	return known->host && is_dead(judgement, &service, judgement->why);
}

/* Whether none of the name servers is left; then WHY says why. */
static bool judge_name_servers(const struct judgement *judgement, struct str *why)
{
	const struct service *servers = &judgement->services->of[SERVICE_NAME_SERVERS];
	char literal[ICMP_ADDRESS_TEXT_SIZE];

	vec_foreach(servers, item) {
		struct dependence_service service = {
			.what = service_what(SERVICE_NAME_SERVERS),
			.host = icmp_address_format(&item->address, literal),
			.addresses = item,
			.address_count = 1,
		};
		if (!is_dead(judgement, &service, why))
			return false;
	}
	return servers->count > 0;
}

static bool is_named(const struct judgement *judgement, enum service_kind kind)
{
	return judgement->services->of[kind].named;
}

static void say_not_found(const struct judgement *judgement, const struct str *name_servers)
{
	const char *between = ", and no other is configured: ";

	str_add(judgement->why, judgement->why->length ? "; " : "");
	str_add_n(judgement->why, name_servers->data, name_servers->length);
	for (enum service_kind kind = 0; kind < SERVICE_NAME_SERVERS; kind++) {
		if (!is_named(judgement, kind))
			continue;
		str_add(judgement->why, between);
		str_add(judgement->why, service_what(kind));
		between = " and ";
	}
	str_add(judgement->why, " cannot be looked up");
}

void surroundings_judge_all(const struct surroundings *surroundings, const struct conf *conf,
			    const struct dependence_death *deaths, size_t count, bool cut[], struct str *why)
{
	struct judgement judgement = {&surroundings->services, deaths, count, why};
	const struct service *exchange = &judgement.services->of[SERVICE_EXCHANGE];
	const struct service *registrar = &judgement.services->of[SERVICE_REGISTRAR];
	cleanup(str_done) struct str name_servers = {0};

	if (judge_service(&judgement, SERVICE_RELAY, conf->smtp.vm))
		cut[CONF_MAIL] = true;
	if (judge_service(&judgement, SERVICE_EXCHANGE, conf->sip.vm))
		cut[CONF_VOICE] = true;
	if (!str_equal(exchange->host, registrar->host) && judge_service(&judgement, SERVICE_REGISTRAR, NULL))
		cut[CONF_VOICE] = true;
	if (!(is_named(&judgement, SERVICE_RELAY) || exchange->named || registrar->named) ||
	    !judge_name_servers(&judgement, &name_servers))
		return;
	say_not_found(&judgement, &name_servers);
	cut[CONF_MAIL] |= is_named(&judgement, SERVICE_RELAY);
	cut[CONF_VOICE] |= exchange->named || registrar->named;
}

void surroundings_judge(const struct surroundings *surroundings, const struct conf *conf,
			const struct host *dead, const struct affected *affected, bool cut[], struct str *why)
{
	struct dependence_death death = {.host = dead, .affected = affected};

	surroundings_judge_all(surroundings, conf, &death, 1, cut, why);
}
