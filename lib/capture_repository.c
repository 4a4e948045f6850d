/* capture_repository.c - what a capture does to the repository at its end, in a process that can be killed. */
#include "config.h"

#include <string.h>

#include "capture_private.h"
#include "manifest.h"
#include "mem.h"
#include "repository.h"
#include "str.h"
#include "workers.h"

/* Renames, removals and an fsync: short, but perhaps on a server that has gone. */
enum { SHORT_MS = 120 * 1000 };

struct task {
	const char *setting; /* of the repository */
	const struct stage *stage;
	const struct image *image;
	bool published; /* unstage */
	int (*act)(struct repository *repository, const struct task *task, struct str *answer, struct err *e);
	/* in the parent */
	struct str answer;
	struct err why;
};

static int work(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct task *task = context;
	cleanup(cleanup_repository) struct repository *repository = NULL;
	cleanup(str_done) struct str answer = {0};

	(void)job;
	int result = repository_open(&repository, task->setting, e);
	if (result == 0)
		result = task->act(repository, task, &answer, e);
	if (result == 0 && answer.length)
		result = worker_send(worker, answer.data, answer.length, e);
	return result;
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct task *task = context;

	(void)job;
	(void)e;
	str_add_n(&task->answer, bytes, length);
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct task *task = context;

	(void)job;
	if (outcome->code < 0)
		err_set(&task->why, outcome->code, "repository %s: %s", task->setting, outcome->text);
	(void)e;
	return 0;
}

/* DEADLINE_MS 0: as long as it takes. */
static int run(struct task *task, int64_t deadline_ms, struct err *e)
{
	const struct workers_job job = {task, work, received, finished};
	const struct workers_limits limits = {.parallel = 1, .job_deadline_ms = deadline_ms};

	int result = workers_run(&job, 1, &limits, NULL, e);
	if (result == 0 && task->why.code < 0) {
		result = task->why.code;
		if (e)
			*e = task->why;
	}
	return result;
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
	return repository_write_text(repository, stage->id, stage->image, stage->generation,
				     REPOSITORY_MANIFEST, manifest.data, manifest.length, &file, e);
}

static int do_publish(struct repository *repository, const struct task *task, struct str *answer, struct err *e)
{
	cleanup(image_done) struct image measured = {0};
	int result = write_manifest(repository, task, e);

	if (result == 0)
		result = repository_publish(repository, task->stage->id, task->image->id, e);
	if (result == 0)
		result = measure(repository, task->image, &measured, e);
	if (result == 0)
		image_encode(&measured, answer);
	return result;
}

/* Takes the answer of TASK for *IMAGE; 1 if there was one. */
static int take_image(struct task *task, struct image *image, struct err *e)
{
	cleanup(str_done) struct str answer = task->answer;
	struct image read;

	task->answer = (struct str){0};
	if (answer.length == 0)
		return 0;
	int result = image_decode(answer.data, answer.length, &read, e);
	if (result < 0)
		return result;
	image_done(image);
	*image = read;
	return 1;
}

int capture_repository_publish(const struct conf *conf, const struct stage *stage, struct image *image,
			       struct err *e)
{
	struct task task = {
		.setting = conf->image.repository,
		.stage = stage,
		.image = image,
		.act = do_publish,
	};
	int result = run(&task, SHORT_MS, e);

	if (result == 0)
		result = take_image(&task, image, e);
	return result < 0 ? result : 0;
}

/* ---- giving up ---- */

static int do_unstage(struct repository *repository, const struct task *task, struct str *answer, struct err *e)
{
	const struct stage *stage = task->stage;

	(void)answer;
	return repository_unstage(repository, stage->id, stage->image,
				  task->published ? stage->generation : 0, e);
}

int capture_repository_unstage(const struct conf *conf, const struct stage *stage, bool published, struct err *e)
{
	struct task task = {
		.setting = conf->image.repository,
		.stage = stage,
		.published = published,
		.act = do_unstage,
	};

	return run(&task, SHORT_MS, e);
}

/* ---- folding ---- */

static int do_fold(struct repository *repository, const struct task *task, struct str *answer, struct err *e)
{
	cleanup(image_done) struct image folded = {0};

	if (repository_is_pool(repository))
		return 0;
	int result = repository_fold(repository, task->image, &folded, e);
	if (result > 0)
		image_encode(&folded, answer);
	return result < 0 ? result : 0;
}

static int do_tidy(struct repository *repository, const struct task *task, struct str *answer, struct err *e)
{
	uint64_t removed = 0;

	(void)answer;
	return repository_tidy(repository, task->image, &removed, e);
}

/* 1: *IMAGE is another one now. */
static int fold_once(const struct conf *conf, struct store *store, struct image *image, struct err *e)
{
	struct task task = {.setting = conf->image.repository, .image = image, .act = do_fold};
	cleanup(image_done) struct image before = {0};

	int result = run(&task, 0, e);
	if (result < 0)
		return result;
	image_copy(&before, image);
	result = take_image(&task, image, e);
	return result <= 0 || image_replace(store, &before, image, 0, e) == 0 ? result : e->code;
}

int capture_repository_fold(const struct conf *conf, struct store *store, struct image *image, struct err *e)
{
	int result;

	while ((result = fold_once(conf, store, image, e)) > 0)
		continue;
	struct task task = {.setting = conf->image.repository, .image = image, .act = do_tidy};
	return result < 0 ? result : run(&task, SHORT_MS, e);
}
