/* prober.c - hostping for ever: probe, tell each change, hand it to the recorder. */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"
#include "lines.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "prober.h"
#include "recording.h"
#include "tell.h"
#include "vec.h"
#include "when.h"

enum {
	EVENTS = 256,
	LAST_LINES_MS = 1000 /* how long a reader that is behind is waited for at the end */
};

struct prober {
	const struct prober_wish *wish;
	struct watch_rule rule;
	struct targets targets;
	struct watch *watch;
	struct course *courses;
	struct engine engine;
	struct lines *lines; /* NULL with a board */
	bool output_watched; /* its descriptor is in the epoll */
	bool output_awaited; /* for POLLOUT */
	struct recording recording;
	bool unwitnessed;    /* said that no reference answers */
	struct child loader; /* reads hosts(5) after SIGHUP */
	bool reload_again;   /* another SIGHUP came meanwhile */
	int signals;
	bool ending;
};

static int64_t wall_ms(const struct prober *prober, int64_t monotonic_ns)
{
	return when_now() - (prober->engine.turn_ns - monotonic_ns) / 1000000;
}

/* ---- lines ---- */

static void await_output(struct prober *prober)
{
	bool wanted = lines_waiting(prober->lines);
	struct epoll_event event = {.events = wanted ? EPOLLOUT : 0, .data.u64 = engine_data(TAG_OUTPUT, 0)};

	if (prober->output_watched && wanted != prober->output_awaited)
		epoll_ctl(prober->engine.epoll, EPOLL_CTL_MOD, lines_descriptor(prober->lines), &event);
	prober->output_awaited = wanted;
}

static void show_change(struct prober *prober, const struct watch_change *change, int64_t at_ms)
{
	struct cells *cells = prober->wish->cells;

	if (change->host == WATCH_SELF) {
		cells->isolated = change->state == HOST_ISOLATED;
		return;
	}
	struct cell *cell = &cells->items[change->host];
	cell->state = (uint8_t)change->state;
	cell->silent = watch_is_silent(prober->watch, change->host);
	cell->since_ms = at_ms;
	if (cell->changes < UINT8_MAX)
		cell->changes++;
}

/* The line goes first; the record follows it. */
static int tell_change(struct prober *prober, const struct watch_change *change, struct err *e)
{
	cleanup(str_done) struct str detail = {0};
	bool self = change->host == WATCH_SELF;
	struct course *course = self ? NULL : &prober->courses[change->host];
	bool same_state = change->reason == WATCH_ICMP_BACK ||
			  (change->reason == WATCH_ICMP_SILENT && course && course->was_up);
	int64_t at_ms = wall_ms(prober, change->at_ns);
	int64_t down_ms = 0;
	int result = 0;

	if (course && change->state == HOST_UP && course->down_ns > 0)
		down_ms = (change->at_ns - course->down_ns) / 1000000;
	tell_detail(change, &prober->targets, down_ms, &detail);
	struct hoststate_change line = {
		.host = self ? (char *)"-" : (char *)targets_name(&prober->targets, change->host),
		.state = change->state,
		.at = at_ms,
		.detail = detail.length > 0 ? detail.data : NULL,
	};
	if (prober->lines)
		result = lines_put(prober->lines, self ? 0 : (size_t)change->host + 1, &line, e);
	if (course && !same_state) {
		course->since_ms = at_ms;
		course->down_ns = change->state == HOST_DOWN ? change->at_ns : 0;
		course->was_up = change->state == HOST_UP;
	}
	if (prober->wish->cells)
		show_change(prober, change, course ? course->since_ms : at_ms);
	/* What --status finds of us is the newest: that no reference answers is said again after it. */
	if (self)
		prober->unwitnessed = false;
	recording_change(&prober->recording, change, course ? course->since_ms : at_ms, str_text(&detail));
	return result;
}

static int tell_changes(struct prober *prober, struct err *e)
{
	struct watch_change change;
	int result = 0;

	while (result == 0 && watch_next(prober->watch, &change))
		result = tell_change(prober, &change, e);
	if (prober->lines)
		await_output(prober);
	return result;
}

/* A configuration to be mended is no line: nobody died. It is said once each time, and kept where --status finds it. */
static void say_unwitnessed(struct prober *prober, bool unwitnessed)
{
	cleanup(str_done) struct str why = {0};
	const struct watch_change self = {
		.host = WATCH_SELF,
		.state = watch_is_isolated(prober->watch) ? HOST_ISOLATED : HOST_UP,
	};

	prober->unwitnessed = unwitnessed;
	if (prober->wish->cells)
		prober->wish->cells->unwitnessed = unwitnessed;
	if (unwitnessed) {
		tell_unwitnessed(&prober->targets, &why);
		log_warning("%s", str_text(&why));
	}
	if (unwitnessed || self.state == HOST_UP)
		recording_change(&prober->recording, &self, when_now(), str_text(&why));
}

