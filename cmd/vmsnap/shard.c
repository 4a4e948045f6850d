/* shard.c - one process that follows up to SHARD_HOSTS hosts. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "session.h"
#include "shard.h"
#include "virt.h"

struct body {
	struct shard *shard;
	struct channel *channel;
	struct upward up;
	struct session *sessions[SHARD_HOSTS];
	int status; /* -1: go on */
};

static void end(struct body *body, int status)
{
	if (body->status < 0)
		body->status = status;
}

static void leave(struct body *body, size_t slot)
{
	if (body->sessions[slot])
		session_leave(body->sessions[slot]);
	body->sessions[slot] = NULL;
	/* The parent starts another shard, with all of its memory and descriptors. */
	if (atomic_load(&body->up.left_behind) > SHARD_LEFT_BEHIND_MAX)
		end(body, 0);
}

static void connect_host(struct body *body, size_t slot, struct shard_head head)
{
	const struct shard *shard = body->shard;
	struct err e;

	leave(body, slot);
	if (session_start(&body->sessions[slot], &shard->hosts->items[head.host], head,
			  &shard->known[head.host], shard->reread_ms, &body->up, &e) < 0)
		end(body, 4);
}

static void obey(struct body *body, const struct frame *frame)
{
	struct shard_head head;

	if (frame->length != sizeof head) {
		end(body, 4);
		return;
	}
	memcpy(&head, frame->bytes, sizeof head);
	if (frame->kind == SHARD_GREET) {
		upward_tell(&body->up, head, SHARD_HERE, NULL, 0, NULL);
		return;
	}
	size_t slot = head.host - body->shard->first;
	if (slot >= body->shard->count)
		end(body, 4);
	else if (frame->kind == SHARD_CONNECT)
		connect_host(body, slot, head);
	else if (frame->kind == SHARD_ASK && body->sessions[slot])
		session_ask(body->sessions[slot]);
}

static void on_command(void *context)
{
	struct body *body = context;
	struct frame frame;
	struct err e;

	if (channel_fill(body->channel, &e) < 0)
		end(body, 0);
	while (body->status < 0 && channel_next(body->channel, &frame, &e) > 0)
		obey(body, &frame);
}

int shard_body(struct channel *channel, void *context)
{
	struct err e;
	struct body body = {
		.shard = context,
		.channel = channel,
		.up = {.lock = PTHREAD_MUTEX_INITIALIZER, .channel = channel},
		.status = -1,
	};

	if (virt_events_init(&e) < 0 || virt_events_watch(channel->fd, on_command, &body, &e) < 0)
		return 4;
	while (body.status < 0)
		if (virt_events_turn(&e) < 0)
			return 4;
	return body.status;
}
