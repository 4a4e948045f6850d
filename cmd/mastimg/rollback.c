/* rollback.c - mastimg rollback: the newest generation of an image is dropped. */
#include "config.h"

#include "deployment.h"
#include "lock.h"
#include "log.h"
#include "mastimg.h"
#include "mem.h"
#include "repository_known.h"
#include "repository_work.h"
#include "str.h"

/* A deployment that is not finished still reads the files. */
static int check_unused(struct store *store, const struct image *image, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_texts_done) struct image_texts names = {0};
	cleanup(str_done) struct str text = {0};

	if (store_view_open(&view, store, e) < 0 ||
	    deployment_users(view, image->id, image->generations.items[0].number, &names, e) < 0)
		return e->code;
	if (names.count == 0)
		return 0;
	vec_foreach(&names, name)
		str_addf(&text, "%s%s", text.length ? ", " : "", *name);
	return err_set(
		e, ERR_REFUSED,
		"image %s: its newest generation is needed by %s, which is not finished: 'vmgroup resume' or "
		"'vmgroup undeploy' it first",
		image->name, str_text(&text));
}

static int check_older(const struct image *image, struct err *e)
{
	return image->generations.count > 1
		       ? 0
		       : err_set(e, ERR_REFUSED,
				 "image %s: has one generation only, there is nothing to go back to",
				 image->name);
}

static int act_look(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	const struct image *image = context;
	const struct image_generation *older = &image->generations.items[1];
	cleanup(cleanup_mem) char *text = NULL;
	size_t length;
	uint64_t bytes;

	(void)worker;
	vec_foreach(&older->disks, disk)
		if (repository_physical(repository, image->id, disk, &bytes, e) < 0)
			return e->code;
	return repository_read_text(repository, image, older->config, older->config_sha256, &text, &length, e);
}

/* The newest is not given for one that is not there. */
static int check_whole(const struct options *o, struct store *store, struct image *image, struct err *e)
{
	const struct repository_work work = {.setting = o->conf.image.repository,
					     .stall_ms = o->conf.image.stall_ms,
					     .act = act_look,
					     .context = image};

	if (repository_known(&o->conf, o->conf.image.repository, store, true, e) < 0 ||
	    repository_work(&work, e) < 0)
		return err_wrap(e, "image %s: nothing is dropped, since generation %llu cannot be gone back to",
				image->name, (unsigned long long)image->generations.items[1].number);
	return 0;
}

static int act_tidy(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	uint64_t removed = 0;

	(void)worker;
	return repository_tidy(repository, context, &removed, e);
}

/* What cannot be removed is nobody's any more: gc does it. */
static void tidy(const struct options *o, struct image *image)
{
	const struct repository_work work = {.setting = o->conf.image.repository,
					     .stall_ms = o->conf.image.stall_ms,
					     .act = act_tidy,
					     .context = image};
	struct err why = {0};

	if (repository_work(&work, &why) < 0)
		log_warning("image %s: the files of its newest generation are left for 'mastimg gc': %s",
			    image->name, why.text);
}

static int drop_newest(const struct options *o, struct store *store, const struct image *old, struct err *e)
{
	cleanup(image_done) struct image new = {0};
	uint64_t dropped = old->generations.items[0].number;

	image_copy(&new, old);
	image_generation_done(&new.generations.items[0]);
	for (size_t i = 1; i < new.generations.count; i++)
		new.generations.items[i - 1] = new.generations.items[i];
	new.generations.count--;
	new.updated = new.generations.items[0].captured;
	if (image_replace(store, old, &new, 0, e) < 0)
		return e->code;
	tidy(o, &new);
	log_info("image %s: generation %llu is gone, %llu is the newest again", new.name,
		 (unsigned long long)dropped, (unsigned long long)new.generations.items[0].number);
	return 0;
}

int command_rollback(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(image_done) struct image image = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;

	if (cli_operands(&o->cli, 1, 1, o->e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0 ||
	    require_image(store, o->cli.operands[0], &image, o->e) < 0 ||
	    lock_image(o, &image, false, &lock, o->e) < 0 || reread_image(store, &image, o->e) < 0 ||
	    check_older(&image, o->e) < 0 || check_unused(store, &image, o->e) < 0 ||
	    check_whole(o, store, &image, o->e) < 0)
		return o->e->code;
	return drop_newest(o, store, &image, o->e);
}
