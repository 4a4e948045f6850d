/* workers.c - a bounded pool of worker processes, for calls that may hang. */
#include "config.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "mem.h"
#include "vec.h"
#include "when.h"
#include "workers.h"

/* STOP_POLL_MS: how long a signal that came just before poll(2) may go unnoticed. */
enum { STOP_POLL_MS = 200, HURRY_MS = 20, REAP_WAIT_MS = 2000 };

/* A deadline that is none: far, and nothing that is added to it overflows. */
static const int64_t never_ms = INT64_MAX / 4;

/* REQUEST goes down; the others come up. */
enum frame_kind { FRAME_REQUEST, FRAME_DATA, FRAME_DONE, FRAME_READY };

struct request {
	uint64_t job;
	int64_t deadline; /* CLOCK_MONOTONIC, ms */
};

struct worker {
	struct channel *channel;
	int64_t deadline;
	bool finished;
};

/* ---- in the worker ---- */

int worker_send(struct worker *worker, const void *bytes, size_t length, struct err *e)
{
	return channel_send(worker->channel, FRAME_DATA, bytes, length, e);
}

int64_t worker_time_left_ms(const struct worker *worker)
{
	return worker->deadline - when_monotonic();
}

static int send_done(struct worker *worker, int code, const char *text, struct err *e)
{
	char bytes[sizeof(int32_t) + ERR_TEXT_SIZE];
	int32_t number = code;
	size_t length = strnlen(text, ERR_TEXT_SIZE);

	if (worker->finished)
		return 0;
	worker->finished = true;
	memcpy(bytes, &number, sizeof number);
	memcpy(bytes + sizeof number, text, length);
	return channel_send(worker->channel, FRAME_DONE, bytes, sizeof number + length, e);
}

int worker_finish(struct worker *worker, struct err *e)
{
	return send_done(worker, 0, "", e);
}

static int work_body(struct channel *channel, void *context)
{
	const struct workers_job *job = context;
	struct frame frame;
	struct request request;
	struct err ignored;

	while (channel_wait(channel, &frame, &ignored) == 1 && frame.length == sizeof request) {
		struct err e = {0};
		memcpy(&request, frame.bytes, sizeof request);
		struct worker worker = {.channel = channel, .deadline = request.deadline};
		int result = job->work(&worker, (size_t)request.job, job->context, &e);
		if (send_done(&worker, result < 0 ? result : 0, result < 0 ? e.text : "", &e) < 0 ||
		    channel_send(channel, FRAME_READY, NULL, 0, &e) < 0)
			return 4;
	}
	return 0;
}

/* ---- in the parent ---- */

enum slot_state { SLOT_EMPTY, SLOT_IDLE, SLOT_BUSY, SLOT_TIDYING };

struct slot {
	struct child child;
	enum slot_state state;
	size_t job;
	int64_t begun;
	int64_t deadline;
	int64_t moved; /* when something last came of it */
	size_t received;
	bool heard; /* in this turn */
};

struct pool {
	const struct workers_job *job;
	const struct workers_limits *limits;
	size_t jobs;
	size_t next; /* the next job to start */
	size_t unfinished;
	int64_t end; /* of the run */
	struct slot *slots;
	struct pollfd *polls;
	size_t slot_count;
	struct err *e;
};

static void pool_done(struct pool *pool)
{
	for (size_t i = 0; i < pool->slot_count; i++)
		child_kill(&pool->slots[i].child);
	child_reap(REAP_WAIT_MS);
	free(pool->slots);
	free(pool->polls);
}

static void slot_kill(struct slot *slot)
{
	child_kill(&slot->child);
	slot->state = SLOT_EMPTY;
}

/* Tells the caller that the slot's job ended. The slot's state is the caller's to change. */
static int report(struct pool *pool, const struct slot *slot, int code, const char *text)
{
	struct workers_outcome outcome = {
		.asked = true,
		.code = code,
		.text = text,
		.elapsed_ms = when_monotonic() - slot->begun,
	};

	pool->unfinished--;
	return pool->job->finished(pool->job->context, slot->job, &outcome, pool->e);
}

static int fail(struct pool *pool, struct slot *slot, int code, const char *text)
{
	int result = slot->state == SLOT_BUSY ? report(pool, slot, code, text) : 0;

	slot_kill(slot);
	return result;
}

static int finish(struct pool *pool, struct slot *slot, const struct frame *frame)
{
	int32_t code;

	if (frame->length < sizeof code || frame->length > sizeof code + ERR_TEXT_SIZE)
		return fail(pool, slot, ERR_CORRUPT, "bad frame from the worker");
	memcpy(&code, frame->bytes, sizeof code);
	cleanup(cleanup_mem) char *text =
		mem_string_n((const char *)frame->bytes + sizeof code, frame->length - sizeof code);
	int result = report(pool, slot, code, text);
	slot->state = SLOT_TIDYING;
	return result;
}

