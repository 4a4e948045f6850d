/* repository_work.c - what is done to a repository in a process of its own, which can be given up. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "repository_work.h"
#include "str.h"
#include "workers.h"

enum frame_kind { FRAME_MOVED = 'm', FRAME_DATA = 'd' };

/* ---- in the process ---- */

struct repository_worker {
	struct worker *worker;
};

static void add_u64(struct str *out, uint64_t number)
{
	str_add_n(out, &number, sizeof number);
}

int repository_worker_moved(struct repository_worker *worker, const char *label, uint64_t done_bytes,
			    uint64_t total_bytes, struct err *e)
{
	cleanup(str_done) struct str frame = {0};

	str_add_char(&frame, FRAME_MOVED);
	add_u64(&frame, done_bytes);
	add_u64(&frame, total_bytes);
	str_add(&frame, label);
	return worker_send(worker->worker, frame.data, frame.length, e);
}

int repository_worker_send(struct repository_worker *worker, const void *bytes, size_t length, struct err *e)
{
	cleanup(str_done) struct str frame = {0};

	str_add_char(&frame, FRAME_DATA);
	str_add_n(&frame, bytes, length);
	return worker_send(worker->worker, frame.data, frame.length, e);
}

struct copying {
	struct repository_worker *worker;
	const char *label;
	uint64_t total_bytes;
};

static int on_moved(void *context, uint64_t done_bytes, struct err *e)
{
	const struct copying *copying = context;

	if (copying->total_bytes > 0 && done_bytes > copying->total_bytes)
		return err_set(e, ERR_CORRUPT, "%s: more than the %llu bytes that it should have",
			       copying->label, (unsigned long long)copying->total_bytes);
	return repository_worker_moved(copying->worker, copying->label, done_bytes, copying->total_bytes, e);
}

int repository_worker_copy(struct repository_worker *worker, const char *label, uint64_t total_bytes,
			   struct disk_reader *reader, struct disk_writer *writer, unsigned digests,
			   struct disk_copied *copied, struct err *e)
{
	struct copying copying = {worker, label, total_bytes};
	const struct disk_progress progress = {on_moved, &copying};

	if (repository_worker_moved(worker, label, 0, total_bytes, e) < 0)
		return e->code;
	return disk_copy_digests(reader, writer, &progress, digests, copied, e);
}

static int work_there(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct repository_work *work = context;
	struct repository_worker self = {worker};
	cleanup(cleanup_repository) struct repository *repository = NULL;

	(void)job;
	int result = repository_open(&repository, work->setting, e);
	return result < 0 ? result : work->act(repository, &self, work->context, e);
}

/* ---- in the parent ---- */

static uint64_t read_u64(const char *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof number);
	return number;
}

static int take_moved(const struct repository_work *work, const char *bytes, size_t length, struct err *e)
{
	enum { NUMBERS = 2 * sizeof(uint64_t) };

	if (length < NUMBERS)
		return err_set(e, ERR_CORRUPT, "a frame that is cut short");
	cleanup(cleanup_mem) char *label = mem_string_n(bytes + NUMBERS, length - NUMBERS);
	if (work->moved)
		work->moved(work->context, label, read_u64(bytes), read_u64(bytes + sizeof(uint64_t)));
	return 0;
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	const struct repository_work *work = context;
	const char *frame = bytes;

	(void)job;
	if (length > 0 && frame[0] == FRAME_MOVED)
		return take_moved(work, frame + 1, length - 1, e);
	if (length > 0 && frame[0] == FRAME_DATA && work->took)
		return work->took(work->context, frame + 1, length - 1, e);
	return err_set(e, ERR_CORRUPT, "a frame that was not expected");
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	const struct repository_work *work = context;

	(void)job;
	if (!outcome->asked || (outcome->code < 0 && work->stop && *work->stop))
		return err_set(e, ERR_ENV, "interrupted");
	if (outcome->code == ERR_DEADLINE)
		return err_set(e, ERR_DEADLINE, "repository %s: nothing moved for %llu s", work->setting,
			       (unsigned long long)work->stall_ms / 1000);
	return outcome->code < 0 ? err_set(e, outcome->code, "%s", outcome->text) : 0;
}

int repository_work(const struct repository_work *work, struct err *e)
{
	const struct workers_job job = {(void *)work, work_there, received, finished};
	const struct workers_limits limits = {.parallel = 1, .stall_ms = work->stall_ms};

	return workers_run(&job, 1, &limits, work->stop, e);
}
