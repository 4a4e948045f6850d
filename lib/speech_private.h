/* speech_private.h - what the parts of speech.h share. */
#ifndef VMROLL_SPEECH_PRIVATE_H
#define VMROLL_SPEECH_PRIVATE_H

#include "speech.h"
#include "str.h"

/* Whether LANG can be the name of a language: nothing that is a path reaches espeak-ng. ERR_USAGE. */
int speech_check_form(const char *lang, struct err *e);
/* TEXT as espeak-ng gets it, see speech_say. */
void speech_clean(const char *text, struct str *clean);

/* Loads what every voice needs. ERR_ENV. */
int speech_begin(struct err *e);
/* Makes LANG the voice of this process. ERR_USAGE, ERR_ENV. */
int speech_voice(const char *lang, struct err *e);

/*
 * SAMPLES at RATE (Hz) as speech.h promises it. The high pass is a Butterworth filter of second order (R. Bristow-Johnson,
 * Cookbook formulae for audio equalizer biquad filter coefficients). ERR_ENV: a rate that cannot be.
 */
int speech_to_telephone(const int16_t *samples, size_t count, unsigned rate, struct speech *speech,
			struct err *e);

#endif
