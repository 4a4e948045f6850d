/* removal_files.c - the files of a master image that was deleted, removed by a process that can be given up. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "removal_private.h"
#include "repository.h"
#include "workers.h"

struct removing {
	const struct conf *conf;
	const struct image *image;
	uint64_t bytes;
};

static int remove_all(const struct removing *removing, uint64_t *bytes, struct err *e)
{
	cleanup(cleanup_repository) struct repository *repository = NULL;
	/* One without generations: all that is there goes. */
	const struct image gone = {.id = removing->image->id, .name = removing->image->name};

	if (repository_open(&repository, removing->conf->image.repository, e) < 0)
		return e->code;
	return repository_tidy(repository, &gone, bytes, e);
}

static int work(struct worker *worker, size_t job, void *context, struct err *e)
{
	uint64_t bytes = 0;

	(void)job;
	int result = remove_all(context, &bytes, e);
	return result < 0 ? result : worker_send(worker, &bytes, sizeof bytes, e);
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct removing *removing = context;

	(void)job;
	if (length != sizeof removing->bytes)
		return err_set(e, ERR_CORRUPT, "a frame of %zu bytes", length);
	memcpy(&removing->bytes, bytes, length);
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	(void)context;
	(void)job;
	if (outcome->code < 0)
		return err_set(e, outcome->code, "%s", outcome->text ? outcome->text : "no answer");
	return 0;
}

int removal_files(const struct conf *conf, const struct image *image, uint64_t *removed_bytes, struct err *e)
{
	struct removing removing = {.conf = conf, .image = image};
	const struct workers_job job = {&removing, work, received, finished};
	const struct workers_limits limits = {.parallel = 1, .stall_ms = conf->image.stall_ms};
	struct err why = {0};

	if (workers_run(&job, 1, &limits, NULL, &why) < 0)
		return err_set(e, ERR_PARTIAL, "image %s is deleted, but its files, number %llu in %s, are left for 'mastimg gc': %s",
			       image->name, (unsigned long long)image->id, conf->image.repository, why.text);
	*removed_bytes += removing.bytes;
	return 0;
}
