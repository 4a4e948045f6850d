/* engine.c - one turn of probing: who is due is asked, what came back is judged. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"
#include "mem.h"
#include "when.h"

static const int64_t NANOSECONDS_PER_MILLISECOND = 1000000;

/* From so many probes a second on, replies are fetched in batches: a wake-up each would cost more than the probe. */
enum { POLLED_RATE_MAX = 500, BATCH_TICK_MS = 10, BLIND_SAID_EVERY_MS = 60000 };

uint64_t engine_data(enum engine_tag tag, uint32_t value)
{
	return (uint64_t)tag << 32 | value;
}

int engine_init(struct engine *engine, struct icmp *icmp, const struct conf *conf, struct err *e)
{
	*engine = (struct engine){
		.icmp = icmp,
		.interval_ns = conf->ping.interval_ms * NANOSECONDS_PER_MILLISECOND,
		.timeout_ns = conf->ping.timeout_ms * NANOSECONDS_PER_MILLISECOND,
		.blind_said_ns = INT64_MIN,
	};
	engine->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (engine->epoll < 0)
		return err_set_errno(e, ERR_ENV, errno, "epoll");
	engine->confirm = confirm_new(engine->epoll, TAG_CONFIRM, engine->timeout_ns);
	icmp_set_timeout(icmp, engine->timeout_ns);
	return 0;
}

void engine_done(struct engine *engine)
{
	confirm_free(engine->confirm);
	cleanup_fd(&engine->epoll);
}

static uint32_t total(const struct engine *engine)
{
	return (uint32_t)(engine->targets->count + engine->targets->references);
}

static void poll_sockets(struct engine *engine, bool wanted)
{
	int fds[2];
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = engine_data(TAG_ICMP, 0)};

	icmp_descriptors(engine->icmp, fds);
	for (int i = 0; i < 2 && wanted != engine->polled; i++)
		if (fds[i] >= 0)
			epoll_ctl(engine->epoll, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fds[i], &event);
	engine->polled = wanted;
}

void engine_use(struct engine *engine, const struct targets *targets, struct watch *watch, struct course *courses)
{
	engine->targets = targets;
	engine->watch = watch;
	engine->courses = courses;
	engine->next = 0;
	engine->rounds = 0;
	engine->round_ns = engine->turn_ns = when_monotonic_ns();
	confirm_forget(engine->confirm);
	icmp_set_targets(engine->icmp, targets->addresses, total(engine));
	poll_sockets(engine, total(engine) * 1000000000LL / engine->interval_ns <= POLLED_RATE_MAX);
}

static int64_t due_ns(const struct engine *engine)
{
	return engine->round_ns + engine->interval_ns / total(engine) * engine->next;
}

static bool is_asked(const struct engine *engine, uint32_t target)
{
	if (engine->targets->addresses[target].family == 0)
		return false;
	return !engine->undecided_only || target >= engine->targets->count ||
	       !watch_is_decided(engine->watch, target);
}

/* After a pause (a stopped process, a frozen machine) the missed rounds are left out, not made up for. */
static void skip_missed_rounds(struct engine *engine)
{
	int64_t behind_ns = engine->turn_ns - due_ns(engine);

	if (behind_ns > engine->interval_ns)
		engine->round_ns += behind_ns;
}

static void send_due(struct engine *engine, unsigned last_round)
{
	if (total(engine) == 0)
		return;
	skip_missed_rounds(engine);
	while ((last_round == 0 || engine->rounds < last_round) && due_ns(engine) <= engine->turn_ns) {
		if (is_asked(engine, engine->next))
			icmp_send(engine->icmp, engine->next);
		if (++engine->next < total(engine))
			continue;
		engine->next = 0;
		engine->rounds++;
		engine->round_ns += engine->interval_ns;
	}
	icmp_flush(engine->icmp);
}

static void show_probe(struct engine *engine, uint32_t target, uint8_t height)
{
	if (!engine->cells || target >= engine->targets->count)
		return;
	struct cell *cell = &engine->cells->items[target];
	cell->probes[cell->next] = height;
	cell->next = (uint8_t)((cell->next + 1) % CELLS_PROBES);
	cell->rtt_us = engine->courses[target].rtt_us;
}

/* Powers of two from 0.25 ms on. */
static uint8_t height_of(uint32_t rtt_us)
{
	uint8_t height = 1;

	for (uint32_t limit_us = 250; rtt_us > limit_us && height < CELL_STEPS; limit_us *= 2)
		height++;
	return height;
}

/* Stays at its highest value. */
static void count_one(uint16_t *counter)
{
	if (*counter < UINT16_MAX)
		++*counter;
}

