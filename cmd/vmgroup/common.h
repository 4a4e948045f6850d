/* common.h - what several defining commands of vmgroup do alike. */
#ifndef VMGROUP_COMMON_H
#define VMGROUP_COMMON_H

#include "group.h"
#include "store.h"
#include "vmgroup.h"

/* How often a change that others overtook is tried again. */
enum { COMMON_TRIES_MAX = 64, COMMON_OPERANDS_MAX = 1 << 20 };

/* The group that TEXT names, in a view of its own. */
int require_group(struct store *store, const char *text, struct group *group, struct err *e);
/* ERR_USAGE if a group is called NAME already, or none can be. */
int check_new_name(struct store_view *view, const char *name, struct err *e);

/*
 * Changes the group that TEXT names: EDIT gets it as it is, and changes it. Again from the start where somebody else came between. WHAT goes into
 * the log with --comment.
 */
int change_group(struct options *o, struct store *store, const char *text,
		 int (*edit)(struct group *group, void *context, struct err *e), void *context,
		 const char *what, struct err *e);

/* Deletes each of IDS that nobody uses any more, with its files. What somebody uses stays, silently. ERR_PARTIAL: each failure was said. */
struct image_ids {
	uint64_t *items;
	size_t count, capacity;
};
void image_ids_done(struct image_ids *ids);
/* Once, however often. */
void image_ids_add(struct image_ids *ids, uint64_t id);
int delete_unused_images(struct options *o, struct store *store, const struct image_ids *ids, struct err *e);

#endif
