/*
 * spoken.h - a message for the ear: short, without any markup, its names made speakable.
 *
 * Says which hosts, since when, how many VMs and the first three of them, who has it already, and what the keys do:
 * 1 acknowledges, 2 repeats, 3 passes it on, 4 says every VM and its process. The words are the templates call-*.
 */
#ifndef VMROLL_SPOKEN_H
#define VMROLL_SPOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "ledger.h"
#include "notice.h"
#include "str.h"
#include "wording.h"

struct spoken {
	char *message; /* with the prompt, if the kind has one */
	char *all;     /* key 4 */
	char *thanks;  /* after key 1 */
	char *passed;  /* after key 3 */
};

enum {
	SPOKEN_NAMES = 3,      /* VMs and hosts that are named at once */
	SPOKEN_ALL = 20,       /* VMs that key 4 names */
	SPOKEN_TEXT_MAX = 4000 /* bytes of a text */
};

void spoken_done(struct spoken *spoken);

/* Whether a call of that kind asks for a key. A recovery does not, nor does a trial. */
bool spoken_asks(enum delivery_kind kind);

/*
 * As letter_write (letter.h), for a call; DELIVERY_UNDELIVERED is spoken as DELIVERY_FIRST. Each text is one line of
 * UTF-8, at most SPOKEN_TEXT_MAX bytes: letters, figures, blanks, stops, whatever its names and its template are made of.
 */
int spoken_write(struct spoken *spoken, enum delivery_kind kind, const struct notices *notices,
		 const struct notice *notice, const struct wording *wording, struct err *e);
/* A trial call to PERSON (or NULL). */
int spoken_test(struct spoken *spoken, const char *person, const struct wording *wording, struct err *e);

/*
 * Appends a name so that it can be heard, whatever the language: runs of letters are words, and spelled where they have
 * no vowel or are shorter than three; figures are a number, or read one by one where one begins with 0 or has more than four; what stands
 * between is a pause. "db-prod-03" is "D B, prod, 0 3". Of a long name the beginning and the end are said. Nothing is
 * appended for a name of which nothing can be said.
 */
void spoken_add_name(struct str *out, const char *bytes, size_t length);

#endif
