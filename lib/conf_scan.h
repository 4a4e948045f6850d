/*
 * conf_scan.h - what libconfuse does not see: a cut, a duplicate, ${ENV}.
 *
 * The scan admits a plain subset of libconfuse's language: # comments, words
 * of letters, digits and _ . % -, strings in double quotes that end on their
 * line (with \" and \\ only), lists and sections in braces. Nothing that
 * passes can leave the lexer of libconfuse, which keeps its state from one
 * file to the next, in the middle of something.
 */
#ifndef VMROLL_CONF_SCAN_H
#define VMROLL_CONF_SCAN_H

#include <stdbool.h>

#include "err.h"

/* A `name =` (in SECTION, or NULL at the top) or a `name {`. Negative ends the scan with that code. */
typedef int conf_scan_name(void *context, const char *section, const char *name, bool is_section,
			   unsigned line, struct err *e);

/* Calls FOUND for each name in TEXT. ERR_USAGE with PATH:LINE, where something is left open with the line that opened it. */
int conf_scan(const char *path, const char *text, conf_scan_name *found, void *context, struct err *e);

#endif
