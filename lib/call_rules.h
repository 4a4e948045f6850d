/*
 * call_rules.h - what is said in a call, and what a key does: a machine without clock, sound or network.
 *
 * Said is the message, which ends in asking for a key: CALL_TIMES times with a pause in between, then there is a last
 * chance to press one. 1 acknowledges and 3 passes it on: that is said, and the call is over. 2 says the message
 * again at once, 4 every VM and then asks again, any other key asks again; each begins the count anew.
 * Where nothing is asked (`answer` of call.h), any key ends the call, and CALL_TIMES_TOLD times are enough.
 */
#ifndef VMROLL_CALL_RULES_H
#define VMROLL_CALL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "call.h"
#include "sip.h"

enum {
	CALL_TIMES = 3,
	CALL_TIMES_TOLD = 2,
	CALL_LEAD_MS = 500, /* from answering to the ear */
	CALL_PAUSE_MS = 2000,
	CALL_LAST_MS = 5000 /* after the last time */
};

enum call_text { CALL_TEXT_MESSAGE, CALL_TEXT_PROMPT, CALL_TEXT_ALL, CALL_TEXT_THANKS, CALL_TEXT_PASSED };
enum { CALL_TEXT_COUNT = CALL_TEXT_PASSED + 1 };

/* What is to be done now, in place of what is being done. */
struct call_act {
	enum {
		CALL_ACT_NONE,   /* go on */
		CALL_ACT_SAY,    /* TEXT; call_rules_said at its end */
		CALL_ACT_WAIT,   /* in silence for WAIT_MS, then call_rules_waited */
		CALL_ACT_HANG_UP /* whoever does it calls nothing here any more but call_rules_outcome */
	} what;
	enum call_text text;
	int64_t wait_ms;
};

/* Of one call. */
struct call_rules {
	bool answer;
	bool has[CALL_TEXT_COUNT]; /* whether there is such a text; of the message there always is */
	enum {
		CALL_STATE_RINGING,
		CALL_STATE_LEADING,
		CALL_STATE_SAYING,
		CALL_STATE_PAUSING,
		CALL_STATE_LISTING, /* every VM */
		CALL_STATE_PARTING, /* thanks */
		CALL_STATE_OVER
	} state;
	unsigned times; /* that the message was begun since the newest key */
	bool ran_out;   /* it was said whole as often as it is */
	bool unsayable; /* the message could not be synthesised */
	char key;       /* 1 or 3, else the newest; 0: none */
};

/* TEXTS by enum call_text, NULL or "" where there is none. */
void call_rules_begin(struct call_rules *rules, bool answer, char *const texts[CALL_TEXT_COUNT]);

struct call_act call_rules_answered(struct call_rules *rules);
struct call_act call_rules_said(struct call_rules *rules);
struct call_act call_rules_waited(struct call_rules *rules);
struct call_act call_rules_key(struct call_rules *rules, char key);
/* The message, or what is to be said now, cannot be synthesised. */
struct call_act call_rules_unsayable(struct call_rules *rules, enum call_text text);

/* What came of a call that ended as END; HAS_AUDIO: anything came from them. *KEY is that of CALL_KEY, else 0. */
enum call_end call_rules_outcome(const struct call_rules *rules, enum sip_end end, bool has_audio, char *key);

#endif
