/* run.c - the loop: lines come in, messages go out, nothing waits for anything else. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "lock.h"
#include "log.h"
#include "mem.h"
#include "run.h"
#include "watchline.h"
#include "when.h"

enum {
	CATCH_UP_MS = 60 * 1000,
	/* A run without lines hears of deaths from the store alone; and while it waits for a call, no other may begin. */
	CATCH_UP_ALONE_MS = 10 * 1000,
	FAREWELL_MS = 5000,
	BUFFER_SIZE = 64 * 1024
};

static volatile sig_atomic_t ended, reload;

struct loop {
	struct engine engine;
	struct watchline_reader reader;
	bool input;          /* still open */
	int64_t drain;       /* CLOCK_MONOTONIC: until when to go on after the end of input */
	int64_t catch_up;    /* CLOCK_MONOTONIC: when to look at the store's states again */
	int64_t catch_up_ms; /* after how long */
	int64_t farewell;    /* CLOCK_MONOTONIC: told to end, and then at the latest; -1: not told */
};

static void on_end(int signal)
{
	(void)signal;
	ended = 1;
}

static void on_reload(int signal)
{
	(void)signal;
	reload = 1;
}

/* Blocked but while polling, so that none comes between the look at the flag and the sleep. */
static void take_signals(sigset_t *unblocked)
{
	struct sigaction end = {.sa_handler = on_end};
	struct sigaction again = {.sa_handler = on_reload};
	sigset_t blocked;

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &again, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
}

/* ---- input ---- */

static void take_lines(struct loop *loop)
{
	struct hoststate_change change;
	struct err e = {0};
	int result;

	engine_refresh(&loop->engine);
	while ((result = watchline_next(&loop->reader, &change, &e)) != 0) {
		if (result < 0) {
			log_warning("stdin: %s", e.text);
			continue;
		}
		events_take(&loop->engine.events, &change);
		hoststate_change_done(&change);
	}
}

static void read_input(struct loop *loop)
{
	char buffer[BUFFER_SIZE];
	ssize_t length = read(STDIN_FILENO, buffer, sizeof buffer);

	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (length < 0)
		log_error("stdin: %s", strerror(errno));
	if (length <= 0) {
		loop->input = false;
		return;
	}
	watchline_feed(&loop->reader, buffer, (size_t)length);
	take_lines(loop);
}

/* ---- the loop ---- */

static void shorten(int *timeout_ms, int64_t until)
{
	int64_t left = until - when_monotonic();

	left = left < 0 ? 0 : left;
	if (*timeout_ms < 0 || left < *timeout_ms)
		*timeout_ms = (int)left;
}

static int timeout_of(const struct loop *loop)
{
	int timeout_ms = -1;

	shorten(&timeout_ms, loop->catch_up);
	if (loop->farewell >= 0)
		shorten(&timeout_ms, loop->farewell);
	else if (!loop->input)
		shorten(&timeout_ms, loop->drain > when_monotonic() ? loop->drain : when_monotonic() + 1000);
	return timeout_ms;
}

/* Sleeps until there is something to do; true if there is input. */
static bool wait_for_work(struct loop *loop, const sigset_t *unblocked)
{
	struct pollfd fds[1 + ENGINE_POLL_MAX] = {{.fd = loop->input ? STDIN_FILENO : -1, .events = POLLIN}};
	int timeout_ms = timeout_of(loop);
	size_t count = 1 + engine_poll(&loop->engine, fds + 1, &timeout_ms);

	struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	if (ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, unblocked) < 0)
		return false;
	return fds[0].revents != 0;
}

static bool is_finished(const struct loop *loop)
{
	const struct engine *engine = &loop->engine;
	int64_t now = when_monotonic();

	if (loop->farewell >= 0)
		return engine_is_idle(engine) || now >= loop->farewell;
	if (loop->input || engine->state.soon || !engine_is_idle(engine))
		return false;
	return !engine->state.later || now >= loop->drain;
}

static void catch_up(struct loop *loop)
{
	engine_refresh(&loop->engine);
	events_catch_up(&loop->engine.events);
}

