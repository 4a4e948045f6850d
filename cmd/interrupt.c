/* interrupt.c - being told to stop while something half done lies about. */
#include "config.h"

#include <stdbool.h>
#include <stddef.h>

#include "interrupt.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void interrupt_handle(const struct sigaction *action)
{
	struct sigaction hangup;

	sigaction(SIGINT, action, NULL);
	sigaction(SIGTERM, action, NULL);
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaction(SIGHUP, action, NULL);
}

const volatile sig_atomic_t *interrupt_watch(void)
{
	static bool watching;
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	if (!watching)
		interrupt_handle(&action);
	watching = true;
	return &interrupted;
}
