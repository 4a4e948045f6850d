/* removal.c - master images deleted, which nobody uses any more: who uses one. */
#include "config.h"

#include "deployment.h"
#include "group.h"
#include "mem.h"
#include "removal.h"

static int add_groups(struct store_view *view, uint64_t id, struct image_texts *users, struct err *e)
{
	cleanup(groups_done) struct groups groups = {0};

	if (group_users(view, id, &groups, e) < 0)
		return e->code;
	vec_foreach(&groups, group)
		vec_push(users, mem_format("group %s", group->name));
	return 0;
}

static int add_deployments(struct store_view *view, uint64_t id, struct image_texts *users, struct err *e)
{
	cleanup(image_texts_done) struct image_texts names = {0};

	if (deployment_users(view, id, 0, &names, e) < 0)
		return e->code;
	vec_foreach(&names, name)
		vec_push(users, mem_format("deployment %s", *name));
	return 0;
}

int removal_users(struct store_view *view, uint64_t id, struct image_texts *users, struct err *e)
{
	return add_groups(view, id, users, e) < 0 || add_deployments(view, id, users, e) < 0 ? e->code : 0;
}
