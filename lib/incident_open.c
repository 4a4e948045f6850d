/* incident_open.c - opening an incident: whether it is one, its id, and the claim. */
#include "config.h"

#include <string.h>

#include "incident_private.h"
#include "mem.h"
#include "when.h"

enum { TRIES_A_LENGTH = 8 };

/* FNV-1a, 64 bits, then mixed (splitmix64): the ids of two seconds or two hosts share nothing that a reader could confuse. */
static uint64_t hash(const char *subject, int64_t at, unsigned attempt)
{
	uint64_t value = 0xCBF29CE484222325U;

	for (; *subject; subject++)
		value = (value ^ (unsigned char)*subject) * 0x100000001B3U;
	value ^= (uint64_t)at + attempt * 0x9E3779B97F4A7C15U;
	value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9U;
	value = (value ^ value >> 27) * 0x94D049BB133111EBU;
	return value ^ value >> 31;
}

static void make_id(const char *subject, int64_t at, unsigned attempt, char *id)
{
	size_t length = INCIDENT_ID_LENGTH + attempt / TRIES_A_LENGTH;
	uint64_t bits = hash(subject, at, attempt);

	if (length > INCIDENT_ID_MAX)
		length = INCIDENT_ID_MAX;
	for (size_t i = 0; i < length; i++, bits >>= 5)
		id[i] = incident_alphabet[bits & 31];
	id[length] = '\0';
}

/* What incident_check found, for the transaction to hold against. */
struct ground {
	struct bytes closed; /* the record of the last close; data NULL: none */
};

static int choose_id(struct store_view *view, const char *subject, struct incident *incident, struct err *e)
{
	for (unsigned attempt = 0; attempt < INCIDENT_TRIES_MAX; attempt++) {
		struct key key;
		cleanup(bytes_done) struct bytes taken = {0};
		make_id(subject, incident->at, attempt, incident->id);
		incident_id_key(&key, KEY_INCIDENT, incident->id);
		int result = store_view_get(view, key.bytes, key.length, &taken, e);
		if (result <= 0)
			return result;
	}
	return err_set(e, ERR_FULL, "no id is free for an incident; prune old ones with vmsnap --prune");
}

bool incident_is_history(int64_t at, int64_t closed, int64_t now)
{
	return at <= closed && closed <= now;
}

static int check(struct store_view *view, struct incident *incident, struct ground *ground, struct err *e)
{
	cleanup(bytes_done) struct bytes open = {0};
	struct key key;
	int64_t last;

	incident_subject_key(&key, KEY_OPEN, incident);
	int result = store_view_get(view, key.bytes, key.length, &open, e);
	if (result < 0)
		return result;
	if (result == 1) {
		snprintf(incident->id, sizeof incident->id, "%s", (const char *)open.data);
		return INCIDENT_STANDS;
	}
	incident_subject_key(&key, KEY_CLOSED, incident);
	result = store_view_get(view, key.bytes, key.length, &ground->closed, e);
	if (result < 0)
		return result;
	if (result == 1 && incident_closed_decode(&ground->closed, &last, e) < 0)
		return e->code;
	if (result == 1 && incident_is_history(incident->at, last, incident->opened))
		return INCIDENT_HISTORY;
	cleanup(cleanup_mem) char *subject = mem_string_n((const char *)key.bytes, key.length);
	result = choose_id(view, subject, incident, e);
	return result < 0 ? result : INCIDENT_OPENED;
}

int incident_check(struct store_view *view, struct incident *incident, struct err *e)
{
	struct ground ground = {0};

	int result = check(view, incident, &ground, e);
	bytes_done(&ground.closed);
	return result;
}

static int claim(struct store *store, const struct incident *incident, const struct ground *ground, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(str_done) struct str record = {0};
	struct key key;

	incident_encode(incident, &record);
	incident_subject_key(&key, KEY_OPEN, incident);
	store_batch_claim(batch, key.bytes, key.length, incident->id, strlen(incident->id));
	incident_id_key(&key, KEY_INCIDENT, incident->id);
	store_batch_claim(batch, key.bytes, key.length, record.data, record.length);
	incident_id_key(&key, KEY_ACTIVE, incident->id);
	store_batch_put(batch, key.bytes, key.length, "", 0);
	incident_subject_key(&key, KEY_CLOSED, incident);
	store_batch_expect(batch, key.bytes, key.length, ground->closed.data, ground->closed.length);
	return store_batch_commit(batch, e);
}

static int check_now(struct store *store, struct incident *incident, struct ground *ground, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	return check(view, incident, ground, e);
}

int incident_open(struct store *store, struct incident *incident, struct err *e)
{
	incident->acknowledged = incident->closed = incident->closing = incident->listed = WHEN_UNKNOWN;
	if (!incident->silence)
		incident->silenced_until = WHEN_UNKNOWN;
	for (int attempt = 0; attempt < INCIDENT_TRIES_MAX; attempt++) {
		cleanup(bytes_done) struct bytes closed = {0};
		struct ground ground = {0};
		int result = check_now(store, incident, &ground, e);
		closed = ground.closed;
		if (result != INCIDENT_OPENED)
			return result;
		result = claim(store, incident, &ground, e);
		if (result == 0)
			return INCIDENT_OPENED;
		if (result != ERR_CONFLICT)
			return err_wrap(e, "opening an incident for %s", incident->host);
	}
	return err_wrap(e, "opening an incident for %s", incident->host);
}
