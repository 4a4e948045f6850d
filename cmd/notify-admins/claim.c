/* claim.c - whether a message may go: claimed in the store, or the store waited for long enough. */
#include "config.h"

#include <string.h>

#include "claim.h"
#include "log.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum {
	PATIENCE_MS = 700, /* for a claim, while nobody else writes either: then a writer holds the store */
	PATIENCE_MAX_MS = 15 * 1000,
	LOOK_MS = 100
};

void claim_gather(struct posts *posts, const struct post *post)
{
	if (!posts->claims)
		posts->claims = record_new(RECORD_CLAIM);
	vec_foreach(&post->cells, cell) {
		struct delivery *copy = vec_push_zero(&posts->claims->cells);
		delivery_copy(copy, cell);
	}
}

void claim_hand_over(struct posts *posts)
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

/* ---- answers of the recorder ---- */

/* Those of the post that somebody else has are not ours to send. */
static void take_claim(struct posts *posts, struct post *post, struct delivery *cell)
{
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
	cells_set(&posts->state->cells, cell);
	if (cell->held && state_say_once(posts->state, cell->person))
		log_warning("%s: %s", cell->person, cell->error);
}

void posts_claimed(struct posts *posts, struct record *record)
{
	if (record->result == 0)
		vec_foreach(&record->cells, cell) {
			struct post *post = posts_find(posts, cell);
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
			posts_remove(posts, post);
	}
}

/* ---- without a claim ---- */

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

/* Messages of the same counter that went out since without the store's knowing: to PERSON, or (NULL) to all. */
static unsigned count_uncounted(const struct posts *posts, bool calls, const char *person)
{
	unsigned count = 0;

	vec_foreach(posts, post) {
		const struct delivery *cell = &(*post)->cells.items[0];
		count += (*post)->state != POST_CLAIMING && !(*post)->answered &&
			 (cell->channel == DELIVERY_VOICE) == calls &&
			 (!person || strcmp(cell->person, person) == 0);
	}
	return count;
}

/* With a claim, the claim has seen to that. */
static bool is_within_limits(struct posts *posts, const struct post *post)
{
	const struct delivery *cell = &post->cells.items[0];
	bool calls = cell->channel == DELIVERY_VOICE;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_mem) char *why = NULL;
	int64_t next;
	struct err e = {0};

	if (post->answered || store_view_open(&view, posts->state->store, &e) < 0)
		return true;
	/* Rather one message too many than silence. */
	return ledger_check_limits(view, cell, &posts->state->limits,
				   count_uncounted(posts, calls, cell->person),
				   count_uncounted(posts, calls, NULL), when_now(), &next, &why, &e) != 0;
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

void claim_look(struct posts *posts)
{
	bool waiting = false;

	vec_foreach(posts, post)
		waiting = waiting || ((*post)->state == POST_CLAIMING && !(*post)->answered);
	if (!waiting)
		return;
	watch_progress(posts, when_monotonic());
	state_wake(posts->state, LOOK_MS);
}

bool claim_allows(struct posts *posts, struct post *post)
{
	if (!may_go(posts, post, when_monotonic()) || !is_within_limits(posts, post))
		return false;
	yield_to_others(posts, post);
	return true;
}
