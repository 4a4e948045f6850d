/* hooks.h - the commands of on_incident: run without a shell, beside everything else, for a bounded time. */
#ifndef NOTIFY_HOOKS_H
#define NOTIFY_HOOKS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"

enum { HOOKS_MAX = 16 };

struct hook {
	pid_t pid;
	int fd;           /* pidfd_open(2) */
	int64_t deadline; /* CLOCK_MONOTONIC */
	const char *name; /* borrowed from the settings */
};

/* All zero bytes is none running. */
struct hooks {
	struct hook running[HOOKS_MAX];
	size_t count;
	bool again; /* asked for while they ran */
};

/* All that is run looks at the same store: VMROLL_STORE, VMROLL_HOSTS, VMROLL_CONFIG. Before there are threads. */
void hooks_set_environment(const struct conf *conf);
/* Runs all commands now, or again once those that run have ended. A command that cannot be started is said. */
void hooks_start(struct hooks *hooks, const struct conf *conf);
/* Collects what has ended, kills what is late, starts what was asked for again. */
void hooks_step(struct hooks *hooks, const struct conf *conf);
/* What to poll for; at most HOOKS_MAX. Lowers *TIMEOUT_MS to the next deadline. */
size_t hooks_poll(const struct hooks *hooks, struct pollfd *fds, int *timeout_ms);
bool hooks_are_running(const struct hooks *hooks);
/* Leaves what runs alone, but collects no more. */
void hooks_done(struct hooks *hooks);

/*
 * Runs ARGV (NULL-terminated) for at most a few seconds and takes the first
 * line of what it prints, for a password; the caller frees it. ERR_AUTH.
 */
int hooks_first_line(char *const *argv, char **line, struct err *e);

#endif
