/* incident_change.c - what may happen to an incident: each change one transaction that holds against others. */
#include "config.h"

#include <string.h>

#include "incident_private.h"
#include "mem.h"
#include "when.h"

/* Changes *INCIDENT and says whether it did; may add to the batch what goes with that. */
typedef bool change(struct incident *incident, struct store_batch *batch, void *context);

static int read_raw(struct store *store, const char *id, struct bytes *raw, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	int result = incident_get_raw(view, id, raw, e);
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
	incident_id_key(&key, KEY_INCIDENT, id);
	store_batch_expect(batch, key.bytes, key.length, raw.data, raw.length);
	store_batch_put(batch, key.bytes, key.length, record.data, record.length);
	result = store_batch_commit(batch, e);
	return result < 0 ? result : 1;
}

static int change_incident(struct store *store, const char *id, change *apply, void *context, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < INCIDENT_TRIES_MAX && result == ERR_CONFLICT; attempt++)
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
	incident_subject_key(&key, KEY_OPEN, incident);
	store_batch_expect(batch, key.bytes, key.length, incident->id, strlen(incident->id));
	store_batch_delete(batch, key.bytes, key.length);
	incident_closed_encode(&last, incident->closed);
	incident_subject_key(&key, KEY_CLOSED, incident);
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
	bool whole;
};

static bool apply_acknowledge(struct incident *incident, struct store_batch *batch, void *context)
{
	const struct acknowledgement *acknowledgement = context;

	(void)batch;
	bool first = incident->acknowledged == WHEN_UNKNOWN;
	if (!first && (incident->whole || !acknowledgement->whole))
		return false;
	if (first) {
		incident->acknowledged = acknowledgement->now;
		mem_replace(&incident->acknowledged_by, acknowledgement->by);
	}
	if (!incident->note)
		incident->note = mem_string(acknowledgement->note);
	incident->whole = acknowledgement->whole;
	return true;
}

int incident_acknowledge(struct store *store, const char *id, int64_t now, const char *by, const char *note,
			 bool whole, struct err *e)
{
	struct acknowledgement acknowledgement = {now, by, note, whole};

	return change_incident(store, id, apply_acknowledge, &acknowledgement, e);
}

struct silencing {
	const char *why;
	int64_t until;
};

static bool apply_silence(struct incident *incident, struct store_batch *batch, void *context)
{
	const struct silencing *silencing = context;

	(void)batch;
	if (str_equal(incident->silence, silencing->why) && incident->silenced_until == silencing->until)
		return false;
	mem_replace(&incident->silence, silencing->why);
	incident->silenced_until = silencing->until;
	return true;
}

int incident_set_silence(struct store *store, const char *id, const char *why, int64_t until, struct err *e)
{
	struct silencing silencing = {why, until};

	return change_incident(store, id, apply_silence, &silencing, e);
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

static bool apply_told(struct incident *incident, struct store_batch *batch, void *context)
{
	const int64_t *listed = context;

	(void)batch;
	if ((incident->steps & INCIDENT_TOLD) && incident->listed == *listed)
		return false;
	incident->steps |= INCIDENT_TOLD;
	incident->listed = *listed;
	return true;
}

int incident_set_told(struct store *store, const char *id, int64_t listed, struct err *e)
{
	return change_incident(store, id, apply_told, &listed, e);
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

	incident_id_key(&key, KEY_ACTIVE, id);
	int result = store_delete(store, key.bytes, key.length, e);
	return result < 0 ? result : 1;
}
