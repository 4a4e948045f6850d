/* hooks.c - the commands of on_incident: run without a shell, beside everything else, for a bounded time. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "hooks.h"
#include "log.h"
#include "mem.h"
#include "when.h"

enum { HOOK_LIMIT_MS = 90 * 1000, PASSWORD_LIMIT_MS = 20 * 1000 };

/* stdin from nowhere, stdout to stderr: ours may be a pipe that somebody reads. */
static int spawn(char *const *argv, pid_t *pid)
{
	cleanup(cleanup_fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int fds[3] = {null, STDERR_FILENO, STDERR_FILENO};

	return null < 0 ? errno : command_spawn(argv, fds, pid);
}

static void start_one(struct hooks *hooks, const struct conf_list *command)
{
	struct hook hook = {.name = command->items[0], .deadline = when_monotonic() + HOOK_LIMIT_MS};

	int result = spawn(command->items, &hook.pid);
	if (result != 0) {
		log_error("on_incident: %s: %s", command->items[0], strerror(result));
		return;
	}
	hook.fd = (int)syscall(SYS_pidfd_open, hook.pid, 0);
	hooks->running[hooks->count++] = hook;
}

void hooks_set_environment(const struct conf *conf)
{
	setenv("VMROLL_STORE", conf->store, 1);
	setenv("VMROLL_HOSTS", conf->hosts, 1);
	if (conf->path)
		setenv("VMROLL_CONFIG", conf->path, 1);
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

int hooks_first_line(char *const *argv, char **line, struct err *e)
{
	if (command_first_line(argv, PASSWORD_LIMIT_MS, line, e) < 0)
		return err_wrap(e, "password_command");
	return 0;
}
