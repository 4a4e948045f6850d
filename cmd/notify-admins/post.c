/* post.c - the messages under way: claimed in the store, handed to the relay, settled. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "mail.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum {
	POSTS_MAX = 32, /* that a relay which is mute to all holds for less than the lease of their claims */
	CELLS_MAX = 1024,
	PATIENCE_MS = 700, /* for a claim, while nobody else writes either: then a writer holds the store */
	PATIENCE_MAX_MS = 15 * 1000,
	LOOK_MS = 100,
	HOUR_MS = 60 * 60 * 1000
};

void post_free(struct post *post)
{
	if (!post)
		return;
	ledger_done(&post->cells);
	free(post);
}

size_t post_room(const struct engine *engine)
{
	size_t cells = 0;

	vec_foreach(&engine->posts, post)
		cells += (*post)->cells.count;
	return engine->posts.count < POSTS_MAX && cells < CELLS_MAX ? POSTS_MAX - engine->posts.count : 0;
}

static struct post *post_of_cell(struct engine *engine, const struct delivery *cell)
{
	vec_foreach(&engine->posts, post)
		vec_foreach(&(*post)->cells, own)
			if (delivery_is(own, cell))
				return *post;
	return NULL;
}

static void remove_post(struct engine *engine, const struct post *wanted)
{
	vec_foreach(&engine->posts, post)
		if (*post == wanted) {
			post_free(*post);
			*post = engine->posts.items[--engine->posts.count];
			return;
		}
}

/* ---- limits ---- */

/* What was sent before this process began counts too. */
static void count_sent(struct engine *engine, int64_t now)
{
	const char *last = NULL;

	vec_foreach(&engine->cells, cell) {
		if (cell->state != DELIVERY_SENT || !cell->message_id || now - cell->sent >= HOUR_MS ||
		    str_equal(cell->message_id, last))
			continue;
		vec_push(&engine->rates, (struct rate){mem_string(cell->person), cell->sent});
		last = cell->message_id;
	}
}

static void forget_old(struct engine *engine, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < engine->rates.count; i++) {
		if (engine_has_passed(now, engine->rates.items[i].at, HOUR_MS))
			free(engine->rates.items[i].person);
		else
			engine->rates.items[kept++] = engine->rates.items[i];
	}
	engine->rates.count = kept;
}

bool post_is_allowed(struct engine *engine, const char *person, int64_t now)
{
	unsigned count = 0;

	/* What this tick began is later than its NOW, and counts. */
	now = when_now();
	if (!engine->rates_read) {
		engine->rates_read = true;
		count_sent(engine, now);
	}
	if (engine->rates.count >= engine->conf->notify.rate_total)
		forget_old(engine, now);
	vec_foreach(&engine->rates, rate)
		count += strcmp(rate->person, person) == 0 && !engine_has_passed(now, rate->at, HOUR_MS);
	bool total = engine->rates.count < engine->conf->notify.rate_total;
	if (total && count < engine->conf->notify.rate_person)
		return true;
	cleanup(cleanup_mem) char *text =
		total ? mem_format("%s: has had %u messages within an hour: the next must wait", person, count)
		      : mem_format("%zu messages went out within an hour: the next must wait",
				   engine->rates.count);
	if (engine_say_once(engine, total ? person : "limit of all"))
		log_warning("%s", text);
	engine_wake(engine, HOUR_MS / 60);
	return false;
}

/* ---- beginning ---- */

static char *make_message_id(struct engine *engine, const struct ledger *cells)
{
	const struct delivery *first = &cells->items[0];
	const struct incident *incident = engine_incident(engine, first->incident);
	cleanup(str_done) struct str ids = {0};
	cleanup(cleanup_mem) char *part = mem_format("%s %u", delivery_kind_name(first->kind), first->part);
	/* An id of an incident may come back after years. */
	cleanup(cleanup_mem) char *at = mem_format("%lld", incident ? (long long)incident->at : 0LL);
	cleanup(cleanup_mem) char *name =
		mem_format("vmroll.%s.%s", first->incident, delivery_kind_name(first->kind));

	vec_foreach(cells, cell)
		str_addf(&ids, "%s ", cell->incident);
	const char *const parts[] = {str_text(&ids), at, part, first->person, NULL};
	return mail_message_id(name, parts,
			       engine->conf->smtp.from ? engine->conf->smtp.from : "vmroll@localhost");
}

