/* incident.c - what was found to be wrong and is not over: at most one open at a time for each host. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "incident.h"
#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "vec.h"
#include "when.h"

enum { RECORD_VERSION = 1, TRIES_MAX = 64, TRIES_A_LENGTH = 8, INCIDENT_ID_MAX = INCIDENT_ID_SIZE - 1 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* ---- ids ---- */

int incident_parse_id(const char *text, char *id, struct err *e)
{
	size_t length = strlen(text);

	if (length < INCIDENT_ID_LENGTH || length > INCIDENT_ID_MAX)
		return err_set(e, ERR_USAGE, "'%.32s' is not an incident such as 7K3F", text);
	for (size_t i = 0; i <= length; i++) {
		char c = (char)toupper((unsigned char)text[i]);
		id[i] = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
		if (i < length && !strchr(alphabet, id[i]))
			return err_set(e, ERR_USAGE, "'%.32s' is not an incident such as 7K3F", text);
	}
	return 0;
}

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
		id[i] = alphabet[bits & 31];
	id[length] = '\0';
}

/* ---- keys ---- */

static struct key *id_key(struct key *key, const char *prefix, const char *id)
{
	return key_add_text(key_begin(key, prefix), id);
}

/* No host can be called "!isolated". */
static struct key *subject_key(struct key *key, const char *prefix, const struct incident *incident)
{
	key_begin(key, prefix);
	if (incident->kind == INCIDENT_HOST)
		return key_add_text(key, incident->host);
	return key_add_text(key_add_text(key, "!"), incident_kind_name(incident->kind));
}

static void encode_instant(struct str *out, int64_t instant)
{
	rec_begin(out, RECORD_VERSION);
	rec_int(out, 1, instant);
	rec_end(out);
}

static int decode_instant(const struct bytes *bytes, int64_t *instant, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;
	unsigned field;
	unsigned version;
	int result;

	if (rec_open(&reader, bytes->data, bytes->length, RECORD_VERSION, &version, e) < 0)
		return e->code;
	while ((result = rec_next(&reader, &field, &value, e)) == 1)
		if (field == 1)
			return rec_as_int(&value, instant, e);
	return result < 0 ? result : err_set(e, ERR_CORRUPT, "no instant in the last close");
}

/* ---- opening ---- */

/* What incident_check found, for the transaction to hold against. */
struct ground {
	struct bytes closed; /* the record of the last close; data NULL: none */
};

