/* remove.c - vmgroup remove, delete: members taken out, and groups forgotten; with their images, if nobody else uses them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "deployment.h"
#include "group.h"
#include "mem.h"
#include "references.h"
#include "speaker.h"
#include "str.h"

/* ---- remove ---- */

struct removing {
	struct store *store;
	char **names;
	size_t count;
	struct image_ids images; /* of what was removed */
};

static void removing_done(struct removing *removing)
{
	image_ids_done(&removing->images);
}

/* Place of the machine of that NAME, or group of that ID. */
static size_t find_machine(const struct group *group, const char *name)
{
	for (size_t i = 0; i < group->members.count; i++)
		if (str_equal(group->members.items[i].name, name))
			return i;
	return SIZE_MAX;
}

static size_t find_group(const struct group *group, uint64_t id)
{
	for (size_t i = 0; id != 0 && i < group->members.count; i++)
		if (group->members.items[i].group == id)
			return i;
	return SIZE_MAX;
}

static int group_id(struct store *store, const char *name, uint64_t *id, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(group_done) struct group group = {0};

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	int result = group_find(view, name, &group, e);
	*id = result == 1 ? group.id : 0;
	return result < 0 ? result : 0;
}

/* WORD is a machine's name or a group's; group: and image: tell them apart. */
static int find_member(const struct removing *removing, const struct group *group, const char *word,
		       size_t *place, struct err *e)
{
	bool only_group = str_starts(word, "group:");
	bool only_machine = str_starts(word, "image:");
	const char *name = only_group || only_machine ? strchr(word, ':') + 1 : word;
	size_t machine = only_group ? SIZE_MAX : find_machine(group, name);
	uint64_t id = 0;

	if (!only_machine && group_id(removing->store, name, &id, e) < 0)
		return e->code;
	size_t below = find_group(group, id);
	cleanup(cleanup_mem) char *shown = str_escape(word);
	if (machine != SIZE_MAX && below != SIZE_MAX)
		return err_set(e, ERR_AMBIGUOUS, "'%.200s' is a group and a VM in %s: say group:%s or image:%s",
			       shown, group->name, name, name);
	*place = machine != SIZE_MAX ? machine : below;
	return *place == SIZE_MAX
		       ? err_set(e, ERR_NOT_FOUND, "'%.200s' is no member of group %s", shown, group->name)
		       : 0;
}

static int take_out(struct group *group, void *context, struct err *e)
{
	struct removing *removing = context;
	size_t place = 0;

	removing->images.count = 0;
	for (size_t i = 0; i < removing->count; i++) {
		if (find_member(removing, group, removing->names[i], &place, e) < 0)
			return e->code;
		struct group_member *member = &group->members.items[place];
		if (member->image)
			image_ids_add(&removing->images, member->image);
		free(member->name);
		group->members.count--;
		memmove(member, member + 1, (group->members.count - place) * sizeof *member);
	}
	return 0;
}

static void describe(const struct removing *removing, struct str *what)
{
	enum { DESCRIPTION_MAX = 1000 };
	size_t said = 0;

	str_add(what, "remove");
	for (; said < removing->count && what->length < DESCRIPTION_MAX; said++)
		str_addf(what, " %s", removing->names[said]);
	if (said < removing->count)
		str_addf(what, " and %zu more", removing->count - said);
}

int command_remove(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(removing_done) struct removing removing = {0};
	cleanup(str_done) struct str what = {0};

	if (cli_operands(&o->cli, 2, COMMON_OPERANDS_MAX, o->e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0)
		return o->e->code;
	removing.store = store;
	removing.names = o->cli.operands + 1;
	removing.count = o->cli.operand_count - 1;
	describe(&removing, &what);
	if (change_group(o, store, o->cli.operands[0], take_out, &removing, str_text(&what), o->e) < 0)
		return o->e->code;
	return o->with_images ? delete_unused_images(o, store, &removing.images, o->e) : 0;
}

/* ---- delete ---- */

static int check_not_deployed(struct store_view *view, const struct group *group, struct err *e)
{
	cleanup(deployments_done) struct deployments deployments = {0};
	cleanup(str_done) struct str names = {0};

	if (deployment_of_group(view, group->id, &deployments, e) < 0)
		return e->code;
	if (deployments.count == 0)
		return 0;
	vec_foreach(&deployments, deployment)
		str_addf(&names, "%s%s", names.length ? ", " : "", deployment->name);
	return err_set(e, ERR_REFUSED, "group %s is deployed as %s: undeploy it first", group->name,
		       str_text(&names));
}

static int look(struct store *store, const char *text, struct group *group, uint64_t *references, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0 || references_revision(view, references, e) < 0 ||
	    group_require(view, text, group, e) < 0)
		return e->code;
	return check_not_deployed(view, group, e);
}

static int delete_once(struct options *o, struct store *store, struct image_ids *images, struct err *e)
{
	cleanup(group_done) struct group group = {0};
	uint64_t references;

	if (look(store, o->cli.operands[0], &group, &references, e) < 0)
		return e->code;
	images->count = 0;
	vec_foreach(&group.members, member)
		if (member->image)
			image_ids_add(images, member->image);
	return group_delete(store, &group, references, o->comment, speaker_name(), e);
}

int command_delete(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(image_ids_done) struct image_ids images = {0};
	int result = ERR_CONFLICT;

	if (cli_operands(&o->cli, 1, 1, o->e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0)
		return o->e->code;
	for (int attempt = 0; attempt < COMMON_TRIES_MAX && result == ERR_CONFLICT; attempt++)
		result = delete_once(o, store, &images, o->e);
	if (result < 0)
		return result;
	return o->with_images ? delete_unused_images(o, store, &images, o->e) : 0;
}
