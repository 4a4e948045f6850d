/*
 * spoken_private.h - what the parts of spoken.c share.
 */
#ifndef VMROLL_SPOKEN_PRIVATE_H
#define VMROLL_SPOKEN_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

/* Whether a character beyond ASCII (SIZE bytes at BYTES, CODEPOINT) may go to a voice: neither invisible nor a symbol. */
bool spoken_is_speakable(const char *bytes, size_t size, uint32_t codepoint);

/* Appends TEXT as one line of what may go to a voice, at most MAXIMUM bytes of it, cut at a character. */
void spoken_add_clean(struct str *out, const char *text, size_t maximum);

#endif
