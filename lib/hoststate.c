/* hoststate.c - what the store keeps of hostping: states and transitions. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "hoststate.h"
#include "hoststate_private.h"
#include "keys.h"
#include "map.h"
#include "mem.h"
#include "rec.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { RECORD_VERSION = 1, OPERATIONS_A_STATE = 2 };

/* Of a newest state. */
enum state_field {
	STATE_STATE = 1,
	STATE_SINCE,
	STATE_ADDRESS,
	STATE_RTT,
	STATE_LOSS,
	STATE_DETAIL,
	STATE_RECORDED,
	STATE_EVER_UP
};
/* Of a transition. */
enum change_field { CHANGE_STATE = 1, CHANGE_DETAIL };

static const char *const state_names[] = {"UNKNOWN", "UP", "DOWN", "ISOLATED"};

const char *hoststate_name(enum host_state state)
{
	return state_names[state];
}

int hoststate_parse(const char *text, enum host_state *state, struct err *e)
{
	for (size_t i = 0; i < sizeof state_names / sizeof state_names[0]; i++)
		if (strcmp(text, state_names[i]) == 0) {
			*state = (enum host_state)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "'%.32s' is not a state: UNKNOWN, UP, DOWN or ISOLATED expected", text);
}

void hoststate_change_done(struct hoststate_change *change)
{
	free(change->host);
	free(change->detail);
	*change = (struct hoststate_change){0};
}

void hoststate_done(struct hoststate *state)
{
	free(state->host);
	free(state->address);
	free(state->detail);
	*state = (struct hoststate){0};
}

static int as_state(const struct rec_value *value, enum host_state *state, struct err *e)
{
	uint64_t number;

	if (rec_as_uint(value, &number, e) < 0)
		return e->code;
	if (number > HOST_ISOLATED)
		return err_set(e, ERR_CORRUPT, "host state %llu", (unsigned long long)number);
	*state = (enum host_state)number;
	return 0;
}

/* ---- the newest state ---- */

static void encode_state(const struct hoststate *state, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, STATE_STATE, state->state);
	rec_int(out, STATE_SINCE, state->since);
	rec_text(out, STATE_ADDRESS, state->address);
	rec_int(out, STATE_RTT, state->rtt_us);
	rec_uint(out, STATE_LOSS, state->loss_percent);
	rec_text(out, STATE_DETAIL, state->detail);
	rec_int(out, STATE_RECORDED, state->recorded);
	rec_bool(out, STATE_EVER_UP, state->ever_up);
	rec_end(out);
}

static int decode_field(struct hoststate *state, unsigned field, const struct rec_value *value, struct err *e)
{
	uint64_t loss;
	int result;

	switch (field) {
	case STATE_STATE:
		return as_state(value, &state->state, e);
	case STATE_SINCE:
		return rec_as_int(value, &state->since, e);
	case STATE_ADDRESS:
		return rec_as_text(value, &state->address, e);
	case STATE_RTT:
		return rec_as_int(value, &state->rtt_us, e);
	case STATE_LOSS:
		result = rec_as_uint(value, &loss, e);
		if (result == 0)
			state->loss_percent = loss > 100 ? 100 : (unsigned)loss;
		return result;
	case STATE_DETAIL:
		return rec_as_text(value, &state->detail, e);
	case STATE_RECORDED:
		return rec_as_int(value, &state->recorded, e);
	case STATE_EVER_UP:
		return rec_as_bool(value, &state->ever_up, e);
	default:
		return 0;
	}
}

static int decode_state(const char *host, size_t host_length, const void *data, size_t length,
			struct hoststate *state, struct err *e)
{
	struct hoststate decoded = {.host = mem_string_n(host, host_length), .since = WHEN_UNKNOWN, .rtt_us = -1};
	struct rec_reader reader;
	struct rec_value value;
	unsigned field;
	int result = rec_open(&reader, data, length, RECORD_VERSION, &field, e);

	while (result >= 0 && (result = rec_next(&reader, &field, &value, e)) == 1)
		result = decode_field(&decoded, field, &value, e);
	if (result < 0) {
		err_wrap(e, "state of host %s", decoded.host);
		hoststate_done(&decoded);
		return result;
	}
	*state = decoded;
	return 0;
}

