/* group_change.c - groups made, changed and deleted: each one batch that holds against others. */
#include "config.h"

#include <string.h>

#include "group_private.h"
#include "mem.h"
#include "named.h"
#include "references.h"
#include "serial.h"
#include "when.h"

enum { TRIES_MAX = 64 };

/* What is to become of a group: made where OLD is NULL, deleted where NEW is. */
struct change {
	const struct group *old;
	struct group *new;
	const char *what, *comment, *by;
	uint64_t references; /* of the view in which it was looked at */
};

/* ---- what must hold ---- */

static int check_own(const struct group *group, struct err *e)
{
	if (image_check_name(group->name, e) < 0)
		return err_wrap(e, "group '%.64s'", group->name);
	if (group->members.count > GROUP_MEMBERS_MAX)
		return err_set(e, ERR_USAGE, "group %s: %zu members: at most %d; put them into several groups",
			       group->name, group->members.count, GROUP_MEMBERS_MAX);
	if (group->comment && strlen(group->comment) > GROUP_COMMENT_MAX)
		return err_set(e, ERR_USAGE, "group %s: a comment of more than %d bytes", group->name,
			       GROUP_COMMENT_MAX);
	return 0;
}

static int check_image(struct store_view *view, const struct group *group, const struct group_member *member,
		       struct err *e)
{
	cleanup(image_done) struct image image = {0};

	if (image_check_name(member->name, e) < 0)
		return err_wrap(e, "group %s: member '%.64s'", group->name, member->name);
	if (member->count < 1 || member->count > GROUP_COUNT_MAX)
		return err_set(e, ERR_USAGE, "group %s: member %s: a count from 1 to %d", group->name,
			       member->name, GROUP_COUNT_MAX);
	int result = image_find_id(view, member->image, &image, e);
	return result == 0 ? err_set(e, ERR_CONFLICT, "group %s: the image of member %s is gone", group->name,
				     member->name)
			   : result;
}

/* Its groups: each once, and there. */
static int check_group(const struct group_graph *graph, const struct group *group,
		       const struct group_member *member, struct map *groups, struct err *e)
{
	const struct group_node *below = group_graph_find(graph, member->group);

	if (!below)
		return err_set(e, ERR_CONFLICT, "group %s: a group that was to be its member is gone",
			       group->name);
	if (!map_add(groups, &member->group, sizeof member->group, (void *)below))
		return err_set(e, ERR_USAGE, "group %s: group %s is a member twice", group->name,
			       below->group->name);
	return 0;
}

static int check_members(struct store_view *view, const struct group_graph *graph, const struct group *group,
			 struct err *e)
{
	cleanup(cleanup_map_free) struct map *groups = map_new();

	vec_foreach(&group->members, member) {
		int result = member->group ? check_group(graph, group, member, groups, e)
					   : check_image(view, group, member, e);
		if (result < 0)
			return result;
	}
	return 0;
}

static int check_names(struct group_graph *graph, const struct group *group, struct err *e)
{
	cleanup(group_vms_done) struct group_vms vms = {0};

	return group_graph_expand(graph, group, &vms, e) < 0 ? err_wrap(e, "group %s", group->name) : 0;
}

static int check(struct store_view *view, const struct group *group, struct err *e)
{
	cleanup(group_graph_done) struct group_graph graph = {0};

	if (check_own(group, e) < 0 || group_graph_load(view, group, &graph, e) < 0 ||
	    check_members(view, &graph, group, e) < 0 || group_graph_measure(&graph, group, e) < 0 ||
	    check_names(&graph, group, e) < 0)
		return e->code;
	vec_foreach(&graph, node)
		if ((*node)->above && check_names(&graph, (*node)->group, e) < 0)
			return e->code;
	return 0;
}

/* ---- writing ---- */

/* Whether what is stored is still what the caller has seen. */
static int check_unchanged(struct store_view *view, const struct group *old, struct err *e)
{
	cleanup(group_done) struct group stored = {0};
	cleanup(str_done) struct str seen = {0};
	cleanup(str_done) struct str there = {0};

	int result = group_find_id(view, old->id, &stored, e);
	if (result < 0)
		return result;
	if (result == 1)
		group_encode(&stored, &there);
	group_encode(old, &seen);
	if (seen.length != there.length || memcmp(seen.data, there.data, seen.length) != 0)
		return err_set(e, ERR_CONFLICT, "group %s: somebody else changed it just now", old->name);
	return 0;
}

