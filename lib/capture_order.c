/* capture_order.c - the whole of registering and updating an image. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "capture_private.h"
#include "lock.h"
#include "mem.h"
#include "repository.h"
#include "repository_places.h"
#include "str.h"
#include "when.h"

struct ordering {
	const struct capture_order *order;
	const struct conf *conf;
	struct store *store;
	const struct image *old; /* NULL: a registration */
	struct stage stage;
	struct lock stage_lock, update_lock, image_lock;
	bool begun;     /* the stage */
	bool published; /* or tried to */
	bool recorded;  /* the image */
};

static void ordering_done(struct ordering *ordering)
{
	lock_done(&ordering->image_lock);
	lock_done(&ordering->update_lock);
	lock_done(&ordering->stage_lock);
	stage_done(&ordering->stage);
}

static struct ordering ordering_of(const struct capture_order *order, struct store *store, const struct image *old)
{
	return (struct ordering){
		.order = order,
		.conf = order->capture.conf,
		.store = store,
		.old = old,
		.stage_lock = LOCK_NONE,
		.update_lock = LOCK_NONE,
		.image_lock = LOCK_NONE,
	};
}

static int lock_part(const struct ordering *ordering, const char *name, bool shared, struct lock *lock,
		     struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;

	int result = store_lock_path(ordering->conf->store, name, &path, e);
	return result < 0 ? result : lock_acquire_part(lock, path, ordering->stage.image, shared, e);
}

/* ---- before ---- */

static int check_name_is_free(struct ordering *ordering, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_done) struct image taken = {0};
	const char *name = ordering->order->name;

	int result = image_check_name(name, e);
	if (result == 0)
		result = store_view_open(&view, ordering->store, e);
	if (result == 0)
		result = image_find(view, name, &taken, e);
	return result > 0 ? err_set(e, ERR_USAGE, "there is an image '%s' already", name) : result;
}

/* One updates; who reads its files, as we do for what has changed, keeps others from removing them. */
static int lock_image(struct ordering *ordering, struct err *e)
{
	int result = 0;

	if (ordering->old) {
		ordering->stage.image = ordering->old->id;
		result = lock_part(ordering, "updates", false, &ordering->update_lock, e);
		if (result == ERR_LOCKED)
			return err_set(e, ERR_LOCKED, "image %s: is being updated already", ordering->old->name);
	}
	if (result == 0)
		result = lock_part(ordering, "images", true, &ordering->image_lock, e);
	if (result == ERR_LOCKED)
		return err_set(e, ERR_LOCKED, "image %s: is being changed or removed by another process",
			       ordering->old ? ordering->old->name : ordering->order->name);
	return result;
}

static int lock_alone(struct ordering *ordering, struct err *e)
{
	lock_done(&ordering->image_lock);
	return lock_part(ordering, "images", false, &ordering->image_lock, e);
}

static int begin(struct ordering *ordering, struct err *e)
{
	struct stage *stage = &ordering->stage;
	/* A repository that is not there is told before anything is recorded that only it could end. */
	int result = repository_number(ordering->conf, ordering->store, &stage->id, e);

	stage->image = stage->id;
	if (result == 0)
		result = lock_image(ordering, e);
	if (result < 0)
		return result;
	stage->generation = ordering->old ? image_next_generation(ordering->old) : 1;
	stage->what = ordering->old ? mem_format("update %s", ordering->old->name)
				    : mem_format("register %s", ordering->order->name);
	stage->folder = mem_format("%llu", (unsigned long long)stage->id);
	stage->repository = mem_string(ordering->conf->image.repository);
	stage->begun = when_now();
	result = stage_begin(ordering->store, ordering->conf->store, stage, &ordering->stage_lock, e);
	ordering->begun = result == 0;
	return result;
}

/* ---- after ---- */

static void drop_generations(struct image *image)
{
	while (image->generations.count > image->keep)
		image_generation_done(&image->generations.items[--image->generations.count]);
}

