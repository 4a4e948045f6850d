/*
 * engine.h - notify-admins while it delivers: one round after the other.
 *
 * A round takes what happened and what others have finished, decides from the copy
 * of the store who must hear what, and hands that on. Calls and includes go one way,
 * downwards, in this order:
 *
 *	run.c      the loop
 *	engine.c   a round
 *	events.c   what happened: opens and closes incidents
 *	tell.c     who must hear what: groups, then first.c escalate.c (by turn.c) failed.c follow.c and
 *	           end.c (by news.c) summary.c again.c, which share telling.c and fill the outbox
 *	post.c     the messages under way: takes of the outbox, claims (claim.c), sends, settles
 *	carrier.c  the ways to reach people: carrier_mail.c (with compose.c, reply.c), carrier_voice.c,
 *	           carrier_webhook.c (webhooks.c), carrier_command.c (programs.c)
 *	told.c     what a message tells
 *	outbox.c   what should be said
 *	plan.c     what a group of incidents touches, and whom that concerns
 *	state.c    the copy: cells.c, and in it each person's standing.c
 *	recorder.c hooks.c relay.c surroundings.c: the store, the commands of on_incident, the mail relay,
 *	           what all that stands on
 */
#ifndef NOTIFY_ENGINE_H
#define NOTIFY_ENGINE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "events.h"
#include "outbox.h"
#include "plan.h"
#include "post.h"
#include "state.h"

struct engine {
	struct state state;
	struct events events;
	struct plans plans;
	struct outbox outbox;
	struct posts posts;
};

enum { ENGINE_POLL_MAX = HOOKS_MAX + 2 + CARRIER_COUNT };

/* ENGINE must stay where it is. The caller calls engine_done, also after a failure. */
int engine_start(struct engine *engine, const struct conf *conf, struct hosts *hosts, bool dry_run,
		 struct err *e);
void engine_done(struct engine *engine);

/* Reads the copy anew if that is due and nothing of our own is unwritten. */
void engine_refresh(struct engine *engine);
/* Takes what the recorder and the carriers have finished. */
void engine_collect(struct engine *engine);
/* One look at everything: opens, groups, tells, retires. Sets soon, later and wake of the state. */
void engine_round(struct engine *engine);
/* Whether nothing is under way. */
bool engine_is_idle(const struct engine *engine);
/* What to poll for; at most ENGINE_POLL_MAX. Lowers *TIMEOUT_MS (-1: none) to when to look again. */
size_t engine_poll(const struct engine *engine, struct pollfd *fds, int *timeout_ms);

#endif
