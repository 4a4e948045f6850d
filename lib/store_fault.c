/* store_fault.c - turns a fault inside a mapped store into a message and status 4. */
#include "config.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_fault.h"

enum { RANGES_MAX = 32, SUBJECT_SIZE = 301, STATUS = 4 };

static struct range {
	uintptr_t start; /* 0: not in use */
	size_t length;
	char subject[SUBJECT_SIZE];
} ranges[RANGES_MAX];

static const int signals[] = {SIGBUS, SIGSEGV};
static struct sigaction before[sizeof signals / sizeof *signals];
static bool installed;

static size_t add_piece(char *line, size_t used, size_t size, const char *piece)
{
	while (*piece && used < size)
		line[used++] = *piece++;
	return used;
}

void fault_exit(const char *subject, const char *detail)
{
	char line[2 * SUBJECT_SIZE];
	size_t used = add_piece(line, 0, sizeof line - 1, "vmroll: ");

	used = add_piece(line, used, sizeof line - 1, subject);
	used = add_piece(line, used, sizeof line - 1, ": damaged: ");
	used = add_piece(line, used, sizeof line - 1, detail);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0) {
		/* Nobody is left to tell, and the status still says it. */
	}
	_exit(STATUS);
}

static void handle(int signal_number, siginfo_t *information, void *context)
{
	(void)context;
	uintptr_t at = (uintptr_t)information->si_addr;
	bool fault = information->si_code > 0;

	for (size_t i = 0; fault && i < RANGES_MAX; i++)
		if (ranges[i].start && at >= ranges[i].start && at - ranges[i].start < ranges[i].length)
			fault_exit(ranges[i].subject, "a page cannot be read");
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (signals[i] == signal_number)
			sigaction(signal_number, &before[i], NULL);
	/* A fault comes again as soon as this returns; what kill(2) sent does not. */
	if (!fault)
		raise(signal_number);
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (installed)
		return;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, &before[i]);
	installed = true;
}

static void uninstall(void)
{
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction now;
		if (sigaction(signals[i], NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
		    now.sa_sigaction == handle)
			sigaction(signals[i], &before[i], NULL);
	}
	installed = false;
}

int fault_watch(const void *start, size_t length, const char *subject, struct err *e)
{
	for (size_t i = 0; i < RANGES_MAX; i++) {
		struct range *range = &ranges[i];
		if (range->start)
			continue;
		snprintf(range->subject, sizeof range->subject, "%s", subject);
		range->length = length;
		range->start = (uintptr_t)start;
		install();
		return 0;
	}
	return err_set(e, ERR_TOO_LARGE, "%s: more than %d stores in one process", subject, RANGES_MAX / 2);
}

void fault_forget(const void *start)
{
	bool any = false;

	for (size_t i = 0; i < RANGES_MAX; i++) {
		if (start && ranges[i].start == (uintptr_t)start)
			ranges[i].start = 0;
		any = any || ranges[i].start;
	}
	if (installed && !any)
		uninstall();
}
