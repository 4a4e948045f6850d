/* keep.h - looks after what is stored: lists snapshots, prunes, renames. */
#ifndef VMSNAP_KEEP_H
#define VMSNAP_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "err.h"
#include "rows.h"
#include "store.h"

extern const struct cli_listing keep_listing;

/* Prints the snapshots that began at SINCE or later, newest first. ERR_NOT_FOUND if there is none. */
int keep_list(const struct cli *cli, struct store *store, int64_t since, struct err *e);
int keep_prune(struct store *store, int64_t age_ms, struct err *e);
/* Lists and recorded states of a host go on under its new name. As roll_rename. */
int keep_rename(struct store *store, const char *old_name, const char *new_name, struct err *e);

#endif
