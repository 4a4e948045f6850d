/* capture.c - a virtual machine captured: the parent of the process that does it. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "capture_private.h"
#include "child.h"
#include "mem.h"
#include "str.h"
#include "when.h"

/* How long a signal that came just before poll(2) may go unnoticed. */
enum { STOP_POLL_MS = 200 };

struct capturing {
	const struct capture *capture;
	struct store *store;
	struct stage *stage;
	struct child child;
	struct capture_pools pools;
	int64_t deadline; /* when_monotonic: silence until then is a stall */
	bool *ended;      /* by itself, with a result or a failure */
	struct image *image;
	uint64_t *written_bytes;
};

static void capturing_done(struct capturing *capturing)
{
	child_kill(&capturing->child);
	capture_pools_done(&capturing->pools);
}

static void heard(struct capturing *capturing)
{
	capturing->deadline = when_monotonic() + capturing->capture->conf->image.stall_ms;
}

/* ---- frames of the worker ---- */

static int on_moved(struct capturing *capturing, const struct frame *frame, struct err *e)
{
	const struct capture_progress *progress = capturing->capture->progress;
	cleanup(capture_moved_done) struct capture_moved moved = {0};

	int result = capture_take_moved(frame, &moved, e);
	if (result == 0 && progress && progress->moved)
		progress->moved(progress->context, moved.target, (size_t)moved.number, (size_t)moved.count,
				moved.phase, moved.done_bytes, moved.total_bytes);
	return result;
}

/* Recorded, and if it is a pool held, before it is made. */
static int on_remote(struct capturing *capturing, const struct frame *frame, struct err *e)
{
	const struct host *host = capturing->capture->host;
	struct stage *stage = capturing->stage;
	struct stage_remote remote = {0};

	int result = capture_take_remote(frame, &remote, e);
	remote.host = mem_string(host->name);
	remote.uri = mem_string(host->uri);
	vec_push(&stage->remotes, remote);
	if (result == 0 && remote.pool && !remote.volume)
		result = capture_pools_hold(&capturing->pools, capturing->capture->conf->store, host->uri,
					    remote.pool, capturing->capture->conf->image.stall_ms, e);
	if (result == 0)
		result = stage_update(capturing->store, stage, e);
	return result < 0 ? result : channel_send(&capturing->child.channel, CAPTURE_GO, NULL, 0, e);
}

/* 1 at the end. */
static int take_frame(struct capturing *capturing, const struct frame *frame, struct err *e)
{
	int result;

	switch (frame->kind) {
	case CAPTURE_MOVED:
		return on_moved(capturing, frame, e);
	case CAPTURE_REMOTE:
		return on_remote(capturing, frame, e);
	case CAPTURE_RESULT:
		*capturing->ended = true;
		result = capture_take_result(frame, capturing->image, capturing->written_bytes, e);
		return result < 0 ? result : 1;
	case CAPTURE_FAILURE:
		*capturing->ended = true;
		return capture_take_failure(frame, e);
	default:
		return err_set(e, ERR_CORRUPT, "unexpected frame from the worker");
	}
}

static int take_frames(struct capturing *capturing, struct err *e)
{
	struct frame frame;
	int result;

	while ((result = channel_next(&capturing->child.channel, &frame, e)) > 0) {
		result = take_frame(capturing, &frame, e);
		if (result != 0)
			return result;
		heard(capturing);
	}
	return result;
}

static int died(struct capturing *capturing, struct err *e)
{
	char how[64];

	child_collect(&capturing->child, how, sizeof how);
	return err_set(e, ERR_ENV, "the process that captured died: %s", how);
}

static int listen_to(struct capturing *capturing, struct err *e)
{
	struct err gone;
	int filled = channel_fill(&capturing->child.channel, &gone);
	int result = take_frames(capturing, e);

	return result == 0 && filled < 0 ? died(capturing, e) : result;
}

/* 1 once there is something to hear, 0 if not yet. */
static int wait_for(struct capturing *capturing, struct err *e)
{
	struct pollfd waiting = {.fd = capturing->child.channel.fd, .events = POLLIN};
	int64_t left = capturing->deadline - when_monotonic();
	char limit[WHEN_TEXT_SIZE];

	if (capturing->capture->stop && *capturing->capture->stop)
		return err_set(e, ERR_ENV, "interrupted");
	if (left <= 0) {
		when_format_duration(capturing->capture->conf->image.stall_ms, limit);
		return err_set(e, ERR_DEADLINE, "given up: nothing moved for %s", limit);
	}
	int result = poll(&waiting, 1, left < STOP_POLL_MS ? (int)left : STOP_POLL_MS);
	return result < 0 && errno != EINTR ? err_set_errno(e, ERR_ENV, errno, "poll") : result > 0;
}

static int follow(struct capturing *capturing, struct err *e)
{
	int result = 0;

	heard(capturing);
	while (result == 0) {
		result = wait_for(capturing, e);
		if (result > 0)
			result = listen_to(capturing, e);
	}
	return result < 0 ? result : 0;
}

/* ---- the whole ---- */

static int run(const struct capture *capture, struct store *store, struct stage *stage, const struct image *old,
	       struct image *image, uint64_t *written_bytes, bool *ended, struct err *e)
{
	struct capture_work order = {capture, stage, old};
	cleanup(capturing_done) struct capturing capturing = {
		.capture = capture,
		.store = store,
		.stage = stage,
		.image = image,
		.written_bytes = written_bytes,
		.ended = ended,
	};

	int result = child_start(&capturing.child, capture_work, &order, e);
	if (result == 0)
		result = follow(&capturing, e);
	if (result == 0)
		return 0;
	cleanup(cleanup_mem) char *vm = str_escape(capture->vm);
	return err_wrap(e, "%s@%s", vm, capture->host->name);
}

/* The generations that there were, behind the new one. */
static void add_generations(struct image *image, const struct image *old)
{
	vec_foreach(&old->generations, generation) {
		struct image_generation copy;
		image_generation_copy(&copy, generation);
		vec_push(&image->generations, copy);
	}
}

/* What stays of OLD whatever is captured. */
static void become(struct image *image, const struct image *old)
{
	mem_replace(&image->name, old->name);
	mem_replace(&image->comment, old->comment);
	image->registered = old->registered;
	image->keep = old->keep;
	add_generations(image, old);
}

/* Why it could not be captured; and that its host keeps something of it. */
static int failed(int result, const struct err *unclean, struct err *e)
{
	struct err why = *e;

	if (result == 0)
		*e = *unclean;
	else if (unclean->code == ERR_PARTIAL)
		return err_set(e, result,
			       "%s; what was made there is removed by 'mastimg gc', once it answers", why.text);
	return e->code;
}

int capture_vm(const struct capture *capture, struct store *store, struct stage *stage,
	       const struct image *old, struct image *image, uint64_t *written_bytes, struct err *e)
{
	struct image made = {0};
	uint64_t written = 0;
	struct err unclean = {0};
	bool ended = false;

	int result = run(capture, store, stage, old, &made, &written, &ended, e);
	int cleaned = capture_clean_after(capture->conf, store, stage, !ended, &unclean);
	if (result < 0 || (cleaned < 0 && cleaned != ERR_PARTIAL)) {
		image_done(&made);
		return failed(result, &unclean, e);
	}
	if (old)
		become(&made, old);
	*image = made;
	*written_bytes = written;
	if (cleaned < 0)
		*e = unclean;
	return cleaned;
}
