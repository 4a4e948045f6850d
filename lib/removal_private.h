/* removal_private.h - what the parts of removal share. */
#ifndef VMROLL_REMOVAL_PRIVATE_H
#define VMROLL_REMOVAL_PRIVATE_H

#include "removal.h"

/* Removes all files of IMAGE, whose record is gone and whose lock is held. ERR_PARTIAL says what is left, and why. */
int removal_files(const struct conf *conf, const struct image *image, uint64_t *removed_bytes, struct err *e);

#endif
