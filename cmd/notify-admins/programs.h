/*
 * programs.h - the commands of the settings that are told: executables that get the message as JSON.
 *
 * The status says what came of it: 0 delivered; 65, 67 and 77 (EX_DATAERR, EX_NOUSER and EX_NOPERM of sysexits(3)): never will
 * be; whatever else, and an end by a signal: not now. The first line on stderr says why.
 */
#ifndef NOTIFY_PROGRAMS_H
#define NOTIFY_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "str.h"

struct programs;

/* CONF must outlive it. The caller calls programs_free, which ends what runs. */
int programs_new(struct programs **programs, const struct conf *conf, struct err *e);
void programs_free(struct programs *programs); /* NULL-safe */
void cleanup_programs(struct programs **programs);
/* Runs the command NAME with JSON (copied) as its input. */
int programs_submit(struct programs *programs, uint64_t tag, const char *name, const struct str *json,
		    struct err *e);
/* True with what came of it: code 0, ERR_PERMANENT, ERR_TEMPORARY, ERR_DEADLINE, or ERR_ENV if it could not be started. */
bool programs_finished(struct programs *programs, uint64_t *tag, struct err *outcome);
int programs_fd(const struct programs *programs); /* readable when programs_finished has something to do */

#endif
