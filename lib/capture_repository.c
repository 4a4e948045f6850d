/* capture_repository.c - what a capture does to the repository at its end, in a process that can be given up. */
#include "config.h"

#include <stdlib.h>

#include "capture_private.h"
#include "manifest.h"
#include "mem.h"
#include "repository_work.h"
#include "str.h"

/* What is done here says nothing while it is done, but for a fold it is short. */
static const int64_t FOLD_MS = 24LL * 60 * 60 * 1000;

struct task {
	const struct stage *stage;
	const struct image *image;
	bool published;                    /* unstage */
	const volatile sig_atomic_t *stop; /* or NULL */
	struct str answer;                 /* an image */
};

static void task_done(struct task *task)
{
	str_done(&task->answer);
}

static int took(void *context, const void *bytes, size_t length, struct err *e)
{
	struct task *task = context;

	(void)e;
	str_add_n(&task->answer, bytes, length);
	return 0;
}

static int run(const struct conf *conf, struct task *task, int64_t stall_ms,
	       int (*act)(struct repository *, struct repository_worker *, void *, struct err *), struct err *e)
{
	const struct repository_work work = {
		.setting = conf->image.repository,
		.stall_ms = stall_ms,
		.stop = task->stop,
		.act = act,
		.took = took,
		.context = task,
	};

	return repository_work(&work, e);
}

static int answer(struct repository_worker *worker, const struct image *image, struct err *e)
{
	cleanup(str_done) struct str record = {0};

	image_encode(image, &record);
	return repository_worker_send(worker, record.data, record.length, e);
}

/* Takes the answer of TASK for *IMAGE; 1 if there was one. */
static int take_image(const struct task *task, struct image *image, struct err *e)
{
	struct image read;

	if (task->answer.length == 0)
		return 0;
	int result = image_decode(task->answer.data, task->answer.length, &read, e);
	if (result < 0)
		return result;
	image_done(image);
	*image = read;
	return 1;
}

/* ---- publishing ---- */

/* Only what lies in its place can be measured. */
static int measure(struct repository *repository, const struct image *image, struct image *measured,
		   struct err *e)
{
	int result = 0;

	image_copy(measured, image);
	vec_foreach(&measured->generations.items[0].disks, disk)
		if (result == 0)
			result = repository_physical(repository, image->id, disk, &disk->physical_bytes, e);
	return result;
}

static int write_manifest(struct repository *repository, const struct task *task, struct err *e)
{
	const struct stage *stage = task->stage;
	cleanup(str_done) struct str manifest = {0};
	cleanup(cleanup_mem) char *file = NULL;

	manifest_write(task->image, &manifest);
	return repository_write_text(repository, stage->id, stage->image, stage->generation, MANIFEST_NAME,
				     manifest.data, manifest.length, &file, e);
}

static int do_publish(struct repository *repository, struct repository_worker *worker, void *context,
		      struct err *e)
{
	const struct task *task = context;
	cleanup(image_done) struct image measured = {0};
	int result = write_manifest(repository, task, e);

	if (result == 0)
		result = repository_publish(repository, task->stage->id, task->image->id, e);
	if (result == 0)
		result = measure(repository, task->image, &measured, e);
	return result < 0 ? result : answer(worker, &measured, e);
}

int capture_repository_publish(const struct conf *conf, const struct stage *stage, struct image *image,
			       struct err *e)
{
	cleanup(task_done) struct task task = {.stage = stage, .image = image};
	int result = run(conf, &task, conf->image.stall_ms, do_publish, e);

	if (result == 0)
		result = take_image(&task, image, e);
	return result < 0 ? result : 0;
}

/* ---- giving up ---- */

static int do_unstage(struct repository *repository, struct repository_worker *worker, void *context,
		      struct err *e)
{
	const struct task *task = context;
	const struct stage *stage = task->stage;

	(void)worker;
	return repository_unstage(repository, stage->id, stage->image,
				  task->published ? stage->generation : 0, e);
}

int capture_repository_unstage(const struct conf *conf, const struct stage *stage, bool published, struct err *e)
{
	struct task task = {.stage = stage, .published = published};

	return run(conf, &task, conf->image.stall_ms, do_unstage, e);
}

/* ---- folding ---- */

static int do_fold(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	const struct task *task = context;
	cleanup(image_done) struct image folded = {0};

	int result = repository_fold(repository, task->image, &folded, e);
	return result > 0 ? answer(worker, &folded, e) : result;
}

static int do_tidy(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	const struct task *task = context;
	uint64_t removed = 0;

	(void)worker;
	return repository_tidy(repository, task->image, &removed, e);
}

/* 1: *IMAGE is another one now. */
static int fold_once(const struct conf *conf, struct store *store, const volatile sig_atomic_t *stop,
		     struct image *image, struct err *e)
{
	cleanup(task_done) struct task task = {.image = image, .stop = stop};
	cleanup(image_done) struct image before = {0};

	int result = run(conf, &task, FOLD_MS, do_fold, e);
	if (result < 0)
		return result;
	image_copy(&before, image);
	result = take_image(&task, image, e);
	return result <= 0 || image_replace(store, &before, image, 0, e) == 0 ? result : e->code;
}

int capture_fold(const struct conf *conf, struct store *store, const volatile sig_atomic_t *stop,
		 struct image *image, struct err *e)
{
	struct task task = {.image = image, .stop = stop};
	int result;

	while ((result = fold_once(conf, store, stop, image, e)) > 0)
		continue;
	return result < 0 ? result : run(conf, &task, conf->image.stall_ms, do_tidy, e);
}
