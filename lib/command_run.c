/* command_run.c - starting a command, and waiting for one that prints a password. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "mem.h"
#include "when.h"

extern char **environ;

static void add_descriptors(posix_spawn_file_actions_t *actions, const int fds[3])
{
	posix_spawn_file_actions_init(actions);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_adddup2(actions, fds[fd], fd);
	posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

int command_spawn(char *const *argv, const int fds[3], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;

	sigemptyset(&none);
	sigfillset(&all);
	add_descriptors(&actions, fds);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	int result = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

static int first_line(const char *name, const struct command_end *end, int64_t limit_ms, char **line,
		      struct err *e)
{
	const char *text = str_text(&end->output);
	size_t length = strcspn(text, "\r\n");
	char limit[WHEN_TEXT_SIZE];
	char why[100];

	if (end->late)
		return err_set(e, ERR_AUTH, "%s: no answer within %s", name,
			       when_format_duration(limit_ms, limit));
	if (length == 0) {
		command_end_text(end, why, sizeof why);
		return err_set(e, ERR_AUTH, end->error ? "%s: %s" : "%s: printed nothing (%s)", name, why);
	}
	*line = mem_string_n(text, length);
	return 0;
}

int command_first_line(char *const *argv, int64_t limit_ms, char **line, struct err *e)
{
	cleanup(cleanup_commands) struct commands *commands = NULL;
	struct command_order order = {.argv = argv, .kept = COMMAND_STDOUT, .limit_ms = limit_ms};
	struct command_end end;

	if (commands_new(&commands, 1, e) < 0)
		return e->code;
	commands_submit(commands, 0, &order);
	while (!commands_finished(commands, &end)) {
		struct pollfd ready = {.fd = commands_fd(commands), .events = POLLIN};
		poll(&ready, 1, -1);
	}
	int result = first_line(argv[0], &end, limit_ms, line, e);
	command_end_done(&end);
	return result;
}
