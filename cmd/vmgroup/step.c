/* step.c - what workers tell of their work on hosts, step by step. */
#include "config.h"

#include <poll.h>
#include <string.h>

#include "step.h"
#include "when.h"

enum { TELL_MS = 300, RETRY_MS = 200 };

int step_send(struct worker *worker, enum step_kind kind, uint64_t place, uint64_t bytes, struct err *e)
{
	struct step step = {.kind = kind, .place = place, .bytes = bytes};

	return worker_send(worker, &step, sizeof step, e);
}

int step_receive(const void *bytes, size_t length, struct step *step, struct err *e)
{
	if (length != sizeof *step)
		return err_set(e, ERR_CORRUPT, "bad frame from the worker");
	memcpy(step, bytes, sizeof *step);
	return 0;
}

static int moved(void *context, uint64_t done_bytes, struct err *e)
{
	struct step_mover *mover = context;
	int64_t now = when_monotonic();

	if (now - mover->told < TELL_MS)
		return 0;
	mover->told = now;
	return step_send(mover->worker, STEP_MOVED, 0, mover->before_bytes + done_bytes, e);
}

struct disk_progress step_progress(struct step_mover *mover)
{
	return (struct disk_progress){moved, mover};
}

int step_delete_volume(struct worker *worker, struct virt *virt, const char *pool, const char *volume,
		       int64_t limit_ms, struct err *e)
{
	int64_t until = when_monotonic() + limit_ms;
	int result;

	while ((result = virt_volume_delete(virt, pool, volume, e)) < 0 && when_monotonic() < until) {
		struct err lost;
		/* What another try cannot change. */
		if (result == ERR_NET || result == ERR_AUTH || result == ERR_NOT_FOUND)
			break;
		poll(NULL, 0, RETRY_MS);
		if (step_send(worker, STEP_MOVED, 0, 0, &lost) < 0)
			return err_set(e, ERR_NET, "%s", lost.text);
	}
	return result;
}
