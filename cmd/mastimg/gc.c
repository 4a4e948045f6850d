/* gc.c - mastimg gc: what interrupted runs have left is removed, and nothing that anybody needs. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "lock.h"
#include "log.h"
#include "mastimg.h"
#include "mem.h"
#include "repository_known.h"
#include "repository_places.h"
#include "repository_work.h"
#include "stage.h"
#include "str.h"
#include "when.h"

struct gc {
	const struct options *o;
	struct store *store;
	size_t failed; /* parts that are for the next run; each was said */
};

static void fail(struct gc *gc, const struct err *e)
{
	log_err(e);
	gc->failed++;
}

/* ---- in the process of the work ---- */

/* What one visit of the repository does; *IMAGE without generations: all that is there goes. */
struct visit {
	const struct stage *stage; /* or NULL */
	const struct image *image;
	uint64_t removed_bytes; /* in the parent */
};

static int act_clean(struct repository *repository, struct repository_worker *worker, void *context,
		     struct err *e)
{
	const struct visit *visit = context;
	const struct stage *stage = visit->stage;
	uint64_t removed = 0;

	/* Generation 0: what was published and is not recorded is for repository_tidy, which knows what is. */
	if (stage && repository_unstage(repository, stage->id, stage->image, 0, e) < 0)
		return e->code;
	if (repository_tidy(repository, visit->image, &removed, e) < 0)
		return e->code;
	return repository_worker_send(worker, &removed, sizeof removed, e);
}

/* ---- in the parent ---- */

static int take_removed(void *context, const void *bytes, size_t length, struct err *e)
{
	struct visit *visit = context;

	if (length != sizeof visit->removed_bytes)
		return err_set(e, ERR_CORRUPT, "a frame of %zu bytes", length);
	memcpy(&visit->removed_bytes, bytes, length);
	return 0;
}

static int clean(const struct gc *gc, const char *setting, struct visit *visit, struct err *e)
{
	const struct repository_work work = {.setting = setting,
					     .stall_ms = gc->o->conf.image.stall_ms,
					     .act = act_clean,
					     .took = take_removed,
					     .context = visit};

	return repository_work(&work, e);
}

static void tell_removed(const char *what, uint64_t bytes)
{
	char freed[32];

	if (bytes == 0) {
		log_info("%s: what was left is removed", what);
		return;
	}
	str_format_bytes(bytes, freed, sizeof freed);
	log_info("%s: what was left is removed, %s are free again", what, freed);
}

/* ---- stages of the dead ---- */

/* The record of the image as it is now, under its lock; without generations where there is none. */
static int read_locked(const struct gc *gc, uint64_t id, struct lock *lock, struct image *image, struct err *e)
{
	struct image stub = {.id = id, .name = mem_format("number %llu", (unsigned long long)id)};
	int result = lock_image(gc->o, &stub, false, lock, e);

	if (result == 0) {
		cleanup(cleanup_store_view) struct store_view *view = NULL;
		result = store_view_open(&view, gc->store, e);
		if (result == 0)
			result = image_find_id(view, id, image, e);
	}
	if (result == 0)
		*image = stub;
	else
		image_done(&stub);
	return result;
}

static int clean_files(const struct gc *gc, const struct stage *stage, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(image_done) struct image image = {0};
	struct visit visit = {.stage = stage, .image = &image};

	/* What it captured is recorded, and only its host has something left. */
	if (!stage->repository)
		return 0;
	if (read_locked(gc, stage->image, &lock, &image, e) < 0 ||
	    repository_known(&gc->o->conf, stage->repository, gc->store, false, e) < 0 ||
	    clean(gc, stage->repository, &visit, e) < 0)
		return e->code;
	tell_removed(stage->what, visit.removed_bytes);
	return 0;
}

static int clean_stage(const struct gc *gc, struct stage *stage, struct err *e)
{
	/* Hosts first: what they keep keeps its stage. */
	int hosts = capture_clean(&gc->o->conf, gc->store, stage, e);
	struct err own = {0};

	if (clean_files(gc, stage, &own) < 0) {
		if (hosts < 0)
			log_err(e);
		*e = own;
		return own.code;
	}
	return hosts < 0 ? hosts : stage_end(gc->store, stage->id, e);
}

static void tell_stage(const struct stage *stage)
{
	char begun[WHEN_TEXT_SIZE];
	cleanup(cleanup_mem) char *what = str_escape(stage->what);

	printf("%s, begun %s: ", what, when_format(stage->begun, WHEN_LOCAL, begun));
	if (stage->repository)
		printf("staged files in %s%s", stage->repository, stage->remotes.count ? ", " : "");
	if (stage->remotes.count)
		printf("%zu temporary thing%s on %s", stage->remotes.count,
		       stage->remotes.count == 1 ? "" : "s", stage->remotes.items[0].host);
	printf("\n");
}

