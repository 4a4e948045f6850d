/* image_store.c - master images in the store: found by name or number, and changed, each change one batch. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "keys.h"
#include "mem.h"
#include "named.h"
#include "references.h"

/* ---- finding ---- */

static struct key *image_key(struct key *key, uint64_t id)
{
	return key_add_u64(key_begin(key, KEY_IMAGE), id);
}

static int find_raw(struct store_view *view, uint64_t id, struct bytes *raw, struct err *e)
{
	struct key key;

	image_key(&key, id);
	return store_view_get(view, key.bytes, key.length, raw, e);
}

static int decode_as(uint64_t id, const struct bytes *raw, struct image *image, struct err *e)
{
	struct image read;

	if (image_decode(raw->data, raw->length, &read, e) < 0)
		return err_wrap(e, "image %llu", (unsigned long long)id);
	if (read.id != id) {
		int code = err_set(e, ERR_CORRUPT, "image %llu: its record is that of %llu",
				   (unsigned long long)id, (unsigned long long)read.id);
		image_done(&read);
		return code;
	}
	*image = read;
	return 0;
}

int image_find_id(struct store_view *view, uint64_t id, struct image *image, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};

	int result = find_raw(view, id, &raw, e);
	if (result <= 0)
		return result;
	return decode_as(id, &raw, image, e) < 0 ? e->code : 1;
}

/* A name that stands for nothing is damage, not absence. */
static int get_named(struct store_view *view, const char *name, uint64_t id, struct image *image, struct err *e)
{
	int result = image_find_id(view, id, image, e);

	return result != 0 ? result
			   : err_set(e, ERR_CORRUPT, "image '%.64s': its record %llu is missing", name,
				     (unsigned long long)id);
}

int image_find(struct store_view *view, const char *name, struct image *image, struct err *e)
{
	uint64_t id;
	int result = named_find(view, KEY_IMAGE_NAME, name, &id, e);

	return result == 1 ? get_named(view, name, id, image, e) : result;
}

int image_require(struct store_view *view, const char *text, struct image *image, struct err *e)
{
	uint64_t id;

	if (named_require(view, KEY_IMAGE_NAME, "image", text, &id, e) < 0)
		return e->code;
	return get_named(view, text, id, image, e) < 0 ? e->code : 0;
}

int image_all(struct store_view *view, struct images *images, struct err *e)
{
	cleanup(named_list_done) struct named_list names = {0};

	if (named_all(view, KEY_IMAGE_NAME, "", &names, e) < 0)
		return e->code;
	vec_foreach(&names, named) {
		struct image image;
		if (get_named(view, named->name, named->id, &image, e) < 0)
			return e->code;
		vec_push(images, image);
	}
	return 0;
}

/* ---- changes ---- */

/* What a change is made of, until it is committed. */
struct change {
	struct store *store;
	struct store_view *view;
	struct store_batch *batch;
};

static void change_done(struct change *change)
{
	store_view_close(change->view);
	store_batch_free(change->batch);
}

static int begin(struct change *change, struct store *store, struct err *e)
{
	*change = (struct change){.store = store};
	if (store_view_open(&change->view, store, e) < 0)
		return e->code;
	change->batch = store_batch_new(store);
	return 0;
}

/* No view may be open while a batch is committed: it would pin what the batch frees. */
static int commit(struct change *change, struct err *e)
{
	store_view_close(change->view);
	change->view = NULL;
	return store_batch_commit(change->batch, e);
}

static int encode_bounded(const struct image *image, struct str *record, struct err *e)
{
	image_encode(image, record);
	if (record->length > IMAGE_RECORD_MAX)
		return err_set(
			e, ERR_TOO_LARGE,
			"image %s: its record would have %zu bytes, %d at most: keep fewer generations",
			image->name, record->length, (int)IMAGE_RECORD_MAX);
	return 0;
}

