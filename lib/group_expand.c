/* group_expand.c - the virtual machines that a group consists of, with all groups below it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "group_private.h"
#include "mem.h"

struct expansion {
	struct group_graph *graph;
	struct group_vms *vms;
	struct map *names;                        /* of machines: their place in vms, from 1 on */
	VEC(const struct group_member *) members; /* that each stands for */
};

static void expansion_done(struct expansion *expansion)
{
	map_free(expansion->names);
	vec_done(&expansion->members);
}

void group_vms_done(struct group_vms *vms)
{
	vec_foreach(vms, vm)
		free(vm->name);
	vec_done(vms);
}

static char *machine_name(const struct group_member *member, uint64_t number)
{
	if (member->count == 1)
		return mem_string(member->name);
	return mem_format("%s%llu", member->name, (unsigned long long)number);
}

static int say_twice(const struct expansion *expansion, size_t first, const struct group_vm *vm,
		     const struct group_member *member, struct err *e)
{
	const struct group_member *other = expansion->members.items[first];
	const char *group = group_graph_find(expansion->graph, expansion->vms->items[first].group)->group->name;

	return err_set(
		e, ERR_USAGE, "two VMs would be called %s: of %s*%llu in group %s and of %s*%llu in group %s",
		vm->name, other->name, (unsigned long long)other->count, group, member->name,
		(unsigned long long)member->count, group_graph_find(expansion->graph, vm->group)->group->name);
}

/* Takes over the name of VM. */
static int add_vm(struct expansion *expansion, struct group_vm vm, const struct group_member *member,
		  struct err *e)
{
	size_t place = expansion->vms->count + 1;
	int result = 0;

	if (place > GROUP_VMS_MAX)
		result = err_set(e, ERR_USAGE, "more than %d VMs", GROUP_VMS_MAX);
	else if (!map_add(expansion->names, vm.name, strlen(vm.name), (void *)(uintptr_t)place))
		result = say_twice(expansion, (uintptr_t)map_find(expansion->names, vm.name, strlen(vm.name)) - 1,
				   &vm, member, e);
	if (result < 0) {
		free(vm.name);
		return result;
	}
	vec_push(expansion->vms, vm);
	vec_push(&expansion->members, member);
	return 0;
}

static int add_image(struct expansion *expansion, const struct group *group,
		     const struct group_member *member, struct err *e)
{
	for (uint64_t number = 1; number <= member->count; number++) {
		struct group_vm vm = {machine_name(member, number), member->image, group->id};
		if (add_vm(expansion, vm, member, e) < 0)
			return e->code;
	}
	return 0;
}

static int add_group(struct expansion *expansion, struct group_node *node, size_t depth, struct err *e)
{
	if (node->mark == GROUP_SEEN)
		return 0;
	node->mark = GROUP_SEEN;
	if (depth > GROUP_DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "groups stand more than %d deep in each other", GROUP_DEPTH_MAX);
	vec_foreach(&node->group->members, member) {
		struct group_node *below = NULL;
		if (member->group && !(below = group_graph_find(expansion->graph, member->group)))
			return err_set(e, ERR_CORRUPT, "group %s: a group that it contains is missing",
				       node->group->name);
		int result = below ? add_group(expansion, below, depth + 1, e)
				   : add_image(expansion, node->group, member, e);
		if (result < 0)
			return result;
	}
	return 0;
}

int group_graph_expand(struct group_graph *graph, const struct group *group, struct group_vms *vms, struct err *e)
{
	cleanup(expansion_done) struct expansion expansion = {.graph = graph, .vms = vms, .names = map_new()};

	vec_foreach(graph, node)
		(*node)->mark = GROUP_UNSEEN;
	return add_group(&expansion, group_graph_find(graph, group->id), 1, e);
}

int group_expand(struct store_view *view, const struct group *group, struct group_vms *vms, struct err *e)
{
	cleanup(group_graph_done) struct group_graph graph = {0};
	struct group_vms found = {0};

	if (group_graph_load(view, &graph, e) < 0)
		return e->code;
	group_graph_put(&graph, group);
	if (group_graph_expand(&graph, group, &found, e) < 0) {
		group_vms_done(&found);
		return e->code;
	}
	*vms = found;
	return 0;
}
