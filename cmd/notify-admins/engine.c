/* engine.c - one round after the other. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "telling.h"
#include "when.h"

enum { LOOK_MS = 1000 };

void engine_refresh(struct engine *engine)
{
	if (!posts_are_gathering(&engine->posts) && state_refresh(&engine->state))
		posts_lay_over(&engine->posts);
}

/* ---- what has finished ---- */

static void take_record(struct engine *engine, struct record *record)
{
	switch (record->task) {
	case RECORD_OPEN:
		events_opened(&engine->events, record);
		break;
	case RECORD_CLAIM:
		posts_claimed(&engine->posts, record);
		break;
	case RECORD_PUT:
		posts_settled(&engine->posts, record);
		break;
	case RECORD_CLOSE:
	case RECORD_GROUP:
	case RECORD_STEP:
	case RECORD_TOLD:
	case RECORD_HANDED:
	case RECORD_SILENCE:
	case RECORD_RETIRE:
		/* Somebody else may have been first, with another group for one. */
		engine->state.stale = engine->state.stale || record->result != 1;
		break;
	case RECORD_ACKNOWLEDGE:
		engine->state.stale = true;
		break;
	}
	record_free(record);
}

static void collect_records(struct engine *engine)
{
	struct recorder *recorder = engine->state.recorder;
	struct record *record;
	struct err e = {0};
	int result;

	while (recorder && (result = recorder_next(recorder, &record, &e)) != 0) {
		if (result < 0) {
			engine->state.broken = true;
			log_err(&e);
			return;
		}
		engine->state.broken = false;
		take_record(engine, record);
	}
}

static void collect_surroundings(struct state *state)
{
	struct err e = {0};

	if (state->surroundings && surroundings_collect(state->surroundings, &e) < 0)
		log_warning("%s: what was known stays", e.text);
}

void engine_collect(struct engine *engine)
{
	collect_records(engine);
	collect_surroundings(&engine->state);
	posts_collect(&engine->posts);
}

/* ---- a round ---- */

void engine_round(struct engine *engine)
{
	struct state *state = &engine->state;
	struct telling telling = {
		.state = state, .plans = &engine->plans, .outbox = &engine->outbox, .now = when_now()};

	state->soon = state->later = false;
	state->wake = -1;
	hooks_step(&state->hooks, state->conf);
	engine_refresh(engine);
	events_step(&engine->events);
	tell(&telling);
	posts_take(&engine->posts, &engine->outbox);
	posts_step(&engine->posts);
	plans_sweep(&engine->plans, state);
	/* Somebody else may acknowledge or close; and the clock goes on. */
	if (state->incidents.count > 0)
		state_wake(state, LOOK_MS);
}

bool engine_is_idle(const struct engine *engine)
{
	const struct recorder *recorder = engine->state.recorder;

	return posts_are_idle(&engine->posts) && (!recorder || recorder_pending(recorder) == 0);
}

size_t engine_poll(const struct engine *engine, struct pollfd *fds, int *timeout_ms)
{
	const struct state *state = &engine->state;
	size_t count = hooks_poll(&state->hooks, fds, timeout_ms);
	int64_t left = state->wake - when_monotonic();

	if (state->wake >= 0 && (*timeout_ms < 0 || left < *timeout_ms))
		*timeout_ms = left < 0 ? 0 : (int)left;
	if (state->recorder) {
		recorder_timeout(state->recorder, timeout_ms);
		fds[count++] = (struct pollfd){.fd = recorder_fd(state->recorder), .events = POLLIN};
	}
	if (state->surroundings)
		fds[count++] = (struct pollfd){.fd = surroundings_fd(state->surroundings), .events = POLLIN};
	return count + posts_poll(&engine->posts, fds + count);
}

/* ---- start and end ---- */

int engine_start(struct engine *engine, const struct conf *conf, struct hosts *hosts, bool dry_run, struct err *e)
{
	if (!dry_run)
		hooks_set_environment(conf);
	events_start(&engine->events, &engine->state);
	/* The recorder's process before the carriers' threads. */
	if (state_start(&engine->state, conf, hosts, dry_run, e) < 0)
		return e->code;
	return posts_start(&engine->posts, &engine->state, &engine->plans, e);
}

void engine_done(struct engine *engine)
{
	posts_done(&engine->posts);
	outbox_done(&engine->outbox);
	plans_done(&engine->plans);
	events_done(&engine->events);
	state_done(&engine->state);
}