static void claim_in_copy(struct engine *engine, struct ledger *cells)
{
	cleanup(cleanup_mem) char *id = cells->items[0].message_id ? mem_string(cells->items[0].message_id)
								   : make_message_id(engine, cells);

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

static void mark_sending(struct engine *engine, struct post *post)
{
	vec_foreach(&post->cells, cell) {
		cell->state = DELIVERY_SENDING;
		mem_replace(&cell->owner, engine->owner);
		engine_set_cell(engine, cell);
	}
}

void post_begin(struct engine *engine, struct ledger *cells)
{
	struct post *post = mem_zalloc(1, sizeof *post);

	claim_in_copy(engine, cells);
	post->tag = engine->next_tag++;
	post->since = when_monotonic();
	post->cells = *cells;
	*cells = (struct ledger){0};
	vec_push(&engine->posts, post);
	vec_push(&engine->rates, (struct rate){mem_string(post->cells.items[0].person), when_now()});
	if (!engine->dry_run) {
		if (!engine->claims)
			engine->claims = record_new(RECORD_CLAIM);
		add_copies(&engine->claims->cells, &post->cells);
	}
	mark_sending(engine, post);
}

/* ---- settling ---- */

static void put(struct engine *engine, const struct ledger *cells)
{
	if (!engine->puts)
		engine->puts = record_new(RECORD_PUT);
	add_copies(&engine->puts->cells, cells);
}

void post_put(struct engine *engine, const struct delivery *cell)
{
	struct delivery copy = *cell;
	struct ledger one = {&copy, 1, 1};

	if (!engine->dry_run)
		put(engine, &one);
}

static void report(struct engine *engine, const struct post *post, const struct err *outcome)
{
	const struct delivery *cell = &post->cells.items[0];
	const char *to = compose_recipient(engine, cell);

	if (outcome->code == 0) {
		engine->sent++;
		log_info("incident %s: %s: %s sent", cell->incident, to, delivery_kind_name(cell->kind));
		return;
	}
	engine->failed++;
	if (cell->state == DELIVERY_FAILED)
		log_error("incident %s: %s: %s: given up", cell->incident, to, outcome->text);
	else
		log_warning("incident %s: %s: %s: will try again", cell->incident, to, outcome->text);
	if (cell->state == DELIVERY_FAILED && cell->fallback)
		engine->untold = true;
}

static void settle(struct engine *engine, struct post *post, const struct err *outcome)
{
	int64_t now = when_now();

	vec_foreach(&post->cells, cell) {
		if (!post->claimed)
			cell->attempts++;
		if (cell->begun == WHEN_UNKNOWN)
			cell->begun = now;
		delivery_settle(cell, outcome, now);
		engine_set_cell(engine, cell);
	}
	report(engine, post, outcome);
	post->state = POST_SETTLING;
	put(engine, &post->cells);
}

/* Nothing to tell any more. */
static void drop(struct engine *engine, struct post *post, const char *why)
{
	vec_foreach(&post->cells, cell) {
		cell->state = DELIVERY_EXPIRED;
		mem_replace(&cell->error, why);
		mem_replace(&cell->owner, NULL);
		engine_set_cell(engine, cell);
	}
	post->state = POST_SETTLING;
	put(engine, &post->cells);
}

static void send_out(struct engine *engine, struct post *post)
{
	cleanup(str_done) struct str message = {0};
	struct err e = {0};

	post->state = POST_SENDING;
	int result = compose(engine, &post->cells, &message, &e);
	if (result == 0)
		result = smtp_submit(engine->smtp, post->tag, engine->conf->smtp.from,
				     compose_recipient(engine, &post->cells.items[0]), message.data,
				     message.length, &e);
	if (result == ERR_NOT_FOUND)
		drop(engine, post, e.text);
	else if (result < 0)
		settle(engine, post, &e);
}

void post_sent(struct engine *engine, uint64_t tag, const struct err *outcome)
{
	vec_foreach(&engine->posts, post)
		if ((*post)->tag == tag) {
			settle(engine, *post, outcome);
			return;
		}
}

/* ---- answers of the recorder ---- */

/* Those of the post that somebody else has are not ours to send. */
static void take_claim(struct engine *engine, struct post *post, struct delivery *cell)
{
	bool ours = cell->state == DELIVERY_SENDING && str_equal(cell->owner, engine->owner);

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
	engine_set_cell(engine, cell);
}

void post_claimed(struct engine *engine, struct record *record)
{
	if (record->result == 0)
		vec_foreach(&record->cells, cell) {
			struct post *post = post_of_cell(engine, cell);
			/* One that was sent without waiting is settled as it is, whatever the claim says now. */
			if (post && post->state == POST_CLAIMING)
				take_claim(engine, post, cell);
		}
	for (size_t i = engine->posts.count; i-- > 0;) {
		struct post *post = engine->posts.items[i];
		if (post->claim != record->tag)
			continue;
		post->claimed = record->result == 0;
		post->answered = true;
		if (post->cells.count == 0)
			remove_post(engine, post);
	}
}

void post_settled(struct engine *engine, struct record *record)
{
	engine->puts_pending--;
	vec_foreach(&record->cells, cell) {
		struct post *post = post_of_cell(engine, cell);
		if (post && post->state == POST_SETTLING)
			remove_post(engine, post);
	}
}

/* ---- the tick ---- */

void post_hand_over_claims(struct engine *engine)
{
	if (!engine->claims)
		return;
	engine->claims->now = when_now();
	engine->claims->tag = engine->next_tag++;
	vec_foreach(&engine->posts, post)
		if ((*post)->claim == 0)
			(*post)->claim = engine->claims->tag;
	engine_record(engine, engine->claims);
	engine->claims = NULL;
}

static void hand_over(struct engine *engine)
{
	post_hand_over_claims(engine);
	/* While one is under way the next gather, and go together. */
	if (engine->puts && engine->puts_pending == 0) {
		engine->puts_pending++;
		engine_record(engine, engine->puts);
		engine->puts = NULL;
	}
}

static void show(struct engine *engine, struct post *post)
{
	cleanup(str_done) struct str text = {0};
	struct err e = {0};

	if (compose(engine, &post->cells, &text, &e) == 0)
		fwrite(str_text(&text), 1, text.length, stdout);
	else
		log_err(&e);
	vec_foreach(&post->cells, cell) {
		cell->state = DELIVERY_SENT;
		cell->sent = when_now();
		engine_set_cell(engine, cell);
	}
	engine->sent++;
}

/* When any writer, be it another, last got something done. */
static void watch_progress(struct engine *engine, int64_t now)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	if (store_view_open(&view, engine->store, &e) < 0)
		return;
	uint64_t revision = store_view_revision(view);
	if (revision == engine->revision)
		return;
	engine->revision = revision;
	engine->progress = now;
}

