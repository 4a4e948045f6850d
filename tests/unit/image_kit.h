/* image_kit.h - master images in the store of a test: records only, without files. */
#ifndef VMROLL_IMAGE_KIT_H
#define VMROLL_IMAGE_KIT_H

#include <stdint.h>

#include "store_kit.h"

/* Its id: of 4 GiB, one disk vda, of the VM NAME on host1. */
uint64_t image_kit_make(struct kit *kit, const char *name);

#endif
