/* recorder.c - the process that writes what the prober sees into the store. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hoststate.h"
#include "log.h"
#include "mem.h"
#include "recorder.h"
#include "vec.h"
#include "watch.h"
#include "when.h"

enum {
	CHANNEL_BUFFER = 4 << 20,
	TAKE_MAX = 4096, /* messages between two looks at the store */
	RETRY_MS = 2000
};

enum message_kind { MESSAGE_CHANGE = 1, MESSAGE_MINUTE, MESSAGE_STOP };

struct minute_header {
	int64_t minute_ms;
	uint32_t first;
	uint32_t count;
	bool last;
};

struct message {
	uint32_t kind;
	union {
		struct record_change change;
		struct {
			struct minute_header header;
			struct record_minute hosts[RECORD_MINUTE_HOSTS];
		} minute;
	} as;
};

static const size_t CHANGE_SIZE = offsetof(struct message, as) + sizeof(struct record_change);
static const size_t STOP_SIZE = offsetof(struct message, as);

static size_t minute_size(size_t count)
{
	return offsetof(struct message, as.minute.hosts) + count * sizeof(struct record_minute);
}

/* ---- the prober's side ---- */

static bool send_message(const struct recorder *recorder, const struct message *message, size_t size)
{
	return recorder->pid > 0 &&
	       send(recorder->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

bool recorder_change(const struct recorder *recorder, const struct record_change *change)
{
	struct message message;

	memset(&message, 0, CHANGE_SIZE);
	message.kind = MESSAGE_CHANGE;
	message.as.change = *change;
	return send_message(recorder, &message, CHANGE_SIZE);
}

bool recorder_minute(const struct recorder *recorder, int64_t minute_ms, uint32_t first,
		     const struct record_minute *hosts, size_t count, bool last)
{
	struct message message;

	memset(&message, 0, minute_size(0));
	message.kind = MESSAGE_MINUTE;
	message.as.minute.header = (struct minute_header){minute_ms, first, (uint32_t)count, last};
	memcpy(message.as.minute.hosts, hosts, count * sizeof *hosts);
	return send_message(recorder, &message, minute_size(count));
}

void recorder_close(struct recorder *recorder, bool clean)
{
	struct message message = {.kind = MESSAGE_STOP};

	if (recorder->pid == 0)
		return;
	if (clean)
		send_message(recorder, &message, STOP_SIZE);
	close(recorder->fd);
	*recorder = (struct recorder){0};
}

void recorder_wait(pid_t pid, int64_t limit_ms)
{
	int64_t until = when_monotonic() + limit_ms;

	while (waitpid(pid, NULL, WNOHANG) == 0 && when_monotonic() < until)
		poll(NULL, 0, 5);
}

/* ---- the recorder ---- */

struct keeper {
	int fd;
	const struct targets *targets;
	const char *store_uri;
	struct store *store;
	struct lock lock;
	bool have_lock;
	bool say_locked;
	bool failing;     /* the last attempt failed, and that was said */
	int64_t retry_at; /* when_monotonic */
	bool ended;       /* the prober is gone or has said so */
	bool stopped;     /* on purpose */
	bool beat_due;
	VEC(struct record_change) dirty;
	uint32_t *dirty_at; /* by index, ourselves last: its place in dirty, from 1 */
	struct hoststate_minute *minute;
	int64_t minute_ms;
	bool minute_due;
};

int recorder_lock(const char *store, struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;

	if (store_lock_path(store, "hostping", &path, e) < 0)
		return e->code;
	int result = lock_acquire(lock, path, e);
	if (result == ERR_LOCKED)
		err_wrap(e, "another hostping records into %s", store);
	return result;
}

static int open_store(struct keeper *keeper, struct err *e)
{
	if (!keeper->store && store_open(&keeper->store, keeper->store_uri, STORE_WRITE, e) < 0)
		return e->code;
	if (!keeper->have_lock) {
		int result = recorder_lock(keeper->store_uri, &keeper->lock, e);
		if (result < 0)
			return result;
		keeper->have_lock = true;
	}
	return 0;
}

static const char *name_of(const struct keeper *keeper, uint32_t index)
{
	return index == WATCH_SELF ? "-" : targets_name(keeper->targets, index);
}

static struct hoststate as_state(const struct keeper *keeper, const struct record_change *change, char *address)
{
	bool self = change->index == WATCH_SELF;

	return (struct hoststate){
		.host = (char *)name_of(keeper, change->index),
		.address = self ? NULL
				: (char *)icmp_address_format(&keeper->targets->addresses[change->index], address),
		.state = (enum host_state)change->state,
		.since = change->at_ms,
		.rtt_us = change->rtt_us,
		.loss_percent = change->loss_percent,
		.detail = change->detail[0] ? (char *)change->detail : NULL,
		.recorded = when_now(),
	};
}

static int write_changes(struct keeper *keeper, struct err *e)
{
	size_t count = keeper->dirty.count;
	cleanup(cleanup_mem) struct hoststate *states = mem_zalloc(count, sizeof *states);
	cleanup(cleanup_mem) char(*addresses)[ICMP_ADDRESS_TEXT_SIZE] = mem_alloc(count * sizeof *addresses);

	for (size_t i = 0; i < count; i++)
		states[i] = as_state(keeper, &keeper->dirty.items[i], addresses[i]);
	int result = hoststate_put_all(keeper->store, states, count, e);
	if (result < 0)
		return result;
	memset(keeper->dirty_at, 0, (keeper->targets->count + 1) * sizeof *keeper->dirty_at);
	keeper->dirty.count = 0;
	return 0;
}

static int write_due(struct keeper *keeper, struct err *e)
{
	int result = open_store(keeper, e);

	if (result == 0 && keeper->dirty.count > 0)
		result = write_changes(keeper, e);
	if (result == 0 && keeper->minute_due) {
		result = hoststate_put_minute(keeper->store, keeper->minute_ms, keeper->minute,
					      keeper->targets->count, when_now(), e);
		keeper->minute_due = result < 0;
	}
	if (result == 0 && (keeper->beat_due || keeper->stopped)) {
		result = hoststate_put_heartbeat(keeper->store, when_now(), keeper->stopped, e);
		keeper->beat_due = result < 0;
	}
	return result;
}

static bool is_due(const struct keeper *keeper)
{
	return keeper->dirty.count > 0 || keeper->minute_due || keeper->beat_due || keeper->stopped;
}

/* What cannot be written is kept, and said once until it works again. */
static void write_or_keep(struct keeper *keeper)
{
	struct err e = {0};

	if (!is_due(keeper) || when_monotonic() < keeper->retry_at)
		return;
	int result = write_due(keeper, &e);
	if (result == 0) {
		if (keeper->failing)
			log_notice("recording again");
		keeper->failing = false;
		return;
	}
	keeper->retry_at = when_monotonic() + RETRY_MS;
	if (result == ERR_LOCKED && keeper->say_locked)
		log_notice("%s: this one probes without recording", e.text);
	else if (result != ERR_LOCKED && !keeper->failing)
		log_error("not recorded: %s", e.text);
	if (result == ERR_LOCKED)
		keeper->say_locked = false;
	else
		keeper->failing = true;
}

static void take_change(struct keeper *keeper, const struct record_change *change)
{
	size_t slot = change->index == WATCH_SELF ? keeper->targets->count : change->index;

	if (slot > keeper->targets->count ||
	    (slot < keeper->targets->count && !keeper->targets->items[slot].listed))
		return;
	if (keeper->dirty_at[slot] > 0) {
		keeper->dirty.items[keeper->dirty_at[slot] - 1] = *change;
		return;
	}
	vec_push(&keeper->dirty, *change);
	keeper->dirty_at[slot] = (uint32_t)keeper->dirty.count;
}

static void take_minute(struct keeper *keeper, const struct minute_header *header,
			const struct record_minute *hosts)
{
	for (uint32_t i = 0; i < header->count && header->first + i < keeper->targets->count; i++)
		keeper->minute[header->first + i] = (struct hoststate_minute){
			.host = targets_name(keeper->targets, header->first + i),
			.rtt_us = hosts[i].rtt_us,
			.sent = hosts[i].sent,
			.lost = hosts[i].lost,
		};
	keeper->minute_ms = header->minute_ms;
	keeper->minute_due = keeper->minute_due || header->last;
}

static void take_message(struct keeper *keeper, const struct message *message, size_t size)
{
	if (size == CHANGE_SIZE && message->kind == MESSAGE_CHANGE) {
		take_change(keeper, &message->as.change);
	} else if (size >= minute_size(0) && message->kind == MESSAGE_MINUTE &&
		   size == minute_size(message->as.minute.header.count)) {
		take_minute(keeper, &message->as.minute.header, message->as.minute.hosts);
	} else if (size == STOP_SIZE && message->kind == MESSAGE_STOP) {
		keeper->stopped = true;
	}
}

/* Takes what is there; a second change of a host within one turn is written in its own transaction, so that history keeps both. */
static void take_messages(struct keeper *keeper)
{
	struct message message;

	for (int taken = 0; taken < TAKE_MAX; taken++) {
		ssize_t size = recv(keeper->fd, &message, sizeof message, MSG_DONTWAIT);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno == EAGAIN)
			return;
		if (size <= 0) {
			keeper->ended = true;
			return;
		}
		bool again = size == (ssize_t)CHANGE_SIZE && message.kind == MESSAGE_CHANGE &&
			     message.as.change.index < keeper->targets->count &&
			     keeper->dirty_at[message.as.change.index] > 0;
		if (again)
			write_or_keep(keeper);
		take_message(keeper, &message, (size_t)size);
	}
}

static void keep(struct keeper *keeper)
{
	keeper->beat_due = true;
	while (!keeper->ended) {
		struct pollfd polled = {.fd = keeper->fd, .events = POLLIN};
		write_or_keep(keeper);
		poll(&polled, 1, is_due(keeper) ? RETRY_MS : -1);
		take_messages(keeper);
	}
	keeper->retry_at = 0;
	write_or_keep(keeper);
}

static void become_recorder(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT};
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Standard output is the prober's alone: its reader must see the end when the prober ends. */
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int run_recorder(int fd, const struct targets *targets, const char *store, bool say_locked)
{
	struct keeper keeper = {
		.targets = targets, .store_uri = store, .lock = LOCK_NONE, .say_locked = say_locked};

	become_recorder();
	keeper.fd = dup2(fd, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	keeper.dirty_at = mem_zalloc(targets->count + 1, sizeof *keeper.dirty_at);
	keeper.minute = mem_zalloc(targets->count, sizeof *keeper.minute);
	for (uint32_t i = 0; i < targets->count; i++)
		keeper.minute[i] = (struct hoststate_minute){.host = targets_name(targets, i), .rtt_us = -1};
	keep(&keeper);
	store_close(keeper.store);
	lock_done(&keeper.lock);
	return keeper.failing ? err_exit_status(ERR_ENV) : 0;
}

int recorder_start(struct recorder *recorder, const struct targets *targets, const char *store,
		   bool say_locked, struct err *e)
{
	int ends[2];
	int buffer = CHANNEL_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set_errno(e, ERR_ENV, errno, "socketpair");
	if (setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0)
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(run_recorder(ends[1], targets, store, say_locked));
	}
	int saved = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_set_errno(e, ERR_ENV, saved, "fork");
	}
	*recorder = (struct recorder){.pid = pid, .fd = ends[0]};
	return 0;
}
