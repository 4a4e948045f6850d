/* once.c - a single run: fill the windows, print, record. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hoststate.h"
#include "hostping.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "prober.h"
#include "recorder.h"
#include "tell.h"
#include "vec.h"
#include "when.h"

/* A run and what is known of its hosts from before. */
struct once {
	const struct options *o;
	struct targets targets;
	struct watch *watch;
	struct course *courses;
	struct hoststate *before; /* a state a host; host NULL: nothing known */
	struct str *details;      /* a text a host */
	int64_t *since_ms;        /* a time a host */
	bool isolated;
	size_t down, unknown;
};

static void once_done(struct once *once)
{
	for (size_t i = 0; i < once->targets.count; i++) {
		if (once->before)
			hoststate_done(&once->before[i]);
		if (once->details)
			str_done(&once->details[i]);
	}
	free(once->before);
	free(once->details);
	free(once->since_ms);
	free(once->courses);
	watch_free(once->watch);
	targets_done(&once->targets);
}

/* ---- what was known before ---- */

static int load_states(struct once *once, struct store *store, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, store, e);

	for (uint32_t i = 0; i < once->targets.count && result >= 0; i++)
		if (once->targets.items[i].listed)
			result = hoststate_get(view, targets_name(&once->targets, i), &once->before[i], e);
	return result < 0 ? result : 0;
}

/* A store that does not exist yet is no reason not to look at the hosts; one that is broken is told, and they are looked at too. */
static void load_before(struct once *once)
{
	cleanup(cleanup_store) struct store *store = NULL;
	struct err e;

	if (cli_store(&once->o->conf, STORE_READ, &store, &e) < 0) {
		log_info("%s", e.text);
		return;
	}
	if (load_states(once, store, &e) < 0)
		log_warning("states from before: %s", e.text);
	for (uint32_t i = 0; i < once->targets.count; i++) {
		if (!once->before[i].host)
			continue;
		once->since_ms[i] = once->before[i].since;
		watch_assume(once->watch, i, once->before[i].state);
	}
}

/* ---- what changed ---- */

static void take_change(struct once *once, const struct watch_change *change, int64_t wall_offset_ms)
{
	if (change->host == WATCH_SELF) {
		once->isolated = change->state == HOST_ISOLATED;
		if (once->isolated) {
			cleanup(str_done) struct str why = {0};
			tell_detail(change, &once->targets, 0, &why);
			log_error("isolated: %s: no host is called DOWN", str_text(&why));
		}
		return;
	}
	str_reset(&once->details[change->host]);
	tell_detail(change, &once->targets, 0, &once->details[change->host]);
	if (change->reason != WATCH_ICMP_BACK)
		once->since_ms[change->host] = change->at_ns / 1000000 + wall_offset_ms;
}

static void take_changes(struct once *once)
{
	int64_t wall_offset_ms = when_now() - when_monotonic();
	struct watch_change change;

	while (watch_next(once->watch, &change))
		take_change(once, &change, wall_offset_ms);
}

/* A host whose state the probes did not say keeps the one from before, unless we saw nothing at all of it. */
static enum host_state state_of(const struct once *once, uint32_t index)
{
	unsigned of;
	unsigned lost = watch_loss(once->watch, index, &of);

	if (of == 0 || (once->isolated && lost == of))
		return HOST_UNKNOWN;
	return watch_state(once->watch, index);
}

/* ---- rows ---- */

static int print_row(const struct once *once, struct rows *rows, uint32_t index, struct err *e)
{
	const struct icmp_address *address = &once->targets.addresses[index];
	char text[ICMP_ADDRESS_TEXT_SIZE];
	enum host_state state = state_of(once, index);
	unsigned of;
	unsigned lost = watch_loss(once->watch, index, &of);

	rows_text(rows, COLUMN_HOST, targets_name(&once->targets, index));
	if (address->family != 0)
		rows_text(rows, COLUMN_ADDRESS, icmp_address_format(address, text));
	rows_text(rows, COLUMN_STATE, hoststate_name(state));
	rows_time(rows, COLUMN_SINCE, state == HOST_UNKNOWN ? WHEN_UNKNOWN : once->since_ms[index]);
	rows_rtt(rows, COLUMN_RTT, once->courses[index].rtt_us);
	if (of > 0)
		rows_number(rows, COLUMN_LOSS, 100 * lost / of);
	if (once->details[index].length > 0)
		rows_text(rows, COLUMN_DETAIL, str_text(&once->details[index]));
	else if (state == HOST_UNKNOWN)
		rows_text(rows, COLUMN_DETAIL,
			  address->family == 0 ? "no address"
			  : once->isolated     ? "isolated"
					       : NULL);
	return rows_end(rows, e);
}

