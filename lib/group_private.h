/* group_private.h - what the parts of group share: all groups as a graph, and names in records. */
#ifndef VMROLL_GROUP_PRIVATE_H
#define VMROLL_GROUP_PRIVATE_H

#include "group.h"
#include "keys.h"
#include "map.h"
#include "mem.h"

MEM_DEFINE_CLEANUP(struct map, map_free)

enum group_mark { GROUP_UNSEEN, GROUP_OPEN, GROUP_SEEN };

struct group_node {
	struct group stored;
	const struct group *group; /* as stored, or what is to take its place; borrowed */
	enum group_mark mark;      /* of a walk */
	size_t depth;              /* levels from here down, 1: no groups below */
	bool above;                /* the group that changes is below it */
};

struct group_graph {
	struct group_node **items;
	size_t count, capacity;
	struct map *by_id;
};
void group_graph_done(struct group_graph *graph);
/* All groups of the store, GROUP (borrowed) in place of what is stored of it. */
int group_graph_load(struct store_view *view, const struct group *group, struct group_graph *graph,
		     struct err *e);
/* NULL if there is none. */
struct group_node *group_graph_find(const struct group_graph *graph, uint64_t id);
/* ERR_USAGE if GROUP would be below itself or the whole too deep; marks what is above it. */
int group_graph_measure(struct group_graph *graph, const struct group *group, struct err *e);
/* As group_expand. VMS may hold something of before when it fails. */
int group_graph_expand(struct group_graph *graph, const struct group *group, struct group_vms *vms,
		       struct err *e);

struct key *group_key(struct key *key, uint64_t id);
/* What goes into the log with a batch; NUMBER puts in order what happens within one millisecond: that of the references to which the batch is held. */
uint64_t group_log_number(uint64_t references);
void group_log_add(struct store_batch *batch, const struct group_event *event, uint64_t number);

#endif
