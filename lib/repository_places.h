/* repository_places.h - a part of repository.h: which numbers of images have a place in the repository, whatever the store knows. */
#ifndef VMROLL_REPOSITORY_PLACES_H
#define VMROLL_REPOSITORY_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "store.h"

struct repository_places {
	uint64_t *items; /* rising */
	size_t count, capacity;
};
void repository_places_done(struct repository_places *places);

/* repository_ids in a process that can be given up; added to *PLACES. Errors as repository_work. */
int repository_places(const struct conf *conf, struct repository_places *places, struct err *e);

/*
 * A number (serial.h) for a new image, above all that have a place: once a store was lost or taken from a backup, numbers begin
 * again, and what lies there under one must not be mixed with, or removed as, what is made anew.
 */
int repository_number(const struct conf *conf, struct store *store, uint64_t *number, struct err *e);

#endif