static int check_name_free(struct store_view *view, const struct change *change, struct err *e)
{
	uint64_t id;

	if (change->old && strcmp(change->old->name, change->new->name) == 0)
		return 0;
	int result = named_find(view, KEY_GROUP_NAME, change->new->name, &id, e);
	return result == 1 ? err_set(e, ERR_CONFLICT, "there is a group %s already", change->new->name) : result;
}

static void add_names(struct store_batch *batch, const struct change *change)
{
	if (change->old && change->new &&strcmp(change->old->name, change->new->name) == 0)
		return;
	if (change->old)
		named_drop(batch, KEY_GROUP_NAME, change->old->name, change->old->id);
	if (change->new)
		named_claim(batch, KEY_GROUP_NAME, change->new->name, change->new->id);
}

static int write_change(struct store *store, const struct change *change, int64_t now, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(str_done) struct str record = {0};
	const struct group *group = change->old ? change->old : change->new;
	/* Borrowed, all of it. */
	const struct group_event event = {now,
					  group->id,
					  group->name,
					  (char *)change->what,
					  (char *)change->by,
					  (char *)change->comment};
	struct key key;

	group_key(&key, group->id);
	if (change->new) {
		group_encode(change->new, &record);
		store_batch_put(batch, key.bytes, key.length, record.data, record.length);
	} else {
		store_batch_delete(batch, key.bytes, key.length);
	}
	add_names(batch, change);
	group_log_add(batch, &event, group_log_number(change->references));
	references_hold(batch, change->references);
	return store_batch_commit(batch, e);
}

/* ---- making and changing ---- */

/* What must hold was seen in one view, whose revision of the references the batch is held to. */
static int look(struct store *store, struct change *change, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0 || references_revision(view, &change->references, e) < 0)
		return e->code;
	if (change->old && check_unchanged(view, change->old, e) < 0)
		return e->code;
	return check_name_free(view, change, e) < 0 ? e->code : check(view, change->new, e);
}

static int put(struct store *store, struct change *change, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++) {
		if (look(store, change, e) < 0)
			return e->code;
		change->new->changed = when_now();
		if (!change->old)
			change->new->created = change->new->changed;
		result = write_change(store, change, change->new->changed, e);
	}
	return result < 0 ? err_wrap(e, "group %s", change->new->name) : 0;
}

int group_create(struct store *store, struct group *group, const char *what, const char *by, struct err *e)
{
	struct change change = {.new = group, .what = what, .comment = group->comment, .by = by};

	if (serial_next(store, &group->id, e) < 0)
		return e->code;
	return put(store, &change, e);
}

int group_replace(struct store *store, const struct group *old, struct group *new, const char *what,
		  const char *comment, const char *by, struct err *e)
{
	struct change change = {.old = old, .new = new, .what = what, .comment = comment, .by = by};

	return put(store, &change, e);
}

/* ---- deleting ---- */

static int check_unused(struct store_view *view, const struct group *group, struct err *e)
{
	cleanup(groups_done) struct groups users = {0};
	cleanup(str_done) struct str names = {0};

	if (group_users(view, group->id, &users, e) < 0)
		return e->code;
	if (users.count == 0)
		return 0;
	vec_foreach(&users, user)
		str_addf(&names, "%s%s", names.length ? ", " : "", user->name);
	return err_set(e, ERR_USAGE, "group %s is a member of %s: remove it there first", group->name,
		       str_text(&names));
}

int group_delete(struct store *store, const struct group *group, uint64_t references, const char *comment,
		 const char *by, struct err *e)
{
	const struct change change = {
		.old = group, .what = "delete", .comment = comment, .by = by, .references = references};
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0 || check_unchanged(view, group, e) < 0 ||
	    check_unused(view, group, e) < 0)
		return e->code;
	store_view_close(view);
	view = NULL;
	return write_change(store, &change, when_now(), e) < 0 ? err_wrap(e, "group %s", group->name) : 0;
}