/* A store that is only slow is waited for: two that both send without a claim would tell people twice. */
static bool may_go(const struct engine *engine, const struct post *post, int64_t now)
{
	int64_t since = engine->progress > post->since ? engine->progress : post->since;

	return post->answered || now - since >= PATIENCE_MS || now - post->since >= PATIENCE_MAX_MS;
}

/* Reading needs no lock: what others have claimed or sent meanwhile is not ours to send. */
static void yield_to_others(struct engine *engine, struct post *post)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	if (post->answered || store_view_open(&view, engine->store, &e) < 0)
		return;
	for (size_t i = post->cells.count; i-- > 0;) {
		cleanup(delivery_done) struct delivery stored = {0};
		if (ledger_get(view, &post->cells.items[i], &stored, &e) == 1 &&
		    !delivery_is_due(&stored, when_now()) && !str_equal(stored.owner, engine->owner))
			take_claim(engine, post, &stored);
	}
}

static void send_claimed(struct engine *engine)
{
	int64_t now = when_monotonic();
	bool waiting = false;

	vec_foreach(&engine->posts, post)
		waiting = waiting || ((*post)->state == POST_CLAIMING && !(*post)->answered);
	if (waiting) {
		watch_progress(engine, now);
		engine_wake(engine, LOOK_MS);
	}
	for (size_t i = 0; i < engine->posts.count; i++) {
		struct post *post = engine->posts.items[i];
		if (post->state != POST_CLAIMING || !may_go(engine, post, now))
			continue;
		yield_to_others(engine, post);
		if (post->cells.count > 0)
			send_out(engine, post);
		else
			remove_post(engine, post);
	}
}

void post_tick(struct engine *engine)
{
	if (engine->dry_run) {
		while (engine->posts.count > 0) {
			show(engine, engine->posts.items[0]);
			remove_post(engine, engine->posts.items[0]);
		}
		fflush(stdout);
		return;
	}
	hand_over(engine);
	send_claimed(engine);
	hand_over(engine);
}