/* The stage must be there still: else what it made has been removed. */
static int end_stage(struct change *change, uint64_t stage, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	struct key key;

	if (stage == 0)
		return 0;
	key_add_u64(key_begin(&key, KEY_STAGE), stage);
	int result = store_view_get(change->view, key.bytes, key.length, &raw, e);
	if (result == 0)
		return err_set(e, ERR_CONFLICT, "what was made has been swept away: 'mastimg gc' ran meanwhile");
	if (result < 0)
		return result;
	store_batch_expect(change->batch, key.bytes, key.length, raw.data, raw.length);
	store_batch_delete(change->batch, key.bytes, key.length);
	return 0;
}

/* So that whoever loses is told what to. */
static int check_free(struct change *change, const char *name, struct err *e)
{
	uint64_t id;
	int result = named_find(change->view, KEY_IMAGE_NAME, name, &id, e);

	return result == 1 ? err_set(e, ERR_CONFLICT, "there is an image '%s' already", name) : result;
}

int image_create(struct store *store, const struct image *image, uint64_t stage, struct err *e)
{
	cleanup(change_done) struct change change = {0};
	cleanup(str_done) struct str record = {0};
	struct key key;

	if (encode_bounded(image, &record, e) < 0 || begin(&change, store, e) < 0 ||
	    check_free(&change, image->name, e) < 0 || end_stage(&change, stage, e) < 0)
		return e->code;
	image_key(&key, image->id);
	store_batch_claim(change.batch, key.bytes, key.length, record.data, record.length);
	named_claim(change.batch, KEY_IMAGE_NAME, image->name, image->id);
	return commit(&change, e) < 0 ? err_wrap(e, "image %s", image->name) : 0;
}

/* Holds that the image is still OLD. What a newer version added to the record counts as the same. */
static int expect(struct change *change, const struct image *old, struct err *e)
{
	cleanup(image_done) struct image now = {0};
	cleanup(bytes_done) struct bytes raw = {0};
	cleanup(str_done) struct str seen = {0};
	cleanup(str_done) struct str wanted = {0};
	struct key key;

	int result = find_raw(change->view, old->id, &raw, e);
	if (result < 0 || (result == 1 && decode_as(old->id, &raw, &now, e) < 0))
		return e->code;
	if (result == 0)
		return err_set(e, ERR_CONFLICT, "image %s: somebody has deleted it meanwhile", old->name);
	image_encode(&now, &seen);
	image_encode(old, &wanted);
	if (seen.length != wanted.length || memcmp(seen.data, wanted.data, seen.length) != 0)
		return err_set(e, ERR_CONFLICT, "image %s: somebody has changed it meanwhile", old->name);
	image_key(&key, old->id);
	store_batch_expect(change->batch, key.bytes, key.length, raw.data, raw.length);
	return 0;
}

static int move_name(struct change *change, const struct image *old, const struct image *new, struct err *e)
{
	if (strcmp(old->name, new->name) == 0)
		return 0;
	if (check_free(change, new->name, e) < 0)
		return e->code;
	named_drop(change->batch, KEY_IMAGE_NAME, old->name, old->id);
	named_claim(change->batch, KEY_IMAGE_NAME, new->name, new->id);
	return 0;
}

int image_replace(struct store *store, const struct image *old, const struct image *new, uint64_t stage,
		  struct err *e)
{
	cleanup(change_done) struct change change = {0};
	cleanup(str_done) struct str record = {0};
	struct key key;

	if (encode_bounded(new, &record, e) < 0 || begin(&change, store, e) < 0 || expect(&change, old, e) < 0 ||
	    move_name(&change, old, new, e) < 0 || end_stage(&change, stage, e) < 0)
		return e->code;
	image_key(&key, new->id);
	store_batch_put(change.batch, key.bytes, key.length, record.data, record.length);
	return commit(&change, e) < 0 ? err_wrap(e, "image %s", old->name) : 0;
}

int image_delete(struct store *store, const struct image *image, uint64_t references, struct err *e)
{
	cleanup(change_done) struct change change = {0};
	struct key key;

	if (begin(&change, store, e) < 0 || expect(&change, image, e) < 0)
		return e->code;
	references_hold(change.batch, references);
	image_key(&key, image->id);
	store_batch_delete(change.batch, key.bytes, key.length);
	named_drop(change.batch, KEY_IMAGE_NAME, image->name, image->id);
	return commit(&change, e) < 0 ? err_wrap(e, "image %s", image->name) : 0;
}
