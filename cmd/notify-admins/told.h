/* told.h - what a message tells: of what concerns a person, that which its cells are about. Every way to reach people begins here. */
#ifndef NOTIFY_TOLD_H
#define NOTIFY_TOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "ledger.h"
#include "notice.h"
#include "plan.h"
#include "state.h"
#include "wording.h"

struct told {
	enum delivery_kind kind;
	const struct plan *plan; /* borrowed until the next round, as is all inside but what told_done frees */
	struct notice notice;    /* not of DELIVERY_UNDELIVERED */
	struct {
		const struct delivery **items;
		size_t count, capacity;
	} failed;             /* DELIVERY_UNDELIVERED: the cells of those who could not be told */
	struct notice others; /* told.c's own */
};

/*
 * For CELLS, of one person and kind. Sets `complete` of them. ERR_NOT_FOUND: it does not concern the person any more;
 * ERR_PERMANENT: nor did it ever reach them; ERR_ENV. The caller calls told_done, also after a failure.
 */
int told_find(struct told *told, struct state *state, struct plans *plans, struct ledger *cells, struct err *e);
void told_done(struct told *told);

/* In whose words: the person's language, the administrator's templates; no reply is offered yet. */
struct wording told_wording(const struct told *told, const struct state *state, const struct delivery *cell);

/* What is written is written all the same: if RESULT of writing is 1, E says which template was passed over, and that is said once. */
void told_complain_of_template(struct state *state, int result, const struct err *e);

#endif
