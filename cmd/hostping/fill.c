/* fill.c - the rounds of a single run: as many probes as the window needs, then an end. */
#include "config.h"

#include "engine.h"
#include "mem.h"
#include "prober.h"

enum { EVENTS = 64 };

int prober_rule(const struct conf *conf, struct watch_rule *rule, struct err *e)
{
	*rule = (struct watch_rule){
		.window = {conf->ping.window_lost, conf->ping.window_size},
		.isolation_share = conf->ping.isolation_share,
		.isolation_max_ns = conf->ping.isolation_max_ms * 1000000,
	};
	return window_check_rule(&rule->window, e);
}

static bool all_decided(const struct targets *targets, const struct watch *watch)
{
	for (uint32_t i = 0; i < targets->count; i++)
		if (targets->addresses[i].family != 0 && !watch_is_decided(watch, i))
			return false;
	return true;
}

int prober_fill(struct icmp *icmp, const struct conf *conf, const struct targets *targets,
		struct watch *watch, struct course *courses, struct err *e)
{
	cleanup(engine_done) struct engine engine = {.epoll = -1};
	struct epoll_event events[EVENTS];
	unsigned rounds = conf->ping.window_size;

	if (engine_init(&engine, icmp, conf, e) < 0)
		return e->code;
	engine.undecided_only = true;
	for (uint32_t i = 0; i < targets->count; i++)
		courses[i].rtt_us = -1;
	engine_use(&engine, targets, watch, courses);
	for (;;) {
		engine_turn(&engine, rounds);
		/* A silent port that is still tried may save a host from being called dead. */
		if (engine_is_idle(&engine) && (engine.rounds >= rounds || all_decided(targets, watch)))
			return 0;
		int count = engine_wait(&engine, engine_wake(&engine, rounds), events, EVENTS);
		for (int i = 0; i < count; i++)
			engine_event(&engine, &events[i]);
	}
}