/* Whoever is cut off loses references and hosts within an interval of each other; what lasts a window is something else. */
static void watch_references(struct prober *prober)
{
	int64_t lasted_ns = watch_unwitnessed_ns(prober->watch, prober->engine.turn_ns);
	bool unwitnessed = lasted_ns >= prober->engine.interval_ns * prober->rule.window.size;

	if (unwitnessed != prober->unwitnessed && (unwitnessed || lasted_ns < 0))
		say_unwitnessed(prober, unwitnessed);
}

/* ---- hosts(5) ---- */

static struct course *new_courses(const struct targets *targets)
{
	struct course *courses = mem_zalloc(targets->count, sizeof *courses);

	for (size_t i = 0; i < targets->count; i++)
		courses[i] = (struct course){.since_ms = WHEN_UNKNOWN, .rtt_us = -1};
	return courses;
}

static bool same_address(const struct icmp_address *a, const struct icmp_address *b)
{
	return a->family == b->family && a->scope == b->scope && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* A reference that seemed to answer, because nothing of it is known yet, would make deaths real while we are blind. */
static void adopt_references(const struct prober *prober, const struct targets *targets, struct watch *watch)
{
	const struct targets *before = &prober->targets;

	for (size_t i = targets->count; i < targets->count + targets->references; i++)
		for (size_t old = before->count; old < before->count + before->references; old++)
			if (same_address(&targets->addresses[i], &before->addresses[old]))
				watch_adopt(watch, (uint32_t)i, prober->watch, (uint32_t)old);
}

/* A host that kept its name and its address goes on as it was. */
static void adopt(struct prober *prober, const struct targets *targets, struct watch *watch, struct course *courses)
{
	struct map *by_name = map_new();

	for (uint32_t i = 0; i < prober->targets.count; i++) {
		const char *name = targets_name(&prober->targets, i);
		map_add(by_name, name, strlen(name), (void *)(uintptr_t)(i + 1));
	}
	for (uint32_t i = 0; i < targets->count; i++) {
		const char *name = targets_name(targets, i);
		uint32_t old = (uint32_t)(uintptr_t)map_find(by_name, name, strlen(name));
		if (old == 0 || !same_address(&targets->addresses[i], &prober->targets.addresses[old - 1]))
			continue;
		watch_adopt(watch, i, prober->watch, old - 1);
		courses[i] = prober->courses[old - 1];
		courses[i].unrecorded = false;
	}
	adopt_references(prober, targets, watch);
	map_free(by_name);
	watch_adopt_self(watch, prober->watch);
}

/* The old recorder writes what it has and ends; the new one gets the lock after it. */
static void use_targets(struct prober *prober, struct targets *targets)
{
	struct watch *watch = watch_new(&prober->rule, targets->count, targets->references);
	struct course *courses = new_courses(targets);
	bool first = prober->watch == NULL;

	if (!first) {
		recording_settle(&prober->recording);
		adopt(prober, targets, watch, courses);
		lines_forget_keys(prober->lines);
	}
	watch_free(prober->watch);
	free(prober->courses);
	targets_done(&prober->targets);
	prober->targets = *targets;
	prober->watch = watch;
	prober->courses = courses;
	*targets = (struct targets){0};
	engine_use(&prober->engine, &prober->targets, watch, courses);
	malloc_trim(0);
	recording_use(&prober->recording, &prober->targets, watch, courses);
}

static void start_loader(struct prober *prober)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = engine_data(TAG_LOADER, 0)};
	struct err e;

	prober->reload_again = prober->loader.pid != 0;
	if (prober->reload_again)
		return;
	if (targets_start(&prober->loader, prober->wish->targets, &e) < 0) {
		log_error("%s: the hosts stay as they were", e.text);
		return;
	}
	epoll_ctl(prober->engine.epoll, EPOLL_CTL_ADD, prober->loader.channel.fd, &event);
}

static void take_targets(struct prober *prober)
{
	struct targets targets = {0};
	struct err e;
	int result = targets_take(&prober->loader, &targets, &e);

	if (result == 0)
		return;
	if (result < 0) {
		log_error("%s: the hosts stay as they were", e.text);
	} else {
		log_info("%zu hosts from now on", targets.count);
		use_targets(prober, &targets);
	}
	if (prober->reload_again)
		start_loader(prober);
}

/* ---- the loop ---- */

