/*
 * wording_private.h - the built-in templates, and what each may say.
 */
#ifndef VMROLL_WORDING_PRIVATE_H
#define VMROLL_WORDING_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "template.h"

/* One file below lib/templates; made from them by the build. */
struct wording_text {
	const char *lang;
	const char *name; /* without .txt */
	const char *text;
};
extern const struct wording_text wording_texts[]; /* ends with an empty one */

/* Each template that there is. */
struct wording_use {
	const char *name;
	const struct template_name *names;
	bool mail; /* begins with "Subject: " */
};
extern const struct wording_use wording_uses[]; /* ends with an empty one */

#endif
