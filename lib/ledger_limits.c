/* ledger_limits.c - who was told what: the counters of a transaction, and what limits hold back. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ledger_private.h"
#include "mem.h"
#include "vec.h"

void ledger_counters_done(struct ledger_counters *counters)
{
	vec_foreach(counters, counter)
		bytes_done(&counter->raw);
	vec_done(counters);
}

void ledger_counters_write(const struct ledger_counters *counters, struct store_batch *batch)
{
	vec_foreach(counters, counter) {
		cleanup(str_done) struct str record = {0};
		struct key key;
		if (!counter->changed)
			continue;
		rate_key(&key, counter->kind, counter->person);
		rate_encode(&counter->rate, &record);
		store_batch_expect(batch, key.bytes, key.length, counter->raw.data, counter->raw.length);
		store_batch_put(batch, key.bytes, key.length, record.data, record.length);
	}
}

static enum rate_kind kind_of(const struct delivery *cell)
{
	return cell->channel == DELIVERY_VOICE ? RATE_CALLS : RATE_MESSAGES;
}

/* Valid until the next call. */
static int find_counter(struct ledger_counters *counters, struct store_view *view, enum rate_kind kind,
			const char *person, struct ledger_counter **found, struct err *e)
{
	struct ledger_counter counter = {.kind = kind, .person = person};

	vec_foreach(counters, known)
		if (known->kind == kind && strcmp(known->person, person) == 0) {
			*found = known;
			return 0;
		}
	if (rate_read(view, kind, person, &counter.rate, &counter.raw, e) < 0)
		return e->code;
	vec_push(counters, counter);
	*found = &counters->items[counters->count - 1];
	return 0;
}

/* ---- limits ---- */

/* What has gone out as a cell would. */
struct use {
	struct rate own, all;
	unsigned uncounted, uncounted_total; /* that the counters do not know of */
};

struct hold {
	int64_t next;
	char *why;
};

/* One that holds longer replaces the others. */
static void hold_until(struct hold *hold, int64_t next, char *why)
{
	if (next <= hold->next) {
		free(why);
		return;
	}
	free(hold->why);
	*hold = (struct hold){next, why};
}

static void check_person(struct hold *hold, const struct use *use, int64_t window_ms, unsigned limit,
			 const char *what, int64_t now)
{
	unsigned left = limit > use->uncounted ? limit - use->uncounted : 0;

	hold_until(hold, rate_next(&use->own, window_ms, left, now),
		   mem_format("held back: has had %u %s",
			      use->uncounted + rate_count(&use->own, window_ms, now), what));
}

static void check_total(struct hold *hold, const struct use *use, unsigned limit, const char *what, int64_t now)
{
	unsigned left = limit > use->uncounted_total ? limit - use->uncounted_total : 0;

	hold_until(hold, rate_next(&use->all, RATE_HOUR_MS, left, now),
		   mem_format("held back: %u %s",
			      use->uncounted_total + rate_count(&use->all, RATE_HOUR_MS, now), what));
}

/* 1, or 0 with *NEXT and *WHY. */
static int is_within(const struct use *use, const struct delivery *cell, const struct ledger_limits *limits,
		     int64_t now, int64_t *next, char **why)
{
	struct hold hold = {.next = now};

	if (!limits || cell->kind == DELIVERY_SUMMARY)
		return 1;
	if (kind_of(cell) == RATE_CALLS) {
		check_person(&hold, use, RATE_MINUTE_MS, limits->voice_minute, "calls within a minute", now);
		check_person(&hold, use, RATE_QUARTER_MS, limits->voice_quarter, "calls within 15 minutes", now);
		check_person(&hold, use, RATE_HOUR_MS, limits->voice_hour, "calls within an hour", now);
		check_total(&hold, use, limits->voice_total, "calls were made within an hour", now);
	} else {
		check_person(&hold, use, RATE_HOUR_MS, limits->person, "messages within an hour", now);
		check_total(&hold, use, limits->total, "messages went out within an hour", now);
	}
	if (!hold.why)
		return 1;
	free(*why);
	*why = hold.why;
	*next = hold.next;
	return 0;
}

int ledger_check_limits(struct store_view *view, const struct delivery *cell,
			const struct ledger_limits *limits, unsigned uncounted, unsigned uncounted_total,
			int64_t now, int64_t *next, char **why, struct err *e)
{
	struct use use = {.uncounted = uncounted, .uncounted_total = uncounted_total};

	if (rate_read(view, kind_of(cell), cell->person, &use.own, NULL, e) < 0 ||
	    rate_read(view, kind_of(cell), "", &use.all, NULL, e) < 0)
		return e->code;
	*why = NULL;
	return is_within(&use, cell, limits, now, next, why);
}

/* ---- in a transaction ---- */

int ledger_counters_add(struct ledger_counters *counters, struct store_view *view,
			const struct delivery *cell, const struct ledger_limits *limits, int64_t now,
			int64_t *next, char **why, struct err *e)
{
	const char *const persons[] = {"", cell->person};
	struct ledger_counter *counter;
	struct use use = {0};

	for (size_t i = 0; i < 2; i++) {
		if (find_counter(counters, view, kind_of(cell), persons[i], &counter, e) < 0)
			return e->code;
		*(i == 0 ? &use.all : &use.own) = counter->rate;
	}
	if (!is_within(&use, cell, limits, now, next, why))
		return 0;
	for (size_t i = 0; i < 2; i++) {
		if (find_counter(counters, view, kind_of(cell), persons[i], &counter, e) < 0)
			return e->code;
		rate_add(&counter->rate, now);
		counter->changed = true;
	}
	return 1;
}

int ledger_counters_take_back(struct ledger_counters *counters, struct store_view *view,
			      const struct delivery *cell, int64_t claimed, struct err *e)
{
	const char *const persons[] = {"", cell->person};

	for (size_t i = 0; i < 2; i++) {
		struct ledger_counter *counter;
		if (find_counter(counters, view, kind_of(cell), persons[i], &counter, e) < 0)
			return e->code;
		rate_take_back(&counter->rate, claimed);
		counter->changed = true;
	}
	return 0;
}
