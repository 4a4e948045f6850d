/*
 * wording.h - in whose words a message is said: which template stands for a name and a language.
 *
 * Looked for in this order: FOLDER/LANG/NAME.txt (the setting notify.templates), the built-in one of LANG,
 * FOLDER/en/NAME.txt, the built-in English one; where LANG has a region ("en-gb"), the language alone comes after it.
 * What each is for, and the names that it may use, is in vmroll-templates(5); the built-in ones are lib/templates/.
 */
#ifndef VMROLL_WORDING_H
#define VMROLL_WORDING_H

#include <stddef.h>

#include "err.h"
#include "str.h"
#include "template.h"

/* For whom a message is worded. All is borrowed. */
struct wording {
	const char *folder;      /* notify.templates, or NULL: built in */
	const char *lang;        /* of the person, or NULL: English */
	const char *reply;       /* address to reply to, or NULL: not offered; goes into Reply-To too */
	const char *reply_token; /* "7K3F-...": in the subject, where the address does not hold it; else NULL */
};

/*
 * The template of that NAME ("mail-first"), which the caller frees: 0; or 1 if one of the administrator's could not be
 * used, *E says why, and *TEMPLATE is the next in the order above. NAME must be a built-in one.
 */
int wording_find(const struct wording *wording, const char *name, struct template **template, struct err *e);

/*
 * Reads every template in FOLDER (NULL: none) and calls BAD for each that cannot be used, with "FILE:LINE: what"; also
 * for a file of a name that no message has. ERR_USAGE if there was any, or no such folder; ERR_ENV if it cannot be read.
 */
int wording_check(const char *folder, void (*bad)(void *context, const char *text), void *context, struct err *e);

#endif
