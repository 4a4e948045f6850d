/* reply.h - where a reply to a mail acknowledges: an address, or a subject, that nobody can guess. */
#ifndef NOTIFY_REPLY_H
#define NOTIFY_REPLY_H

#include "ledger.h"
#include "state.h"

struct reply {
	char *address; /* NULL: none is offered */
	char *token;   /* "7K3F-...", where the address has no room for it; else NULL */
};

/* What notify.reply makes for the person of CELL; none is offered of a recovery, where it is not set, or where the key cannot be had (said once). The caller calls reply_done. */
void reply_offer(struct reply *reply, struct state *state, const struct delivery *cell);
void reply_done(struct reply *reply);

#endif
