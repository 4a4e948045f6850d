/* follow.c - stays connected to all hosts and records each change as it happens. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "follow.h"
#include "known.h"
#include "line.h"
#include "link.h"
#include "lock.h"
#include "log.h"
#include "mem.h"
#include "reread.h"
#include "roll.h"
#include "shard.h"
#include "take.h"
#include "when.h"

enum {
	BACKOFF_FIRST_MS = 1000,
	BACKOFF_LAST_MS = 60000,
	ALIVE_MS = ROLL_FOLLOW_PERIOD_MS - 1000,
	TURN_MS = 200,
	SNAPSHOT_PAUSE_MS = 5000
};

struct following {
	const struct follow *follow;
	const struct hosts *hosts;
	struct hosts *fresh; /* what hosts(5) says now, once it says other */
	struct store *store;
	uint64_t session;    /* of roll_follow_open */
	struct known *known; /* by place in hosts(5), as are the links */
	struct link *links;
	struct shard *plans;
	struct child *shards;
	size_t shard_count;
	struct child snapshot; /* a process that takes one, or none */
	int64_t snapshot_due;  /* when_monotonic */
	int64_t snapshot_last; /* when the last one ended */
	int64_t alive_due;
	struct pollfd *polls;
	struct lines *lines;
};

static void following_done(struct following *f)
{
	child_kill(&f->snapshot);
	for (size_t i = 0; f->shards && i < f->shard_count; i++)
		child_kill(&f->shards[i]);
	for (size_t i = 0; f->links && i < f->hosts->count; i++)
		link_done(&f->links[i]);
	known_free(f->known, f->hosts->count);
	lines_free(f->lines);
	free(f->links);
	free(f->plans);
	free(f->shards);
	free(f->polls);
}

/* ---- snapshots, taken by a process of their own so that no event waits ---- */

static int snapshot_body(struct channel *channel, void *context)
{
	cleanup(cleanup_store) struct store *store = NULL;
	const struct following *f = context;
	struct take take = {.conf = f->follow->conf, .hosts = f->hosts};
	struct err e = {0};

	(void)channel;
	int result = store_open(&store, f->follow->conf->store, STORE_WRITE, &e);
	if (result == 0)
		result = take_snapshot(&take, store, &e);
	/* One that another vmsnap is taking just now serves as well. */
	if (result < 0 && result != ERR_LOCKED && e.text[0])
		log_err(&e);
	return err_exit_status(result);
}

static int start_snapshot(struct following *f, struct err *e)
{
	f->snapshot_due = when_monotonic() + f->follow->conf->snapshot.reread_ms;
	return child_start(&f->snapshot, snapshot_body, f, e);
}

/* As soon as is decent: hosts that the roll does not know yet wait for it. */
static void want_snapshot(struct following *f)
{
	int64_t soon = f->snapshot_last + SNAPSHOT_PAUSE_MS;

	if (soon < f->snapshot_due)
		f->snapshot_due = soon;
}

/* ---- telling a shard ---- */

static size_t shard_of(size_t place)
{
	return place / SHARD_HOSTS;
}

static int start_shard(struct following *f, size_t shard, struct err *e)
{
	f->plans[shard].known = f->known;
	return child_start(&f->shards[shard], shard_body, &f->plans[shard], e);
}

/* One that is gone is noticed where its answers are awaited. */
static void tell_shard(struct following *f, size_t place, enum shard_kind kind)
{
	struct link *link = &f->links[place];
	struct shard_head head = {(uint32_t)place, link->generation};
	struct err ignored;

	link->state = LINK_ASKED;
	link->due = when_monotonic() + f->follow->conf->snapshot.host_deadline_ms;
	channel_send(&f->shards[shard_of(place)].channel, (unsigned char)kind, &head, sizeof head, &ignored);
}

/* A shard that died is started here, so that it dies no more often than its hosts are tried. */
static int connect_link(struct following *f, size_t place, struct err *e)
{
	struct link *link = &f->links[place];
	size_t shard = shard_of(place);
	int result = f->shards[shard].pid ? 0 : start_shard(f, shard, e);

	if (result < 0)
		return result;
	answer_done(&link->answer);
	link->put = false;
	link->generation++;
	tell_shard(f, place, SHARD_CONNECT);
	return 0;
}

/* ---- what becomes of a link ---- */