int hoststate_get(struct store_view *view, const char *host, struct hoststate *state, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct key key;

	key_add_text(key_begin(&key, KEY_STATE), host);
	int result = store_view_get(view, key.bytes, key.length, &value, e);
	if (result <= 0)
		return result;
	result = decode_state(host, strlen(host), value.data, value.length, state, e);
	return result < 0 ? result : 1;
}

/* ---- writing ---- */

struct key *hoststate_transition_key(struct key *key, const char *host, int64_t at)
{
	key_add_text(key_begin(key, KEY_TRANSITION), host);
	return key_add_instant(key_add(key, "", 1), at);
}

static void add_transition(struct store_batch *batch, const struct hoststate *state)
{
	cleanup(str_done) struct str value = {0};
	struct key key;

	rec_begin(&value, RECORD_VERSION);
	rec_uint(&value, CHANGE_STATE, state->state);
	rec_text(&value, CHANGE_DETAIL, state->detail);
	rec_end(&value);
	hoststate_transition_key(&key, state->host, state->since);
	store_batch_put(batch, key.bytes, key.length, value.data, value.length);
}

/* BEFORE is what was recorded so far, or NULL. */
static void add_state(struct store_batch *batch, const struct hoststate *state, const struct hoststate *before)
{
	cleanup(str_done) struct str value = {0};
	struct hoststate merged = *state;
	struct key key;

	merged.ever_up = state->ever_up || state->state == HOST_UP || (before && before->ever_up);
	if (before && before->state == state->state)
		merged.since = before->since;
	else
		add_transition(batch, state);
	encode_state(&merged, &value);
	key_add_text(key_begin(&key, KEY_STATE), state->host);
	store_batch_put(batch, key.bytes, key.length, value.data, value.length);
}

static int add_after_stored(struct store_batch *batch, struct store_view *view, const struct hoststate *state,
			    struct err *e)
{
	cleanup(hoststate_done) struct hoststate before = {0};
	int result = hoststate_get(view, state->host, &before, e);

	if (result >= 0)
		add_state(batch, state, result == 1 ? &before : NULL);
	return result < 0 ? result : 0;
}

/* One transaction: as many of the states as fit. Returns how many, or negative. */
static ssize_t put_some(struct store *store, const struct hoststate *states, size_t count, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	size_t done = 0;
	int result = store_view_open(&view, store, e);

	while (result == 0 && done < count && store_batch_room(batch) >= OPERATIONS_A_STATE)
		result = add_after_stored(batch, view, &states[done++], e);
	store_view_close(view);
	view = NULL;
	if (result == 0)
		result = store_batch_commit(batch, e);
	return result < 0 ? result : (ssize_t)done;
}

int hoststate_put_all(struct store *store, const struct hoststate *states, size_t count, struct err *e)
{
	while (count > 0) {
		ssize_t done = put_some(store, states, count, e);
		if (done < 0)
			return (int)done;
		states += done;
		count -= (size_t)done;
	}
	return 0;
}

int hoststate_put(struct store *store, const struct hoststate *state, struct err *e)
{
	return hoststate_put_all(store, state, 1, e);
}

/* ---- reading many ---- */

/* The state of a host that does not change keeps the round trip of its last change: that of the last minute is newer. */
static int renew_measures(struct store_view *view, struct hoststate *states, size_t count, struct err *e)
{
	cleanup(hoststate_minutes_done) struct hoststate_minutes minutes = {0};
	int64_t minute;
	int result = hoststate_last_minute(view, &minute, e);

	if (result == 1)
		result = hoststate_get_minute(view, minute, &minutes, e);
	if (result <= 0)
		return result;
	struct map *by_host = map_new();
	for (size_t i = 0; i < minutes.count; i++)
		map_add(by_host, minutes.items[i].host, strlen(minutes.items[i].host), &minutes.items[i]);
	for (size_t i = 0; i < count; i++) {
		const struct hoststate_minute *newer = map_find(by_host, states[i].host, strlen(states[i].host));
		if (!newer || newer->sent == 0)
			continue;
		states[i].rtt_us = newer->rtt_us;
		states[i].loss_percent = 100U * newer->lost / newer->sent;
	}
	map_free(by_host);
	return 0;
}

