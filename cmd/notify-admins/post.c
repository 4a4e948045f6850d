/* post.c - the messages under way: claimed in the store, handed to the relay, settled. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim.h"
#include "log.h"
#include "mail.h"
#include "mem.h"
#include "post.h"
#include "vec.h"
#include "when.h"

enum {
	POSTS_MAX = 32,   /* by a way that is mute to all held for less than the lease of their claims */
	CELLS_MAX = 1024, /* of one way */
};

static void post_free(struct post *post)
{
	ledger_done(&post->cells);
	free(post);
}

/* Calls take minutes, and must delay nothing else. */
static bool has_room(const struct posts *posts, enum delivery_channel channel)
{
	size_t maximum = channel == DELIVERY_VOICE ? posts->state->conf->sip.calls : POSTS_MAX;
	size_t count = 0;
	size_t cells = 0;

	vec_foreach(posts, post) {
		bool same = (*post)->cells.count > 0 && (*post)->cells.items[0].channel == channel;
		count += same;
		cells += same ? (*post)->cells.count : 0;
	}
	return count < maximum && cells < CELLS_MAX;
}

struct post *posts_find(const struct posts *posts, const struct delivery *cell)
{
	vec_foreach(posts, post)
		vec_foreach(&(*post)->cells, own)
			if (delivery_is(own, cell))
				return *post;
	return NULL;
}

void posts_remove(struct posts *posts, const struct post *wanted)
{
	vec_foreach(posts, post)
		if (*post == wanted) {
			post_free(*post);
			*post = posts->items[--posts->count];
			return;
		}
}

/* ---- beginning ---- */

static char *make_message_id(struct posts *posts, const struct ledger *cells)
{
	const struct delivery *first = &cells->items[0];
	const struct incident *incident = state_incident(posts->state, first->incident);
	cleanup(str_done) struct str ids = {0};
	/* What mails were called before there were other ways stays so. */
	const char *channel = first->channel == DELIVERY_MAIL ? "" : delivery_channel_name(first->channel);
	cleanup(cleanup_mem) char *part =
		mem_format("%s %u%s", delivery_kind_name(first->kind), first->part, channel);
	/* An id of an incident may come back after years. */
	cleanup(cleanup_mem) char *at = mem_format("%lld", incident ? (long long)incident->at : 0LL);
	cleanup(cleanup_mem) char *name =
		mem_format("vmroll.%s.%s", first->incident, delivery_kind_name(first->kind));

	vec_foreach(cells, cell)
		str_addf(&ids, "%s ", cell->incident);
	const char *const parts[] = {str_text(&ids), at, part, first->person, NULL};
	return mail_message_id(
		name, parts, posts->state->conf->smtp.from ? posts->state->conf->smtp.from : "vmroll@localhost");
}

static void claim_in_copy(struct posts *posts, struct ledger *cells)
{
	cleanup(cleanup_mem) char *id = cells->items[0].message_id ? mem_string(cells->items[0].message_id)
								   : make_message_id(posts, cells);

	vec_foreach(cells, cell) {
		if (!cell->message_id)
			cell->message_id = mem_string(id);
		cell->state = DELIVERY_PENDING;
	}
}

static void add_copies(struct ledger *to, const struct ledger *from)
{
	vec_foreach(from, cell) {
		struct delivery *copy = vec_push_zero(to);
		delivery_copy(copy, cell);
	}
}

static void mark_sending(struct posts *posts, struct post *post)
{
	vec_foreach(&post->cells, cell) {
		cell->state = DELIVERY_SENDING;
		mem_replace(&cell->owner, posts->state->owner);
		cells_set(&posts->state->cells, cell);
	}
}

static void begin(struct posts *posts, struct ledger *cells)
{
	struct post *post = mem_zalloc(1, sizeof *post);

	claim_in_copy(posts, cells);
	post->tag = posts->next_tag++;
	post->since = when_monotonic();
	post->cells = *cells;
	*cells = (struct ledger){0};
	vec_push(posts, post);
	claim_gather(posts, post);
	mark_sending(posts, post);
}

/* ---- settling ---- */

static void put(struct posts *posts, const struct ledger *cells)
{
	if (!posts->puts)
		posts->puts = record_new(RECORD_PUT);
	add_copies(&posts->puts->cells, cells);
}

