/* group_graph.c - all groups as a graph: which is below which, how deep, and that none is below itself. */
#include "config.h"

#include <stdlib.h>

#include "group_private.h"
#include "mem.h"

static void node_free(struct group_node *node)
{
	group_done(&node->stored);
	free(node);
}

void group_graph_done(struct group_graph *graph)
{
	vec_foreach(graph, node)
		node_free(*node);
	vec_done(graph);
	map_free(graph->by_id);
	graph->by_id = NULL;
}

static struct group_node *add_node(struct group_graph *graph, uint64_t id)
{
	struct group_node *node = mem_zalloc(1, sizeof *node);

	node->stored.id = id;
	vec_push(graph, node);
	map_add(graph->by_id, &node->stored.id, sizeof node->stored.id, node);
	return node;
}

int group_graph_load(struct store_view *view, struct group_graph *graph, struct err *e)
{
	cleanup(groups_done) struct groups all = {0};

	graph->by_id = map_new();
	if (group_all(view, &all, e) < 0)
		return e->code;
	vec_foreach(&all, stored) {
		struct group_node *node = add_node(graph, stored->id);
		node->stored = *stored;
		node->group = &node->stored;
		*stored = (struct group){0};
	}
	return 0;
}

void group_graph_put(struct group_graph *graph, const struct group *group)
{
	struct group_node *node = group_graph_find(graph, group->id);

	if (!node)
		node = add_node(graph, group->id);
	node->group = group;
	node->changed = true;
}

struct group_node *group_graph_find(const struct group_graph *graph, uint64_t id)
{
	return map_find(graph->by_id, &id, sizeof id);
}

/* The way from where a walk began. */
struct step {
	struct group_node *node;
	const struct step *before;
	size_t number;
};

static void add_way(struct str *text, const struct step *step, const struct group_node *from)
{
	if (step->node != from)
		add_way(text, step->before, from);
	str_addf(text, "%s > ", step->node->group->name);
}

static int say_cycle(const struct step *step, const struct group_node *again, struct err *e)
{
	cleanup(str_done) struct str way = {0};

	add_way(&way, step, again);
	return err_set(e, ERR_USAGE, "%s%s: a group cannot contain itself", str_text(&way), again->group->name);
}

static int measure(const struct group_graph *graph, struct group_node *node, const struct step *before,
		   struct err *e)
{
	struct step step = {node, before, before ? before->number + 1 : 1};

	if (node->mark == GROUP_SEEN)
		return 0;
	if (node->mark == GROUP_OPEN)
		return say_cycle(before, node, e);
	/* What is stored is within the bound, and so is the way to it: but for a damaged store. */
	if (step.number > 2 * GROUP_DEPTH_MAX)
		return err_set(e, ERR_USAGE, "groups stand more than %d deep in each other", GROUP_DEPTH_MAX);
	node->mark = GROUP_OPEN;
	node->depth = 1;
	vec_foreach(&node->group->members, member) {
		struct group_node *below = member->group ? group_graph_find(graph, member->group) : NULL;
		if (!below)
			continue;
		if (measure(graph, below, &step, e) < 0)
			return e->code;
		node->above |= below->above || below->changed;
		if (node->depth < below->depth + 1)
			node->depth = below->depth + 1;
	}
	node->mark = GROUP_SEEN;
	return 0;
}

static int measure_from(const struct group_graph *graph, struct group_node *node, struct err *e)
{
	if (measure(graph, node, NULL, e) < 0)
		return e->code;
	if (node->depth > GROUP_DEPTH_MAX)
		return err_set(e, ERR_USAGE, "group %s would be %zu deep: at most %d", node->group->name,
			       node->depth, GROUP_DEPTH_MAX);
	return 0;
}

int group_graph_measure(struct group_graph *graph, struct err *e)
{
	/* A way round is told as it begins with what changes. */
	vec_foreach(graph, node)
		if ((*node)->changed && measure_from(graph, *node, e) < 0)
			return e->code;
	vec_foreach(graph, node)
		if (measure_from(graph, *node, e) < 0)
			return e->code;
	return 0;
}

/* ---- for others ---- */

int group_graph_open(struct group_graph **graph, struct store_view *view, struct err *e)
{
	struct group_graph *opened = mem_zalloc(1, sizeof *opened);

	if (group_graph_load(view, opened, e) < 0) {
		group_graph_close(opened);
		return e->code;
	}
	*graph = opened;
	return 0;
}

void group_graph_close(struct group_graph *graph)
{
	if (!graph)
		return;
	group_graph_done(graph);
	free(graph);
}

const struct group *group_graph_group(const struct group_graph *graph, uint64_t id)
{
	const struct group_node *node = group_graph_find(graph, id);

	return node ? node->group : NULL;
}

int group_graph_vms(struct group_graph *graph, uint64_t id, struct group_vms *vms, struct err *e)
{
	const struct group *group = group_graph_group(graph, id);
	struct group_vms found = {0};

	if (!group)
		return err_set(e, ERR_CORRUPT, "group %llu is missing", (unsigned long long)id);
	if (group_graph_expand(graph, group, &found, e) < 0) {
		group_vms_done(&found);
		return e->code;
	}
	*vms = found;
	return 0;
}

static bool has_group(const struct group *group, uint64_t id)
{
	vec_foreach(&group->members, member)
		if (member->group == id)
			return true;
	return false;
}

void group_graph_users(const struct group_graph *graph, uint64_t id,
		       void (*each)(void *context, const struct group *user), void *context)
{
	vec_foreach(graph, node)
		if (has_group((*node)->group, id))
			each(context, (*node)->group);
}
