/*
 * store_fault.h - turns a fault inside a mapped store into a message and status 4.
 *
 * A page that the disk cannot give, or a file cut while it is mapped, raises
 * SIGBUS or SIGSEGV. Inside a watched range that ends the process with
 * `vmroll: SUBJECT: …` on stderr and _exit(4); any other fault goes to the
 * handler that was there before (a sanitizer's), or has its default effect.
 */
#ifndef VMROLL_STORE_FAULT_H
#define VMROLL_STORE_FAULT_H

#include <stddef.h>

#include "err.h"

/* Watches LENGTH bytes from START; SUBJECT is copied, cut at 300 bytes. ERR_TOO_LARGE: more ranges than there is room for. */
int fault_watch(const void *start, size_t length, const char *subject, struct err *e);
/* Ends the watch that began at START; NULL and what is not watched are ignored. */
void fault_forget(const void *start);
/* Prints `vmroll: SUBJECT: damaged: DETAIL` and ends the process with status 4; async-signal-safe. */
void fault_exit(const char *subject, const char *detail) __attribute__((noreturn));

#endif
