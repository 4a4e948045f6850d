/*
 * call.h - people called by telephone: one process that speaks SIP, and beside it those that synthesise.
 *
 * RTP is paced in a process of its own (lib/sip.h has its loop), so that neither the store nor a mail relay makes
 * a voice stutter; text becomes sound in further processes (speech.h), which may take long or crash. They are started
 * with the first order and end when nothing was ordered for a while, so that a run with nobody to call takes no
 * port. What is said in a call and what a key does stands in call_rules.h.
 */
#ifndef VMROLL_CALL_H
#define VMROLL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "ledger.h"
#include "mem.h"

/* Of each text SPEECH_TEXT_MAX bytes (speech.h) are said. */
struct call_order {
	const char *to;      /* a number (goes through the exchange) or a sip: URI */
	const char *lang;    /* espeak-ng voice: "en-gb", "ja" */
	const char *message; /* with the prompt, if it asks for an answer */
	const char *prompt; /* alone, after keys that are none of these; NULL or "": the message stands for it */
	const char *all;    /* after key 4; NULL or "": that key is as any other */
	const char *thanks; /* after key 1; NULL or "": nothing, as the two below */
	const char *passed; /* after key 3 */
	bool answer;        /* keys are asked for; else any key ends the call, and it was heard */
};

struct caller;

/*
 * Prepares to call; nothing is started yet. SETTINGS are copied; PASSWORD (NULL: none) too, and wiped by
 * caller_free. ERR_USAGE: `from` is not set, or cannot be; without libre or espeak-ng in this build: it says so.
 */
int caller_start(struct caller **caller, const struct conf_sip *settings, const char *password, struct err *e);
/* NULL-safe. Hangs up what is under way; takes a second at the most. */
void caller_free(struct caller *caller);
MEM_DEFINE_CLEANUP(struct caller, caller_free)

/*
 * Orders a call, whose outcome caller_finished gives with TAG. At most `calls` are under way; the rest waits in the
 * order of submission. ORDER is copied. ERR_USAGE: the address cannot be called as the settings are
 * (call_check_address), or the language is unknown by its form.
 */
int caller_submit(struct caller *caller, uint64_t tag, const struct call_order *order, struct err *e);
/*
 * True with the outcome of a call that is over. `call` is never CALL_NONE. `err` is 0 for CALL_KEY only, else
 * ERR_PERMANENT for CALL_REFUSED and ERR_TEMPORARY for the rest, and says why for people. If the process that calls dies or hangs, all that it had are CALL_UNREACHABLE with the
 * reason, and the next one is started with the next order. Every call ends by itself within minutes.
 */
bool caller_finished(struct caller *caller, uint64_t *tag, struct delivery_outcome *outcome);
/* True with what concerns all calls and was not said yet (the port is taken, the registrar refuses, the process died). */
bool caller_trouble(struct caller *caller, struct err *trouble);
/* Readable when caller_finished or caller_trouble may have something; they must be called then. */
int caller_fd(const struct caller *caller);
size_t caller_pending(const struct caller *caller);

/*
 * The URI that is called for the address TO: a sip: URI as it is, a number in the place of %s in EXCHANGE (RFC 3261
 * section 19.1.2: # is %23 there). Nothing but [0-9+*#] ever stands there. ERR_USAGE: neither; a
 * number without an EXCHANGE (NULL); an EXCHANGE that is no sip: URI with exactly one %s. The caller frees *URI.
 */
int call_uri(const char *exchange, const char *to, char **uri, struct err *e);
/* As people say it: "they were busy". */
const char *call_end_text(enum call_end end);

#endif
