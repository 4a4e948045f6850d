/* watch.c - judges all hosts by their probes: UNKNOWN, UP, DOWN; and ourselves: ISOLATED. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "vec.h"
#include "watch.h"

static const int64_t NANOSECONDS_PER_MILLISECOND = 1000000;
static const int64_t NEVER_NS = -1;

/* Kept small: there may be a hundred thousand. */
struct watched {
	struct window all;  /* a probe counts as answered too if a confirm port answered after it */
	struct window icmp; /* echo replies alone */
	uint32_t probes;    /* how many results there were, blind ones aside */
	uint8_t state;
	uint8_t missed_run; /* newest probes in a row that were lost or blind, up to 255 */
	bool silent;        /* UP by a confirm port alone */
};

struct watch {
	struct watch_rule rule;
	size_t count;      /* hosts */
	size_t references; /* after them */
	struct watched *items;
	uint32_t *sent_ms; /* rule.window.size a host: when each probe of the window was sent, the low 32 bits */

	/* Sums over the hosts, kept with each result. */
	size_t up;
	size_t up_missing; /* UP, and the latest k-1 probes missed */
	size_t down;
	size_t references_missing;

	bool ever_answered;
	bool isolated;
	bool told_all_dead;
	int64_t isolated_since_ns;
	int64_t seeing_since_ns;      /* when the last isolation ended */
	int64_t unwitnessed_since_ns; /* no reference answers, and most hosts do; or NEVER_NS */

	VEC(struct watch_change) changes;
	size_t changes_next;
};

struct watch *watch_new(const struct watch_rule *rule, size_t count, size_t references)
{
	struct watch *watch = mem_zalloc(1, sizeof *watch);
	size_t all = count + references;

	watch->rule = *rule;
	watch->count = count;
	watch->references = references;
	watch->unwitnessed_since_ns = NEVER_NS;
	watch->items = mem_zalloc(all, sizeof *watch->items);
	watch->sent_ms = mem_zalloc(all, rule->window.size * sizeof *watch->sent_ms);
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	free(watch->items);
	free(watch->sent_ms);
	vec_done(&watch->changes);
	free(watch);
}

void cleanup_watch(struct watch **watch)
{
	watch_free(*watch);
}

/* How many missed probes in a row make a target suspect: the latest k-1, so that the first host to fall still finds the others suspect. */
static unsigned suspect_run(const struct watch *watch)
{
	return watch->rule.window.needed > 1 ? watch->rule.window.needed - 1 : 1;
}

static void count_in(struct watch *watch, uint32_t index, int sign)
{
	const struct watched *item = &watch->items[index];
	bool missing = item->missed_run >= suspect_run(watch);

	if (index >= watch->count) {
		watch->references_missing += (size_t)(missing ? sign : 0);
		return;
	}
	watch->up += (size_t)(item->state == HOST_UP ? sign : 0);
	watch->up_missing += (size_t)(item->state == HOST_UP && missing ? sign : 0);
	watch->down += (size_t)(item->state == HOST_DOWN ? sign : 0);
}

static struct watch_change *add_change(struct watch *watch, uint32_t index, enum host_state state,
				       enum watch_reason reason, int64_t at_ns)
{
	struct watch_change *change = vec_push_zero(&watch->changes);

	change->host = index;
	change->state = state;
	change->reason = reason;
	change->at_ns = at_ns;
	return change;
}

/* Most hosts see us, and the references do not. A host that is DOWN is dead either way. */
static bool is_unwitnessed(const struct watch *watch)
{
	return watch->references > 0 && watch->references_missing == watch->references &&
	       2 * (watch->up - watch->up_missing) > watch->count - watch->down;
}

/* References that say nothing for so long, while most hosts answer, are no witnesses of our blindness. */
static bool is_set_aside(const struct watch *watch, int64_t now_ns)
{
	return is_unwitnessed(watch) && watch->unwitnessed_since_ns != NEVER_NS &&
	       now_ns - watch->unwitnessed_since_ns >= watch->rule.isolation_max_ns;
}

/* Whether we would rather not believe a death, and by which rule. */
static bool is_blind(const struct watch *watch, int64_t now_ns, enum watch_reason *reason)
{
	if (!watch->ever_answered) {
		*reason = WATCH_NEVER_ANSWERED;
		return true;
	}
	if (watch->references > 0) {
		*reason = WATCH_NO_REFERENCE;
		return watch->references_missing == watch->references && !is_set_aside(watch, now_ns);
	}
	*reason = WATCH_MOST_SILENT;
	return watch->up >= WATCH_SHARE_HOSTS_MIN &&
	       watch->up_missing * 100 > watch->up * (size_t)watch->rule.isolation_share;
}

static void tell_isolated(struct watch *watch, enum watch_reason reason, int64_t at_ns)
{
	struct watch_change *change = add_change(watch, WATCH_SELF, HOST_ISOLATED, reason, at_ns);

	change->others = watch->count;
	change->answering = watch->up - watch->up_missing;
}

