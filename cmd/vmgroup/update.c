/* update.c - vmgroup update: the images of a group, and of those below it, captured again from their sources. */
#include "config.h"

#include "common.h"
#include "group.h"
#include "hosts.h"
#include "log.h"
#include "mem.h"
#include "speaker.h"
#include "taking.h"
#include "when.h"

enum { NAMES_MAX = 1000 };

struct updating {
	struct options *o;
	struct store *store;
	struct group group;
	struct images images; /* each once, in start order */
	struct hosts hosts;
	struct str names; /* of those that are done, for the log */
	size_t done;
	int failure; /* of the last that failed */
};

static void updating_done(struct updating *updating)
{
	group_done(&updating->group);
	images_done(&updating->images);
	hosts_done(&updating->hosts);
	str_done(&updating->names);
}

static int collect(struct updating *updating, struct store_view *view, struct err *e)
{
	cleanup(group_vms_done) struct group_vms vms = {0};
	cleanup(image_ids_done) struct image_ids ids = {0};

	if (group_require(view, updating->o->cli.operands[0], &updating->group, e) < 0 ||
	    group_expand(view, &updating->group, &vms, e) < 0)
		return e->code;
	vec_foreach(&vms, vm)
		image_ids_add(&ids, vm->image);
	vec_foreach(&ids, id) {
		struct image image;
		int result = image_find_id(view, *id, &image, e);
		if (result <= 0)
			return result < 0 ? result
					  : err_set(e, ERR_CORRUPT, "group %s: an image is missing",
						    updating->group.name);
		vec_push(&updating->images, image);
	}
	return 0;
}

static int look(struct updating *updating, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	return store_view_open(&view, updating->store, e) < 0 ? e->code : collect(updating, view, e);
}

static int update_image(struct updating *updating, const struct image *image, struct err *e)
{
	const struct host *host;

	if (!image->host || !image->vm)
		return err_set(e, ERR_USAGE,
			       "it was imported from files, and has no VM that it could be captured from");
	if (hosts_require(&updating->hosts, image->host, &host, e) < 0)
		return e->code;
	if (!host->uri)
		return err_set(e, ERR_USAGE, "host %s has no libvirt URI in %s", host->name,
			       updating->hosts.path);
	return taking_update(updating->o, updating->store, host, image, e);
}

static void update_all(struct updating *updating, struct err *e)
{
	vec_foreach(&updating->images, image) {
		if (taking_is_stopped())
			return;
		if (update_image(updating, image, e) < 0) {
			err_wrap(e, "image %s", image->name);
			updating->failure = log_err(e);
			continue;
		}
		if (updating->names.length < NAMES_MAX)
			str_addf(&updating->names, " %s", image->name);
		updating->done++;
	}
}

static int record(struct updating *updating, struct err *e)
{
	cleanup(cleanup_mem) char *what = mem_format("update%s", str_text(&updating->names));
	/* Borrowed, all of it. */
	const struct group_event event = {.at = when_now(),
					  .id = updating->group.id,
					  .group = updating->group.name,
					  .what = what,
					  .by = (char *)speaker_name(),
					  .comment = (char *)updating->o->comment};

	return updating->names.length > 0 ? group_log(updating->store, &event, e) : 0;
}

static int outcome(const struct updating *updating, struct err *e)
{
	if (updating->done == updating->images.count)
		return 0;
	if (updating->done > 0)
		return ERR_PARTIAL;
	return updating->failure < 0 ? updating->failure : err_set(e, ERR_ENV, "stopped by a signal");
}

int command_update(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(updating_done) struct updating updating = {.o = o};

	if (cli_operands(&o->cli, 1, 1, o->e) < 0 || cli_hosts(&o->conf, &updating.hosts, o->e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0)
		return o->e->code;
	updating.store = store;
	if (look(&updating, o->e) < 0)
		return o->e->code;
	update_all(&updating, o->e);
	/* Each that failed was said. */
	o->e->text[0] = '\0';
	if (record(&updating, o->e) < 0)
		return o->e->code;
	return outcome(&updating, o->e);
}