static int take_data(struct pool *pool, struct slot *slot, const struct frame *frame)
{
	struct err cause = {0};

	slot->received += frame->length;
	if (slot->received > WORKERS_JOB_BYTES_MAX)
		return fail(pool, slot, ERR_TOO_LARGE, "more data than is allowed");
	int result = pool->job->received(pool->job->context, slot->job, frame->bytes, frame->length, &cause);
	return result < 0 ? fail(pool, slot, result, cause.text) : 0;
}

static int take_frame(struct pool *pool, struct slot *slot, const struct frame *frame)
{
	if (frame->kind == FRAME_DATA && slot->state == SLOT_BUSY)
		return take_data(pool, slot, frame);
	if (frame->kind == FRAME_DONE && slot->state == SLOT_BUSY)
		return finish(pool, slot, frame);
	if (frame->kind == FRAME_READY && slot->state == SLOT_TIDYING) {
		slot->state = SLOT_IDLE;
		return 0;
	}
	return fail(pool, slot, ERR_CORRUPT, "unexpected frame from the worker");
}

static int ended(struct pool *pool, struct slot *slot)
{
	char how[64];
	char text[128];
	int result = 0;

	child_collect(&slot->child, how, sizeof how);
	snprintf(text, sizeof text, "the worker process died: %s", how);
	if (slot->state == SLOT_BUSY)
		result = report(pool, slot, ERR_ENV, text);
	slot->state = SLOT_EMPTY;
	return result;
}

static int listen_to(struct pool *pool, struct slot *slot)
{
	struct frame frame;
	struct err cause = {0};

	int filled = channel_fill(&slot->child.channel, &cause);
	if (filled < 0)
		return ended(pool, slot);
	slot->heard = filled > 0;
	if (slot->heard)
		slot->moved = when_monotonic();
	/* A slot that fails in take_frame has no channel any more. */
	while (slot->state != SLOT_EMPTY) {
		int next = channel_next(&slot->child.channel, &frame, &cause);
		if (next < 0)
			return fail(pool, slot, next, cause.text);
		if (next == 0)
			break;
		int result = take_frame(pool, slot, &frame);
		if (result < 0)
			return result;
	}
	return 0;
}

static int start_job(struct pool *pool, struct slot *slot)
{
	int64_t now = when_monotonic();
	int64_t deadline = now + (pool->limits->job_deadline_ms ? pool->limits->job_deadline_ms : never_ms);
	struct request request = {
		.job = pool->next,
		.deadline = deadline < pool->end ? deadline : pool->end,
	};
	struct err cause;

	if (slot->state == SLOT_EMPTY) {
		if (child_start(&slot->child, work_body, (void *)pool->job, pool->e) < 0)
			return 1;
		slot->state = SLOT_IDLE;
	}
	if (channel_send(&slot->child.channel, FRAME_REQUEST, &request, sizeof request, &cause) < 0) {
		/* It died idle: the next one shall do it. */
		slot_kill(slot);
		return 0;
	}
	slot->job = pool->next++;
	slot->state = SLOT_BUSY;
	slot->begun = now;
	slot->moved = now;
	slot->deadline = deadline;
	slot->received = 0;
	return 0;
}

/* Gives waiting jobs to idle workers first, then to new ones. ERR_ENV if there is no worker at all. */
static int start_jobs(struct pool *pool)
{
	static const enum slot_state order[] = {SLOT_IDLE, SLOT_EMPTY};
	size_t alive = 0;
	bool exhausted = false;

	for (size_t pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < pool->slot_count && !exhausted; i++)
			if (pool->next < pool->jobs && pool->slots[i].state == order[pass])
				exhausted = start_job(pool, &pool->slots[i]) != 0;
	for (size_t i = 0; i < pool->slot_count; i++)
		alive += pool->slots[i].state != SLOT_EMPTY;
	return exhausted && alive == 0 ? ERR_ENV : 0;
}

static int64_t stalls_at(const struct pool *pool, const struct slot *slot)
{
	return slot->moved + (pool->limits->stall_ms ? pool->limits->stall_ms : never_ms);
}

static int64_t late_at(const struct pool *pool, const struct slot *slot)
{
	int64_t stalls = stalls_at(pool, slot);

	return stalls < slot->deadline ? stalls : slot->deadline;
}

