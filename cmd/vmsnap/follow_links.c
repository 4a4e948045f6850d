/* follow_links.c - the followed hosts one by one: told to connect and to list, heard, given up, tried again. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "following.h"
#include "log.h"
#include "mem.h"
#include "roll.h"
#include "virt.h"
#include "when.h"

/* DEAF_GREETINGS: counted, not timed: while we wait for the disk or are stopped ourselves, nobody is deaf. */
enum { BACKOFF_FIRST_MS = 1000, BACKOFF_LAST_MS = 60000, DEAF_GREETINGS = 3 };

/* ---- telling a shard ---- */

static size_t shard_of(size_t place)
{
	return place / SHARD_HOSTS;
}

static int start_shard(struct following *f, size_t shard, struct err *e)
{
	f->plans[shard].known = f->known;
	f->unheard[shard] = 0;
	return child_start(&f->shards[shard], shard_body, &f->plans[shard], e);
}

static void await_list(const struct following *f, struct link *link)
{
	link->state = LINK_ASKED;
	link->due = when_monotonic() + f->follow->conf->snapshot.host_deadline_ms;
}

/* One that is gone is noticed where its answers are awaited. */
static void tell_shard(struct following *f, size_t place, enum shard_kind kind)
{
	struct link *link = &f->links[place];
	struct shard_head head = {(uint32_t)place, link->generation};
	struct err ignored;

	await_list(f, link);
	channel_send(&f->shards[shard_of(place)].channel, (unsigned char)kind, &head, sizeof head, &ignored);
}

/* ---- a link that is lost ---- */

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
	child_kill(&link->trial);
	link->state = LINK_DOWN;
	link->due = when_monotonic() + link->backoff_ms;
	link->generation++;
	return result;
}

static int lose_shard(struct following *f, size_t shard, const char *why, struct err *e)
{
	const struct shard *plan = &f->plans[shard];
	int result = 0;

	for (size_t i = plan->first; i < plan->first + plan->count && result == 0; i++)
		if (f->links[i].state > LINK_TRIED)
			result = lose(f, &f->links[i], why, e);
	return result;
}

/* ---- a connection ---- */

/* A shard that died is started here, so that it dies no more often than its hosts are tried. */
static int connect_link(struct following *f, size_t place, struct err *e)
{
	struct link *link = &f->links[place];
	size_t shard = shard_of(place);
	int result = f->shards[shard].pid ? 0 : start_shard(f, shard, e);

	if (result < 0)
		return result;
	link_renew(link);
	link->generation++;
	tell_shard(f, place, SHARD_CONNECT);
	return 0;
}

/* ---- a host that hung: no more threads hang on it than one ---- */

static int trial_body(struct channel *channel, void *context)
{
	cleanup(virt_list_done) struct virt_list list = {0};
	const struct host *host = context;
	struct virt *virt = NULL;
	struct err e = {0};

	int result = virt_open(&virt, host->uri, &e);
	if (result == 0)
		result = virt_list(virt, &list, &e);
	if (result < 0)
		channel_send(channel, 0, e.text, strlen(e.text), NULL);
	return err_exit_status(result);
}

static int start_trial(struct following *f, struct link *link, struct err *e)
{
	link->state = LINK_TRIED;
	link->due = when_monotonic() + f->follow->conf->snapshot.host_deadline_ms;
	return child_start(&link->trial, trial_body, (void *)link->host, e);
}

static int hear_trial(struct following *f, size_t place, struct err *e)
{
	struct link *link = &f->links[place];
	char how[64];
	struct frame frame = {.bytes = ""};
	struct err cause;

	if (channel_fill(&link->trial.channel, &cause) >= 0)
		return 0;
	channel_next(&link->trial.channel, &frame, &cause);
	cleanup(cleanup_mem) char *why = mem_string_n(frame.bytes, frame.length);
	int status = child_collect(&link->trial, how, sizeof how);
	if (status != 0)
		return lose(f, link, *why ? why : how, e);
	link->hung = false;
	return connect_link(f, place, e);
}

/* ---- what becomes of a link ---- */

static int go_live(struct following *f, struct link *link, bool was_followed, struct err *e)
{
	link->backoff_ms = 0;
	link->told = false;
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
		if (!link->waits)
			f->snapshot_wanted = true;
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
	if (!link->answer.listed || link->state == LINK_READING)
		return 0;
	/* The list does not wait for the XML. */
	link->state = LINK_READING;
	link->due = when_monotonic() + SHARD_XML_MS + f->follow->conf->snapshot.host_deadline_ms;
	return put_list(f, place, e);
}

static int on_done(struct following *f, size_t place, struct err *e)
{
	struct link *link = &f->links[place];
	int result = put_list(f, place, e);

	answer_done(&link->answer);
	link->state = LINK_LIVE;
	/* What happened meanwhile brings another list. */
	if (link->followed && link->events.count > 0)
		await_list(f, link);
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
	if (link->state == LINK_LIVE)
		await_list(f, link);
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
	char how[64];

	child_collect(&f->shards[shard], how, sizeof how);
	return lose_shard(f, shard, how, e);
}

int following_hear(struct following *f, size_t shard, struct err *e)
{
	struct channel *channel = &f->shards[shard].channel;
	struct frame frame;
	struct err cause;
	int result = 0;

	f->unheard[shard] = 0;
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
		return link->hung ? start_trial(f, link, e) : connect_link(f, place, e);
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

static bool is_late(const struct link *link, int64_t now)
{
	return link->state != LINK_DOWN && link->state != LINK_LIVE && now >= link->due;
}

/* As many at once as a snapshot asks: all together would be late because of each other. */
int following_serve(struct following *f, struct err *e)
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
		if (link->state == LINK_TRIED)
			result = hear_trial(f, i, e);
		if (result == 0 && is_late(link, now)) {
			link->hung = true;
			result = lose(f, link, why, e);
		}
		busy += link->state == LINK_ASKED || link->state == LINK_TRIED;
	}
	for (size_t i = 0; i < f->hosts->count && result == 0; i++) {
		if (busy >= f->follow->conf->parallel || !needs_service(&f->links[i], now))
			continue;
		result = serve_link(f, i, e);
		busy++;
	}
	return result;
}

/* ---- a shard that hangs as a whole ---- */

static int greet_shard(struct following *f, size_t shard, struct err *e)
{
	const struct shard_head head = {0};
	struct err ignored;

	if (f->unheard[shard] >= DEAF_GREETINGS) {
		child_kill(&f->shards[shard]);
		return lose_shard(f, shard, "the process that followed it hung", e);
	}
	f->unheard[shard]++;
	channel_send(&f->shards[shard].channel, SHARD_GREET, &head, sizeof head, &ignored);
	return 0;
}

int following_greet(struct following *f, struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < f->shard_count && result == 0; i++)
		if (f->shards[i].pid)
			result = greet_shard(f, i, e);
	return result;
}