static int print(struct once *once, struct err *e)
{
	cleanup(cleanup_rows) struct rows *rows = NULL;

	if (once->o->cli.quiet)
		return 0;
	rows = rows_of(once->o, e);
	if (!rows)
		return e->code;
	for (uint32_t i = 0; i < once->targets.count; i++)
		if (print_row(once, rows, i, e) < 0)
			return e->code;
	if (rows_finish(rows, e) < 0)
		return e->code;
	return fflush(stdout) == 0 ? 0 : err_set_errno(e, ERR_ENV, errno, "standard output: cannot write");
}

/* A reference that is no witness is found here, before it is needed. */
static void say_unwitnessed(const struct once *once)
{
	cleanup(str_done) struct str why = {0};

	if (once->isolated || once->o->conf.ping.reference.count == 0 ||
	    watch_unwitnessed_ns(once->watch, when_monotonic_ns()) < 0)
		return;
	tell_unwitnessed(&once->targets, &why);
	log_warning("%s", str_text(&why));
}

static void count_states(struct once *once)
{
	for (uint32_t i = 0; i < once->targets.count; i++) {
		enum host_state state = state_of(once, i);
		once->down += state == HOST_DOWN;
		if (state != HOST_UNKNOWN)
			continue;
		once->unknown++;
		if (once->targets.addresses[i].family != 0 && !once->isolated)
			log_warning(
				"%s: not known: its probes failed on our own side, or contradict each other",
				targets_name(&once->targets, i));
	}
}

/* ---- records ---- */

static struct hoststate record_of(const struct once *once, uint32_t index, char *address)
{
	unsigned of;
	unsigned lost = watch_loss(once->watch, index, &of);

	return (struct hoststate){
		.host = (char *)targets_name(&once->targets, index),
		.address = (char *)icmp_address_format(&once->targets.addresses[index], address),
		.state = state_of(once, index),
		.since = once->since_ms[index],
		.rtt_us = once->courses[index].rtt_us,
		.loss_percent = of ? 100 * lost / of : 0,
		.detail = once->details[index].length > 0 ? once->details[index].data : NULL,
		.recorded = when_now(),
	};
}

static int write_states(const struct once *once, struct store *store, struct err *e)
{
	size_t count = once->targets.count;
	cleanup(cleanup_mem) struct hoststate *states = mem_zalloc(count, sizeof *states);
	cleanup(cleanup_mem) char(*addresses)[ICMP_ADDRESS_TEXT_SIZE] = mem_alloc(count * sizeof *addresses);
	size_t known = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!once->targets.items[i].listed || state_of(once, i) == HOST_UNKNOWN)
			continue;
		states[known] = record_of(once, i, addresses[known]);
		known++;
	}
	if (hoststate_put_all(store, states, known, e) < 0)
		return e->code;
	/* Only a run over all hosts is a sign that they are watched. */
	return once->o->names ? 0 : hoststate_put_heartbeat(store, when_now(), false, e);
}

static bool is_any_listed(const struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		if (targets->items[i].listed)
			return true;
	return false;
}

/* A hostping that watches records for all: a single run beside it only looks. */
static int record(const struct once *once, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(lock_done) struct lock lock = LOCK_NONE;

	if (!is_any_listed(&once->targets))
		return 0;
	if (cli_store(&once->o->conf, STORE_WRITE, &store, e) < 0)
		return e->code;
	int result = recorder_lock(once->o->conf.store, &lock, e);
	if (result == ERR_LOCKED) {
		log_info("%s: not recorded twice", e->text);
		e->text[0] = '\0';
		return 0;
	}
	return result < 0 ? result : write_states(once, store, e);
}

static int look(struct once *once, struct err *e)
{
	struct targets_wish wish = wish_of(once->o);
	struct watch_rule rule;

	if (prober_rule(&once->o->conf, &rule, e) < 0 || targets_read(&once->targets, &wish, e) < 0)
		return e->code;
	once->watch = watch_new(&rule, once->targets.count, once->targets.references);
	once->courses = mem_zalloc(once->targets.count, sizeof *once->courses);
	once->before = mem_zalloc(once->targets.count, sizeof *once->before);
	once->details = mem_zalloc(once->targets.count, sizeof *once->details);
	once->since_ms = mem_zalloc(once->targets.count, sizeof *once->since_ms);
	for (size_t i = 0; i < once->targets.count; i++)
		once->since_ms[i] = WHEN_UNKNOWN;
	load_before(once);
	return prober_fill(once->o->icmp, &once->o->conf, &once->targets, once->watch, once->courses, e);
}

int run_once(const struct options *o, struct err *e)
{
	cleanup(once_done) struct once once = {.o = o};
	struct err unrecorded;

	if (look(&once, e) < 0)
		return e->code;
	take_changes(&once);
	count_states(&once);
	say_unwitnessed(&once);
	int printed = print(&once, e);
	int recorded = record(&once, &unrecorded);
	if (printed < 0)
		return printed;
	if (recorded < 0) {
		*e = unrecorded;
		return recorded;
	}
	if (once.isolated || (once.unknown > 0 && once.unknown == once.targets.count))
		return ERR_ENV;
	if (once.down > 0)
		return 1;
	return once.unknown > 0 ? ERR_PARTIAL : 0;
}