static void become_isolated(struct watch *watch, enum watch_reason reason, int64_t at_ns)
{
	watch->isolated = true;
	watch->told_all_dead = false;
	watch->isolated_since_ns = at_ns;
	tell_isolated(watch, reason, at_ns);
}

/* What was lost while we were blind is no evidence: each host needs new losses to be DOWN. Of a reference it stays true. */
static void see_again(struct watch *watch, int64_t now_ns)
{
	watch->isolated = false;
	watch->seeing_since_ns = now_ns;
	for (uint32_t i = 0; i < watch->count; i++) {
		struct watched *item = &watch->items[i];
		count_in(watch, i, -1);
		window_forget_lost(&item->all);
		window_forget_lost(&item->icmp);
		item->missed_run = 0;
		count_in(watch, i, 1);
	}
	struct watch_change *change = add_change(watch, WATCH_SELF, HOST_UP, WATCH_SEES_AGAIN, now_ns);
	change->lasted_ns = now_ns - watch->isolated_since_ns;
}

static int64_t sent_ns_of_oldest_lost(const struct watch *watch, uint32_t index, int64_t now_ns)
{
	const struct watched *item = &watch->items[index];
	unsigned size = watch->rule.window.size;
	int age = window_oldest_lost(&item->all);

	if (age < 0)
		return now_ns;
	uint32_t sent_ms = watch->sent_ms[index * size + (item->probes - 1 - (uint32_t)age) % size];
	uint32_t ago_ms = (uint32_t)(now_ns / NANOSECONDS_PER_MILLISECOND) - sent_ms;
	return (now_ns / NANOSECONDS_PER_MILLISECOND - ago_ms) * NANOSECONDS_PER_MILLISECOND;
}

static void set_state(struct watch *watch, uint32_t index, enum host_state state, enum watch_reason reason,
		      int64_t at_ns)
{
	struct watched *item = &watch->items[index];

	count_in(watch, index, -1);
	item->state = (uint8_t)state;
	count_in(watch, index, 1);
	if (index >= watch->count)
		return;
	struct watch_change *change = add_change(watch, index, state, reason, at_ns);
	change->lost = window_lost(&item->all);
	change->of = item->all.filled;
	change->others = watch->count - 1;
	change->answering = watch->up - watch->up_missing;
	if (state == HOST_UP && item->missed_run < suspect_run(watch))
		change->answering--;
}

/* The first host that would go DOWN decides whether it is the one that is dead, or we are blind. */
static void judge_death(struct watch *watch, uint32_t index, int64_t at_ns, int64_t now_ns)
{
	enum watch_reason reason;

	if (watch->isolated)
		return;
	if (is_blind(watch, now_ns, &reason)) {
		become_isolated(watch, reason, at_ns);
		return;
	}
	watch->items[index].silent = false;
	set_state(watch, index, HOST_DOWN, WATCH_PINGS, at_ns);
}

static void judge_life(struct watch *watch, uint32_t index, int64_t now_ns)
{
	struct watched *item = &watch->items[index];
	enum window_verdict icmp = window_judge(&item->icmp, &watch->rule.window);

	if (item->state != HOST_UP) {
		if (window_judge(&item->all, &watch->rule.window) != WINDOW_ANSWERS)
			return;
		item->silent = icmp == WINDOW_SILENT;
	} else if (!item->silent && icmp == WINDOW_SILENT) {
		item->silent = true;
	} else if (item->silent && icmp == WINDOW_ANSWERS) {
		item->silent = false;
		set_state(watch, index, HOST_UP, WATCH_ICMP_BACK, now_ns);
		return;
	} else {
		return;
	}
	set_state(watch, index, HOST_UP, item->silent ? WATCH_ICMP_SILENT : WATCH_PINGS, now_ns);
}

/* Looks at a host after a result. A reference is only counted. */
static void judge(struct watch *watch, uint32_t index, int64_t now_ns)
{
	const struct watched *item = &watch->items[index];

	if (index >= watch->count)
		return;
	if (window_judge(&item->all, &watch->rule.window) != WINDOW_SILENT)
		judge_life(watch, index, now_ns);
	else if (item->state != HOST_DOWN)
		judge_death(watch, index, sent_ns_of_oldest_lost(watch, index, now_ns), now_ns);
}

static void add_result(struct watch *watch, uint32_t index, int64_t sent_ns, bool lost)
{
	struct watched *item = &watch->items[index];
	unsigned size = watch->rule.window.size;

	count_in(watch, index, -1);
	window_add(&item->all, &watch->rule.window, lost);
	window_add(&item->icmp, &watch->rule.window, lost);
	watch->sent_ms[index * size + item->probes % size] = (uint32_t)(sent_ns / NANOSECONDS_PER_MILLISECOND);
	item->probes++;
	item->missed_run = !lost ? 0 : item->missed_run < UINT8_MAX ? item->missed_run + 1 : UINT8_MAX;
	count_in(watch, index, 1);
}