static void report_success(struct posts *posts, const struct delivery *cell, const char *to)
{
	posts->state->sent++;
	if (cell->channel == DELIVERY_VOICE)
		log_info("incident %s: %s: call %s", cell->incident, to, delivery_state_name(cell->state));
	else
		log_info("incident %s: %s: %s sent", cell->incident, to, delivery_kind_name(cell->kind));
}

static void report_failure(struct posts *posts, const struct delivery *cell, const char *to, const char *why)
{
	posts->state->failed++;
	if (cell->state == DELIVERY_FAILED)
		log_error("incident %s: %s: %s: given up", cell->incident, to, why);
	else
		log_warning("incident %s: %s: %s: will try again", cell->incident, to, why);
	if (cell->state == DELIVERY_FAILED && cell->fallback)
		posts->state->untold = true;
}

/* That somebody does not come to the telephone is no fault: the ledger has it, and the policy goes on. */
static bool is_unheard(const struct delivery_outcome *outcome)
{
	return outcome->call == CALL_BUSY || outcome->call == CALL_NO_ANSWER || outcome->call == CALL_DECLINED ||
	       outcome->call == CALL_NO_KEY || outcome->call == CALL_EARLY_BYE;
}

static void report(struct posts *posts, const struct post *post, const struct delivery_outcome *outcome)
{
	const struct delivery *cell = &post->cells.items[0];
	const char *to = carriers[cell->channel]->address(posts->state, cell);

	if (delivery_has_reached(cell))
		report_success(posts, cell, to);
	else if (is_unheard(outcome))
		log_info("incident %s: %s: call %s", cell->incident, to, call_end_name(outcome->call));
	else
		report_failure(posts, cell, to,
			       *outcome->err.text ? outcome->err.text : delivery_state_name(cell->state));
}

/* What they answered by telephone counts for whoever is told later. */
static void acknowledge(struct posts *posts, const struct post *post)
{
	struct record *record = record_new(RECORD_ACKNOWLEDGE);

	record->now = when_now();
	add_copies(&record->cells, &post->cells);
	state_record(posts->state, record);
}

static void settle(struct posts *posts, struct post *post, const struct delivery_outcome *outcome)
{
	int64_t now = when_now();

	vec_foreach(&post->cells, cell) {
		if (!post->claimed)
			cell->attempts++;
		if (cell->begun == WHEN_UNKNOWN)
			cell->begun = now;
		delivery_settle(cell, outcome, now);
		cells_set(&posts->state->cells, cell);
	}
	report(posts, post, outcome);
	post->state = POST_SETTLING;
	put(posts, &post->cells);
	if (post->cells.items[0].state == DELIVERY_ACKNOWLEDGED)
		acknowledge(posts, post);
}

/* Nothing to tell any more. */
static void drop(struct posts *posts, struct post *post, const char *why)
{
	vec_foreach(&post->cells, cell) {
		cell->state = DELIVERY_EXPIRED;
		mem_replace(&cell->error, why);
		mem_replace(&cell->owner, NULL);
		cells_set(&posts->state->cells, cell);
	}
	post->state = POST_SETTLING;
	put(posts, &post->cells);
}

static void send_out(struct posts *posts, struct post *post)
{
	enum delivery_channel channel = post->cells.items[0].channel;
	struct delivery_outcome outcome = {0};

	post->state = POST_SENDING;
	int result = carriers[channel]->submit(posts->carriers[channel], posts->state, posts->plans,
					       post->tag, &post->cells, &outcome.err);
	if (result == ERR_NOT_FOUND)
		drop(posts, post, outcome.err.text);
	else if (result < 0)
		settle(posts, post, &outcome);
}

static void take_outcome(struct posts *posts, uint64_t tag, const struct delivery_outcome *outcome)
{
	vec_foreach(posts, post)
		if ((*post)->tag == tag) {
			settle(posts, *post, outcome);
			return;
		}
}

void posts_collect(struct posts *posts)
{
	struct delivery_outcome outcome = {0};
	uint64_t tag;

	for (size_t i = 0; i < CARRIER_COUNT; i++)
		while (posts->carriers[i] && carriers[i]->finished(posts->carriers[i], &tag, &outcome))
			take_outcome(posts, tag, &outcome);
}

