/* group_private.h - what the parts of group share: all groups as a graph, and names in records. */
#ifndef VMROLL_GROUP_PRIVATE_H
#define VMROLL_GROUP_PRIVATE_H

#include "group.h"
#include "keys.h"
#include "map.h"

enum group_mark { GROUP_UNSEEN, GROUP_OPEN, GROUP_SEEN };

struct group_node {
	struct group stored;
	const struct group *group; /* as stored, or what is to take its place; borrowed */
	bool changed;              /* something is to take its place */
	enum group_mark mark;      /* of a walk */
	size_t depth;              /* levels from here down, 1: no groups below */
	bool above;                /* something that changes is below it */
};

struct group_graph {
	struct group_node **items;
	size_t count, capacity;
	struct map *by_id;
};
void group_graph_done(struct group_graph *graph);
/* All groups of the store. */
int group_graph_load(struct store_view *view, struct group_graph *graph, struct err *e);
/* GROUP (borrowed) takes the place of what has its id, or joins. */
void group_graph_put(struct group_graph *graph, const struct group *group);
/* NULL if there is none. */
struct group_node *group_graph_find(const struct group_graph *graph, uint64_t id);
/* ERR_USAGE if a group is below itself or the whole too deep: what changes is looked at first. Fills in depth and above. */
int group_graph_measure(struct group_graph *graph, struct err *e);
/* As group_expand. VMS may hold something of before when it fails. */
int group_graph_expand(struct group_graph *graph, const struct group *group, struct group_vms *vms,
		       struct err *e);

struct key *group_key(struct key *key, uint64_t id);
/* What goes into the log with a batch; NUMBER is of group_log_number. */
void group_log_add(struct store_batch *batch, const struct group_event *event, uint64_t number);
/* Puts in order what happens within one millisecond: the NUMBERth of a batch that is held to REFERENCES. */
uint64_t group_log_number(uint64_t references, uint64_t number);

#endif
