/*
 * command.h - commands of the administrator's: run by argv, never by a shell, beside everything else, for a bounded time.
 *
 * Each has a session of its own, so that nothing can prompt on the terminal and all that
 * it began can be ended with it; it gets its input as a file, so that one that does not read holds up
 * nobody, and inherits no descriptor. None of the functions waits, but command_first_line: poll
 * commands_fd, then take what commands_finished has.
 */
#ifndef VMROLL_COMMAND_H
#define VMROLL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "str.h"

enum { COMMAND_OUTPUT_MAX = 64 << 10 };

/* Which of what it writes is kept; the rest of stdout goes nowhere, of stderr to ours. */
enum command_kept { COMMAND_STDOUT, COMMAND_STDERR };

struct command_order {
	char *const *argv; /* NULL-terminated, looked for in PATH; borrowed until it was handed back */
	const char *input; /* what it can read, copied; NULL: nothing */
	size_t length;
	enum command_kept kept;
	int64_t limit_ms; /* then it gets SIGTERM, and 5 s later SIGKILL */
};

/* How one ended. */
struct command_end {
	uint64_t tag;
	int error;         /* errno where it could not be started, else 0 */
	int status;        /* as of waitpid(2) */
	bool late;         /* was ended by us */
	struct str output; /* the first COMMAND_OUTPUT_MAX bytes of what was kept */
};

void command_end_done(struct command_end *end);
/* "exit status 4", "took too long, killed by signal 15", "No such file or directory". Writes at most SIZE bytes. */
void command_end_text(const struct command_end *end, char *text, size_t size);

struct commands;

/* At most AT_ONCE run together, the others wait. The caller calls commands_free, which kills what runs. ERR_ENV. */
int commands_new(struct commands **commands, size_t at_once, struct err *e);
void commands_free(struct commands *commands); /* NULL-safe */
void cleanup_commands(struct commands **commands);
/* TAG comes back from commands_finished, whatever happens. */
void commands_submit(struct commands *commands, uint64_t tag, const struct command_order *order);
/* Submitted and not yet handed back. */
size_t commands_pending(const struct commands *commands);
/* Readable when commands_finished has something to do. */
int commands_fd(const struct commands *commands);
/* Does what is due; true with one that ended, which the caller frees with command_end_done. */
bool commands_finished(struct commands *commands, struct command_end *end);

/*
 * Starts ARGV with these as stdin, stdout and stderr, default signals, a session of its own and no other descriptor. Returns 0
 * with *PID, or an errno.
 */
int command_spawn(char *const *argv, const int fds[3], pid_t *pid);

/* Runs ARGV for at most LIMIT_MS, waits for it, and takes the first line of what it prints, which the caller frees: for a password. ERR_AUTH. */
int command_first_line(char *const *argv, int64_t limit_ms, char **line, struct err *e);

#endif
