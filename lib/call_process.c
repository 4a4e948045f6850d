/* call_process.c - the process that calls, as its parent sees it: what it is given, and what becomes of that. */
#include "config.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "call_process.h"
#include "when.h"

enum {
	UNTAKEN_MAX = 2,   /* orders that the channel holds without making us wait */
	SILENT_MS = 10000, /* a process that has calls and says nothing for so long hangs */
	LOOK_MS = 2000,
	IDLE_MS = 60000 /* without a call, then the process ends */
};

/* ---- what is waited for ---- */

static void set_timer(const struct caller *caller, int64_t ms)
{
	struct itimerspec when = {.it_value = {ms / 1000, ms % 1000 * 1000000L}};

	/* Zero would mean never. */
	if (ms == 0)
		when.it_value.tv_nsec = 1;
	if (ms < 0)
		when = (struct itimerspec){0};
	timerfd_settime(caller->timer, 0, &when, NULL);
}

void caller_rearm(const struct caller *caller)
{
	uint64_t expirations;

	/* Read, so that it does not wake anybody for what was seen to. */
	(void)!read(caller->timer, &expirations, sizeof expirations);
	if (caller->settled.count > 0 || caller->troubles.count > 0)
		set_timer(caller, 0);
	else if (caller->orders.count > 0 || caller->ending)
		set_timer(caller, LOOK_MS);
	else
		set_timer(caller, caller->child.pid ? IDLE_MS : -1);
}

/* ---- outcomes ---- */

static void settle(struct caller *caller, size_t index, const struct delivery_outcome *outcome)
{
	struct order *order = &caller->orders.items[index];

	vec_push(&caller->settled, (struct settled){.tag = order->tag, .outcome = *outcome});
	str_done(&order->frame);
	memmove(order, order + 1, (caller->orders.count - index - 1) * sizeof *order);
	caller->orders.count--;
}

/* Those that the process had, or all of them. */
static void settle_unreachable(struct caller *caller, bool waiting_too, const struct err *why)
{
	struct delivery_outcome outcome = {.call = CALL_UNREACHABLE};

	err_set(&outcome.err, ERR_TEMPORARY, "%s", why->text);
	for (size_t i = 0; i < caller->orders.count;)
		if (waiting_too || caller->orders.items[i].state != ORDER_WAITING)
			settle(caller, i, &outcome);
		else
			i++;
}

static bool is_in(const struct troubles *troubles, const struct err *trouble)
{
	vec_foreach(troubles, known)
		if (strcmp(known->text, trouble->text) == 0)
			return true;
	return false;
}

static void report_trouble(struct caller *caller, const struct err *trouble)
{
	if (!is_in(&caller->told, trouble) && !is_in(&caller->troubles, trouble))
		vec_push(&caller->troubles, *trouble);
}

static void take_outcome(struct caller *caller, const struct frame *frame, struct err *e)
{
	struct delivery_outcome outcome;
	uint64_t tag;

	if (call_outcome_decode(frame, &tag, &outcome, e) < 0)
		return;
	if (outcome.call != CALL_UNREACHABLE)
		caller->told.count = 0;
	for (size_t i = 0; i < caller->orders.count; i++)
		if (caller->orders.items[i].tag == tag && caller->orders.items[i].state != ORDER_WAITING) {
			settle(caller, i, &outcome);
			return;
		}
}

/* ---- the process ---- */

static void watch(const struct caller *caller)
{
	struct epoll_event event = {.events = EPOLLIN};

	epoll_ctl(caller->poll, EPOLL_CTL_ADD, caller->child.channel.fd, &event);
}

static int start(struct caller *caller, struct err *e)
{
	cleanup(cleanup_mem) char *exchange = NULL;
	struct err ignored;

	/* Only its host is of interest. One that cannot be used was refused with each number that should go there. */
	if (caller->exchange)
		(void)call_uri(caller->exchange, "0", &exchange, &ignored);
	struct call_settings settings = {.sip = {.from = caller->from,
						 .exchange = exchange,
						 .registrar = caller->registrar,
						 .user = caller->user,
						 .password = caller->password,
						 .ring_timeout_ms = caller->ring_timeout_ms},
					 .password = caller->password};

	if (child_start(&caller->child, call_agent, &settings, e) < 0)
		return e->code;
	caller->ending = false;
	caller->heard = when_monotonic();
	watch(caller);
	return 0;
}

