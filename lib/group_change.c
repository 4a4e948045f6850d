/* group_change.c - groups made, changed and deleted: each one batch that holds against others. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "group_private.h"
#include "mem.h"
#include "named.h"
#include "references.h"
#include "serial.h"
#include "when.h"

enum { TRIES_MAX = 64 };

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
	if (member->image == GROUP_IMAGE_TO_COME)
		return 0;
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
	cleanup(cleanup_map) struct map *groups = map_new();

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

static int check(struct store_view *view, struct group_graph *graph, const struct group *group, struct err *e)
{
	return check_own(group, e) < 0 || check_members(view, graph, group, e) < 0 ? e->code : 0;
}

/* What changes, and what stands above it. */
static int check_all_names(struct group_graph *graph, struct err *e)
{
	vec_foreach(graph, node)
		if (((*node)->changed || (*node)->above) && check_names(graph, (*node)->group, e) < 0)
			return e->code;
	return 0;
}

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

static int check_name_free(struct store_view *view, const struct group_change *change, struct err *e)
{
	uint64_t id;

	if (change->old && strcmp(change->old->name, change->new->name) == 0)
		return 0;
	int result = named_find(view, KEY_GROUP_NAME, change->new->name, &id, e);
	return result == 1 ? err_set(e, ERR_CONFLICT, "there is a group %s already", change->new->name) : result;
}

/* ---- writing ---- */

struct writing {
	struct store_batch *batch;
	const char *by;
	int64_t now;
	uint64_t references; /* of the view in which it was looked at, or that of our last batch */
};

static void add_names(struct store_batch *batch, const struct group *old, const struct group *new)
{
	if (old && new &&strcmp(old->name, new->name) == 0)
		return;
	if (old)
		named_drop(batch, KEY_GROUP_NAME, old->name, old->id);
	if (new)
		named_claim(batch, KEY_GROUP_NAME, new->name, new->id);
}

static void add_change(const struct writing *writing, const struct group_change *change, const struct str *record)
{
	const struct group *group = change->old ? change->old : change->new;
	/* Borrowed, all of it. */
	const struct group_event event = {.at = writing->now,
					  .id = group->id,
					  .group = group->name,
					  .what = (char *)change->what,
					  .by = (char *)writing->by,
					  .comment = (char *)change->comment};
	struct key key;

	group_key(&key, group->id);
	if (change->new)
		store_batch_put(writing->batch, key.bytes, key.length, record->data, record->length);
	else
		store_batch_delete(writing->batch, key.bytes, key.length);
	add_names(writing->batch, change->old, change->new);
	group_log_add(writing->batch, &event,
		      group_log_number(writing->references, store_batch_count(writing->batch)));
}

static int commit(struct writing *writing, struct err *e)
{
	references_hold(writing->batch, writing->references);
	int result = store_batch_commit(writing->batch, e);
	if (result == 0)
		writing->references++;
	return result;
}

/* Record, two names and a line of the log; and the two of the references. */
static bool fits(const struct store_batch *batch, const struct str *record)
{
	enum { OPERATIONS = 4 + 2, BESIDE = 8192 };

	return store_batch_count(batch) == 0 || store_batch_fits(batch, OPERATIONS, record->length + BESIDE);
}

static int write_changes(struct writing *writing, const struct group_change *const *changes, size_t count,
			 struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		cleanup(str_done) struct str record = {0};
		if (changes[i]->new)
			group_encode(changes[i]->new, &record);
		if (!fits(writing->batch, &record) && commit(writing, e) < 0)
			return e->code;
		add_change(writing, changes[i], &record);
	}
	return commit(writing, e);
}

/* ---- making and changing ---- */

struct order {
	const struct group_change **items; /* as they are to be written */
	size_t *depths;
	size_t count;
};

static void order_done(struct order *order)
{
	free(order->items);
	free(order->depths);
}

/* What is made before what is replaced, the lowest first. */
static bool comes_before(const struct group_change *a, size_t depth_a, const struct group_change *b, size_t depth_b)
{
	if (!a->old != !b->old)
		return !a->old;
	return depth_a < depth_b;
}

static void insert(struct order *order, const struct group_change *change, size_t depth)
{
	size_t place = order->count++;

	for (; place > 0 && comes_before(change, depth, order->items[place - 1], order->depths[place - 1]);
	     place--) {
		order->items[place] = order->items[place - 1];
		order->depths[place] = order->depths[place - 1];
	}
	order->items[place] = change;
	order->depths[place] = depth;
}