static void take_answer(struct engine *engine, const struct icmp_outcome *outcome)
{
	watch_answered(engine->watch, outcome->target, outcome->sent_ns, engine->turn_ns);
	if (outcome->target >= engine->targets->count)
		return;
	struct course *course = &engine->courses[outcome->target];
	course->rtt_us = outcome->rtt_us > INT32_MAX ? INT32_MAX : (int32_t)outcome->rtt_us;
	course->rtt_sum_us += outcome->rtt_us;
	count_one(&course->answered);
	count_one(&course->sent);
	show_probe(engine, outcome->target, height_of(outcome->rtt_us));
}

/* We were not able to look, or to listen: no evidence, but a sign of our own blindness. */
static void take_blindness(struct engine *engine, const struct icmp_outcome *outcome, int errnum)
{
	watch_blind(engine->watch, outcome->target, outcome->sent_ns);
	engine->blind++;
	engine->blind_errnum = errnum;
}

/* False: its ports should be tried, and cannot be. The DOWN are tried only while there is room to spare. */
static bool try_ports(struct engine *engine, uint32_t target)
{
	const struct confirm_ports *ports = targets_confirm(engine->targets, target);
	bool down = watch_state(engine->watch, target) == HOST_DOWN;

	if (ports->count == 0 || (down && confirm_is_busy(engine->confirm)))
		return true;
	bool tried = confirm_try(engine->confirm, target, watch_probes(engine->watch, target),
				 &engine->targets->addresses[target], ports, engine->turn_ns);
	return tried || down;
}

static void take_loss(struct engine *engine, const struct icmp_outcome *outcome)
{
	uint32_t target = outcome->target;

	if (target < engine->targets->count && !try_ports(engine, target)) {
		take_blindness(engine, outcome, EMFILE);
		return;
	}
	watch_lost(engine->watch, target, outcome->sent_ns, engine->turn_ns);
	if (target >= engine->targets->count)
		return;
	struct course *course = &engine->courses[target];
	course->rtt_us = -1;
	count_one(&course->lost);
	count_one(&course->sent);
	show_probe(engine, target, CELL_LOST);
}

static void say_blindness(struct engine *engine)
{
	if (engine->blind == 0 ||
	    (engine->blind_said_ns != INT64_MIN &&
	     engine->turn_ns - engine->blind_said_ns < BLIND_SAID_EVERY_MS * NANOSECONDS_PER_MILLISECOND))
		return;
	log_warning("probes failed on our own side: %s (%llu of them)", strerror(engine->blind_errnum),
		    (unsigned long long)engine->blind);
	engine->blind = 0;
	engine->blind_said_ns = engine->turn_ns;
}

void engine_turn(struct engine *engine, unsigned last_round)
{
	struct icmp_outcome outcome;

	engine->turn_ns = when_monotonic_ns();
	send_due(engine, last_round);
	while (icmp_next(engine->icmp, &outcome)) {
		if (outcome.result == ICMP_ANSWERED)
			take_answer(engine, &outcome);
		else if (outcome.result == ICMP_LOST)
			take_loss(engine, &outcome);
		else
			take_blindness(engine, &outcome, outcome.errnum);
	}
	confirm_expire(engine->confirm, engine->turn_ns);
	watch_tick(engine->watch, engine->turn_ns);
	say_blindness(engine);
}

void engine_event(struct engine *engine, const struct epoll_event *event)
{
	struct confirm_answer answer;

	/* Replies are fetched by the next turn. */
	if (event->data.u64 >> 32 == TAG_CONFIRM &&
	    confirm_ready(engine->confirm, (uint32_t)event->data.u64, &answer))
		watch_confirmed(engine->watch, answer.index, answer.number, when_monotonic_ns());
}

int64_t engine_wake(const struct engine *engine, unsigned last_round)
{
	int64_t wake_ns = icmp_deadline(engine->icmp);
	int64_t confirm_ns = confirm_deadline(engine->confirm);

	if (confirm_ns < wake_ns)
		wake_ns = confirm_ns;
	if (total(engine) > 0 && (last_round == 0 || engine->rounds < last_round) && due_ns(engine) < wake_ns)
		wake_ns = due_ns(engine);
	int64_t tick_ns = engine->turn_ns + BATCH_TICK_MS * NANOSECONDS_PER_MILLISECOND;
	return !engine->polled && wake_ns < tick_ns ? tick_ns : wake_ns;
}

bool engine_is_idle(const struct engine *engine)
{
	return icmp_deadline(engine->icmp) == INT64_MAX && confirm_deadline(engine->confirm) == INT64_MAX;
}

int engine_wait(struct engine *engine, int64_t until_ns, struct epoll_event *events, int maximum)
{
	int64_t left_ns = until_ns - when_monotonic_ns();
	int64_t left_ms = left_ns <= 0 ? 0 : (left_ns - 1) / NANOSECONDS_PER_MILLISECOND + 1;
	int count = epoll_wait(engine->epoll, events, maximum, left_ms > 60000 ? 60000 : (int)left_ms);

	return count < 0 ? 0 : count;
}