/* One that somebody works at is none of ours. */
static void look_at_stage(struct gc *gc, uint64_t id)
{
	cleanup(stage_done) struct stage stage = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	struct err e = {0};
	int result = stage_take(gc->store, gc->o->conf.store, id, &stage, &lock, &e);

	if (result == 1 && gc->o->dry_run)
		tell_stage(&stage);
	else if (result == 1)
		result = clean_stage(gc, &stage, &e);
	if (result == ERR_LOCKED)
		log_info("%s: somebody reads its image: left for the next time", stage.what);
	else if (result < 0) {
		err_wrap(&e, "%s", stage.what ? stage.what : "what was begun");
		fail(gc, &e);
	}
}

static int list_stages(struct gc *gc, struct stages *stages, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	return store_view_open(&view, gc->store, e) < 0 ? e->code : stage_all(view, stages, e);
}

static int look_at_stages(struct gc *gc, struct err *e)
{
	cleanup(stages_done) struct stages stages = {0};

	if (list_stages(gc, &stages, e) < 0)
		return e->code;
	vec_foreach(&stages, stage)
		look_at_stage(gc, stage->id);
	return 0;
}

/* ---- files that no record names ---- */

/* Whether an operation that has not ended is for the image ID. */
static int has_stage(struct store_view *view, uint64_t id, struct err *e)
{
	cleanup(stages_done) struct stages stages = {0};

	if (stage_all(view, &stages, e) < 0)
		return e->code;
	vec_foreach(&stages, stage)
		if (stage->image == id)
			return 1;
	return 0;
}

static int is_staged(const struct gc *gc, uint64_t id, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	return store_view_open(&view, gc->store, e) < 0 ? e->code : has_stage(view, id, e);
}

static void tell_unknown(const struct gc *gc, uint64_t id)
{
	unsigned long long number = id;
	const char *setting = gc->o->conf.image.repository;

	if (gc->o->unknown)
		printf("number %llu in %s: files of an image that the store does not know\n", number, setting);
	else if (str_starts(setting, "pool:"))
		log_warning(
			"repository %s: number %llu is no image that the store knows: 'virsh vol-download' "
			"saves its volumes, vmroll-%llu.*, 'mastimg gc --unknown' removes them",
			setting, number, number);
	else
		log_warning("repository %s: number %llu is no image that the store knows: 'mastimg import "
			    "%s/images/%llu' takes it back, 'mastimg gc --unknown' removes it",
			    setting, number, setting, number);
}

static int look_at_unknown(struct gc *gc, const struct image *image, struct err *e)
{
	struct visit visit = {.image = image};
	int staged = is_staged(gc, image->id, e);

	if (staged != 0)
		return staged < 0 ? staged : 0;
	if (!gc->o->unknown || gc->o->dry_run) {
		tell_unknown(gc, image->id);
		return 0;
	}
	if (clean(gc, gc->o->conf.image.repository, &visit, e) < 0)
		return e->code;
	tell_removed(image->name, visit.removed_bytes);
	return 0;
}

/* Also folds what an update could not, since somebody read it. */
static int tidy(struct gc *gc, struct image *image, struct err *e)
{
	struct visit visit = {.image = image};

	/* Of what is being captured files may lie there that are not recorded yet; its stage is for the next run. */
	int staged = is_staged(gc, image->id, e);
	if (staged != 0 || gc->o->dry_run)
		return staged < 0 ? staged : 0;
	if (clean(gc, gc->o->conf.image.repository, &visit, e) < 0 ||
	    capture_fold(&gc->o->conf, gc->store, NULL, image, e) < 0)
		return e->code;
	if (visit.removed_bytes > 0)
		tell_removed(image->name, visit.removed_bytes);
	return 0;
}

static void look_at_place(struct gc *gc, uint64_t id)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(image_done) struct image image = {0};
	struct err e = {0};
	int result = read_locked(gc, id, &lock, &image, &e);

	if (result == 0)
		result = look_at_unknown(gc, &image, &e);
	else if (result == 1)
		result = tidy(gc, &image, &e);
	if (result == ERR_LOCKED)
		log_info("number %llu: somebody is at it: left for the next time", (unsigned long long)id);
	else if (result < 0)
		fail(gc, &e);
}

static int look_at_places(struct gc *gc, struct err *e)
{
	cleanup(repository_places_done) struct repository_places places = {0};

	if (repository_known(&gc->o->conf, gc->o->conf.image.repository, gc->store, !gc->o->dry_run, e) < 0 ||
	    repository_places(&gc->o->conf, &places, e) < 0)
		return e->code;
	vec_foreach(&places, id)
		look_at_place(gc, *id);
	return 0;
}

int command_gc(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	struct gc gc = {.o = o};

	if (cli_operands(&o->cli, 0, 0, o->e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0)
		return o->e->code;
	gc.store = store;
	if (look_at_stages(&gc, o->e) < 0 || look_at_places(&gc, o->e) < 0)
		return o->e->code;
	/* Each was said. */
	o->e->text[0] = '\0';
	return gc.failed > 0 ? ERR_PARTIAL : 0;
}