static void take_signals(struct prober *prober)
{
	struct signalfd_siginfo info;

	while (read(prober->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			recording_collect(&prober->recording);
		else if (info.ssi_signo == SIGHUP && !prober->wish->cells)
			start_loader(prober);
		else
			prober->ending = true;
	}
}

/* Nobody will ever read a line again: end as any filter does. */
static void end_by_broken_pipe(void)
{
	sigset_t pipe;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &pipe, NULL);
	raise(SIGPIPE);
}

static int take_event(struct prober *prober, const struct epoll_event *event, struct err *e)
{
	switch (event->data.u64 >> 32) {
	case TAG_SIGNAL:
		take_signals(prober);
		return 0;
	case TAG_OUTPUT:
		if (event->events & EPOLLERR)
			end_by_broken_pipe();
		if (event->events & EPOLLHUP)
			return err_set(e, ERR_ENV, "standard output: hung up");
		return lines_flush(prober->lines, e);
	case TAG_LOADER:
		take_targets(prober);
		return 0;
	default:
		engine_event(&prober->engine, event);
		return 0;
	}
}

static int64_t wake_ns(const struct prober *prober)
{
	int64_t minute_ns = when_monotonic_ns() + recording_rest_ms(&prober->recording) * 1000000;
	int64_t wake = engine_wake(&prober->engine, 0);

	return minute_ns < wake ? minute_ns : wake;
}

static int loop(struct prober *prober, struct err *e)
{
	struct epoll_event events[EVENTS];
	int result = 0;

	while (!prober->ending && result == 0) {
		engine_turn(&prober->engine, 0);
		recording_turn(&prober->recording);
		if (prober->wish->cells)
			prober->wish->cells->beat_ms = when_monotonic();
		result = tell_changes(prober, e);
		watch_references(prober);
		int count = engine_wait(&prober->engine, wake_ns(prober), events, EVENTS);
		for (int i = 0; i < count && result == 0; i++)
			result = take_event(prober, &events[i], e);
	}
	return result;
}

static int open_signals(struct prober *prober, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = engine_data(TAG_SIGNAL, 0)};
	sigset_t taken;

	sigemptyset(&taken);
	sigaddset(&taken, SIGINT);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGHUP);
	sigaddset(&taken, SIGCHLD);
	sigprocmask(SIG_BLOCK, &taken, NULL);
	prober->signals = signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
	if (prober->signals < 0 || epoll_ctl(prober->engine.epoll, EPOLL_CTL_ADD, prober->signals, &event) < 0)
		return err_set_errno(e, ERR_ENV, errno, "signals");
	return 0;
}

/* A reader that goes away is seen at once, not at the next change, which may be months away. */
static void open_output(struct prober *prober)
{
	struct epoll_event event = {.data.u64 = engine_data(TAG_OUTPUT, 0)};

	if (prober->wish->cells)
		return;
	prober->lines = lines_new(STDOUT_FILENO, prober->wish->format);
	prober->output_watched =
		epoll_ctl(prober->engine.epoll, EPOLL_CTL_ADD, lines_descriptor(prober->lines), &event) == 0;
}

static int flush_last_lines(struct prober *prober, struct err *e)
{
	int64_t until_ns = when_monotonic_ns() + LAST_LINES_MS * 1000000LL;
	struct epoll_event event;
	int result = 0;

	while (result == 0 && prober->lines && lines_waiting(prober->lines) && when_monotonic_ns() < until_ns) {
		engine_wait(&prober->engine, until_ns, &event, 1);
		result = lines_flush(prober->lines, e);
	}
	return result;
}

static void prober_done(struct prober *prober)
{
	child_kill(&prober->loader);
	recording_end(&prober->recording, prober->ending);
	lines_free(prober->lines);
	engine_done(&prober->engine);
	cleanup_fd(&prober->signals);
	watch_free(prober->watch);
	free(prober->courses);
	targets_done(&prober->targets);
}

int prober_watch(struct icmp *icmp, const struct prober_wish *wish, struct targets *targets, struct err *e)
{
	cleanup(prober_done) struct prober prober = {.wish = wish, .signals = -1, .engine.epoll = -1};

	if (prober_rule(wish->conf, &prober.rule, e) < 0 ||
	    engine_init(&prober.engine, icmp, wish->conf, e) < 0 || open_signals(&prober, e) < 0)
		return e->code;
	prober.engine.cells = wish->cells;
	open_output(&prober);
	prober.recording.store = wish->conf->store;
	/* Beside a board another one mostly does: whoever only looks need not hear it. */
	prober.recording.say_locked = !wish->cells;
	use_targets(&prober, targets);
	int result = loop(&prober, e);
	if (prober.ending && result == 0) {
		recording_settle(&prober.recording);
		result = flush_last_lines(&prober, e);
	}
	return result;
}