void caller_end_process(struct caller *caller)
{
	caller->ending = true;
	caller->heard = when_monotonic();
	shutdown(caller->child.channel.fd, SHUT_WR);
}

static void lose(struct caller *caller, const char *why)
{
	struct err trouble = {0};
	char how[64];
	bool was_ending = caller->ending;

	child_collect(&caller->child, how, sizeof how);
	caller->ending = false;
	if (was_ending)
		return;
	err_set(&trouble, ERR_ENV, "the process that calls: %s", why ? why : how);
	report_trouble(caller, &trouble);
	settle_unreachable(caller, false, &trouble);
}

/* It cannot work, and neither could another one. */
static void give_up(struct caller *caller, const struct err *trouble)
{
	report_trouble(caller, trouble);
	settle_unreachable(caller, true, trouble);
	child_kill(&caller->child);
	caller->ending = false;
}

static void take_order_back(struct caller *caller)
{
	vec_foreach(&caller->orders, order)
		if (order->state == ORDER_GIVEN) {
			order->state = ORDER_TAKEN;
			return;
		}
}

static void take_frame(struct caller *caller, const struct frame *frame, struct err *e)
{
	struct err trouble = {0};

	switch (frame->kind) {
	case CALL_FRAME_TAKEN:
		take_order_back(caller);
		break;
	case CALL_FRAME_OUTCOME:
		take_outcome(caller, frame, e);
		break;
	case CALL_FRAME_TROUBLE:
		if (call_trouble_decode(frame, &trouble, e) == 0)
			report_trouble(caller, &trouble);
		break;
	case CALL_FRAME_BROKEN:
		if (call_trouble_decode(frame, &trouble, e) == 0)
			give_up(caller, &trouble);
		break;
	default:
		break;
	}
}

static void hear(struct caller *caller)
{
	struct frame frame;
	struct err e = {0};

	while (caller->child.pid != 0) {
		int result = channel_next(&caller->child.channel, &frame, &e);
		if (result == 1) {
			caller->heard = when_monotonic();
			take_frame(caller, &frame, &e);
			continue;
		}
		if (result == 0)
			result = channel_fill(&caller->child.channel, &e);
		if (result < 0)
			lose(caller, NULL);
		if (result <= 0)
			return;
	}
}

/* ---- orders ---- */

static size_t count_in(const struct caller *caller, unsigned state)
{
	size_t count = 0;

	vec_foreach(&caller->orders, order)
		count += order->state == state;
	return count;
}

static struct order *next_waiting(struct caller *caller)
{
	vec_foreach(&caller->orders, order)
		if (order->state == ORDER_WAITING)
			return order;
	return NULL;
}

static bool may_give(const struct caller *caller)
{
	size_t given = count_in(caller, ORDER_GIVEN);

	return given < UNTAKEN_MAX && given + count_in(caller, ORDER_TAKEN) < caller->calls;
}

static void give(struct caller *caller)
{
	struct order *order;
	struct err e = {0};

	if (caller->ending || !next_waiting(caller))
		return;
	if (caller->child.pid == 0 && start(caller, &e) < 0) {
		report_trouble(caller, &e);
		settle_unreachable(caller, true, &e);
		return;
	}
	/* Until now it had no reason to say anything. */
	if (count_in(caller, ORDER_WAITING) == caller->orders.count)
		caller->heard = when_monotonic();
	while (may_give(caller) && (order = next_waiting(caller))) {
		if (channel_send(&caller->child.channel, CALL_FRAME_ORDER, order->frame.data,
				 order->frame.length, &e) < 0)
			return;
		order->state = ORDER_GIVEN;
		str_done(&order->frame);
	}
}

/* ---- the round ---- */

static void look_after(struct caller *caller)
{
	int64_t silent_ms = when_monotonic() - caller->heard;

	if (caller->child.pid == 0)
		return;
	if (caller->orders.count > count_in(caller, ORDER_WAITING) || caller->ending) {
		if (silent_ms > SILENT_MS)
			lose(caller, "no sign of life from it");
	} else if (silent_ms >= IDLE_MS) {
		caller_end_process(caller);
	}
}

void caller_step(struct caller *caller)
{
	hear(caller);
	look_after(caller);
	give(caller);
	caller_rearm(caller);
}
