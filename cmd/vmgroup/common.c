/* common.c - what several defining commands of vmgroup do alike. */
#include "config.h"

#include <stdlib.h>

#include "common.h"
#include "log.h"
#include "mem.h"
#include "removal.h"
#include "speaker.h"

int require_group(struct store *store, const char *text, struct group *group, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	return store_view_open(&view, store, e) < 0 ? e->code : group_require(view, text, group, e);
}

int check_new_name(struct store_view *view, const char *name, struct err *e)
{
	cleanup(group_done) struct group taken = {0};

	if (image_check_name(name, e) < 0)
		return e->code;
	int result = group_find(view, name, &taken, e);
	return result == 1 ? err_set(e, ERR_USAGE, "there is a group %s already", name) : result;
}

static int change_once(struct options *o, struct store *store, const char *text,
		       int (*edit)(struct group *group, void *context, struct err *e), void *context,
		       const char *what, struct err *e)
{
	cleanup(group_done) struct group old = {0};
	cleanup(group_done) struct group new = {0};

	if (require_group(store, text, &old, e) < 0)
		return e->code;
	group_copy(&new, &old);
	if (edit(&new, context, e) < 0)
		return e->code;
	return group_replace(store, &old, &new, what, o->comment, speaker_name(), e);
}

int change_group(struct options *o, struct store *store, const char *text,
		 int (*edit)(struct group *group, void *context, struct err *e), void *context,
		 const char *what, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < COMMON_TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = change_once(o, store, text, edit, context, what, e);
	return result;
}

/* ---- images that nobody uses any more ---- */

void image_ids_done(struct image_ids *ids)
{
	vec_done(ids);
}

void image_ids_add(struct image_ids *ids, uint64_t id)
{
	vec_foreach(ids, known)
		if (*known == id)
			return;
	vec_push(ids, id);
}

/* 1 with the image if it is there and nobody uses it. */
static int find_unused(struct store *store, uint64_t id, struct image *image, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_texts_done) struct image_texts users = {0};

	if (store_view_open(&view, store, e) < 0 || removal_users(view, id, &users, e) < 0)
		return e->code;
	return users.count > 0 ? 0 : image_find_id(view, id, image, e);
}

static int delete_unused(struct options *o, struct store *store, uint64_t id, struct err *e)
{
	cleanup(image_done) struct image image = {0};
	uint64_t bytes = 0;

	int result = find_unused(store, id, &image, e);
	if (result <= 0)
		return result;
	result = removal_image(&o->conf, store, &image, &bytes, e);
	if (result == 0)
		log_info("image %s deleted", image.name);
	return result;
}

int delete_unused_images(struct options *o, struct store *store, const struct image_ids *ids, struct err *e)
{
	size_t failed = 0;

	vec_foreach(ids, id)
		if (delete_unused(o, store, *id, e) < 0) {
			log_err(e);
			failed++;
		}
	/* Each was said. */
	e->text[0] = '\0';
	return failed > 0 ? ERR_PARTIAL : 0;
}
