/*
 * letter.h - a message as a mail: its template, set as plain text and as HTML.
 */
#ifndef VMROLL_LETTER_H
#define VMROLL_LETTER_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "ledger.h"
#include "notice.h"
#include "wording.h"

struct letter {
	char *subject;
	char *text;
	char *html;
};

void letter_done(struct letter *letter);

/*
 * Each of these writes the letter and returns 0; or 1 if a template of the administrator's could not be used: *E says
 * which and why, for the log, and the built-in one was used. What is too long is cut.
 */

/* The mail of that kind (not DELIVERY_UNDELIVERED) to the person of NOTICE. Incidents and VMs that do not concern the person are not in it. */
int letter_write(struct letter *letter, enum delivery_kind kind, const struct notices *notices,
		 const struct notice *notice, const struct wording *wording, struct err *e);
/* To the fallback: these of NOTICES could not be told (FAILED: their cells), and what they should have heard. */
int letter_undelivered(struct letter *letter, const struct notices *notices, const struct delivery *const *failed,
		       size_t count, const struct wording *wording, struct err *e);
/* A trial: `notify-admins test`. */
int letter_test(struct letter *letter, const char *person, int64_t now, const struct wording *wording,
		struct err *e);

#endif
