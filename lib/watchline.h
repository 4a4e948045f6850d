/*
 * watchline.h - reading the lines of `hostping --watch`, raw or JSON, from a source that is not trusted.
 *
 * Raw: TIME, HOST, STATE, DETAIL, separated by tabs and escaped as str.h
 * does; further fields are ignored. JSON (a line that begins with `{`): keys
 * time, host, state, detail; others are ignored. A line is complete with its
 * newline only: what a dead writer left unfinished is never read.
 */
#ifndef VMROLL_WATCHLINE_H
#define VMROLL_WATCHLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "hoststate.h"
#include "str.h"

/* A longer line is no line of hostping's. */
enum { WATCHLINE_MAX = 64 * 1024 };

/*
 * Reads one line without its newline. ERR_USAGE saying what was expected: a
 * time with a date, a name as hosts(5) allows it (or "-"), a state. Whatever
 * bytes DETAIL holds are kept: escape them on output. The caller calls
 * hoststate_change_done.
 */
int watchline_parse(const char *line, size_t length, struct hoststate_change *change, struct err *e);

/* Cuts a stream into lines. All zero bytes is a new one. */
struct watchline_reader {
	struct str pending;
	size_t next;        /* where in pending the next line begins */
	unsigned long line; /* number of the newest line handed out, from 1 */
	bool overlong;      /* skipping to the end of a line over WATCHLINE_MAX */
};

void watchline_reader_done(struct watchline_reader *reader);
/* Takes bytes as they came; a line may be spread over many calls. */
void watchline_feed(struct watchline_reader *reader, const char *bytes, size_t length);
/*
 * 1 with the next whole line read, 0 when more bytes are needed, ERR_USAGE for a bad line, which
 * is named by its number; go on after it. Empty lines are passed over.
 */
int watchline_next(struct watchline_reader *reader, struct hoststate_change *change, struct err *e);

#endif