static void name_image(const struct ordering *ordering, struct image *image)
{
	const struct capture_order *order = ordering->order;

	if (!ordering->old)
		mem_replace(&image->name, order->name);
	if (order->comment)
		mem_replace(&image->comment, *order->comment ? order->comment : NULL);
	if (order->keep)
		image->keep = order->keep;
	image->updated = image->generations.items[0].captured;
	image->made = image->generations.items[0].number;
	drop_generations(image);
}

/* What is left on a host keeps its stage, which then has nothing in the repository any more. */
static int record(struct ordering *ordering, const struct image *image, struct err *e)
{
	struct stage *stage = &ordering->stage;
	uint64_t ends = stage->remotes.count ? 0 : stage->id;
	int result = ordering->old ? image_replace(ordering->store, ordering->old, image, ends, e)
				   : image_create(ordering->store, image, ends, e);

	ordering->recorded = result == 0;
	if (result < 0 || ends)
		return result;
	mem_replace(&stage->folder, NULL);
	mem_replace(&stage->repository, NULL);
	return stage_update(ordering->store, stage, e);
}

/* Layers and files that no generation needs any more go, if nobody reads them; else gc does it. */
static int fold(struct ordering *ordering, struct image *image, struct err *e)
{
	if (!ordering->old)
		return 0;
	int result = lock_alone(ordering, e);
	if (result == 0)
		result = capture_fold(ordering->conf, ordering->store, ordering->order->capture.stop, image, e);
	if (result == 0 || result == ERR_LOCKED)
		return 0;
	return err_wrap(e, "what its older generations have left is for 'mastimg gc'");
}

/* Whatever failed: nothing of it stays, but what its host keeps. */
static void give_up(struct ordering *ordering)
{
	struct stage *stage = &ordering->stage;

	if (!ordering->begun || ordering->recorded)
		return;
	if (capture_repository_unstage(ordering->conf, stage, ordering->published, NULL) == 0 &&
	    stage->remotes.count == 0)
		stage_end(ordering->store, stage->id, NULL);
}

static int publish(struct ordering *ordering, struct image *image, struct err *e)
{
	name_image(ordering, image);
	ordering->published = true;
	int result = capture_repository_publish(ordering->conf, &ordering->stage, image, e);
	return result < 0 ? result : record(ordering, image, e);
}

/* 0, or ERR_PARTIAL: recorded all the same. */
static int capture_and_record(struct ordering *ordering, struct image *image, uint64_t *written_bytes,
			      struct err *e)
{
	struct err unclean = {0};
	int captured = capture_vm(&ordering->order->capture, ordering->store, &ordering->stage, ordering->old,
				  image, written_bytes, e);

	if (captured < 0 && captured != ERR_PARTIAL)
		return captured;
	if (captured < 0)
		unclean = *e;
	int result = publish(ordering, image, e);
	if (result < 0 && !ordering->recorded) {
		image_done(image);
		return result;
	}
	if (result == 0)
		result = fold(ordering, image, e);
	if (result == 0 && captured == 0)
		return 0;
	if (result == 0)
		*e = unclean;
	err_wrap(e, "image %s is recorded, but", image->name);
	e->code = ERR_PARTIAL;
	return ERR_PARTIAL;
}

static int carry_out(struct ordering *ordering, struct image *image, uint64_t *written_bytes, struct err *e)
{
	int result = begin(ordering, e);

	if (result == 0)
		result = capture_and_record(ordering, image, written_bytes, e);
	if (result < 0)
		give_up(ordering);
	return result;
}

int capture_register(const struct capture_order *order, struct store *store, struct image *image,
		     uint64_t *written_bytes, struct err *e)
{
	cleanup(ordering_done) struct ordering ordering = ordering_of(order, store, NULL);
	int result = check_name_is_free(&ordering, e);

	return result < 0 ? result : carry_out(&ordering, image, written_bytes, e);
}

int capture_update(const struct capture_order *order, struct store *store, const struct image *old,
		   struct image *image, uint64_t *written_bytes, struct err *e)
{
	cleanup(ordering_done) struct ordering ordering = ordering_of(order, store, old);

	return carry_out(&ordering, image, written_bytes, e);
}
