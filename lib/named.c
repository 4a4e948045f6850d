/* named.c - the names of images, groups and deployments: which id each stands for. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "mem.h"
#include "named.h"
#include "rec.h"
#include "str.h"
#include "vec.h"

enum { RECORD_VERSION = 1, FIELD_ID = 1, CANDIDATES_MAX = 10 };

void named_list_done(struct named_list *list)
{
	vec_foreach(list, named)
		free(named->name);
	vec_done(list);
}

/* ---- record ---- */

static void encode(struct str *out, uint64_t id)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, FIELD_ID, id);
	rec_end(out);
}

static int decode_fields(const void *data, size_t length, uint64_t *id, struct err *e)
{
	return rec_read_number(data, length, RECORD_VERSION, FIELD_ID, id, e);
}

static int decode(const char *name, const void *data, size_t length, uint64_t *id, struct err *e)
{
	return decode_fields(data, length, id, e) < 0 ? err_wrap(e, "name '%.64s'", name) : 0;
}

/* ---- looking up ---- */

/* False: nothing can be called that. */
static bool name_key(struct key *key, const char *prefix, const char *name)
{
	if (strlen(prefix) + strlen(name) > sizeof key->bytes)
		return false;
	key_add_text(key_begin(key, prefix), name);
	return true;
}

int named_find(struct store_view *view, const char *prefix, const char *name, uint64_t *id, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	struct key key;

	if (!name_key(&key, prefix, name))
		return 0;
	int result = store_view_get(view, key.bytes, key.length, &raw, e);
	if (result <= 0)
		return result;
	return decode(name, raw.data, raw.length, id, e) < 0 ? e->code : 1;
}

int named_all(struct store_view *view, const char *prefix, const char *text, struct named_list *list,
	      struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	size_t start = strlen(prefix);
	struct store_item item;
	struct key key;
	int result;

	if (!name_key(&key, prefix, text))
		return 0;
	if (store_cursor_open(&cursor, view, key.bytes, key.length, false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		struct named named = {mem_string_n((const char *)item.key + start, item.key_length - start), 0};
		if (decode(named.name, item.value, item.value_length, &named.id, e) < 0) {
			free(named.name);
			return e->code;
		}
		vec_push(list, named);
	}
	return result;
}

static int tell_candidates(const struct named_list *list, const char *what, const char *text, struct err *e)
{
	cleanup(str_done) struct str candidates = {0};

	for (size_t i = 0; i < list->count && i < CANDIDATES_MAX; i++)
		str_addf(&candidates, "%s%s", i == 0 ? "" : ", ", list->items[i].name);
	if (list->count > CANDIDATES_MAX)
		str_addf(&candidates, " and %zu more", list->count - CANDIDATES_MAX);
	return err_set(e, ERR_AMBIGUOUS, "%s '%s': several begin so: %s", what, text, str_text(&candidates));
}

int named_require(struct store_view *view, const char *prefix, const char *what, const char *text,
		  uint64_t *id, struct err *e)
{
	cleanup(named_list_done) struct named_list list = {0};

	int result = named_find(view, prefix, text, id, e);
	if (result != 0)
		return result < 0 ? result : 0;
	/* Everything begins with an empty text: that is a variable which a script has not set. */
	if (*text && named_all(view, prefix, text, &list, e) < 0)
		return e->code;
	if (list.count == 0)
		return err_set(e, ERR_NOT_FOUND, "no %s '%.64s'", what, text);
	if (list.count > 1)
		return tell_candidates(&list, what, text, e);
	*id = list.items[0].id;
	return 0;
}

/* ---- changes ---- */

void named_claim(struct store_batch *batch, const char *prefix, const char *name, uint64_t id)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	encode(&record, id);
	key_add_text(key_begin(&key, prefix), name);
	store_batch_claim(batch, key.bytes, key.length, record.data, record.length);
}

void named_drop(struct store_batch *batch, const char *prefix, const char *name, uint64_t id)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	encode(&record, id);
	key_add_text(key_begin(&key, prefix), name);
	store_batch_expect(batch, key.bytes, key.length, record.data, record.length);
	store_batch_delete(batch, key.bytes, key.length);
}
