/* mastimg.h - the options of mastimg, and its commands: one file each, as its man page has one section each. */
#ifndef MASTIMG_MASTIMG_H
#define MASTIMG_MASTIMG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "conf.h"
#include "err.h"
#include "image.h"
#include "progress.h"
#include "repository.h"
#include "store.h"

struct options {
	struct cli cli;
	struct conf conf;
	struct err *e; /* where a command leaves its message */
	bool changed;
	bool dry_run;
	bool quick;
	bool quiesce;
	bool unknown;
	const char *comment;
	const char *from; /* VM@HOST */
	const char *name;
	const char *progress; /* NULL: auto */
	const char *xml;
	uint64_t keep; /* 0: not said */
};

/* Columns of the listings, for `-o`. */
extern const struct cli_listing images_listing, disks_listing, candidates_listing;

/*
 * Each gets struct options, is run after the settings were read, and returns an err_code with the message in options->e
 * (an empty one: all has been said).
 */
int command_register(void *context);
int command_update(void *context);
int command_delete(void *context);
int command_list(void *context);
int command_show(void *context);
int command_candidates(void *context);
int command_verify(void *context);
int command_export(void *context);
int command_import(void *context);
int command_rename(void *context);
int command_rollback(void *context);
int command_gc(void *context);

/*
 * changed.c, for `list --changed`: of each of IMAGES in its order how its source differs from it, for people ("definition", "disks: vda", "gone", "host1 does not
 * answer"), NULL: it does not. Added to *CHANGES. ERR_PARTIAL: of some it is not known; each host has been named on stderr.
 */
int images_changed(const struct options *o, const struct images *images, struct image_texts *changes,
		   struct err *e);

/* ---- mastimg.c ---- */

/* The lines of this command line on stderr while something is copied or read; the caller calls progress_free. ERR_USAGE. */
int open_progress(const struct options *o, struct progress **progress, struct err *e);

/* The images that the operands name, or all; added to *IMAGES. */
int choose_images(const struct options *o, struct store *store, struct images *images, struct err *e);
/* The image that TEXT names (image_require), in a view of its own. */
int require_image(struct store *store, const char *text, struct image *image, struct err *e);
/* *IMAGE as it is now, whatever its name: what was read before its lock was taken is history. ERR_NOT_FOUND: it is gone. */
int reread_image(struct store *store, struct image *image, struct err *e);
/* ERR_USAGE if there is an image NAME: before anything is done for a new one, which claims it once more at its end. */
int check_free(struct store *store, const char *name, struct err *e);
/* Keeps others from reading (SHARED: from changing) the files of an image until lock_done: ERR_LOCKED says what to do. */
struct lock;
int lock_image(const struct options *o, const struct image *image, bool shared, struct lock *lock, struct err *e);
/* Keeps others from updating an image: an update ends with the record that it began with, or fails. ERR_LOCKED: one is on its way. */
int lock_update(const struct options *o, const struct image *image, struct lock *lock, struct err *e);

#endif