static int lose(struct following *f, struct link *link, const char *why, struct err *e)
{
	int result = 0;

	if (link->followed) {
		link->followed = false;
		result = roll_follow_end(f->store, f->session, link->uuid, when_now(), why, e);
		if (result == 0)
			result = lines_host(f->lines, when_now(), link->host->name, "lost", why, e);
		link->backoff_ms = 0;
	}
	if (link->told)
		log_info("%s: %s", link->host->name, why);
	else
		log_error("%s: %s", link->host->name, why);
	link->told = true;
	link->backoff_ms = link->backoff_ms == 0 ? BACKOFF_FIRST_MS : link->backoff_ms * 2;
	if (link->backoff_ms > BACKOFF_LAST_MS)
		link->backoff_ms = BACKOFF_LAST_MS;
	link->state = LINK_DOWN;
	link->due = when_monotonic() + link->backoff_ms;
	link->generation++;
	return result;
}

static int go_live(struct following *f, struct link *link, bool was_followed, struct err *e)
{
	link->state = LINK_LIVE;
	link->backoff_ms = 0;
	link->told = false;
	link->put = true;
	link->waits = false;
	return was_followed ? 0
			    : lines_host(f->lines, link->answer.asked, link->host->name, "connected", NULL, e);
}

static int put_list(struct following *f, size_t place, struct err *e)
{
	struct link *link = &f->links[place];
	struct known *known = &f->known[place];
	bool was_followed = link->followed;
	int result = known->any ? known_refresh(known, f->store, e) : 0;

	if (result == 0)
		result = link_put(link, f->store, f->session, known, e);
	if (result == 1)
		return go_live(f, link, was_followed, e);
	if (result == 0) {
		/* Asked again when the snapshot has made it known; one that did not help is not repeated at once. */
		link->state = LINK_LIVE;
		if (!link->waits)
			want_snapshot(f);
		link->waits = true;
	}
	/* What is wrong with this one host must not end all the others. */
	if (result == ERR_TOO_LARGE) {
		const struct err why = *e;
		return lose(f, link, why.text, e);
	}
	return result;
}

/* ---- what a shard says ---- */

static int on_answer(struct following *f, size_t place, const char *bytes, size_t length, struct err *e)
{
	struct link *link = &f->links[place];
	struct err cause = {0};

	if (answer_receive(&link->answer, bytes, length, &cause) < 0)
		return lose(f, link, cause.text, e);
	/* The list does not wait for the XML. */
	return link->answer.listed && !link->put ? put_list(f, place, e) : 0;
}

static int on_done(struct following *f, size_t place, struct err *e)
{
	struct link *link = &f->links[place];
	int result = put_list(f, place, e);

	answer_done(&link->answer);
	link->put = false;
	return result;
}

static int on_event(struct following *f, size_t place, const char *bytes, size_t length, struct err *e)
{
	struct link *link = &f->links[place];
	struct shard_event event;
	struct link_event kept;

	if (length < sizeof event)
		return lose(f, link, "bad frame", e);
	memcpy(&event, bytes, sizeof event);
	kept.at = event.at;
	memcpy(kept.uuid, event.uuid, sizeof kept.uuid);
	vec_push(&link->events, kept);
	cleanup(cleanup_mem) char *name = mem_string_n(bytes + sizeof event, length - sizeof event);
	return lines_event(f->lines, link->host->name, &event, name, e);
}

static int on_lost(struct following *f, size_t place, const char *bytes, size_t length, struct err *e)
{
	size_t head = length < sizeof(int32_t) ? length : sizeof(int32_t);
	cleanup(cleanup_mem) char *why = mem_string_n(bytes + head, length - head);

	return lose(f, &f->links[place], why, e);
}

static int on_frame(struct following *f, size_t shard, const struct frame *frame, struct err *e)
{
	struct shard_head head;

	if (frame->length < sizeof head)
		return 0;
	memcpy(&head, frame->bytes, sizeof head);
	const char *body = (const char *)frame->bytes + sizeof head;
	size_t length = frame->length - sizeof head;
	/* What an older session still says counts no more. */
	if (head.host >= f->hosts->count || shard_of(head.host) != shard ||
	    head.generation != f->links[head.host].generation)
		return 0;
	switch (frame->kind) {
	case SHARD_ANSWER:
		return on_answer(f, head.host, body, length, e);
	case SHARD_DONE:
		return on_done(f, head.host, e);
	case SHARD_EVENT:
		return on_event(f, head.host, body, length, e);
	case SHARD_LOST:
		return on_lost(f, head.host, body, length, e);
	default:
		return 0;
	}
}

