/* group_log.c - what was done to groups, when, by whom and why. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "group_private.h"
#include "mem.h"
#include "named.h"
#include "rec.h"
#include "references.h"
#include "when.h"

/* Of its keys: how many may be logged in one millisecond. */
enum { RECORD_VERSION = 1, NUMBER_BITS = 11, NUMBER_MAX = 1 << (NUMBER_BITS - 1) };

enum field { FIELD_GROUP = 1, FIELD_WHAT, FIELD_BY, FIELD_COMMENT, FIELD_ID };

void group_event_done(struct group_event *event)
{
	free(event->group);
	free(event->what);
	free(event->by);
	free(event->comment);
	*event = (struct group_event){0};
}

static void encode(const struct group_event *event, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_text(out, FIELD_GROUP, event->group);
	rec_text(out, FIELD_WHAT, event->what);
	rec_text(out, FIELD_BY, event->by);
	rec_text(out, FIELD_COMMENT, event->comment);
	rec_uint(out, FIELD_ID, event->id);
	rec_end(out);
}

static int take_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct group_event *event = context;

	switch (field) {
	case FIELD_GROUP:
		return rec_replace_text(value, &event->group, e);
	case FIELD_WHAT:
		return rec_replace_text(value, &event->what, e);
	case FIELD_BY:
		return rec_replace_text(value, &event->by, e);
	case FIELD_COMMENT:
		return rec_replace_text(value, &event->comment, e);
	case FIELD_ID:
		return rec_as_uint(value, &event->id, e);
	default:
		return 0;
	}
}

/* What of it was read is in *EVENT, whatever comes of it. */
static int decode(const struct store_item *item, struct group_event *event, struct err *e)
{
	if (item->key_length != strlen(KEY_GROUP_LOG) + 16)
		return err_set(e, ERR_CORRUPT, "a key of %zu bytes", item->key_length);
	event->at = key_read_instant(item->key + strlen(KEY_GROUP_LOG));
	int result = rec_read(item->value, item->value_length, RECORD_VERSION, take_field, event, e);
	if (result == 0 && (!event->group || !event->what))
		return err_set(e, ERR_CORRUPT, "it does not say what was done to which group");
	return result;
}

void group_log_add(struct store_batch *batch, const struct group_event *event, uint64_t number)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	key_add_u64(key_add_instant(key_begin(&key, KEY_GROUP_LOG), event->at), number);
	encode(event, &record);
	store_batch_claim(batch, key.bytes, key.length, record.data, record.length);
}

/* What is logged alone at some revision of the references comes before the batch that ends it. */
static uint64_t alone(uint64_t references, uint64_t number)
{
	return (references << NUMBER_BITS) + number;
}

uint64_t group_log_number(uint64_t references, uint64_t number)
{
	return alone(references, NUMBER_MAX + number);
}

static int read_references(struct store *store, uint64_t *references, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	return store_view_open(&view, store, e) < 0 ? e->code : references_revision(view, references, e);
}

int group_log(struct store *store, const struct group_event *event, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	int result = ERR_CONFLICT;
	uint64_t references;

	if (read_references(store, &references, e) < 0)
		return e->code;
	for (uint64_t number = 0; number < NUMBER_MAX && result == ERR_CONFLICT; number++) {
		group_log_add(batch, event, alone(references, number));
		result = store_batch_commit(batch, e);
	}
	return result < 0 ? err_wrap(e, "log of group %.64s", event->group) : 0;
}

static int visit(const struct store_item *item, const char *group, uint64_t id,
		 int (*each)(void *context, const struct group_event *event), void *context, struct err *e)
{
	cleanup(group_event_done) struct group_event event = {0};

	if (decode(item, &event, e) < 0)
		return err_wrap(e, "log of groups");
	bool wanted = !group || str_equal(group, event.group) || (id && event.id == id);
	return wanted ? each(context, &event) : 0;
}

int group_events(struct store_view *view, const char *group,
		 int (*each)(void *context, const struct group_event *event), void *context, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	uint64_t id = 0;
	int result;

	if (group && named_find(view, KEY_GROUP_NAME, group, &id, e) < 0)
		return e->code;
	if (store_cursor_open(&cursor, view, KEY_GROUP_LOG, strlen(KEY_GROUP_LOG), false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1)
		if ((result = visit(&item, group, id, each, context, e)) != 0)
			return result;
	return result;
}

/* ---- keeping ---- */

/* The keys are in the order of time: the old ones are the first. */
static int find_old(struct store *store, int64_t before, struct store_batch *batch, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key end;
	int result;

	key_add_instant(key_begin(&end, KEY_GROUP_LOG), before);
	if (store_view_open(&view, store, e) < 0 ||
	    store_cursor_open(&cursor, view, KEY_GROUP_LOG, strlen(KEY_GROUP_LOG), false, e) < 0)
		return e->code;
	while ((result = store_batch_room(batch) > 0 ? store_cursor_next(cursor, &item, e) : 0) == 1) {
		if (item.key_length >= end.length && memcmp(item.key, end.bytes, end.length) >= 0)
			return 0;
		store_batch_delete(batch, item.key, item.key_length);
	}
	return result;
}

int group_log_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e)
{
	size_t found;

	do {
		cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
		if (find_old(store, before, batch, e) < 0)
			return err_wrap(e, "log of groups");
		found = store_batch_count(batch);
		if (found > 0 && store_batch_commit(batch, e) < 0)
			return err_wrap(e, "log of groups");
		*removed += found;
	} while (found > 0);
	return 0;
}
