/*
 * log.h - where messages to the operator go: stderr, or syslog(3).
 *
 * The only part of lib/ that prints; called by cmd/ only. A message reads
 * `prog: [file:line:] subject: what went wrong: why`, once, on one line.
 * Under systemd (JOURNAL_STREAM names stderr) each line begins with <N>, the
 * priority of sd-daemon(3); after log_use_syslog() it goes to syslog(3) too,
 * except where stderr is the journal already.
 */
#ifndef VMROLL_LOG_H
#define VMROLL_LOG_H

#include "err.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6 };

/* PROGRAM is borrowed for ever. VERBOSITY: -1 errors only (-q), 0 up to notices, 1 and more up to INFO (-v). */
void log_open(const char *program, int verbosity);
void log_use_syslog(void);

/* What would break, hide or turn the line is escaped as in str.h, so that no hostile name forges one. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the message of *E as an error and returns its code. */
int log_err(const struct err *e);

#endif
