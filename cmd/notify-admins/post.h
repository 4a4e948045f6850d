/* post.h - the messages under way: claimed in the store, handed to their channel, settled. */
#ifndef NOTIFY_POST_H
#define NOTIFY_POST_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "carrier.h"
#include "outbox.h"
#include "plan.h"
#include "recorder.h"
#include "state.h"

/* One message to one person: a cell an incident that it tells. */
struct post {
	uint64_t tag;
	struct ledger cells;
	enum { POST_CLAIMING, POST_SENDING, POST_SETTLING } state;
	int64_t since;  /* CLOCK_MONOTONIC, of POST_CLAIMING */
	uint64_t claim; /* tag of the record that claims it, 0: not handed over yet */
	bool claimed;   /* the store has the claim */
	bool answered;  /* the claim was: nothing is to be waited for */
};

struct posts {
	struct state *state;
	struct plans *plans;
	void *carriers[CARRIER_COUNT]; /* NULL in a dry run */
	struct post **items;
	size_t count, capacity;
	uint64_t next_tag;
	struct record *claims; /* gathered, to be written together */
	struct record *puts;
	size_t puts_pending; /* records of RECORD_PUT under way */
	uint64_t revision;   /* of the store, when claims were last waited for */
	int64_t progress;    /* CLOCK_MONOTONIC: when that was seen to change */
};

/* STATE and PLANS must outlive it. */
int posts_start(struct posts *posts, struct state *state, struct plans *plans, struct err *e);
void posts_done(struct posts *posts);

/* Begins the messages of OUTBOX as far as there is room, and writes its changes. Empties it. */
void posts_take(struct posts *posts, struct outbox *outbox);
/* Hands over what was gathered, and goes on without a claim that the store does not answer in time. */
void posts_step(struct posts *posts);
/* Takes what the carriers have finished. */
void posts_collect(struct posts *posts);
/* The recorder's answers to RECORD_CLAIM and RECORD_PUT. */
void posts_claimed(struct posts *posts, struct record *record);
void posts_settled(struct posts *posts, struct record *record);

/* Those under way: the one of that cell, or NULL. */
struct post *posts_find(const struct posts *posts, const struct delivery *cell);
void posts_remove(struct posts *posts, const struct post *wanted);

/* What to poll for: CARRIER_COUNT of them. */
size_t posts_poll(const struct posts *posts, struct pollfd *fds);
/* Whether something was gathered that the recorder does not have yet. */
bool posts_are_gathering(const struct posts *posts);
bool posts_are_idle(const struct posts *posts);
/* What is on its way to a person is so whatever the copy knows of it. */
void posts_lay_over(const struct posts *posts);

#endif
