/* interrupt.h - being told to stop while something half done lies about: it is taken back first. */
#ifndef VMROLL_INTERRUPT_H
#define VMROLL_INTERRUPT_H

#include <signal.h>

/* From now on SIGINT, SIGTERM and SIGHUP set what is returned; a second one ends the process at once. */
const volatile sig_atomic_t *interrupt_watch(void);

#endif