static int choose_id(struct store_view *view, const char *subject, struct incident *incident, struct err *e)
{
	for (unsigned attempt = 0; attempt < TRIES_MAX; attempt++) {
		struct key key;
		cleanup(bytes_done) struct bytes taken = {0};
		make_id(subject, incident->at, attempt, incident->id);
		id_key(&key, KEY_INCIDENT, incident->id);
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

	subject_key(&key, KEY_OPEN, incident);
	int result = store_view_get(view, key.bytes, key.length, &open, e);
	if (result < 0)
		return result;
	if (result == 1) {
		snprintf(incident->id, sizeof incident->id, "%s", (const char *)open.data);
		return INCIDENT_STANDS;
	}
	subject_key(&key, KEY_CLOSED, incident);
	result = store_view_get(view, key.bytes, key.length, &ground->closed, e);
	if (result < 0)
		return result;
	if (result == 1 && decode_instant(&ground->closed, &last, e) < 0)
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
	subject_key(&key, KEY_OPEN, incident);
	store_batch_claim(batch, key.bytes, key.length, incident->id, strlen(incident->id));
	id_key(&key, KEY_INCIDENT, incident->id);
	store_batch_claim(batch, key.bytes, key.length, record.data, record.length);
	id_key(&key, KEY_ACTIVE, incident->id);
	store_batch_put(batch, key.bytes, key.length, "", 0);
	subject_key(&key, KEY_CLOSED, incident);
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
	incident->acknowledged = incident->closed = incident->closing = WHEN_UNKNOWN;
	for (int attempt = 0; attempt < TRIES_MAX; attempt++) {
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

/* ---- changing ---- */

/* Changes *INCIDENT and says whether it did; may add to the batch what goes with that. */
typedef bool change(struct incident *incident, struct store_batch *batch, void *context);

static int get_raw(struct store_view *view, const char *id, struct bytes *raw, struct err *e)
{
	struct key key;

	id_key(&key, KEY_INCIDENT, id);
	return store_view_get(view, key.bytes, key.length, raw, e);
}

static int read_raw(struct store *store, const char *id, struct bytes *raw, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	int result = get_raw(view, id, raw, e);
	return result == 0 ? err_set(e, ERR_NOT_FOUND, "no incident %s", id) : result;
}

static int change_once(struct store *store, const char *id, change *apply, void *context, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	cleanup(incident_done) struct incident incident = {0};
	cleanup(str_done) struct str record = {0};
	struct key key;

	int result = read_raw(store, id, &raw, e);
	if (result < 0 || incident_decode(id, raw.data, raw.length, &incident, e) < 0)
		return e->code;
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	if (!apply(&incident, batch, context))
		return 0;
	incident_encode(&incident, &record);
	id_key(&key, KEY_INCIDENT, id);
	store_batch_expect(batch, key.bytes, key.length, raw.data, raw.length);
	store_batch_put(batch, key.bytes, key.length, record.data, record.length);
	result = store_batch_commit(batch, e);
	return result < 0 ? result : 1;
}

static int change_incident(struct store *store, const char *id, change *apply, void *context, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = change_once(store, id, apply, context, e);
	return result;
}

struct closing {
	int64_t at, now;
	const char *why;
	bool recovered;
};

static bool apply_close(struct incident *incident, struct store_batch *batch, void *context)
{
	const struct closing *closing = context;
	cleanup(str_done) struct str last = {0};
	struct key key;

	if (incident->closed != WHEN_UNKNOWN)
		return false;
	/* What led to it is history too, even where the clock that closes it is behind. */
	incident->closed = closing->at > incident->at ? closing->at : incident->at;
	incident->closing = closing->now;
	incident->recovered = closing->recovered;
	mem_replace(&incident->closed_why, closing->why);
	subject_key(&key, KEY_OPEN, incident);
	store_batch_expect(batch, key.bytes, key.length, incident->id, strlen(incident->id));
	store_batch_delete(batch, key.bytes, key.length);
	encode_instant(&last, incident->closed);
	subject_key(&key, KEY_CLOSED, incident);
	store_batch_put(batch, key.bytes, key.length, last.data, last.length);
	return true;
}

int incident_close(struct store *store, const char *id, int64_t at, int64_t now, const char *why,
		   bool recovered, struct err *e)
{
	struct closing closing = {at, now, why, recovered};

	return change_incident(store, id, apply_close, &closing, e);
}

struct acknowledgement {
	int64_t now;
	const char *by, *note;
};

static bool apply_acknowledge(struct incident *incident, struct store_batch *batch, void *context)
{
	const struct acknowledgement *acknowledgement = context;

	(void)batch;
	if (incident->acknowledged != WHEN_UNKNOWN)
		return false;
	incident->acknowledged = acknowledgement->now;
	mem_replace(&incident->acknowledged_by, acknowledgement->by);
	mem_replace(&incident->note, acknowledgement->note);
	return true;
}

int incident_acknowledge(struct store *store, const char *id, int64_t now, const char *by, const char *note,
			 struct err *e)
{
	struct acknowledgement acknowledgement = {now, by, note};

	return change_incident(store, id, apply_acknowledge, &acknowledgement, e);
}

static bool apply_group(struct incident *incident, struct store_batch *batch, void *context)
{
	const char *group = context;

	(void)batch;
	if (incident->group)
		return false;
	incident->group = mem_string(group);
	return true;
}

int incident_set_group(struct store *store, const char *id, const char *group, struct err *e)
{
	return change_incident(store, id, apply_group, (void *)group, e);
}

static bool apply_step(struct incident *incident, struct store_batch *batch, void *context)
{
	const enum incident_step *step = context;

	(void)batch;
	if (incident->steps & *step)
		return false;
	incident->steps |= *step;
	return true;
}

int incident_set_step(struct store *store, const char *id, enum incident_step step, struct err *e)
{
	return change_incident(store, id, apply_step, &step, e);
}

static bool apply_handed(struct incident *incident, struct store_batch *batch, void *context)
{
	const unsigned *handed = context;

	(void)batch;
	if (incident->handed >= *handed)
		return false;
	incident->handed = *handed;
	return true;
}

int incident_set_handed(struct store *store, const char *id, unsigned handed, struct err *e)
{
	return change_incident(store, id, apply_handed, &handed, e);
}

int incident_retire(struct store *store, const char *id, struct err *e)
{
	struct key key;

	id_key(&key, KEY_ACTIVE, id);
	int result = store_delete(store, key.bytes, key.length, e);
	return result < 0 ? result : 1;
}

/* ---- reading ---- */

int incident_get(struct store_view *view, const char *id, struct incident *incident, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};

	int result = get_raw(view, id, &raw, e);
	if (result <= 0)
		return result;
	return incident_decode(id, raw.data, raw.length, incident, e) < 0 ? e->code : 1;
}

static int find_by_host(struct store_view *view, const char *host, struct incident *incident, struct err *e)
{
	cleanup(bytes_done) struct bytes id = {0};
	struct key key;

	if (strlen(host) + sizeof KEY_OPEN > sizeof key.bytes)
		return 0;
	key_add_text(key_begin(&key, KEY_OPEN), host);
	int result = store_view_get(view, key.bytes, key.length, &id, e);
	return result == 1 ? incident_get(view, id.data, incident, e) : result;
}

int incident_find(struct store_view *view, const char *text, struct incident *incident, struct err *e)
{
	char id[INCIDENT_ID_SIZE];

	int result = find_by_host(view, text, incident, e);
	if (result != 0)
		return result < 0 ? result : 0;
	if (incident_parse_id(text, id, e) < 0)
		return e->code;
	result = incident_get(view, id, incident, e);
	if (result < 0)
		return result;
	return result == 1 ? 0
			   : err_set(e, ERR_NOT_FOUND,
				     "no incident %s, and no host of that name has one open", text);
}

bool incident_is_older(const struct incident *a, const struct incident *b)
{
	if (a->opened != b->opened)
		return a->opened < b->opened;
	return a->at != b->at ? a->at < b->at : strcmp(a->id, b->id) < 0;
}

static int by_age(const void *a, const void *b)
{
	return incident_is_older(a, b) ? -1 : incident_is_older(b, a);
}

static int collect(struct store_view *view, const char *prefix, struct incidents *incidents, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int result;

	if (store_cursor_open(&cursor, view, prefix, strlen(prefix), false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		struct incident incident;
		char id[INCIDENT_ID_SIZE];
		size_t length = item.key_length - strlen(prefix);
		snprintf(id, sizeof id, "%.*s", (int)length, (const char *)item.key + strlen(prefix));
		int got = incident_get(view, id, &incident, e);
		if (got < 0)
			return got;
		if (got == 1)
			vec_push(incidents, incident);
	}
	if (incidents->count > 1)
		qsort(incidents->items, incidents->count, sizeof *incidents->items, by_age);
	return result;
}

int incident_active(struct store_view *view, struct incidents *incidents, struct err *e)
{
	return collect(view, KEY_ACTIVE, incidents, e);
}

int incident_all(struct store_view *view, struct incidents *incidents, struct err *e)
{
	return collect(view, KEY_INCIDENT, incidents, e);
}

/* ---- keeping ---- */

static int is_old(struct store_view *view, const struct incident *incident, int64_t before, struct err *e)
{
	cleanup(bytes_done) struct bytes active = {0};
	struct key key;

	if (incident->closed == WHEN_UNKNOWN || incident->closing >= before)
		return 0;
	id_key(&key, KEY_ACTIVE, incident->id);
	int result = store_view_get(view, key.bytes, key.length, &active, e);
	return result < 0 ? result : result == 0;
}

static int remove_old(struct store *store, const struct incidents *old, uint64_t *removed, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	vec_foreach(old, incident) {
		struct key key;
		id_key(&key, KEY_INCIDENT, incident->id);
		store_batch_delete(batch, key.bytes, key.length);
		bool last = incident + 1 == old->items + old->count;
		if ((last || store_batch_room(batch) == 0) && store_batch_commit(batch, e) < 0)
			return e->code;
		++*removed;
	}
	return 0;
}

int incident_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(incidents_done) struct incidents all = {0};
	cleanup(incidents_done) struct incidents old = {0};

	if (store_view_open(&view, store, e) < 0 || incident_all(view, &all, e) < 0)
		return e->code;
	vec_foreach(&all, incident) {
		int result = is_old(view, incident, before, e);
		if (result < 0)
			return result;
		if (result == 1) {
			vec_push(&old, *incident);
			*incident = (struct incident){0};
		}
	}
	store_view_close(view);
	view = NULL;
	return remove_old(store, &old, removed, e);
}
