/* mastimg.c - keep master images of virtual machines: disks and configuration */
#include "config.h"

#include <string.h>

#include "lock.h"
#include "log.h"
#include "mastimg.h"
#include "mem.h"
#include "speaker.h"
#include "str.h"

enum {
	OPTION_CHANGED = CLI_LONG_ONLY,
	OPTION_COMMENT,
	OPTION_DRY_RUN,
	OPTION_FROM,
	OPTION_KEEP,
	OPTION_NAME,
	OPTION_PROGRESS,
	OPTION_QUICK,
	OPTION_QUIESCE,
	OPTION_UNKNOWN,
	OPTION_XML
};

static const struct cli_option options[] = {
	{OPTION_CHANGED, "changed", NULL, "list: images whose source VM differs from them"},
	{OPTION_COMMENT, "comment", "TEXT", "register, update, import: what it is for"},
	{OPTION_DRY_RUN, "dry-run", NULL, "gc: say what would be removed, remove nothing"},
	{OPTION_FROM, "from", "VM@HOST", "update: capture this VM from now on"},
	{OPTION_KEEP, "keep", "N", "register, update, import: how many generations are kept"},
	{OPTION_NAME, "name", "NEW", "register, import: name of the image (the VM's)"},
	{OPTION_PROGRESS, "progress", "WHEN", "auto (on a terminal), always or never"},
	{OPTION_QUICK, "quick", NULL, "verify: only that all files are there, and of their size"},
	{OPTION_QUIESCE, "quiesce", NULL, "register, update: freeze the file systems of a VM that runs"},
	{OPTION_UNKNOWN, "unknown", NULL, "gc: also images that the store does not know"},
	{OPTION_XML, "xml", "FILE", "import: definition of the domain whose disk is given"},
	{0, NULL, NULL, NULL},
};

static const struct cli_command commands[] = {
	{"register", "VM[@HOST]", "capture a VM as a new image", command_register, NULL},
	{"update", "NAME", "capture its source again, as a new generation", command_update, NULL},
	{"delete", "NAME...", "remove images that nothing uses", command_delete, NULL},
	{"list", "[NAME...]", "show the images", command_list, NULL},
	{"show", "NAME...", "show all that is known of images", command_show, &disks_listing},
	{"candidates", "[HOST...]", "show every VM, and whether it is registered", command_candidates,
	 &candidates_listing},
	{"verify", "[NAME...]", "read images and compare their digests", command_verify, NULL},
	{"export", "NAME FILE", "copy an image to a folder, or FILE.tar", command_export, NULL},
	{"import", "FILE", "take an image from a folder, FILE.tar or a disk", command_import, NULL},
	{"rename", "NAME NEW", "give another name", command_rename, NULL},
	{"rollback", "NAME", "drop the newest generation", command_rollback, NULL},
	{"gc", NULL, "remove what interrupted runs have left", command_gc, NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static const char *const synopsis[] = {
	"register [--name NEW] [--comment TEXT] [--keep N] [--quiesce] VM[@HOST]",
	"update [--from VM@HOST] [--comment TEXT] [--keep N] [--quiesce] NAME",
	"delete NAME...",
	"list [--changed] [options] [NAME...]",
	"show [options] NAME...",
	"candidates [options] [HOST...]",
	"verify [--quick] [NAME...]",
	"export NAME FILE",
	"import [--name NEW] [--comment TEXT] [--keep N] FILE",
	"import --xml FILE [--name NEW] [--comment TEXT] [--keep N] FILE",
	"rename NAME NEW",
	"rollback NAME",
	"gc [--dry-run] [--unknown]",
	NULL,
};

static int take_text(const char **option, const char *name, const char *argument, struct err *e)
{
	*option = argument;
	return speaker_check(name, argument, e);
}

static int take_argument(struct options *o, int key, const char *argument, struct err *e)
{
	switch (key) {
	case OPTION_COMMENT:
		return take_text(&o->comment, "--comment", argument, e);
	case OPTION_FROM:
		o->from = argument;
		return 0;
	case OPTION_KEEP:
		return str_parse_number(argument, 1, IMAGE_KEEP_MAX, &o->keep, e) < 0 ? err_wrap(e, "--keep")
										      : 0;
	case OPTION_NAME:
		o->name = argument;
		return image_check_name(argument, e) < 0 ? err_wrap(e, "--name") : 0;
	case OPTION_XML:
		o->xml = argument;
		return 0;
	default:
		o->progress = argument;
		return 0;
	}
}

static int take_option(void *context, int key, const char *argument, struct err *e)
{
	struct options *o = context;

	switch (key) {
	case OPTION_CHANGED:
		o->changed = true;
		return 0;
	case OPTION_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPTION_QUICK:
		o->quick = true;
		return 0;
	case OPTION_QUIESCE:
		o->quiesce = true;
		return 0;
	case OPTION_UNKNOWN:
		o->unknown = true;
		return 0;
	default:
		return take_argument(o, key, argument, e);
	}
}

static const struct cli_program program = {
	.name = "mastimg",
	.purpose = "keep master images of virtual machines: disks and configuration",
	.synopsis = synopsis,
	.options = options,
	.commands = commands,
	.listing = &images_listing,
	.option = take_option,
};

/* ---- what several commands need ---- */

int open_progress(const struct options *o, struct progress **progress, struct err *e)
{
	return progress_new(progress, stderr, o->progress, o->cli.quiet, e);
}

int require_image(struct store *store, const char *text, struct image *image, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	return image_require(view, text, image, e);
}

int choose_images(const struct options *o, struct store *store, struct images *images, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	if (o->cli.operand_count == 0)
		return image_all(view, images, e);
	for (size_t i = 0; i < o->cli.operand_count; i++) {
		struct image image;
		if (image_require(view, o->cli.operands[i], &image, e) < 0)
			return e->code;
		vec_push(images, image);
	}
	return 0;
}

int reread_image(struct store *store, struct image *image, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct image now = {0};

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	int result = image_find_id(view, image->id, &now, e);
	if (result < 0)
		return result;
	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "image %s: somebody has deleted it meanwhile", image->name);
	image_done(image);
	*image = now;
	return 0;
}

int check_free(struct store *store, const char *name, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_done) struct image image = {0};

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	int result = image_find(view, name, &image, e);
	return result == 1 ? err_set(e, ERR_USAGE, "there is an image '%s' already", name) : result;
}