int hoststate_all(struct store_view *view, struct hoststate **states, size_t *count, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	static const size_t prefix = sizeof KEY_STATE - 1;
	VEC(struct hoststate) all = {0};
	struct store_item item;
	struct hoststate state;
	int result = store_cursor_open(&cursor, view, KEY_STATE, prefix, false, e);

	while (result == 0 && (result = store_cursor_next(cursor, &item, e)) == 1) {
		result = decode_state((const char *)item.key + prefix, item.key_length - prefix, item.value,
				      item.value_length, &state, e);
		if (result == 0)
			vec_push(&all, state);
	}
	if (result == 0)
		result = renew_measures(view, all.items, all.count, e);
	if (result < 0) {
		vec_foreach(&all, each)
			hoststate_done(each);
		vec_done(&all);
		return result;
	}
	*states = all.items;
	*count = all.count;
	return 0;
}

/* ---- transitions ---- */

int hoststate_parse_transition(const struct store_item *item, const char **host, int64_t *at, struct err *e)
{
	static const size_t prefix = sizeof KEY_TRANSITION - 1;

	if (item->key_length < prefix + 1 + 8 || item->key[item->key_length - 9] != '\0')
		return err_set(e, ERR_CORRUPT, "key of a transition");
	*host = (const char *)item->key + prefix;
	*at = key_read_instant(item->key + item->key_length - 8);
	return 0;
}

static int decode_change(const struct store_item *item, struct hoststate_change *change, struct err *e)
{
	struct hoststate_change decoded = {0};
	struct rec_reader reader;
	struct rec_value value;
	unsigned field;
	const char *host = NULL;

	if (hoststate_parse_transition(item, &host, &decoded.at, e) < 0)
		return e->code;
	decoded.host = mem_string(host);
	int result = rec_open(&reader, item->value, item->value_length, RECORD_VERSION, &field, e);
	while (result >= 0 && (result = rec_next(&reader, &field, &value, e)) == 1)
		if (field == CHANGE_STATE)
			result = as_state(&value, &decoded.state, e);
		else if (field == CHANGE_DETAIL)
			result = rec_as_text(&value, &decoded.detail, e);
	if (result < 0) {
		err_wrap(e, "transition of host %s", host);
		hoststate_change_done(&decoded);
		return result;
	}
	*change = decoded;
	return 0;
}

static int by_instant(const void *a, const void *b)
{
	const struct hoststate_change *first = a;
	const struct hoststate_change *second = b;

	return first->at != second->at ? (first->at > second->at) - (first->at < second->at)
				       : strcmp(first->host, second->host);
}

struct key *hoststate_transition_prefix(struct key *key, const char *host)
{
	key_begin(key, KEY_TRANSITION);
	return host ? key_add(key_add_text(key, host), "", 1) : key;
}

int hoststate_history(struct store_view *view, const char *host, int64_t since,
		      struct hoststate_change **changes, size_t *count, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	VEC(struct hoststate_change) all = {0};
	struct hoststate_change change;
	struct store_item item;
	struct key prefix, start;

	hoststate_transition_prefix(&prefix, host);
	hoststate_transition_key(&start, host ? host : "", since);
	int result = store_cursor_open(&cursor, view, prefix.bytes, prefix.length, false, e);
	if (result == 0 && host)
		result = store_cursor_seek(cursor, start.bytes, start.length, e);
	while (result == 0 && (result = store_cursor_next(cursor, &item, e)) == 1) {
		result = decode_change(&item, &change, e);
		if (result == 0 && change.at >= since)
			vec_push(&all, change);
		else if (result == 0)
			hoststate_change_done(&change);
	}
	if (result < 0) {
		vec_foreach(&all, each)
			hoststate_change_done(each);
		vec_done(&all);
		return result;
	}
	if (!host && all.count > 1)
		qsort(all.items, all.count, sizeof *all.items, by_instant);
	*changes = all.items;
	*count = all.count;
	return 0;
}

int hoststate_at(struct store_view *view, const char *host, int64_t at, struct hoststate_change *change,
		 struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key prefix, start;

	hoststate_transition_prefix(&prefix, host);
	hoststate_transition_key(&start, host, at);
	if (store_cursor_open(&cursor, view, prefix.bytes, prefix.length, true, e) < 0 ||
	    store_cursor_seek(cursor, start.bytes, start.length, e) < 0)
		return e->code;
	int result = store_cursor_next(cursor, &item, e);
	if (result != 1)
		return result;
	result = decode_change(&item, change, e);
	return result < 0 ? result : 1;
}
