/* session.c - one connection to one host in a shard, with a thread of its own. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "ask.h"
#include "mem.h"
#include "session.h"
#include "str.h"
#include "vec.h"
#include "virt.h"
#include "when.h"

/*
 * PAUSE_MS: a burst of events is one list. A shard has 64 threads: small
 * stacks, which libvirt's client is content with.
 */
enum { PAUSE_MS = 250, STACK_BYTES = 512 << 10 };

struct session {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned holders; /* the shard, the thread, and libvirt while it may call back */
	const struct host *host;
	struct shard_head head;
	struct known *home; /* where known is brought back to */
	struct known known;
	int64_t reread_ms;
	struct upward *up;
	bool wanted;        /* the list */
	bool left;          /* nobody listens any more */
	bool over;          /* the thread has nothing more to do */
	const char *closed; /* why libvirt closed the connection */
	struct str stale;   /* UUIDs whose definition changed */
};

/* Called with the lock held; gives it up. */
static void release(struct session *session)
{
	bool last = --session->holders == 0;

	pthread_mutex_unlock(&session->lock);
	if (!last)
		return;
	known_done(&session->known);
	str_done(&session->stale);
	pthread_cond_destroy(&session->wake);
	pthread_mutex_destroy(&session->lock);
	free(session);
}

static void hold_released(void *context)
{
	struct session *session = context;

	pthread_mutex_lock(&session->lock);
	release(session);
}

/* ---- to the parent ---- */

int upward_tell(struct upward *up, struct shard_head head, enum shard_kind kind, const void *bytes,
		size_t length, struct err *e)
{
	cleanup(str_done) struct str frame = {0};
	struct err ignored;

	str_add_n(&frame, &head, sizeof head);
	str_add_n(&frame, bytes, length);
	pthread_mutex_lock(&up->lock);
	int result = channel_send(up->channel, (unsigned char)kind, frame.data, frame.length, e ? e : &ignored);
	pthread_mutex_unlock(&up->lock);
	return result;
}

static int tell(struct session *session, enum shard_kind kind, const void *bytes, size_t length, struct err *e)
{
	return upward_tell(session->up, session->head, kind, bytes, length, e);
}

static void tell_lost(struct session *session, int code, const char *why)
{
	cleanup(str_done) struct str body = {0};
	int32_t number = code;

	str_add_n(&body, &number, sizeof number);
	str_add(&body, why);
	tell(session, SHARD_LOST, body.data, body.length, NULL);
}

/* ---- called by libvirt in the shard's main thread ---- */

static void on_event(void *context, const struct virt_event *event)
{
	cleanup(str_done) struct str body = {0};
	struct session *session = context;
	struct shard_event told = {
		.at = when_now(),
		.kind = event->kind,
		.event = event->event,
		.detail = event->detail,
	};

	memcpy(told.uuid, event->uuid, sizeof told.uuid);
	str_add_n(&body, &told, sizeof told);
	str_add(&body, event->name);
	pthread_mutex_lock(&session->lock);
	bool left = session->left;
	session->wanted = true;
	if (virt_event_defines(event))
		str_add_n(&session->stale, event->uuid, sizeof event->uuid);
	pthread_cond_signal(&session->wake);
	pthread_mutex_unlock(&session->lock);
	if (!left)
		tell(session, SHARD_EVENT, body.data, body.length, NULL);
}

static void on_closed(void *context, const char *why)
{
	struct session *session = context;

	pthread_mutex_lock(&session->lock);
	session->closed = why;
	pthread_cond_signal(&session->wake);
	pthread_mutex_unlock(&session->lock);
}

/* ---- in the session's thread ---- */

/* What goes up is kept here too: it is what is known when the list is asked for again. */
struct passing {
	struct session *session;
	struct answer answer;
};

static int pass_up(void *context, const void *bytes, size_t length, struct err *e)
{
	struct passing *passing = context;
	int result = answer_receive(&passing->answer, bytes, length, e);

	if (result < 0)
		return result;
	/* Nobody waits for a session that was left. */
	if (__atomic_load_n(&passing->session->left, __ATOMIC_RELAXED))
		return err_set(e, ERR_DEADLINE, "left behind");
	return tell(passing->session, SHARD_ANSWER, bytes, length, e);
}

static int by_uuid(const void *a, const void *b)
{
	return memcmp(((const struct vm *)a)->uuid, ((const struct vm *)b)->uuid, VM_UUID_SIZE);
}

static void learn(struct known *known, struct answer *answer)
{
	struct known before = *known;

	*known = (struct known){
		.any = true,
		.host = before.host,
		.vms = answer->vms.items,
		.count = answer->vms.count,
	};
	before.host = (struct roll_host){0};
	known_done(&before);
	if (answer->facts) {
		roll_host_done(&known->host);
		known->host = answer->host;
		answer->host = (struct roll_host){0};
	}
	if (known->count > 0)
		qsort(known->vms, known->count, sizeof *known->vms, by_uuid);
	answer->vms.items = NULL;
	answer->vms.count = answer->vms.capacity = 0;
}

