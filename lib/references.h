/*
 * references.h - who refers to whom among images, groups and deployments, held against those that look at the same time.
 *
 * Members of groups and machines of deployments are ids of images and groups. Whoever makes such a reference looks
 * whether what is referred to exists; whoever removes an image or a group looks whether anybody refers to it. Both
 * take the revision of the view in which they looked, and hold the batch in which they write to it: of two
 * that would leave a reference to nothing, one gets ERR_CONFLICT, and looks again.
 */
#ifndef VMROLL_REFERENCES_H
#define VMROLL_REFERENCES_H

#include <stdint.h>

#include "err.h"
#include "store.h"

/* Grows with each batch that was held to it. ERR_CORRUPT. */
int references_revision(struct store_view *view, uint64_t *revision, struct err *e);
/* Two operations of BATCH: its commit is ERR_CONFLICT unless the revision is still REVISION; then it grows. */
void references_hold(struct store_batch *batch, uint64_t revision);

#endif
