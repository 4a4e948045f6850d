/*
 * repository_known.h - a part of repository.h: whether the folder is the one that the images of the store lie in.
 *
 * A repository that is not mounted looks like one that is empty. So the store knows the mark of each folder that it was changed
 * in, from the first change on, and whoever works with another one is refused.
 */
#ifndef VMROLL_REPOSITORY_KNOWN_H
#define VMROLL_REPOSITORY_KNOWN_H

#include <stdbool.h>

#include "conf.h"
#include "err.h"
#include "store.h"

/*
 * Before SETTING (conf->image.repository, or what a stage says) is worked with. CHANGE: STORE is open for writing; the folder is made
 * where the store has no image yet, an older one gets its mark, and the store knows it from then on. ERR_ENV: it is another
 * one, or not there. In a process of its own: ERR_DEADLINE after conf->image.stall_ms. Pools have no mark.
 */
int repository_known(const struct conf *conf, const char *setting, struct store *store, bool change,
		     struct err *e);

#endif