static int ask_again(struct session *session, struct virt *virt, bool first, struct err *e)
{
	cleanup(str_done) struct str stale = {0};
	struct passing passing = {.session = session};
	const struct answer_sink sink = {pass_up, &passing};

	pthread_mutex_lock(&session->lock);
	session->wanted = false;
	stale = session->stale;
	session->stale = (struct str){0};
	pthread_mutex_unlock(&session->lock);
	struct question question = {
		.host = session->host,
		.known = &session->known,
		.identify = first,
		.reread_ms = session->reread_ms,
		.until = when_monotonic() + SHARD_XML_MS,
		.stale = (const unsigned char *)stale.data,
		.stale_count = stale.length / VM_UUID_SIZE,
	};
	int result = ask_host(virt, &question, &sink, e);
	if (result == 0) {
		learn(&session->known, &passing.answer);
		result = tell(session, SHARD_DONE, NULL, 0, e);
	}
	answer_done(&passing.answer);
	return result;
}

/* Waits until there is something to do, but at least PAUSE_MS; false: the session is over. */
static bool wait_for_work(struct session *session)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PAUSE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&session->lock);
	while (!session->closed && !session->left &&
	       pthread_cond_timedwait(&session->wake, &session->lock, &until) != ETIMEDOUT)
		continue;
	while (!session->closed && !session->left && !session->wanted)
		pthread_cond_wait(&session->wake, &session->lock);
	bool go_on = !session->closed && !session->left;
	pthread_mutex_unlock(&session->lock);
	return go_on;
}

static int listen_to(struct session *session, struct virt *virt, struct err *e)
{
	const struct virt_listener listener = {on_event, on_closed, hold_released, session};

	pthread_mutex_lock(&session->lock);
	session->holders++;
	pthread_mutex_unlock(&session->lock);
	/* First listen, then list: what happens in between is seen twice, never missed. */
	int result = virt_follow(virt, &listener, e);
	/* Another machine may answer at this address than did before, even one with the same VMs. */
	if (result == 0)
		result = ask_again(session, virt, true, e);
	while (result == 0 && wait_for_work(session))
		result = ask_again(session, virt, false, e);
	pthread_mutex_lock(&session->lock);
	const char *why = session->closed;
	pthread_mutex_unlock(&session->lock);
	return why ? err_set(e, ERR_NET, "%s", why) : result;
}

static void *session_thread(void *context)
{
	struct session *session = context;
	struct virt *virt = NULL;
	struct err e = {0};
	int result = virt_open(&virt, session->host->uri, &e);

	if (result == 0)
		result = listen_to(session, virt, &e);
	virt_close(virt);
	pthread_mutex_lock(&session->lock);
	bool left = session->left;
	if (!left) {
		*session->home = session->known;
		session->known = (struct known){0};
	} else
		atomic_fetch_sub(&session->up->left_behind, 1);
	session->over = true;
	pthread_mutex_unlock(&session->lock);
	if (!left)
		tell_lost(session, result, e.text);
	pthread_mutex_lock(&session->lock);
	release(session);
	return NULL;
}

/* ---- in the shard's main thread ---- */

static int start_thread(struct session *session, struct err *e)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	int errnum = pthread_create(&thread, &attributes, session_thread, session);
	pthread_attr_destroy(&attributes);
	return errnum ? err_set_errno(e, ERR_ENV, errnum, "thread") : 0;
}

static void init_clocked(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

int session_start(struct session **session, const struct host *host, struct shard_head head,
		  struct known *known, int64_t reread_ms, struct upward *up, struct err *e)
{
	struct session *new = mem_zalloc(1, sizeof *new);

	*new = (struct session){
		.holders = 2,
		.host = host,
		.head = head,
		.home = known,
		.known = *known,
		.reread_ms = reread_ms,
		.up = up,
	};
	pthread_mutex_init(&new->lock, NULL);
	init_clocked(&new->wake);
	*known = (struct known){0};
	int result = start_thread(new, e);
	if (result < 0) {
		*known = new->known;
		new->known = (struct known){0};
		new->holders = 1;
		pthread_mutex_lock(&new->lock);
		release(new);
		return result;
	}
	*session = new;
	return 0;
}

void session_ask(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	session->wanted = true;
	pthread_cond_signal(&session->wake);
	pthread_mutex_unlock(&session->lock);
}

void session_leave(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	if (!session->over)
		atomic_fetch_add(&session->up->left_behind, 1);
	__atomic_store_n(&session->left, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&session->wake);
	release(session);
}