static int wait_time(const struct pool *pool, const volatile sig_atomic_t *stop)
{
	int64_t now = when_monotonic();
	int64_t nearest = pool->end;

	for (size_t i = 0; i < pool->slot_count; i++) {
		const struct slot *slot = &pool->slots[i];
		if ((slot->state == SLOT_BUSY || slot->state == SLOT_TIDYING) && late_at(pool, slot) < nearest)
			nearest = late_at(pool, slot);
		/* An idle worker whose request failed, or one that could not be forked, is tried again. */
		if (slot->state < SLOT_BUSY && pool->next < pool->jobs && now + HURRY_MS < nearest)
			nearest = now + HURRY_MS;
	}
	if (stop && nearest > now + STOP_POLL_MS)
		nearest = now + STOP_POLL_MS;
	if (nearest <= now)
		return 0;
	return nearest - now < INT_MAX ? (int)(nearest - now) : INT_MAX;
}

static int listen_once(struct pool *pool, const volatile sig_atomic_t *stop)
{
	for (size_t i = 0; i < pool->slot_count; i++) {
		pool->slots[i].heard = false;
		pool->polls[i] = (struct pollfd){
			.fd = pool->slots[i].state == SLOT_EMPTY ? -1 : pool->slots[i].child.channel.fd,
			.events = POLLIN,
		};
	}
	if (poll(pool->polls, pool->slot_count, wait_time(pool, stop)) <= 0)
		return 0;
	int64_t before = when_monotonic();
	for (size_t i = 0; i < pool->slot_count; i++) {
		if (!pool->polls[i].revents)
			continue;
		int result = listen_to(pool, &pool->slots[i]);
		if (result < 0)
			return result;
	}
	int64_t ours = when_monotonic() - before;
	for (size_t i = 0; i < pool->slot_count; i++) {
		pool->slots[i].deadline += ours;
		pool->slots[i].moved += ours;
	}
	return 0;
}

static int fail_late(struct pool *pool, struct slot *slot)
{
	bool is_stalled = stalls_at(pool, slot) < slot->deadline;
	char text[32 + WHEN_TEXT_SIZE];
	char limit[WHEN_TEXT_SIZE];

	when_format_duration(is_stalled ? pool->limits->stall_ms : pool->limits->job_deadline_ms, limit);
	snprintf(text, sizeof text, "%s %s", is_stalled ? "nothing moved for" : "no answer within", limit);
	return fail(pool, slot, ERR_DEADLINE, text);
}

static int kill_late(struct pool *pool)
{
	int64_t now = when_monotonic();

	for (size_t i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[i];
		if (slot->state < SLOT_BUSY || slot->heard || now < late_at(pool, slot))
			continue;
		int result = fail_late(pool, slot);
		if (result < 0)
			return result;
	}
	return 0;
}

/* The run is over: what is running is given up, what was not started was not asked. */
static int give_up(struct pool *pool)
{
	static const struct workers_outcome not_asked = {.code = ERR_DEADLINE, .text = "not asked"};

	for (size_t i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].state != SLOT_BUSY)
			continue;
		int result = fail(pool, &pool->slots[i], ERR_DEADLINE, "no answer before the end of the run");
		if (result < 0)
			return result;
	}
	while (pool->next < pool->jobs) {
		pool->unfinished--;
		int result = pool->job->finished(pool->job->context, pool->next++, &not_asked, pool->e);
		if (result < 0)
			return result;
	}
	return 0;
}

int workers_run(const struct workers_job *job, size_t jobs, const struct workers_limits *limits,
		const volatile sig_atomic_t *stop, struct err *e)
{
	struct err local = {0};
	size_t count = limits->parallel < jobs ? limits->parallel : jobs;
	cleanup(pool_done) struct pool pool = {
		.job = job,
		.limits = limits,
		.jobs = jobs,
		.unfinished = jobs,
		.end = when_monotonic() + (limits->run_deadline_ms ? limits->run_deadline_ms : never_ms),
		.slots = mem_zalloc(count, sizeof(struct slot)),
		.polls = mem_zalloc(count, sizeof(struct pollfd)),
		.slot_count = count,
		.e = e ? e : &local,
	};

	while (pool.unfinished > 0 && !(stop && *stop) && when_monotonic() < pool.end) {
		int result = start_jobs(&pool);
		if (result == 0)
			result = listen_once(&pool, stop);
		if (result == 0)
			result = kill_late(&pool);
		if (result < 0)
			return result;
	}
	if (pool.unfinished == 0)
		return 0;
	int result = give_up(&pool);
	if (result < 0 || (stop && *stop))
		return result;
	return err_set(e, ERR_DEADLINE, "the run's deadline passed");
}
