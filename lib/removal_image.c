/* removal_image.c - master images deleted, which nobody uses any more: the record, then the files. */
#include "config.h"

#include "lock.h"
#include "mem.h"
#include "references.h"
#include "removal_private.h"
#include "repository_known.h"
#include "stage.h"
#include "str.h"
#include "when.h"

enum { TRIES_MAX = 64 };

static int say_used(const struct image *image, const struct image_texts *users, struct err *e)
{
	cleanup(str_done) struct str text = {0};

	vec_foreach(users, user)
		str_addf(&text, "%s%s", text.length ? ", " : "", *user);
	return err_set(e, ERR_REFUSED, "image %s is used by %s", image->name, str_text(&text));
}

/* The revision of the references at which nobody used it. */
static int look(struct store *store, const struct image *image, uint64_t *references, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_texts_done) struct image_texts users = {0};
	cleanup(image_done) struct image there = {0};

	if (store_view_open(&view, store, e) < 0 || references_revision(view, references, e) < 0 ||
	    removal_users(view, image->id, &users, e) < 0)
		return e->code;
	if (users.count > 0)
		return say_used(image, &users, e);
	int result = image_find_id(view, image->id, &there, e);
	return result == 0 ? err_set(e, ERR_NOT_FOUND, "image %s is gone already", image->name) : result;
}

static int forget(struct store *store, const struct image *image, struct err *e)
{
	uint64_t references;
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++) {
		if (look(store, image, &references, e) < 0)
			return e->code;
		result = image_delete(store, image, references, e);
	}
	return result;
}

/* Whoever is killed between the record and the files leaves a stage, by which gc goes on. */
static int begin(const struct conf *conf, struct store *store, const struct image *image, struct stage *stage,
		 struct lock *lock, struct err *e)
{
	*stage = (struct stage){
		.image = image->id,
		.what = mem_format("delete %s", image->name),
		.repository = mem_string(conf->image.repository),
		.begun = when_now(),
	};
	return stage_begin(store, conf->store, stage, lock, e);
}

/* Whoever changes it holds it alone, so that nobody could share it. */
static int say_locked(const char *path, const struct image *image, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;

	if (lock_acquire_part(&lock, path, image->id, true, NULL) < 0)
		return err_set(e, ERR_LOCKED,
			       "image %s: is being changed by another process; try again when it is done",
			       image->name);
	return err_set(e, ERR_LOCKED,
		       "image %s: is being read by another process: a deployment, export, update or verify; "
		       "try again "
		       "when it is done",
		       image->name);
}

static int delete_locked(const struct conf *conf, struct store *store, const struct image *image,
			 uint64_t *removed_bytes, struct err *e)
{
	cleanup(stage_done) struct stage stage = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;

	/* One that is not mounted has nothing to remove, and keeps all. */
	if (repository_known(conf, conf->image.repository, store, true, e) < 0)
		return err_wrap(e, "image %s", image->name);
	if (begin(conf, store, image, &stage, &lock, e) < 0)
		return e->code;
	int result = forget(store, image, e);
	if (result < 0)
		stage_end(store, stage.id, NULL);
	else
		result = removal_files(conf, image, removed_bytes, e);
	return result < 0 ? result : stage_end(store, stage.id, e);
}

int removal_image(const struct conf *conf, struct store *store, const struct image *image,
		  uint64_t *removed_bytes, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(cleanup_mem) char *path = NULL;

	if (store_lock_path(conf->store, "images", &path, e) < 0)
		return e->code;
	int result = lock_acquire_part(&lock, path, image->id, false, e);
	if (result == ERR_LOCKED)
		return say_locked(path, image, e);
	if (result < 0)
		return err_wrap(e, "image %s", image->name);
	return delete_locked(conf, store, image, removed_bytes, e);
}
