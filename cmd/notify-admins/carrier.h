/*
 * carrier.h - a way to reach people, as post.c needs it.
 *
 * post.c claims and settles the cells of a message, whatever brings it; what is peculiar to mail stands
 * in carrier_mail.c alone. Another channel is another value of enum delivery_channel (ledger.h), a file like
 * that one, a line in carrier.c, and the cells that telling_add gives a person.
 */
#ifndef NOTIFY_CARRIER_H
#define NOTIFY_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"
#include "spoken.h"
#include "state.h"
#include "str.h"

struct carrier {
	/* What it needs, as the settings say; *SELF is given to the others. Not called in a dry run. */
	int (*open)(void **self, const struct conf *conf, struct err *e);
	void (*close)(void *self); /* NULL-safe; abandons what is under way */
	/* Begins to deliver what CELLS (of one person and kind) tell; may set `complete` of them. ERR_NOT_FOUND: it does not concern the person any more; else as in an outcome. */
	int (*submit)(void *self, struct state *state, struct plans *plans, uint64_t tag,
		      struct ledger *cells, struct err *e);
	/* True with the outcome (delivery_settle) of what was submitted under *TAG. */
	bool (*finished)(void *self, uint64_t *tag, struct delivery_outcome *outcome);
	int (*fd)(const void *self); /* readable when `finished` has something */
	/* As text, for a dry run. */
	int (*show)(struct state *state, struct plans *plans, struct ledger *cells, struct str *text,
		    struct err *e);
	/* Where the cell's message goes, for messages; borrowed. */
	const char *(*address)(const struct state *state, const struct delivery *cell);
};

enum { CARRIER_COUNT = DELIVERY_CHANNEL_COUNT };

/* By enum delivery_channel. */
extern const struct carrier *const carriers[CARRIER_COUNT];

/* Appends a call as text: whom (NAME may be NULL), in what language, what is said; with ASKS also what key 4 says. */
void carrier_voice_describe(struct str *text, const char *name, const char *address, const char *lang,
			    const struct spoken *spoken, bool asks);

extern const struct carrier carrier_mail, carrier_voice, carrier_webhook, carrier_command;

#endif
