/* post.c - the messages under way: claimed in the store, handed to the relay, settled. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mail.h"
#include "mem.h"
#include "post.h"
#include "rate.h"
#include "vec.h"
#include "when.h"

enum {
	POSTS_MAX = 32, /* that a relay which is mute to all holds for less than the lease of their claims */
	CELLS_MAX = 1024,
	PATIENCE_MS = 700, /* for a claim, while nobody else writes either: then a writer holds the store */
	PATIENCE_MAX_MS = 15 * 1000,
	LOOK_MS = 100
};

static void post_free(struct post *post)
{
	ledger_done(&post->cells);
	free(post);
}

static bool has_room(const struct posts *posts)
{
	size_t cells = 0;

	vec_foreach(posts, post)
		cells += (*post)->cells.count;
	return posts->count < POSTS_MAX && cells < CELLS_MAX;
}

static struct post *post_of_cell(struct posts *posts, const struct delivery *cell)
{
	vec_foreach(posts, post)
		vec_foreach(&(*post)->cells, own)
			if (delivery_is(own, cell))
				return *post;
	return NULL;
}

static void remove_post(struct posts *posts, const struct post *wanted)
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
	cleanup(cleanup_mem) char *part = mem_format("%s %u", delivery_kind_name(first->kind), first->part);
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
		state_set_cell(posts->state, cell);
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
	if (!posts->claims)
		posts->claims = record_new(RECORD_CLAIM);
	add_copies(&posts->claims->cells, &post->cells);
	mark_sending(posts, post);
}

/* ---- settling ---- */

static void put(struct posts *posts, const struct ledger *cells)
{
	if (!posts->puts)
		posts->puts = record_new(RECORD_PUT);
	add_copies(&posts->puts->cells, cells);
}

static void report(struct posts *posts, const struct post *post, const struct err *outcome)
{
	const struct delivery *cell = &post->cells.items[0];
	const char *to = carriers[cell->channel]->address(posts->state, cell);

	if (outcome->code == 0) {
		posts->state->sent++;
		log_info("incident %s: %s: %s sent", cell->incident, to, delivery_kind_name(cell->kind));
		return;
	}
	posts->state->failed++;
	if (cell->state == DELIVERY_FAILED)
		log_error("incident %s: %s: %s: given up", cell->incident, to, outcome->text);
	else
		log_warning("incident %s: %s: %s: will try again", cell->incident, to, outcome->text);
	if (cell->state == DELIVERY_FAILED && cell->fallback)
		posts->state->untold = true;
}

static void settle(struct posts *posts, struct post *post, const struct err *outcome)
{
	int64_t now = when_now();

	vec_foreach(&post->cells, cell) {
		if (!post->claimed)
			cell->attempts++;
		if (cell->begun == WHEN_UNKNOWN)
			cell->begun = now;
		delivery_settle(cell, &(struct delivery_outcome){.err = *outcome}, now);
		state_set_cell(posts->state, cell);
	}
	report(posts, post, outcome);
	post->state = POST_SETTLING;
	put(posts, &post->cells);
}

/* Nothing to tell any more. */
static void drop(struct posts *posts, struct post *post, const char *why)
{
	vec_foreach(&post->cells, cell) {
		cell->state = DELIVERY_EXPIRED;
		mem_replace(&cell->error, why);
		mem_replace(&cell->owner, NULL);
		state_set_cell(posts->state, cell);
	}
	post->state = POST_SETTLING;
	put(posts, &post->cells);
}

static void send_out(struct posts *posts, struct post *post)
{
	enum delivery_channel channel = post->cells.items[0].channel;
	struct err e = {0};

	post->state = POST_SENDING;
	int result = carriers[channel]->submit(posts->carriers[channel], posts->state, posts->plans,
					       post->tag, &post->cells, &e);
	if (result == ERR_NOT_FOUND)
		drop(posts, post, e.text);
	else if (result < 0)
		settle(posts, post, &e);
}

static void take_outcome(struct posts *posts, uint64_t tag, const struct err *outcome)
{
	vec_foreach(posts, post)
		if ((*post)->tag == tag) {
			settle(posts, *post, outcome);
			return;
		}
}

void posts_collect(struct posts *posts)
{
	struct err outcome = {0};
	uint64_t tag;

	for (size_t i = 0; i < CARRIER_COUNT; i++)
		while (posts->carriers[i] && carriers[i]->finished(posts->carriers[i], &tag, &outcome))
			take_outcome(posts, tag, &outcome);
}

/* ---- answers of the recorder ---- */

/* Those of the post that somebody else has are not ours to send. */
static void take_claim(struct posts *posts, struct post *post, struct delivery *cell)
{
	bool held = cell->state == DELIVERY_PENDING && !cell->owner && cell->error;
	bool ours = cell->state == DELIVERY_SENDING && str_equal(cell->owner, posts->state->owner);

	for (size_t i = 0; i < post->cells.count; i++) {
		if (!delivery_is(&post->cells.items[i], cell))
			continue;
		delivery_done(&post->cells.items[i]);
		if (ours)
			delivery_copy(&post->cells.items[i], cell);
		else
			post->cells.items[i] = post->cells.items[--post->cells.count];
		break;
	}
	state_set_cell(posts->state, cell);
	if (held && state_say_once(posts->state, cell->person))
		log_warning("%s: %s", cell->person, cell->error);
}

