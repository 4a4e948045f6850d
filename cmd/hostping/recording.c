/* recording.c - the prober's dealings with its recorder. */
#include "config.h"

#include <string.h>
#include <sys/wait.h>

#include "log.h"
#include "recording.h"
#include "when.h"

enum { MINUTE_MS = 60000, RESTART_MS = 5000, LAST_RECORD_MS = 5000 };

static uint8_t loss_percent(const struct recording *recording, uint32_t index)
{
	unsigned of;
	unsigned lost = watch_loss(recording->watch, index, &of);

	if (of == 0)
		return 0;
	return (uint8_t)(100 * lost / of);
}

static void start(struct recording *recording, bool say_locked)
{
	struct err e;

	recording->restart_ms = 0;
	if (recorder_start(&recording->recorder, recording->targets, recording->store, say_locked, &e) < 0) {
		log_error("recorder: %s", e.text);
		recording->restart_ms = when_monotonic() + RESTART_MS;
	}
}

static int64_t current_minute(void)
{
	int64_t now_ms = when_now();

	return now_ms - now_ms % MINUTE_MS;
}

void recording_use(struct recording *recording, const struct targets *targets, const struct watch *watch,
		   struct course *courses)
{
	bool first = recording->targets == NULL;

	if (recording->recorder.pid > 0)
		vec_push(&recording->leaving, recording->recorder.pid);
	recorder_close(&recording->recorder, false);
	recording->targets = targets;
	recording->watch = watch;
	recording->courses = courses;
	recording->left.count = 0;
	if (first)
		recording->minute_ms = current_minute();
	/* The one before still holds the lock for a moment: that is nothing to tell. */
	start(recording, first && recording->say_locked);
}

/* What found no room before is recorded as it is now. */
void recording_settle(struct recording *recording)
{
	if (recording->self_left)
		recording->self_left = !recorder_change(&recording->recorder, &recording->self);
	while (recording->left.count > 0) {
		uint32_t index = recording->left.items[recording->left.count - 1];
		struct course *course = &recording->courses[index];
		struct record_change change = {
			.index = index,
			.rtt_us = course->rtt_us,
			.at_ms = course->since_ms,
			.state = (uint8_t)watch_state(recording->watch, index),
			.loss_percent = loss_percent(recording, index),
		};
		if (!recorder_change(&recording->recorder, &change))
			return;
		course->unrecorded = false;
		recording->left.count--;
	}
}

static void record_self(struct recording *recording, const struct record_change *message)
{
	recording->self = *message;
	recording->self_left = !recorder_change(&recording->recorder, message);
}

/* That we see is said by no line, but the store may have it that we were blind when the one before us ended. */
static void record_sight(struct recording *recording, int64_t at_ms)
{
	struct record_change message = {.index = WATCH_SELF, .rtt_us = -1, .at_ms = at_ms, .state = HOST_UP};

	if (recording->self.at_ms == 0 && !watch_is_isolated(recording->watch))
		record_self(recording, &message);
}

void recording_change(struct recording *recording, const struct watch_change *change, int64_t at_ms,
		      const char *detail)
{
	bool self = change->host == WATCH_SELF;
	struct course *course = self ? NULL : &recording->courses[change->host];
	struct record_change message = {
		.index = change->host,
		.rtt_us = self ? -1 : course->rtt_us,
		.at_ms = at_ms,
		.state = (uint8_t)change->state,
		.loss_percent = self ? 0 : loss_percent(recording, change->host),
	};

	strncpy(message.detail, detail, sizeof message.detail - 1);
	if (self) {
		record_self(recording, &message);
		return;
	}
	if (change->state == HOST_UP)
		record_sight(recording, at_ms);
	if (recorder_change(&recording->recorder, &message) || course->unrecorded)
		return;
	course->unrecorded = true;
	vec_push(&recording->left, change->host);
}

/* The minute's round trips and losses of all hosts. */
static void record_minute(struct recording *recording)
{
	struct record_minute minutes[RECORD_MINUTE_HOSTS];
	uint32_t count = (uint32_t)recording->targets->count;
	uint32_t first = 0;

	do {
		uint32_t part = count - first < RECORD_MINUTE_HOSTS ? count - first : RECORD_MINUTE_HOSTS;
		for (uint32_t i = 0; i < part; i++) {
			struct course *course = &recording->courses[first + i];
			minutes[i] = (struct record_minute){
				.rtt_us = course->answered ? (int32_t)(course->rtt_sum_us / course->answered)
							   : -1,
				.sent = course->sent,
				.lost = course->lost,
			};
			course->rtt_sum_us = 0;
			course->sent = course->lost = course->answered = 0;
		}
		recorder_minute(&recording->recorder, recording->minute_ms, first, minutes, part,
				first + part == count);
		first += part;
	} while (first < count);
}

/* A clock that is stepped back or forward only ends a minute early. */
void recording_turn(struct recording *recording)
{
	int64_t minute_ms = current_minute();

	if (minute_ms != recording->minute_ms) {
		record_minute(recording);
		recording->minute_ms = minute_ms;
	}
	if (recording->restart_ms > 0 && when_monotonic() >= recording->restart_ms)
		start(recording, recording->say_locked);
	recording_settle(recording);
}

int64_t recording_rest_ms(const struct recording *recording)
{
	int64_t rest_ms = recording->minute_ms + MINUTE_MS - when_now();

	return rest_ms < 0 || rest_ms > MINUTE_MS ? 0 : rest_ms;
}

static void collect_leaving(struct recording *recording)
{
	size_t left = 0;

	vec_foreach(&recording->leaving, pid)
		if (waitpid(*pid, NULL, WNOHANG) == 0)
			recording->leaving.items[left++] = *pid;
	recording->leaving.count = left;
}

/* Nobody knows what a killed recorder had not written yet. */
static void leave_all(struct recording *recording)
{
	recording->self_left = recording->self.at_ms != 0;
	for (uint32_t i = 0; i < recording->targets->count; i++) {
		struct course *course = &recording->courses[i];
		if (course->unrecorded || watch_state(recording->watch, i) == HOST_UNKNOWN)
			continue;
		course->unrecorded = true;
		vec_push(&recording->left, i);
	}
}

void recording_collect(struct recording *recording)
{
	pid_t pid = recording->recorder.pid;
	int status;

	collect_leaving(recording);
	if (pid == 0 || waitpid(pid, &status, WNOHANG) != pid)
		return;
	if (WIFSIGNALED(status))
		log_warning("recorder: killed by signal %d; another one starts", WTERMSIG(status));
	else
		log_warning("recorder: ended with status %d; another one starts", WEXITSTATUS(status));
	recorder_close(&recording->recorder, false);
	recording->restart_ms = when_monotonic() + RESTART_MS;
	leave_all(recording);
}

void recording_end(struct recording *recording, bool clean)
{
	pid_t recorder = recording->recorder.pid;

	recorder_close(&recording->recorder, clean);
	if (recorder > 0 && clean)
		recorder_wait(recorder, LAST_RECORD_MS);
	vec_done(&recording->left);
	vec_done(&recording->leaving);
}