void posts_settled(struct posts *posts, struct record *record)
{
	posts->puts_pending--;
	vec_foreach(&record->cells, cell) {
		struct post *post = posts_find(posts, cell);
		if (post && post->state == POST_SETTLING)
			posts_remove(posts, post);
	}
}

/* ---- the round ---- */

static void hand_over(struct posts *posts)
{
	claim_hand_over(posts);
	/* While one is under way the next gather, and go together. */
	if (posts->puts && posts->puts_pending == 0) {
		posts->puts_pending++;
		state_record(posts->state, posts->puts);
		posts->puts = NULL;
	}
}

/* A dry run: sent as soon as shown. */
static void show(struct posts *posts, struct ledger *cells)
{
	const struct carrier *channel = carriers[cells->items[0].channel];
	cleanup(str_done) struct str text = {0};
	struct err e = {0};

	if (channel->show(posts->state, posts->plans, cells, &text, &e) == 0)
		fwrite(str_text(&text), 1, text.length, stdout);
	else
		log_err(&e);
	vec_foreach(cells, cell) {
		cell->state = DELIVERY_SENT;
		cell->sent = when_now();
		cells_set(&posts->state->cells, cell);
	}
	posts->state->sent++;
}

static void send_claimed(struct posts *posts)
{
	claim_look(posts);
	for (size_t i = 0; i < posts->count; i++) {
		struct post *post = posts->items[i];
		if (post->state != POST_CLAIMING || !claim_allows(posts, post))
			continue;
		if (post->cells.count > 0)
			send_out(posts, post);
		else
			posts_remove(posts, post);
	}
}

void posts_step(struct posts *posts)
{
	if (posts->state->dry_run)
		return;
	hand_over(posts);
	send_claimed(posts);
	hand_over(posts);
}

/* ---- taking ---- */

static void show_all(struct posts *posts, struct outbox *outbox)
{
	vec_foreach(outbox, message)
		show(posts, message);
	fflush(stdout);
	if (outbox->count == 0)
		return;
	/* What follows from that is found in the next round. */
	posts->state->soon = true;
	state_wake(posts->state, 0);
}

static void begin_all(struct posts *posts, struct outbox *outbox)
{
	vec_foreach(outbox, message)
		if (!has_room(posts, message->items[0].channel))
			posts->state->soon = true;
		else
			begin(posts, message);
	if (outbox->changes.count > 0)
		put(posts, &outbox->changes);
}

void posts_take(struct posts *posts, struct outbox *outbox)
{
	if (posts->state->dry_run)
		show_all(posts, outbox);
	else
		begin_all(posts, outbox);
	outbox_done(outbox);
}

/* ---- for the loop ---- */

size_t posts_poll(const struct posts *posts, struct pollfd *fds)
{
	for (size_t i = 0; i < CARRIER_COUNT; i++)
		fds[i] = (struct pollfd){.fd = posts->carriers[i] ? carriers[i]->fd(posts->carriers[i]) : -1,
					 .events = POLLIN};
	return CARRIER_COUNT;
}

bool posts_are_gathering(const struct posts *posts)
{
	return posts->claims || posts->puts;
}

bool posts_are_idle(const struct posts *posts)
{
	return posts->count == 0 && !posts_are_gathering(posts);
}

void posts_lay_over(const struct posts *posts)
{
	vec_foreach(posts, post)
		vec_foreach(&(*post)->cells, cell)
			cells_set(&posts->state->cells, cell);
}

int posts_start(struct posts *posts, struct state *state, struct plans *plans, struct err *e)
{
	*posts = (struct posts){.state = state, .plans = plans, .next_tag = 1};
	for (size_t i = 0; i < CARRIER_COUNT && !state->dry_run; i++)
		if (carriers[i]->open(&posts->carriers[i], state->conf, e) < 0)
			return e->code;
	return 0;
}

void posts_done(struct posts *posts)
{
	vec_foreach(posts, post)
		post_free(*post);
	vec_done(posts);
	record_free(posts->claims);
	record_free(posts->puts);
	for (size_t i = 0; i < CARRIER_COUNT; i++)
		carriers[i]->close(posts->carriers[i]);
}
