/*
 * manifest.h - what is known of a master image as JSON beside its files, so that a folder of them is an image anywhere.
 *
 * A file GENERATION-manifest.json lies in each folder of the repository, written with each capture, and manifest.json in what
 * `mastimg export` makes. It may lag behind the store (a fold, a rollback, a rename do not write it anew): whoever imports
 * reads with the layers that are there, and lets the digests decide. {"vmroll_image":1, "name":…,
 * "generations":[{"number":…, "disks":[…]}]}: keys are the names of image.h; times are RFC 3339, digests hexadecimal.
 */
#ifndef VMROLL_MANIFEST_H
#define VMROLL_MANIFEST_H

#include <stddef.h>

#include "err.h"
#include "image.h"
#include "str.h"

#define MANIFEST_NAME "manifest.json"
enum { MANIFEST_SIZE_MAX = 4 << 20 };

/* Appends the JSON, and a newline. */
void manifest_write(const struct image *image, struct str *out);
/*
 * Reads one, which may come from an enemy: *IMAGE (image_done) holds image_check; its id is 0 and means nothing. ERR_CORRUPT with
 * what is wrong; ERR_SCHEMA: a newer form.
 */
int manifest_read(const char *text, size_t length, struct image *image, struct err *e);

#endif
