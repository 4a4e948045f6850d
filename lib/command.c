/* command.c - commands of the administrator's: run by argv, never by a shell, for a bounded time. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum { GRACE_MS = 5000, LAST_GRACE_MS = 1000, READS_MAX = 16 };

enum command_state { WAITING, RUNNING, TERMINATED, KILLED, ENDED };

struct command {
	enum command_state state;
	char *const *argv;
	struct str input;
	bool has_input;
	enum command_kept kept;
	int64_t limit_ms;
	pid_t pid;
	int process; /* pidfd_open(2) */
	int output;  /* -1: nothing comes any more */
	int64_t deadline;
	struct command_end end;
};

struct commands {
	struct command **items; /* in the order of submission */
	size_t count, capacity;
	size_t at_once;
	int epoll, timer;
};

void command_end_done(struct command_end *end)
{
	if (end->output.data)
		explicit_bzero(end->output.data, end->output.length);
	str_done(&end->output);
}

void command_end_text(const struct command_end *end, char *text, size_t size)
{
	const char *late = end->late ? "took too long, " : "";

	if (end->error != 0)
		snprintf(text, size, "%s", strerror(end->error));
	else if (WIFSIGNALED(end->status))
		snprintf(text, size, "%skilled by signal %d", late, WTERMSIG(end->status));
	else
		snprintf(text, size, "%sexit status %d", late, WEXITSTATUS(end->status));
}

