/* group.c - groups of master images, and of groups: finding them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "group_private.h"
#include "mem.h"
#include "named.h"

static void member_done(struct group_member *member)
{
	free(member->name);
}

void group_done(struct group *group)
{
	free(group->name);
	free(group->comment);
	vec_foreach(&group->members, member)
		member_done(member);
	vec_done(&group->members);
	*group = (struct group){0};
}

void groups_done(struct groups *groups)
{
	vec_foreach(groups, group)
		group_done(group);
	vec_done(groups);
}

void group_add_image(struct group *group, const char *name, uint64_t image, uint64_t count)
{
	struct group_member member = {.name = mem_string(name), .image = image, .count = count};

	vec_push(&group->members, member);
}

void group_add_group(struct group *group, uint64_t member)
{
	vec_push(&group->members, (struct group_member){.group = member});
}

void group_copy(struct group *to, const struct group *from)
{
	struct group copy = {.id = from->id,
			     .name = mem_string(from->name),
			     .comment = mem_string(from->comment),
			     .created = from->created,
			     .changed = from->changed};

	vec_foreach(&from->members, member) {
		struct group_member *new = vec_push_zero(&copy.members);
		*new = *member;
		new->name = mem_string(member->name);
	}
	*to = copy;
}

struct key *group_key(struct key *key, uint64_t id)
{
	return key_add_u64(key_begin(key, KEY_GROUP), id);
}

int group_find_id(struct store_view *view, uint64_t id, struct group *group, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	struct key key;

	group_key(&key, id);
	int result = store_view_get(view, key.bytes, key.length, &raw, e);
	if (result <= 0)
		return result;
	if (group_decode(raw.data, raw.length, group, e) < 0)
		return err_wrap(e, "group %llu", (unsigned long long)id);
	group->id = id;
	return 1;
}

/* What a name stands for is there: both are written in one batch. */
static int find_named(struct store_view *view, const char *name, uint64_t id, struct group *group, struct err *e)
{
	int result = group_find_id(view, id, group, e);

	return result == 0 ? err_set(e, ERR_CORRUPT, "group %.64s: its record is missing", name) : result;
}

int group_find(struct store_view *view, const char *name, struct group *group, struct err *e)
{
	uint64_t id;
	int result = named_find(view, KEY_GROUP_NAME, name, &id, e);

	return result == 1 ? find_named(view, name, id, group, e) : result;
}

int group_require(struct store_view *view, const char *text, struct group *group, struct err *e)
{
	uint64_t id;
	int result = named_require(view, KEY_GROUP_NAME, "group", text, &id, e);

	if (result == 0)
		result = find_named(view, text, id, group, e);
	return result < 0 ? result : 0;
}

int group_all(struct store_view *view, struct groups *groups, struct err *e)
{
	cleanup(named_list_done) struct named_list names = {0};

	if (named_all(view, KEY_GROUP_NAME, "", &names, e) < 0)
		return e->code;
	vec_foreach(&names, named) {
		struct group group;
		if (find_named(view, named->name, named->id, &group, e) < 0)
			return e->code;
		vec_push(groups, group);
	}
	return 0;
}

static bool has_member(const struct group *group, uint64_t id)
{
	vec_foreach(&group->members, member)
		if (member->image == id || member->group == id)
			return true;
	return false;
}

int group_users(struct store_view *view, uint64_t id, struct groups *groups, struct err *e)
{
	cleanup(groups_done) struct groups all = {0};

	if (group_all(view, &all, e) < 0)
		return e->code;
	vec_foreach(&all, group)
		if (has_member(group, id)) {
			vec_push(groups, *group);
			*group = (struct group){0};
		}
	return 0;
}
