/* interrupt.h - being told to stop while something half done lies about: it is taken back first. */
#ifndef VMROLL_INTERRUPT_H
#define VMROLL_INTERRUPT_H

#include <signal.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP set what is returned; a second one ends the process at once. May be called again.
 */
const volatile sig_atomic_t *interrupt_watch(void);
/* ACTION for the same signals; but nohup(1) has ignored SIGHUP for us, and that stays. */
void interrupt_handle(const struct sigaction *action);

#endif
