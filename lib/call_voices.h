/*
 * call_voices.h - the texts of calls as sound: synthesised in processes beside, kept while there is room.
 *
 * A text that takes a process with it fails alone.
 */
#ifndef VMROLL_CALL_VOICES_H
#define VMROLL_CALL_VOICES_H

#include "err.h"
#include "mem.h"
#include "sip.h"
#include "speech.h"

struct voices;

/* SIP, whose loop all of this runs in, must outlive it. */
struct voices *voices_new(struct sip *sip);
void voices_free(struct voices *voices); /* NULL-safe */

/* SPEECH is borrowed during the call; NULL: FAILURE says why. May ask for more, and forget. */
typedef void voices_ready(void *context, const struct speech *speech, const struct err *failure);

/* Calls READY as soon as the text is sound, at once if it is already. LANG and TEXT are copied. */
void voices_want(struct voices *voices, const char *lang, const char *text, voices_ready *ready, void *context);
/* Whoever CONTEXT is wants nothing any more. */
void voices_forget(struct voices *voices, const void *context);

#endif