/* Whoever asks for that has changed something, maybe where the relay is. */
static void read_again(struct loop *loop)
{
	struct state *state = &loop->engine.state;
	struct err e = {0};

	if (state->surroundings && surroundings_look_again(state->surroundings, &e) < 0)
		log_warning("%s", e.text);
	if (state_read_hosts(state) == 0)
		catch_up(loop);
}

static void look_up(struct loop *loop)
{
	if (reload) {
		reload = 0;
		read_again(loop);
	}
	if (when_monotonic() < loop->catch_up)
		return;
	catch_up(loop);
	loop->catch_up = when_monotonic() + loop->catch_up_ms;
}

static void go_round(struct loop *loop, int64_t drain_ms, const sigset_t *unblocked)
{
	engine_round(&loop->engine);
	while (!is_finished(loop)) {
		bool had_input = loop->input;
		if (wait_for_work(loop, unblocked))
			read_input(loop);
		if (had_input && !loop->input)
			loop->drain = when_monotonic() + drain_ms;
		if (ended && loop->farewell < 0) {
			loop->input = false;
			loop->farewell = when_monotonic() + FAREWELL_MS;
		}
		engine_collect(&loop->engine);
		look_up(loop);
		engine_round(&loop->engine);
	}
}

/* Readers want a store that exists; what creates one is opening it for writing. */
static int make_store(const struct conf *conf, bool dry_run, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;

	int result = store_open(&store, conf->store, STORE_READ, e);
	if (result == 0 || dry_run)
		return result;
	return store_open(&store, conf->store, STORE_WRITE, e);
}

static int verdict(const struct loop *loop, struct err *e)
{
	const struct state *state = &loop->engine.state;

	if (state->broken)
		return err_set(e, ERR_ENV, "the store could not be read or written: see above");
	if (state->recorder && recorder_pending(state->recorder) > 0)
		return err_set(e, ERR_ENV, "%zu changes could not be recorded",
			       recorder_pending(state->recorder));
	if (state->failed > 0 && state->sent == 0)
		return err_set(e, ERR_ENV, "no message went out: %zu failed, see above", state->failed);
	if (state->failed > 0 || state->untold)
		return err_set(e, ERR_PARTIAL, "not everybody could be told: see above");
	return 0;
}

/*
 * One run of cron at a time: while the store is full, the one that cannot
 * record whom it told goes on until it can, and a second would tell everybody again.
 */
static int lock_out_others(const struct conf *conf, struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;
	struct err held;

	if (store_lock_path(conf->store, "notify-admins", &path, e) < 0)
		return e->code;
	int result = lock_acquire(lock, path, &held);
	if (result == ERR_LOCKED) {
		log_info("%s", held.text);
		*e = (struct err){.code = ERR_LOCKED};
		return ERR_LOCKED;
	}
	/* A full disk or a folder that is read-only must keep nobody from being told. */
	if (result < 0)
		log_warning("%s: goes on without a lock", held.text);
	return 0;
}

int run(const struct conf *conf, bool input, int64_t drain_ms, bool dry_run, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	struct hosts hosts = {0};
	struct loop loop = {
		.input = input, .farewell = -1, .catch_up_ms = input ? CATCH_UP_MS : CATCH_UP_ALONE_MS};
	sigset_t unblocked;

	if (hosts_read(&hosts, conf->hosts, e) < 0 || make_store(conf, dry_run, e) < 0 ||
	    (!input && !dry_run && lock_out_others(conf, &lock, e) < 0) ||
	    engine_start(&loop.engine, conf, &hosts, dry_run, e) < 0) {
		engine_done(&loop.engine);
		hosts_done(&hosts);
		return e->code;
	}
	take_signals(&unblocked);
	engine_refresh(&loop.engine);
	if (!input)
		events_watch_ourselves(&loop.engine.events);
	events_catch_up(&loop.engine.events);
	loop.catch_up = when_monotonic() + loop.catch_up_ms;
	go_round(&loop, drain_ms, &unblocked);
	int result = verdict(&loop, e);
	watchline_reader_done(&loop.reader);
	engine_done(&loop.engine);
	hosts_done(&hosts);
	return result;
}
