/* follow.c - stays connected to all hosts and records each change as it happens. */
#include "config.h"

#include <stdlib.h>

#include "following.h"
#include "lock.h"
#include "log.h"
#include "mem.h"
#include "reread.h"
#include "roll.h"
#include "take.h"
#include "when.h"

enum { ALIVE_MS = ROLL_FOLLOW_PERIOD_MS - 1000, TURN_MS = 200, SNAPSHOT_PAUSE_MS = 5000 };

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
	free(f->unheard);
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
	f->snapshot_wanted = false;
	return child_start(&f->snapshot, snapshot_body, f, e);
}

/* At its time; for a host that the roll does not know yet, as soon as is decent. */
static bool is_snapshot_due(const struct following *f)
{
	int64_t now = when_monotonic();

	return f->snapshot.pid == 0 &&
	       (now >= f->snapshot_due || (f->snapshot_wanted && now >= f->snapshot_last + SNAPSHOT_PAUSE_MS));
}

/* A snapshot may have put a list that is older than an event, and made new hosts known: all lists are compared again. */
static int on_snapshot_end(struct following *f, struct err *e)
{
	char how[64];

	/* One that ended by itself has said what was wrong. */
	if (child_collect(&f->snapshot, how, sizeof how) < 0)
		log_error("snapshot: %s", how);
	f->snapshot_last = when_monotonic();
	known_free(f->known, f->hosts->count);
	f->known = NULL;
	int result = known_read(&f->known, f->store, f->hosts, e);
	for (size_t i = 0; i < f->hosts->count && result == 0; i++)
		f->links[i].again = true;
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
	int result = any ? roll_follow_alive(f->store, f->session, when_now(), e) : 0;
	return result < 0 ? result : following_greet(f, e);
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
			result = following_hear(f, i, e);
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
		result = following_serve(f, e);
	bool due = is_snapshot_due(f);
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
	f->unheard = mem_zalloc(f->shard_count, sizeof *f->unheard);
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