/*
 * grouptext.h - definitions of groups as text, vmroll-groups(5): for people to edit, to compare, and to carry to another station.
 *
 * One member a line, images and groups by name, groups each once. What is written and read again defines the same.
 */
#ifndef VMROLL_GROUPTEXT_H
#define VMROLL_GROUPTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "group.h"
#include "store.h"
#include "str.h"
#include "vec.h"

/* Appends the text of GROUPS and of all groups below them, each where it is first named. ERR_CORRUPT. */
int grouptext_write(struct store_view *view, const struct groups *groups, struct str *out, struct err *e);

struct grouptext_member {
	char *name;     /* of the virtual machine; NULL: a group */
	char *of;       /* name of the image or group */
	uint64_t count; /* of an image */
	unsigned line;
};
struct grouptext_group {
	char *name, *comment; /* comment NULL: none */
	VEC(struct grouptext_member) members;
	unsigned line;
};
struct grouptext {
	char *path;
	struct grouptext_group *items;
	size_t count, capacity;
};
void grouptext_done(struct grouptext *text);

/*
 * Reads definitions; PATH is for messages. ERR_USAGE with PATH:LINE and what was expected: an unknown word, a name that cannot be, the
 * same group or member twice, a group without its closing brace and whatever else textfile_check takes for a file cut short.
 * Whether images and groups exist is not asked.
 */
int grouptext_read(const char *path, const char *text, size_t length, struct grouptext *definitions,
		   struct err *e);

struct grouptext_outcome {
	size_t made, replaced, same;
};
/*
 * Makes the groups of DEFINITIONS, all held against the rules together (group_change_all). What is there and says the same is left alone;
 * what differs is replaced if REPLACE, else ERR_USAGE. Also ERR_USAGE, with PATH:LINE: an image or group that is neither there
 * nor defined. COMMENT (or NULL) and BY are for the log.
 */
int grouptext_import(struct store *store, const struct grouptext *definitions, bool replace,
		     const char *comment, const char *by, struct grouptext_outcome *outcome, struct err *e);

#endif
