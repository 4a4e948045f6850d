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
#include "recorder.h"
#include "tell.h"
#include "vec.h"
#include "when.h"

enum {
	EVENTS = 256,
	MINUTE_MS = 60000,
	RECORDER_RESTART_MS = 5000,
	LAST_LINES_MS = 1000,  /* how long a reader that is behind is waited for at the end */
	LAST_RECORD_MS = 5000
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
	struct recorder recorder;
	VEC(pid_t) leaving;          /* recorders of lists that were replaced, to be collected */
	int64_t recorder_restart_ms; /* when_monotonic; 0: it runs */
	VEC(uint32_t) unrecorded;    /* hosts whose newest change found no room */
	int64_t minute_ms;           /* the wall minute that is being filled */
	struct child loader;         /* reads hosts(5) after SIGHUP */
	bool reload_again;           /* another SIGHUP came meanwhile */
	int signals;
	bool ending;
};

static int64_t wall_ms(const struct prober *prober, int64_t monotonic_ns)
{
	return when_now() - (prober->engine.turn_ns - monotonic_ns) / 1000000;
}

/* ---- records ---- */

static uint8_t loss_percent(const struct prober *prober, uint32_t index)
{
	unsigned of;
	unsigned lost = watch_loss(prober->watch, index, &of);

	if (of == 0)
		return 0;
	return (uint8_t)(100 * lost / of);
}

static void start_recorder(struct prober *prober, bool say_locked)
{
	struct err e;

	prober->recorder_restart_ms = 0;
	if (recorder_start(&prober->recorder, &prober->targets, prober->wish->conf->store, say_locked, &e) < 0) {
		log_error("recorder: %s", e.text);
		prober->recorder_restart_ms = when_monotonic() + RECORDER_RESTART_MS;
	}
}

static bool record(struct prober *prober, uint32_t index, const struct record_change *change)
{
	if (recorder_change(&prober->recorder, change))
		return true;
	if (index != WATCH_SELF && !prober->courses[index].unrecorded) {
		prober->courses[index].unrecorded = true;
		vec_push(&prober->unrecorded, index);
	}
	return false;
}

/* What found no room before is recorded as it is now. */
static void record_left(struct prober *prober)
{
	while (prober->unrecorded.count > 0) {
		uint32_t index = prober->unrecorded.items[prober->unrecorded.count - 1];
		struct course *course = &prober->courses[index];
		struct record_change change = {
			.index = index,
			.rtt_us = course->rtt_us,
			.at_ms = course->since_ms,
			.state = (uint8_t)watch_state(prober->watch, index),
			.loss_percent = loss_percent(prober, index),
		};
		if (!recorder_change(&prober->recorder, &change))
			return;
		course->unrecorded = false;
		prober->unrecorded.count--;
	}
}

static void record_change_of(struct prober *prober, const struct watch_change *change, int64_t at_ms,
			     const char *detail)
{
	bool self = change->host == WATCH_SELF;
	struct record_change message = {
		.index = change->host,
		.rtt_us = self ? -1 : prober->courses[change->host].rtt_us,
		.at_ms = at_ms,
		.state = (uint8_t)change->state,
		.loss_percent = self ? 0 : loss_percent(prober, change->host),
	};

	strncpy(message.detail, detail, sizeof message.detail - 1);
	record(prober, change->host, &message);
}

/* The minute's round trips and losses of all hosts; what finds no room is left out. */
static void record_minute(struct prober *prober)
{
	struct record_minute minutes[RECORD_MINUTE_HOSTS];
	uint32_t count = (uint32_t)prober->targets.count;
	uint32_t first = 0;

	do {
		uint32_t part = count - first < RECORD_MINUTE_HOSTS ? count - first : RECORD_MINUTE_HOSTS;
		for (uint32_t i = 0; i < part; i++) {
			struct course *course = &prober->courses[first + i];
			minutes[i] = (struct record_minute){
				.rtt_us = course->answered ? (int32_t)(course->rtt_sum_us / course->answered) : -1,
				.sent = course->sent,
				.lost = course->lost,
			};
			course->rtt_sum_us = 0;
			course->sent = course->lost = course->answered = 0;
		}
		recorder_minute(&prober->recorder, prober->minute_ms, first, minutes, part, first + part == count);
		first += part;
	} while (first < count);
}