static void note_answer(struct watch *watch, int64_t now_ns)
{
	enum watch_reason reason;

	watch->ever_answered = true;
	if (watch->isolated && !is_blind(watch, now_ns, &reason))
		see_again(watch, now_ns);
}

void watch_answered(struct watch *watch, uint32_t index, int64_t sent_ns, int64_t now_ns)
{
	add_result(watch, index, sent_ns, false);
	note_answer(watch, now_ns);
	judge(watch, index, now_ns);
}

void watch_lost(struct watch *watch, uint32_t index, int64_t sent_ns, int64_t now_ns)
{
	/* It was on its way while we were blind. */
	if (index < watch->count && sent_ns < watch->seeing_since_ns)
		return;
	add_result(watch, index, sent_ns, true);
	judge(watch, index, now_ns);
}

void watch_blind(struct watch *watch, uint32_t index, int64_t sent_ns)
{
	struct watched *item = &watch->items[index];
	enum watch_reason reason;

	count_in(watch, index, -1);
	if (item->missed_run < UINT8_MAX)
		item->missed_run++;
	count_in(watch, index, 1);
	if (index < watch->count && item->state != HOST_DOWN && !watch->isolated &&
	    item->missed_run >= watch->rule.window.needed && is_blind(watch, sent_ns, &reason))
		become_isolated(watch, reason, sent_ns);
}

void watch_confirmed(struct watch *watch, uint32_t index, uint32_t number, int64_t now_ns)
{
	struct watched *item = &watch->items[index];
	uint32_t age = item->probes - 1 - number;

	if (age >= item->all.filled)
		return;
	count_in(watch, index, -1);
	window_amend(&item->all, age);
	if (item->missed_run > age)
		item->missed_run = (uint8_t)age;
	count_in(watch, index, 1);
	note_answer(watch, now_ns);
	judge(watch, index, now_ns);
}

void watch_tick(struct watch *watch, int64_t now_ns)
{
	bool unwitnessed = is_unwitnessed(watch);

	if (!unwitnessed)
		watch->unwitnessed_since_ns = NEVER_NS;
	else if (watch->unwitnessed_since_ns == NEVER_NS)
		watch->unwitnessed_since_ns = now_ns;
	/* While most hosts answer, neither is true. */
	if (!watch->isolated || watch->told_all_dead || unwitnessed ||
	    now_ns - watch->isolated_since_ns < watch->rule.isolation_max_ns)
		return;
	watch->told_all_dead = true;
	tell_isolated(watch, WATCH_ALL_DEAD, watch->isolated_since_ns);
}

int watch_next(struct watch *watch, struct watch_change *change)
{
	if (watch->changes_next == watch->changes.count) {
		watch->changes.count = watch->changes_next = 0;
		return 0;
	}
	*change = watch->changes.items[watch->changes_next++];
	return 1;
}

void watch_adopt(struct watch *watch, uint32_t index, const struct watch *old, uint32_t old_index)
{
	size_t size = watch->rule.window.size;

	count_in(watch, index, -1);
	watch->items[index] = old->items[old_index];
	memcpy(watch->sent_ms + index * size, old->sent_ms + old_index * size, size * sizeof *watch->sent_ms);
	count_in(watch, index, 1);
}

void watch_adopt_self(struct watch *watch, const struct watch *old)
{
	watch->ever_answered = old->ever_answered;
	watch->isolated = old->isolated;
	watch->told_all_dead = old->told_all_dead;
	watch->isolated_since_ns = old->isolated_since_ns;
	watch->seeing_since_ns = old->seeing_since_ns;
	watch->unwitnessed_since_ns = old->unwitnessed_since_ns;
}

void watch_assume(struct watch *watch, uint32_t index, enum host_state state)
{
	count_in(watch, index, -1);
	watch->items[index].state = (uint8_t)state;
	count_in(watch, index, 1);
}

uint32_t watch_probes(const struct watch *watch, uint32_t index)
{
	return watch->items[index].probes;
}

enum host_state watch_state(const struct watch *watch, uint32_t index)
{
	return (enum host_state)watch->items[index].state;
}

unsigned watch_loss(const struct watch *watch, uint32_t index, unsigned *of)
{
	*of = watch->items[index].icmp.filled;
	return window_lost(&watch->items[index].icmp);
}

bool watch_is_isolated(const struct watch *watch)
{
	return watch->isolated;
}

int64_t watch_unwitnessed_ns(const struct watch *watch, int64_t now_ns)
{
	return watch->unwitnessed_since_ns == NEVER_NS ? -1 : now_ns - watch->unwitnessed_since_ns;
}

bool watch_is_silent(const struct watch *watch, uint32_t index)
{
	return watch->items[index].silent;
}

bool watch_is_decided(const struct watch *watch, uint32_t index)
{
	const struct window *window = &watch->items[index].all;

	return window_judge(window, &watch->rule.window) != WINDOW_MIXED ||
	       window->filled == watch->rule.window.size;
}