static bool is_running(const struct command *command)
{
	return command->state != WAITING && command->state != ENDED;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void command_free(struct command *command)
{
	close_fd(&command->process);
	close_fd(&command->output);
	command_end_done(&command->end);
	str_done(&command->input);
	free(command);
}

/* ---- starting ---- */

/* A file in memory: whoever reads it late, in part or not at all blocks nobody. */
static int open_input(const struct command *command)
{
	if (!command->has_input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("vmroll", MFD_CLOEXEC);
	size_t written = 0;

	while (fd >= 0 && written < command->input.length) {
		ssize_t length = write(fd, command->input.data + written, command->input.length - written);
		if (length < 0 && errno != EINTR) {
			int errnum = errno;
			close_fd(&fd);
			errno = errnum;
		}
		written += length > 0 ? (size_t)length : 0;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int spawn(struct command *command, int input, int output)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int fds[3] = {input, output, STDERR_FILENO};

	if (null < 0)
		return errno;
	if (command->kept == COMMAND_STDERR) {
		fds[1] = null;
		fds[2] = output;
	}
	int error = command_spawn(command->argv, fds, &command->pid);
	close(null);
	return error;
}

static int launch(struct command *command)
{
	int ends[2];
	int input = open_input(command);

	if (input < 0)
		return errno;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		int errnum = errno;
		close(input);
		return errnum;
	}
	int error = spawn(command, input, ends[1]);
	close(input);
	close(ends[1]);
	command->output = ends[0];
	fcntl(command->output, F_SETFL, O_NONBLOCK);
	return error;
}

static int watch(struct commands *commands, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(commands->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void start(struct commands *commands, struct command *command)
{
	command->end.error = launch(command);
	str_done(&command->input);
	if (command->end.error != 0) {
		command->state = ENDED;
		return;
	}
	command->state = RUNNING;
	command->deadline = when_monotonic() + command->limit_ms;
	command->process = (int)syscall(SYS_pidfd_open, command->pid, 0);
	/* What cannot be watched is looked at when it is late. */
	if (command->process >= 0)
		watch(commands, command->process);
	watch(commands, command->output);
}

static void start_waiting(struct commands *commands)
{
	size_t running = 0;

	vec_foreach(commands, command)
		running += is_running(*command);
	vec_foreach(commands, command)
		if ((*command)->state == WAITING && running < commands->at_once) {
			start(commands, *command);
			running += is_running(*command);
		}
}

/* ---- running ---- */

/* All is read, so that the command can go on; what is too much is dropped. Not for ever at once: others want to be looked at too. */
static void take_output(struct command *command)
{
	char buffer[4096];

	for (int reads = 0; command->output >= 0 && reads < READS_MAX; reads++) {
		ssize_t length = read(command->output, buffer, sizeof buffer);
		size_t room = COMMAND_OUTPUT_MAX - command->end.output.length;
		if (length < 0 && errno == EAGAIN)
			return;
		if (length == 0 || (length < 0 && errno != EINTR))
			close_fd(&command->output);
		if (length > 0)
			str_add_n(&command->end.output, buffer, (size_t)length < room ? (size_t)length : room);
	}
}

static void finish(struct command *command)
{
	take_output(command);
	close_fd(&command->process);
	close_fd(&command->output);
	command->state = ENDED;
}

/* What one that was late left behind ends with it; its group is its own until it is collected. */
static bool collect(struct command *command)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		command->end.error = errno;
	else if (info.si_pid == 0)
		return false;
	if (command->end.late)
		kill(-command->pid, SIGKILL);
	if (command->end.error == 0)
		waitpid(command->pid, &command->end.status, 0);
	finish(command);
	return true;
}

/* One that not even SIGKILL ends sleeps in the kernel: nobody waits for that. */
static void hurry(struct command *command)
{
	command->end.late = true;
	if (command->state == KILLED) {
		command->end.status = SIGKILL;
		finish(command);
		return;
	}
	bool asked = command->state == TERMINATED;
	kill(-command->pid, asked ? SIGKILL : SIGTERM);
	command->state = asked ? KILLED : TERMINATED;
	command->deadline = when_monotonic() + (asked ? LAST_GRACE_MS : GRACE_MS);
}

static void look_after(struct command *command)
{
	take_output(command);
	if (!collect(command) && when_monotonic() >= command->deadline)
		hurry(command);
}

/* ---- the rest ---- */

static void set_timer(struct commands *commands, int64_t in_ms)
{
	struct itimerspec when = {.it_value = {in_ms / 1000, in_ms % 1000 * 1000000L}};

	/* All zero would disarm it. */
	if (in_ms == 0)
		when.it_value.tv_nsec = 1;
	timerfd_settime(commands->timer, 0, &when, NULL);
}

static void plan_next_look(struct commands *commands)
{
	int64_t next = INT64_MAX;
	uint64_t ignored;

	vec_foreach(commands, command)
		if (is_running(*command) && (*command)->deadline < next)
			next = (*command)->deadline;
	while (read(commands->timer, &ignored, sizeof ignored) < 0 && errno == EINTR)
		continue;
	if (next < INT64_MAX) {
		int64_t left = next - when_monotonic();
		set_timer(commands, left > 0 ? left : 0);
	}
}

bool commands_finished(struct commands *commands, struct command_end *end)
{
	vec_foreach(commands, command)
		if (is_running(*command))
			look_after(*command);
	start_waiting(commands);
	plan_next_look(commands);
	for (size_t i = 0; i < commands->count; i++) {
		struct command *command = commands->items[i];
		if (command->state != ENDED)
			continue;
		*end = command->end;
		command->end.output = (struct str){0};
		command_free(command);
		commands->count--;
		memmove(&commands->items[i], &commands->items[i + 1],
			(commands->count - i) * sizeof commands->items[0]);
		return true;
	}
	return false;
}

void commands_submit(struct commands *commands, uint64_t tag, const struct command_order *order)
{
	struct command *command = mem_zalloc(1, sizeof *command);

	command->argv = order->argv;
	command->has_input = order->input != NULL;
	if (order->input)
		str_add_n(&command->input, order->input, order->length);
	command->kept = order->kept;
	command->limit_ms = order->limit_ms;
	command->process = command->output = -1;
	command->end.tag = tag;
	vec_push(commands, command);
	set_timer(commands, 0);
}

size_t commands_pending(const struct commands *commands)
{
	return commands->count;
}

int commands_fd(const struct commands *commands)
{
	return commands->epoll;
}

int commands_new(struct commands **commands, size_t at_once, struct err *e)
{
	cleanup(cleanup_commands) struct commands *new = mem_zalloc(1, sizeof *new);

	new->at_once = at_once;
	new->epoll = epoll_create1(EPOLL_CLOEXEC);
	new->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (new->epoll < 0 || new->timer < 0 || watch(new, new->timer) < 0)
		return err_set_errno(e, ERR_ENV, errno, "epoll");
	*commands = new;
	new = NULL;
	return 0;
}

static void end_now(struct command *command)
{
	kill(-command->pid, SIGKILL);
	for (int tries = 0; tries < 50; tries++) {
		if (waitpid(command->pid, NULL, WNOHANG) != 0)
			return;
		poll(NULL, 0, 1);
	}
}

void commands_free(struct commands *commands)
{
	if (!commands)
		return;
	vec_foreach(commands, command) {
		if (is_running(*command))
			end_now(*command);
		command_free(*command);
	}
	vec_done(commands);
	close_fd(&commands->timer);
	close_fd(&commands->epoll);
	free(commands);
}

void cleanup_commands(struct commands **commands)
{
	commands_free(*commands);
}