void posts_claimed(struct posts *posts, struct record *record)
{
	if (record->result == 0)
		vec_foreach(&record->cells, cell) {
			struct post *post = post_of_cell(posts, cell);
			/* One that was sent without waiting is settled as it is, whatever the claim says now. */
			if (post && post->state == POST_CLAIMING)
				take_claim(posts, post, cell);
		}
	for (size_t i = posts->count; i-- > 0;) {
		struct post *post = posts->items[i];
		if (post->claim != record->tag)
			continue;
		post->claimed = record->result == 0;
		post->answered = true;
		if (post->cells.count == 0)
			remove_post(posts, post);
	}
}

void posts_settled(struct posts *posts, struct record *record)
{
	posts->puts_pending--;
	vec_foreach(&record->cells, cell) {
		struct post *post = post_of_cell(posts, cell);
		if (post && post->state == POST_SETTLING)
			remove_post(posts, post);
	}
}

/* ---- the round ---- */

static void hand_over_claims(struct posts *posts)
{
	if (!posts->claims)
		return;
	posts->claims->now = when_now();
	posts->claims->tag = posts->next_tag++;
	vec_foreach(posts, post)
		if ((*post)->claim == 0)
			(*post)->claim = posts->claims->tag;
	state_record(posts->state, posts->claims);
	posts->claims = NULL;
}

static void hand_over(struct posts *posts)
{
	hand_over_claims(posts);
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
		state_set_cell(posts->state, cell);
	}
	posts->state->sent++;
}

/* When any writer, be it another, last got something done. */
static void watch_progress(struct posts *posts, int64_t now)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	if (store_view_open(&view, posts->state->store, &e) < 0)
		return;
	uint64_t revision = store_view_revision(view);
	if (revision == posts->revision)
		return;
	posts->revision = revision;
	posts->progress = now;
}

/* A store that is only slow is waited for: two that both send without a claim would tell people twice. */
static bool may_go(const struct posts *posts, const struct post *post, int64_t now)
{
	int64_t since = posts->progress > post->since ? posts->progress : post->since;

	return post->answered || now - since >= PATIENCE_MS || now - post->since >= PATIENCE_MAX_MS;
}

/* What the store counts, and what went out since without its knowing. */
static unsigned count_messages(struct posts *posts, struct store_view *view, const char *person)
{
	struct rate rate;
	struct err e = {0};
	unsigned count = 0;

	/* Rather one message too many than silence. */
	if (rate_read(view, RATE_MESSAGES, person, &rate, NULL, &e) < 0)
		return 0;
	vec_foreach(posts, post)
		count += (*post)->state != POST_CLAIMING && !(*post)->answered &&
			 (!*person || strcmp((*post)->cells.items[0].person, person) == 0);
	return count + rate_count(&rate, RATE_HOUR_MS, when_now());
}

/* With a claim, the claim has seen to that. */
static bool is_within_limits(struct posts *posts, const struct post *post)
{
	const struct conf *conf = posts->state->conf;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	if (post->answered || store_view_open(&view, posts->state->store, &e) < 0)
		return true;
	return count_messages(posts, view, "") < conf->notify.rate_total &&
	       count_messages(posts, view, post->cells.items[0].person) < conf->notify.rate_person;
}

/* Reading needs no lock: what others have claimed or sent meanwhile is not ours to send. */
static void yield_to_others(struct posts *posts, struct post *post)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	if (post->answered || store_view_open(&view, posts->state->store, &e) < 0)
		return;
	for (size_t i = post->cells.count; i-- > 0;) {
		cleanup(delivery_done) struct delivery stored = {0};
		if (ledger_get(view, &post->cells.items[i], &stored, &e) == 1 &&
		    !delivery_is_due(&stored, when_now()) && !str_equal(stored.owner, posts->state->owner))
			take_claim(posts, post, &stored);
	}
}

static void send_claimed(struct posts *posts)
{
	int64_t now = when_monotonic();
	bool waiting = false;

	vec_foreach(posts, post)
		waiting = waiting || ((*post)->state == POST_CLAIMING && !(*post)->answered);
	if (waiting) {
		watch_progress(posts, now);
		state_wake(posts->state, LOOK_MS);
	}
	for (size_t i = 0; i < posts->count; i++) {
		struct post *post = posts->items[i];
		if (post->state != POST_CLAIMING || !may_go(posts, post, now) || !is_within_limits(posts, post))
			continue;
		yield_to_others(posts, post);
		if (post->cells.count > 0)
			send_out(posts, post);
		else
			remove_post(posts, post);
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
		if (!has_room(posts))
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
			state_set_cell(posts->state, cell);
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