static int on_shard_end(struct following *f, size_t shard, struct err *e)
{
	const struct shard *plan = &f->plans[shard];
	char how[64];
	int result = 0;

	child_collect(&f->shards[shard], how, sizeof how);
	for (size_t i = plan->first; i < plan->first + plan->count && result == 0; i++)
		if (f->links[i].state != LINK_DOWN)
			result = lose(f, &f->links[i], how, e);
	return result;
}

static int listen_to(struct following *f, size_t shard, struct err *e)
{
	struct channel *channel = &f->shards[shard].channel;
	struct frame frame;
	struct err cause;
	int result = 0;

	if (channel_fill(channel, &cause) < 0)
		return on_shard_end(f, shard, e);
	while (result == 0) {
		int next = channel_next(channel, &frame, &cause);
		if (next < 0)
			return on_shard_end(f, shard, e);
		if (next == 0)
			break;
		result = on_frame(f, shard, &frame, e);
	}
	return result;
}

/* ---- time ---- */

/* What a link needs now, if it gets a place: to connect, or to be asked again. */
static int serve_link(struct following *f, size_t place, struct err *e)
{
	struct link *link = &f->links[place];

	if (link->state == LINK_DOWN)
		return connect_link(f, place, e);
	link->again = false;
	tell_shard(f, place, SHARD_ASK);
	return 0;
}

static bool needs_service(const struct link *link, int64_t now)
{
	if (link->state == LINK_DOWN)
		return now >= link->due && hosts_is_asked(link->host);
	return link->state == LINK_LIVE && link->again;
}

/* As many at once as a snapshot asks: all together would be late because of each other. */
static int check_links(struct following *f, struct err *e)
{
	int64_t now = when_monotonic();
	unsigned busy = 0;
	char limit[WHEN_TEXT_SIZE];
	char why[32 + WHEN_TEXT_SIZE];
	int result = 0;

	when_format_duration(f->follow->conf->snapshot.host_deadline_ms, limit);
	snprintf(why, sizeof why, "no answer within %s", limit);
	for (size_t i = 0; i < f->hosts->count && result == 0; i++) {
		struct link *link = &f->links[i];
		if (link->state == LINK_ASKED && now >= link->due)
			result = lose(f, link, why, e);
		busy += link->state == LINK_ASKED;
	}
	for (size_t i = 0; i < f->hosts->count && result == 0; i++) {
		if (busy >= f->follow->conf->parallel || !needs_service(&f->links[i], now))
			continue;
		result = serve_link(f, i, e);
		busy++;
	}
	return result;
}

/* A snapshot may have put a list that is older than an event, and made new hosts known: all lists are compared again. */
static int on_snapshot_end(struct following *f, struct err *e)
{
	char how[64];

	child_collect(&f->snapshot, how, sizeof how);
	f->snapshot_last = when_monotonic();
	known_free(f->known, f->hosts->count);
	f->known = NULL;
	int result = known_read(&f->known, f->store, f->hosts, e);
	for (size_t i = 0; i < f->hosts->count && result == 0; i++)
		f->links[i].again = f->links[i].state == LINK_LIVE;
	return result;
}

static int say_alive(struct following *f, struct err *e)
{
	int64_t now = when_monotonic();
	bool any = false;

	if (now < f->alive_due)
		return 0;
	f->alive_due = now + ALIVE_MS;
	for (size_t i = 0; i < f->hosts->count; i++)
		any |= f->links[i].followed;
	return any ? roll_follow_alive(f->store, f->session, when_now(), e) : 0;
}

static int listen_once(struct following *f, struct err *e)
{
	size_t count = f->shard_count;
	int result = 0;

	for (size_t i = 0; i < count; i++)
		f->polls[i] = (struct pollfd){
			.fd = f->shards[i].pid ? f->shards[i].channel.fd : -1,
			.events = POLLIN,
		};
	f->polls[count] = (struct pollfd){
		.fd = f->snapshot.pid ? f->snapshot.channel.fd : -1,
		.events = POLLIN,
	};
	if (poll(f->polls, count + 1, TURN_MS) <= 0)
		return 0;
	int64_t before = when_monotonic();
	for (size_t i = 0; i < count && result == 0; i++)
		if (f->polls[i].revents)
			result = listen_to(f, i, e);
	if (result == 0 && f->polls[count].revents)
		result = on_snapshot_end(f, e);
	/* The time that we took is not held against a host whose answer waited for us. */
	int64_t ours = when_monotonic() - before;
	for (size_t i = 0; i < f->hosts->count; i++)
		f->links[i].due += ours;
	return result;
}

