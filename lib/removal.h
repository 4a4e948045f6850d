/*
 * removal.h - master images deleted, which nobody uses any more: `mastimg delete`, and `vmgroup` --with-images.
 *
 * The record goes first, then the files: a process that is killed in between leaves files that `mastimg gc` removes, by the
 * stage that each deletion is; never an image without its files.
 */
#ifndef VMROLL_REMOVAL_H
#define VMROLL_REMOVAL_H

#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "image.h"
#include "store.h"

/* Who uses the image ID, for people: "group shop", "deployment d1"; groups first, each kind by name. */
int removal_users(struct store_view *view, uint64_t id, struct image_texts *users, struct err *e);

/*
 * Deletes IMAGE, as it was read, with its files; *REMOVED_BYTES are added to. ERR_REFUSED: it is used, all users are named. ERR_LOCKED:
 * somebody reads or changes it. ERR_CONFLICT: somebody changed it meanwhile. After the record is gone the message says so and names
 * what is left where the files could not be removed (ERR_PARTIAL). Files are removed in a process of its own, given up after
 * conf->image.stall_ms.
 */
int removal_image(const struct conf *conf, struct store *store, const struct image *image,
		  uint64_t *removed_bytes, struct err *e);

#endif
