/*
 * conf_scan.h - what libconfuse does not see: a cut, a duplicate, ${ENV}.
 *
 * The scan admits a plain subset of libconfuse's language: # comments, words
 * of letters, digits and _ . % -, strings in double quotes that end on their
 * line (with \" and \\ only), lists and sections in braces, sections with a
 * title in quotes. Nothing that
 * passes can leave the lexer of libconfuse, which keeps its state from one
 * file to the next, in the middle of something.
 */
#ifndef VMROLL_CONF_SCAN_H
#define VMROLL_CONF_SCAN_H

#include <stdbool.h>

#include "err.h"

enum conf_scan_kind {
	CONF_SCAN_SETTING, /* `name =` */
	CONF_SCAN_OPEN,    /* `name {` or `name "title" {` */
	CONF_SCAN_CLOSE    /* `}` of the innermost section that is open */
};

struct conf_scan_found {
	enum conf_scan_kind kind;
	const char *name;  /* NULL: CONF_SCAN_CLOSE */
	const char *title; /* NULL: none; without its escapes */
	unsigned line;
};

/* Negative ends the scan with that code: what may stand where is for this to judge. */
typedef int conf_scan_note(void *context, const struct conf_scan_found *found, struct err *e);

/* Sections stand at most so deep in each other. */
enum { CONF_SCAN_DEPTH = 2, CONF_SCAN_TITLE_MAX = 600 };

/* Calls NOTE for what is found in TEXT, in its order. ERR_USAGE with PATH:LINE, where something is left open with the line that opened it. */
int conf_scan(const char *path, const char *text, conf_scan_note *note, void *context, struct err *e);

#endif