static int lock_part(const struct options *o, const char *name, const struct image *image, bool shared,
		     struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;

	if (store_lock_path(o->conf.store, name, &path, e) < 0)
		return e->code;
	int result = lock_acquire_part(lock, path, image->id, shared, e);
	return result < 0 && result != ERR_LOCKED ? err_wrap(e, "image %s", image->name) : result;
}

int lock_image(const struct options *o, const struct image *image, bool shared, struct lock *lock, struct err *e)
{
	int result = lock_part(o, "images", image, shared, lock, e);

	if (result == ERR_LOCKED)
		return err_set(e, ERR_LOCKED, "image %s: somebody %s it: try again once that has ended",
			       image->name, shared ? "changes or removes" : "reads or changes");
	return result;
}

int lock_update(const struct options *o, const struct image *image, struct lock *lock, struct err *e)
{
	int result = lock_part(o, "updates", image, false, lock, e);

	if (result == ERR_LOCKED)
		return err_set(e, ERR_LOCKED, "image %s: is being updated: try again once that has ended",
			       image->name);
	return result;
}

/* ---- running ---- */

static int act(struct options *o, struct err *e)
{
	int result = cli_settings(&o->cli, &o->conf, e);

	if (result != 0)
		return result < 0 ? result : 0;
	if (o->cli.operand_count == 0)
		return err_set(e, ERR_USAGE, "what is to be done? try 'mastimg --help'");
	return cli_run_command(&o->cli, o, e);
}

static void options_done(struct options *o)
{
	conf_done(&o->conf);
}

static int run_and_report(struct options *o)
{
	struct err e = {0};

	o->e = &e;
	int result = act(o, &e);
	/* What was said of each image is not said again. */
	if (result < 0 && e.text[0] != '\0')
		log_err(&e);
	return result;
}

int main(int argc, char **argv)
{
	cleanup(options_done) struct options o = {0};

	int status = cli_init(&o.cli, &program, argc, argv, &o);
	return status >= 0 ? status : cli_exit(run_and_report(&o));
}
