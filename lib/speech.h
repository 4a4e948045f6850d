/*
 * speech.h - text to telephone sound, by espeak-ng.
 *
 * The only user of libespeak-ng, and of the resampler (libspeexdsp). espeak-ng has its state in the process, is not
 * reentrant, changes the locale, and reads text of strangers: so it runs in processes of its own (speech_start),
 * of which nothing else is asked. Speech is mono, SPEECH_RATE samples a second, 16 bits, within the band of a
 * telephone line (ITU-T G.712: 300 to 3400 Hz), and as loud as it can be without clipping.
 */
#ifndef VMROLL_SPEECH_H
#define VMROLL_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "err.h"

enum {
	SPEECH_RATE = 8000,
	SPEECH_LANG_MAX = 40,     /* bytes of the name of a language */
	SPEECH_TEXT_MAX = 8192,   /* bytes of a text that are said: it is cut at a blank before */
	SPEECH_SECONDS_MAX = 300, /* of sound that a text gives: it is cut there */
	SPEECH_WAIT_MS = 15000 /* longer than any text takes; who waits longer for an answer kills the process */
};

/* All zero bytes is silence of no length. Fit for vec.h. */
struct speech {
	int16_t *items;
	size_t count, capacity;
};
void speech_done(struct speech *speech);

/* Whether this build can synthesise; if not, the functions below are ERR_ENV and say so. */
bool speech_is_built(void);

/*
 * Whether LANG is one that espeak-ng has: a language ("en-gb", "ja"; upper case is lower case), the name of a voice or
 * of its file ("en-GB-scotland"), with a variant or without ("en-us+f3"). Voices of MBROLA, another program, are none. ERR_USAGE
 * names it; ERR_ENV: the data of espeak-ng are missing. Without espeak-ng in this build only the form is looked at.
 * Asks a process of its own; what was found is kept.
 */
int speech_check_lang(const char *lang, struct err *e);

/*
 * Synthesises in this process. TEXT is UTF-8; markup is read out as it stands, and control characters,
 * and what is not UTF-8, are blanks. ERR_USAGE: unknown language; ERR_ENV: data missing. The caller calls speech_done.
 */
int speech_say(const char *lang, const char *text, struct speech *speech, struct err *e);

/* ---- a process that synthesises ---- */

/* Starts one, of low priority. The caller kills or collects it (child.h). */
int speech_start(struct child *worker, struct err *e);
/* Asks it for a text; not before the answer to the one before was taken. Does not wait. ERR_NET: it is gone. */
int speech_ask(struct child *worker, const char *lang, const char *text, struct err *e);
/*
 * Takes the answer, without waiting: 1 with *SPEECH, 0 not yet, ERR_NET the process is gone (collect it), or the
 * answer is an error as of speech_say. Readable: the channel's descriptor.
 */
int speech_take(struct child *worker, struct speech *speech, struct err *e);

#endif