/* Before each snapshot: one of the hosts of yesterday would end those of today. */
static bool look_at_hosts(struct following *f)
{
	*f->follow->again = 0;
	return reread_hosts(f->follow->conf, f->hosts, f->fresh);
}

/* 1: hosts(5) says other than it did. */
static int turn(struct following *f, struct err *e)
{
	int result = listen_once(f, e);

	if (result == 0)
		result = check_links(f, e);
	bool due = f->snapshot.pid == 0 && when_monotonic() >= f->snapshot_due;
	if (result == 0 && (due || *f->follow->again) && look_at_hosts(f))
		return 1;
	if (result == 0 && due)
		result = start_snapshot(f, e);
	return result < 0 ? result : say_alive(f, e);
}

/* ---- beginning and end ---- */

static int prepare(struct following *f, struct err *e)
{
	const struct follow *follow = f->follow;
	size_t hosts = f->hosts->count;

	f->shard_count = (hosts + SHARD_HOSTS - 1) / SHARD_HOSTS;
	f->links = mem_zalloc(hosts, sizeof *f->links);
	f->plans = mem_zalloc(f->shard_count, sizeof *f->plans);
	f->shards = mem_zalloc(f->shard_count, sizeof *f->shards);
	f->polls = mem_zalloc(f->shard_count + 1, sizeof *f->polls);
	for (size_t i = 0; i < hosts; i++)
		f->links[i].host = &f->hosts->items[i];
	for (size_t i = 0; i < f->shard_count; i++)
		f->plans[i] = (struct shard){
			.hosts = f->hosts,
			.first = i * SHARD_HOSTS,
			.count = hosts - i * SHARD_HOSTS < SHARD_HOSTS ? hosts - i * SHARD_HOSTS : SHARD_HOSTS,
			.reread_ms = follow->conf->snapshot.reread_ms,
		};
	int result = known_read(&f->known, f->store, f->hosts, e);
	if (result == 0)
		result = roll_follow_open(f->store, when_now(), &f->session, e);
	return result < 0 ? result : lines_new(&f->lines, follow->json, e);
}

/* The first snapshot is taken before anybody is followed: hosts must be known to the roll. */
static int first_snapshot(struct following *f, struct err *e)
{
	int result = start_snapshot(f, e);

	while (result == 0 && f->snapshot.pid && !*f->follow->stop)
		result = listen_once(f, e);
	return result;
}

/* Whether an event was told whose list has not come yet. */
static bool is_behind(const struct following *f)
{
	for (size_t i = 0; i < f->hosts->count; i++)
		if (f->links[i].followed && f->links[i].events.count > 0)
			return true;
	return false;
}

/* What was printed shall be in the roll too. */
static int end_links(struct following *f, struct err *e)
{
	int64_t until = when_monotonic() + f->follow->conf->snapshot.host_deadline_ms;
	int result = 0;

	while (result == 0 && is_behind(f) && when_monotonic() < until)
		result = listen_once(f, e);

	for (size_t i = 0; i < f->hosts->count && result == 0; i++)
		if (f->links[i].followed)
			result = roll_follow_end(f->store, f->session, f->links[i].uuid, when_now(),
						 "vmsnap ended", e);
	return result;
}

static int hold_lock(const struct follow *follow, struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;
	int result = store_lock_path(follow->conf->store, "vmsnap-follow", &path, e);

	return result < 0 ? result : lock_acquire(lock, path, e);
}

/* Until *stop, or (1) until hosts(5) has others: then *FRESH are those. */
static int follow_these(const struct follow *follow, const struct hosts *hosts, struct hosts *fresh,
			struct store *store, struct err *e)
{
	cleanup(following_done) struct following f = {
		.follow = follow, .hosts = hosts, .fresh = fresh, .store = store};
	int result = prepare(&f, e);

	if (result == 0)
		result = first_snapshot(&f, e);
	while (result == 0 && !*follow->stop)
		result = turn(&f, e);
	if (result < 0)
		return result;
	int ended = end_links(&f, e);
	return ended < 0 ? ended : result;
}

int follow_hosts(const struct follow *follow, struct hosts *hosts, struct store *store, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(hosts_done) struct hosts fresh = {0};
	int result = hold_lock(follow, &lock, e);

	while (result == 0 && (result = follow_these(follow, hosts, &fresh, store, e)) > 0) {
		hosts_done(hosts);
		*hosts = fresh;
		fresh = (struct hosts){0};
		result = 0;
		log_info("%s: read again: %zu hosts", hosts->path, hosts->count);
	}
	return result;
}