/* What must hold was seen in one view, whose revision of the references the first batch is held to. */
static int look(struct store_view *view, struct group_change *changes, size_t count, struct order *order,
		struct err *e)
{
	cleanup(group_graph_done) struct group_graph graph = {0};

	if (group_graph_load(view, &graph, e) < 0)
		return e->code;
	for (size_t i = 0; i < count; i++)
		group_graph_put(&graph, changes[i].new);
	for (size_t i = 0; i < count; i++)
		if ((changes[i].old && check_unchanged(view, changes[i].old, e) < 0) ||
		    check_name_free(view, &changes[i], e) < 0 || check(view, &graph, changes[i].new, e) < 0)
			return e->code;
	if (group_graph_measure(&graph, e) < 0 || check_all_names(&graph, e) < 0)
		return e->code;
	for (size_t i = 0; i < count; i++)
		insert(order, &changes[i], group_graph_find(&graph, changes[i].new->id)->depth);
	return 0;
}

int group_check(struct store_view *view, const struct group *group, struct err *e)
{
	cleanup(group_graph_done) struct group_graph graph = {0};

	if (group_graph_load(view, &graph, e) < 0)
		return e->code;
	group_graph_put(&graph, group);
	if (check(view, &graph, group, e) < 0 || group_graph_measure(&graph, e) < 0 ||
	    check_all_names(&graph, e) < 0)
		return e->code;
	return 0;
}

static void date(struct group_change *changes, size_t count, int64_t now)
{
	for (size_t i = 0; i < count; i++) {
		changes[i].new->changed = now;
		changes[i].new->created = changes[i].old ? changes[i].old->created : now;
	}
}

/* 1: somebody came between; nothing is done yet. */
static int change_once(struct store *store, struct group_change *changes, size_t count, const char *by,
		       struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	cleanup(order_done) struct order order = {mem_zalloc(count + 1, sizeof *order.items),
						  mem_zalloc(count + 1, sizeof *order.depths), 0};
	struct writing writing = {.batch = batch, .by = by, .now = when_now()};

	if (store_view_open(&view, store, e) < 0 || references_revision(view, &writing.references, e) < 0 ||
	    look(view, changes, count, &order, e) < 0)
		return e->code;
	store_view_close(view);
	view = NULL;
	uint64_t seen = writing.references;
	date(changes, count, writing.now);
	int result = write_changes(&writing, order.items, count, e);
	return result == ERR_CONFLICT && writing.references == seen ? 1 : result;
}

int group_change_all(struct store *store, struct group_change *changes, size_t count, const char *by,
		     struct err *e)
{
	int result = count > 0 ? 1 : 0;

	for (int attempt = 0; attempt < TRIES_MAX && result == 1; attempt++)
		result = change_once(store, changes, count, by, e);
	return result == 1 ? err_wrap(e, "groups") : result;
}

int group_create(struct store *store, struct group *group, const char *what, const char *by, struct err *e)
{
	struct group_change change = {.new = group, .what = what, .comment = group->comment};

	if (serial_next(store, &group->id, e) < 0)
		return e->code;
	return group_change_all(store, &change, 1, by, e);
}

int group_replace(struct store *store, const struct group *old, struct group *new, const char *what,
		  const char *comment, const char *by, struct err *e)
{
	struct group_change change = {.old = old, .new = new, .what = what, .comment = comment};

	return group_change_all(store, &change, 1, by, e);
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
	return err_set(e, ERR_REFUSED, "group %s is a member of %s: remove it there first", group->name,
		       str_text(&names));
}

static int check_deletion(struct store *store, const struct group *group, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0 || check_unchanged(view, group, e) < 0 ||
	    check_unused(view, group, e) < 0)
		return e->code;
	return 0;
}

int group_delete(struct store *store, const struct group *group, uint64_t references, const char *comment,
		 const char *by, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	const struct group_change change = {.old = group, .what = "delete", .comment = comment};
	const struct group_change *const changes[] = {&change};
	struct writing writing = {.batch = batch, .by = by, .now = when_now(), .references = references};

	if (check_deletion(store, group, e) < 0)
		return e->code;
	return write_changes(&writing, changes, 1, e) < 0 ? err_wrap(e, "group %s", group->name) : 0;
}
