/* hooks.c - the commands of on_incident: run without a shell, beside everything else, for a bounded time. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hooks.h"
#include "log.h"
#include "mem.h"
#include "str.h"
#include "when.h"

enum { HOOK_LIMIT_MS = 90 * 1000, PASSWORD_LIMIT_MS = 20 * 1000, PASSWORD_MAX = 4096 };

extern char **environ;

/* stdin from nowhere, stdout to OUTPUT: ours may be a pipe that somebody reads. */
static int spawn(char *const *argv, int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	int result = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

static void start_one(struct hooks *hooks, const struct conf_list *command)
{
	struct hook hook = {.name = command->items[0], .deadline = when_monotonic() + HOOK_LIMIT_MS};

	int result = spawn(command->items, STDERR_FILENO, &hook.pid);
	if (result != 0) {
		log_error("on_incident: %s: %s", command->items[0], strerror(result));
		return;
	}
	hook.fd = (int)syscall(SYS_pidfd_open, hook.pid, 0);
	hooks->running[hooks->count++] = hook;
}

void hooks_start(struct hooks *hooks, const struct conf *conf)
{
	if (hooks->count > 0) {
		hooks->again = true;
		return;
	}
	hooks->again = false;
	for (size_t i = 0; i < conf->notify.on_incident.count && hooks->count < HOOKS_MAX; i++)
		if (conf->notify.on_incident.items[i].count > 0)
			start_one(hooks, &conf->notify.on_incident.items[i]);
}

/* Whether it is gone; then what became of it was said. */
static bool collect(const struct hook *hook)
{
	int status;
	pid_t ended = waitpid(hook->pid, &status, WNOHANG);

	if (ended == 0 && when_monotonic() < hook->deadline)
		return false;
	if (ended == 0) {
		log_warning("on_incident: %s: killed after %d s", hook->name, HOOK_LIMIT_MS / 1000);
		kill(-hook->pid, SIGKILL);
		waitpid(hook->pid, &status, 0);
	} else if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		log_info("on_incident: %s: exit status %d", hook->name, WEXITSTATUS(status));
	} else if (ended > 0 && WIFSIGNALED(status)) {
		log_warning("on_incident: %s: killed by signal %d", hook->name, WTERMSIG(status));
	}
	if (hook->fd >= 0)
		close(hook->fd);
	return true;
}

void hooks_step(struct hooks *hooks, const struct conf *conf)
{
	size_t left = 0;

	for (size_t i = 0; i < hooks->count; i++)
		if (!collect(&hooks->running[i]))
			hooks->running[left++] = hooks->running[i];
	hooks->count = left;
	if (left == 0 && hooks->again)
		hooks_start(hooks, conf);
}

size_t hooks_poll(const struct hooks *hooks, struct pollfd *fds, int *timeout_ms)
{
	for (size_t i = 0; i < hooks->count; i++) {
		int64_t left = hooks->running[i].deadline - when_monotonic();
		left = left < 0 ? 0 : left;
		if (*timeout_ms < 0 || left < *timeout_ms)
			*timeout_ms = (int)left;
		fds[i] = (struct pollfd){.fd = hooks->running[i].fd, .events = POLLIN};
	}
	return hooks->count;
}

bool hooks_are_running(const struct hooks *hooks)
{
	return hooks->count > 0 || hooks->again;
}

void hooks_done(struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->count; i++)
		if (hooks->running[i].fd >= 0)
			close(hooks->running[i].fd);
	hooks->count = 0;
}

/* Reads until the first newline, the end, or the deadline. */
static int read_line(int fd, int64_t deadline, struct str *line)
{
	char buffer[512];

	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - when_monotonic();
		if (left <= 0 || poll(&ready, 1, (int)left) == 0)
			return ERR_DEADLINE;
		ssize_t length = read(fd, buffer, sizeof buffer);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0 || line->length > PASSWORD_MAX)
			return 0;
		str_add_n(line, buffer, (size_t)length);
		if (strchr(str_text(line), '\n'))
			return 0;
	}
}

int hooks_first_line(char *const *argv, char **line, struct err *e)
{
	cleanup(str_done) struct str text = {0};
	int ends[2];
	int status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set_errno(e, ERR_ENV, errno, "pipe");
	int result = spawn(argv, ends[1], &pid);
	close(ends[1]);
	if (result != 0) {
		close(ends[0]);
		return err_set_errno(e, ERR_AUTH, result, "password_command: %s", argv[0]);
	}
	result = read_line(ends[0], when_monotonic() + PASSWORD_LIMIT_MS, &text);
	close(ends[0]);
	if (result < 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (result < 0)
		return err_set(e, ERR_AUTH, "password_command: %s: no answer within %d s", argv[0],
			       PASSWORD_LIMIT_MS / 1000);
	if (text.length == 0)
		return err_set(e, ERR_AUTH, "password_command: %s: printed nothing (exit status %d)", argv[0],
			       WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	text.data[strcspn(text.data, "\r\n")] = '\0';
	*line = mem_string(text.data);
	explicit_bzero(text.data, text.length);
	return 0;
}
