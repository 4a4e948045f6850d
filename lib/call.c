/* call.c - people called by telephone: for those who order it. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "call_process.h"
#include "speech.h"
#include "when.h"

enum { CALLS_DEFAULT = 100, FAREWELL_MS = 1000 };

static void copy_settings(struct caller *caller, const struct conf_sip *settings, const char *password)
{
	caller->from = mem_string(settings->from);
	caller->exchange = mem_string(settings->exchange);
	caller->registrar = mem_string(settings->registrar);
	caller->user = mem_string(settings->user);
	caller->password = mem_string(password);
	caller->ring_timeout_ms = settings->ring_timeout_ms;
	caller->calls = settings->calls ? settings->calls : CALLS_DEFAULT;
}

static int open_poll(struct caller *caller, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN};

	caller->poll = epoll_create1(EPOLL_CLOEXEC);
	caller->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (caller->poll < 0 || caller->timer < 0 ||
	    epoll_ctl(caller->poll, EPOLL_CTL_ADD, caller->timer, &event) < 0)
		return err_set_errno(e, ERR_ENV, errno, "epoll");
	return 0;
}

int caller_start(struct caller **caller, const struct conf_sip *settings, const char *password, struct err *e)
{
	cleanup(cleanup_caller_free) struct caller *made = NULL;

	if (!settings->from)
		return err_set(e, ERR_USAGE, "sip.from is not set");
	if (!sip_is_built() || !speech_is_built())
		return err_set(e, ERR_USAGE, "this vmroll was built without %s and cannot call",
			       sip_is_built() ? "espeak-ng" : "libre");
	if (sip_check_uri(settings->from, e) < 0)
		return err_wrap(e, "sip.from");
	made = mem_zalloc(1, sizeof *made);
	copy_settings(made, settings, password);
	if (open_poll(made, e) < 0)
		return e->code;
	*caller = made;
	made = NULL;
	return 0;
}

static void say_farewell(struct caller *caller)
{
	int64_t until = when_monotonic() + FAREWELL_MS;
	struct err e;

	caller_end_process(caller);
	while (channel_fill(&caller->child.channel, &e) >= 0) {
		int64_t left = until - when_monotonic();
		struct pollfd event = {.fd = caller->child.channel.fd, .events = POLLIN};
		if (left <= 0)
			break;
		poll(&event, 1, (int)left);
	}
	child_kill(&caller->child);
}

void caller_free(struct caller *caller)
{
	if (!caller)
		return;
	if (caller->child.pid != 0)
		say_farewell(caller);
	vec_foreach(&caller->orders, order)
		str_done(&order->frame);
	vec_done(&caller->orders);
	vec_done(&caller->settled);
	vec_done(&caller->troubles);
	vec_done(&caller->told);
	cleanup_fd(&caller->timer);
	cleanup_fd(&caller->poll);
	if (caller->password)
		explicit_bzero(caller->password, strlen(caller->password));
	free(caller->password);
	free(caller->from);
	free(caller->exchange);
	free(caller->registrar);
	free(caller->user);
	free(caller);
}

int caller_submit(struct caller *caller, uint64_t tag, const struct call_order *order, struct err *e)
{
	cleanup(cleanup_mem) char *uri = NULL;
	struct order made = {.tag = tag};

	if (call_uri(caller->exchange, order->to, &uri, e) < 0)
		return e->code;
	if (strlen(order->lang) > SPEECH_LANG_MAX)
		return err_set(e, ERR_USAGE, "the name of a language that is too long");
	call_order_encode(tag, uri, order, &made.frame);
	vec_push(&caller->orders, made);
	caller_step(caller);
	return 0;
}

bool caller_finished(struct caller *caller, uint64_t *tag, struct delivery_outcome *outcome)
{
	caller_step(caller);
	if (caller->settled.count == 0)
		return false;
	*tag = caller->settled.items[0].tag;
	*outcome = caller->settled.items[0].outcome;
	memmove(caller->settled.items, caller->settled.items + 1,
		--caller->settled.count * sizeof *caller->settled.items);
	caller_rearm(caller);
	return true;
}

bool caller_trouble(struct caller *caller, struct err *trouble)
{
	caller_step(caller);
	if (caller->troubles.count == 0)
		return false;
	*trouble = caller->troubles.items[0];
	vec_push(&caller->told, *trouble);
	memmove(caller->troubles.items, caller->troubles.items + 1,
		--caller->troubles.count * sizeof *caller->troubles.items);
	caller_rearm(caller);
	return true;
}

int caller_fd(const struct caller *caller)
{
	return caller->poll;
}

size_t caller_pending(const struct caller *caller)
{
	return caller->orders.count + caller->settled.count;
}

const char *call_end_text(enum call_end end)
{
	switch (end) {
	case CALL_NONE:
		return "not called";
	case CALL_KEY:
		return "heard: a key was pressed";
	case CALL_BUSY:
		return "busy";
	case CALL_NO_ANSWER:
		return "nobody answered";
	case CALL_DECLINED:
		return "declined";
	case CALL_NO_KEY:
		return "answered, but no key was pressed";
	case CALL_EARLY_BYE:
		return "hung up before a key was pressed";
	case CALL_NO_AUDIO:
		return "answered, but no sound came from there";
	case CALL_UNREACHABLE:
		return "could not be reached";
	case CALL_REFUSED:
		return "refused for good";
	}
	return "unknown";
}
