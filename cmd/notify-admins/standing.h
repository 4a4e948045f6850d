/* standing.h - how far a person is with an incident, over all the ways and turns by which they were told. */
#ifndef NOTIFY_STANDING_H
#define NOTIFY_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "cells.h"

struct standing {
	bool told;         /* the first notice or an escalation has reached them */
	bool complete;     /* and said that all of their VMs are back */
	bool acknowledged; /* they see to it */
	bool stood_in;     /* and answered when they were told in somebody's stead */
	bool passed;       /* by telephone: another should */
	bool calling;      /* a call to them is under way */
	bool followed;     /* there is a follow-up for them */
	bool returned;     /* there is a recovery for them */
	int64_t begun;     /* when the first notice was first tried or put off, WHEN_UNKNOWN: not yet */
};

struct standing standing_of(const struct cells *cells, const char *incident, const char *person);
/* Whether CELL, a first notice, has failed for somebody whom no other way has reached. */
bool standing_is_lost(const struct cells *cells, const struct delivery *cell);

#endif
