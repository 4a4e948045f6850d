/* roll_prune.h - private to roll: what goes of one VM on one host, with the hints that nobody needs any more. */
#ifndef VMROLL_ROLL_PRUNE_H
#define VMROLL_ROLL_PRUNE_H

#include "roll_private.h"

/* Keys to be removed: hints before the records that they speak of, so that a killed prune leaves no hint without one. */
void roll_doom(struct roll_plan *doomed, const void *key, size_t length);

/* Dooms the records of all VMs of HOST that BOUNDS, those of the oldest instant kept, make superfluous. */
int roll_doom_vms(struct roll_plan *doomed, struct store_view *view, const unsigned char *host,
		  const struct roll_bounds *bounds, struct err *e);

#endif
