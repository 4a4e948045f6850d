/* compose.h - the mail that a person gets: what concerns them, as it is now. */
#ifndef NOTIFY_COMPOSE_H
#define NOTIFY_COMPOSE_H

#include "plan.h"
#include "state.h"
#include "str.h"

/* The message for CELLS (of one person and kind) as bytes for the relay, or (dry run) as text. ERR_NOT_FOUND: it does not concern the person any more. Sets `complete` of the cells. */
int compose(struct state *state, struct plans *plans, struct ledger *cells, struct str *message, struct err *e);
/* The address that it really goes to. */
const char *compose_recipient(const struct state *state, const struct delivery *cell);

#endif
