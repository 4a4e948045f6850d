/* tell.h - what the parts share that decide who hears what (tell.c: of what is open; end.c: of what is over). */
#ifndef NOTIFY_TELL_H
#define NOTIFY_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

/* Adds a cell to the message, unless the ledger has it. */
void tell_add(struct engine *engine, struct ledger *message, const char *incident, enum delivery_kind kind,
	      unsigned part, const struct notice *notice);
/* Begins the message, if it is not empty; false if it must wait. Empties *MESSAGE. */
bool tell_begin(struct engine *engine, struct ledger *message, int64_t now);
/* Open; or over, but whoever was not told of it yet must still be. */
bool tell_is_needed(const struct incident *incident);
/* That step has been seen to for everybody. */
void tell_step(struct engine *engine, struct incident *incident, enum incident_step step);
/* Incidents that are closed. */
void end_tick(struct engine *engine, int64_t now);

#endif
