/* incident.c - what was found to be wrong and is not over: finding, listing and forgetting it. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "incident_private.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

const char incident_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int incident_parse_id(const char *text, char *id, struct err *e)
{
	size_t length = strlen(text);

	if (length < INCIDENT_ID_LENGTH || length > INCIDENT_ID_MAX)
		return err_set(e, ERR_USAGE, "'%.32s' is not an incident such as 7K3F", text);
	for (size_t i = 0; i <= length; i++) {
		char c = (char)toupper((unsigned char)text[i]);
		id[i] = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
		if (i < length && !strchr(incident_alphabet, id[i]))
			return err_set(e, ERR_USAGE, "'%.32s' is not an incident such as 7K3F", text);
	}
	return 0;
}

struct key *incident_id_key(struct key *key, const char *prefix, const char *id)
{
	return key_add_text(key_begin(key, prefix), id);
}

/* No host can be called "!isolated". */
struct key *incident_subject_key(struct key *key, const char *prefix, const struct incident *incident)
{
	key_begin(key, prefix);
	if (incident->kind == INCIDENT_HOST)
		return key_add_text(key, incident->host);
	return key_add_text(key_add_text(key, "!"), incident_kind_name(incident->kind));
}

/* ---- reading ---- */

int incident_get_raw(struct store_view *view, const char *id, struct bytes *raw, struct err *e)
{
	struct key key;

	incident_id_key(&key, KEY_INCIDENT, id);
	return store_view_get(view, key.bytes, key.length, raw, e);
}

int incident_get(struct store_view *view, const char *id, struct incident *incident, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};

	int result = incident_get_raw(view, id, &raw, e);
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
	incident_id_key(&key, KEY_ACTIVE, incident->id);
	int result = store_view_get(view, key.bytes, key.length, &active, e);
	return result < 0 ? result : result == 0;
}

static int remove_old(struct store *store, const struct incidents *old, uint64_t *removed, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	vec_foreach(old, incident) {
		struct key key;
		incident_id_key(&key, KEY_INCIDENT, incident->id);
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
