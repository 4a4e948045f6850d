/* session.c - what every command about deployments works with: settings, hosts, the store, and signals. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include "group.h"
#include "interrupt.h"
#include "log.h"
#include "mem.h"
#include "session.h"
#include "speaker.h"
#include "when.h"

enum { LOCK_POLL_MS = 100 };

static volatile sig_atomic_t stop, stop_twice;

static void on_stop(int number)
{
	(void)number;
	stop_twice = stop;
	stop = 1;
}

void session_catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_stop};

	interrupt_handle(&action);
}

const volatile sig_atomic_t *session_stop(void)
{
	return &stop;
}

const volatile sig_atomic_t *session_stop_twice(void)
{
	return &stop_twice;
}

int session_open(struct session *session, const struct options *options, enum store_mode mode, struct err *e)
{
	*session = (struct session){.options = options, .conf = &options->conf};
	int result = progress_new(&session->progress, stderr, options->progress, options->cli.quiet, e);

	if (result == 0)
		result = cli_hosts(session->conf, &session->hosts, e);
	if (result == 0)
		result = cli_store(session->conf, mode, &session->store, e);
	return result;
}

void session_done(struct session *session)
{
	progress_free(session->progress);
	store_close(session->store);
	hosts_done(&session->hosts);
}

int session_wait_lock(int (*try)(void *context, struct err *e), void *context,
		      const volatile sig_atomic_t *given_up, struct err *e)
{
	int result;

	while ((result = try(context, e)) == ERR_LOCKED && !*given_up)
		poll(NULL, 0, LOCK_POLL_MS);
	return result;
}

struct base_try {
	struct session *session;
	const struct deployed_base *base;
	struct lock *lock;
};

static int try_base(void *context, struct err *e)
{
	const struct base_try *try = context;

	return deployment_base_lock(try->session->conf->store, try->base, try->lock, e);
}

int session_wait_base(struct session *session, const struct deployed_base *base, struct lock *lock,
		      const volatile sig_atomic_t *given_up, struct err *e)
{
	struct base_try try = {session, base, lock};

	return session_wait_lock(try_base, &try, given_up, e);
}

int session_lock(struct session *session, const struct deployment *deployment, struct lock *lock, struct err *e)
{
	int result = deployment_lock(session->conf->store, deployment->id, lock, e);

	if (result == ERR_LOCKED)
		return err_set(e, ERR_LOCKED,
			       "deployment %s: another vmgroup is at work at it: see vmgroup status %s",
			       deployment->name, deployment->name);
	return result;
}

const char *session_uri(const struct session *session, const char *host, const char *recorded)
{
	const struct host *now = hosts_find(&session->hosts, host);

	return now && now->uri ? now->uri : recorded;
}

void session_locate(const struct session *session, struct deployment *deployment)
{
	vec_foreach(&deployment->machines, machine) {
		const struct host *now = hosts_find(&session->hosts, machine->host);
		if (!now || !now->uri)
			continue;
		mem_replace(&machine->uri, now->uri);
		mem_replace(&machine->address, now->address);
	}
}

static int find(struct session *session, const char *text, struct deployment *deployment, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, session->store, e);

	return result < 0 ? result : deployment_require(view, text, deployment, e);
}

int session_take(struct session *session, const char *text, struct deployment *deployment, struct lock *lock,
		 struct err *e)
{
	cleanup(deployment_done) struct deployment before = {0};
	int result = find(session, text, &before, e);

	if (result == 0)
		result = session_lock(session, &before, lock, e);
	/* Whoever had the lock until now has changed it since. */
	if (result == 0)
		result = find(session, before.name, deployment, e);
	if (result == 0)
		session_locate(session, deployment);
	return result;
}

int session_log(struct session *session, const struct deployment *deployment, const char *what, struct err *e)
{
	struct group_event event = {
		.at = when_now(),
		.id = deployment->group,
		.group = deployment->group_name,
		.what = (char *)what,
		.by = (char *)speaker_name(),
		.comment = (char *)session->options->comment,
	};

	return group_log(session->store, &event, e);
}

void session_limits(const struct session *session, struct workers_limits *limits)
{
	uint64_t jobs = session->options->jobs ? session->options->jobs : session->conf->deploy.jobs;

	*limits = (struct workers_limits){
		.parallel = (unsigned)jobs,
		.stall_ms = session->conf->image.stall_ms,
	};
}