static int64_t current_minute(void)
{
	int64_t now_ms = when_now();

	return now_ms - now_ms % MINUTE_MS;
}

/* A clock that was stepped back or forward only ends a minute early. */
static void pass_time(struct prober *prober)
{
	int64_t minute_ms = current_minute();

	if (minute_ms != prober->minute_ms) {
		record_minute(prober);
		prober->minute_ms = minute_ms;
	}
	if (prober->recorder_restart_ms > 0 && when_monotonic() >= prober->recorder_restart_ms)
		start_recorder(prober, true);
	if (prober->unrecorded.count > 0)
		record_left(prober);
	if (prober->wish->cells)
		prober->wish->cells->beat_ms = when_monotonic();
}

static void collect_leaving(struct prober *prober)
{
	size_t left = 0;

	vec_foreach (&prober->leaving, pid)
		if (waitpid(*pid, NULL, WNOHANG) == 0)
			prober->leaving.items[left++] = *pid;
	prober->leaving.count = left;
}

static void collect_recorder(struct prober *prober)
{
	int status;

	collect_leaving(prober);

	if (prober->recorder.pid == 0 || waitpid(prober->recorder.pid, &status, WNOHANG) != prober->recorder.pid)
		return;
	if (WIFSIGNALED(status))
		log_warning("recorder: killed by signal %d; another one starts", WTERMSIG(status));
	else
		log_warning("recorder: ended with status %d; another one starts", WEXITSTATUS(status));
	recorder_close(&prober->recorder, false);
	prober->recorder_restart_ms = when_monotonic() + RECORDER_RESTART_MS;
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
	record_change_of(prober, change, course ? course->since_ms : at_ms, str_text(&detail));
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
		record_left(prober);
		adopt(prober, targets, watch, courses);
		if (prober->recorder.pid > 0)
			vec_push(&prober->leaving, prober->recorder.pid);
		recorder_close(&prober->recorder, false);
		lines_forget_keys(prober->lines);
	}
	watch_free(prober->watch);
	free(prober->courses);
	targets_done(&prober->targets);
	prober->unrecorded.count = 0;
	prober->targets = *targets;
	prober->watch = watch;
	prober->courses = courses;
	*targets = (struct targets){0};
	engine_use(&prober->engine, &prober->targets, watch, courses);
	malloc_trim(0);
	start_recorder(prober, first);
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
			collect_recorder(prober);
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
	int64_t minute_ns = when_monotonic_ns() + (prober->minute_ms + MINUTE_MS - when_now()) * 1000000;
	int64_t wake = engine_wake(&prober->engine, 0);

	return minute_ns < wake ? minute_ns : wake;
}

static int loop(struct prober *prober, struct err *e)
{
	struct epoll_event events[EVENTS];
	int result = 0;

	while (!prober->ending && result == 0) {
		engine_turn(&prober->engine, 0);
		pass_time(prober);
		result = tell_changes(prober, e);
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
	pid_t recorder = prober->recorder.pid;

	child_kill(&prober->loader);
	recorder_close(&prober->recorder, prober->ending);
	if (recorder > 0 && prober->ending)
		recorder_wait(recorder, LAST_RECORD_MS);
	lines_free(prober->lines);
	vec_done(&prober->unrecorded);
	vec_done(&prober->leaving);
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
	prober.minute_ms = current_minute();
	use_targets(&prober, targets);
	int result = loop(&prober, e);
	if (prober.ending && result == 0) {
		record_left(&prober);
		result = flush_last_lines(&prober, e);
	}
	return result;
}
