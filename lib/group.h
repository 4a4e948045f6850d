/*
 * group.h - groups of master images, and of groups: what a test environment consists of.
 *
 * A member is an image, with the name of its virtual machine and how many of it there are, or another group. A group may be in several; in one
 * deployment it counts once. No group contains itself, at any depth. Members refer to ids: a rename touches nothing else.
 */
#ifndef VMROLL_GROUP_H
#define VMROLL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "image.h"
#include "store.h"
#include "str.h"
#include "vec.h"

/* Of one member; of one group, whose record is one value of the store; of a group with all below it; and how deep that may be. */
enum { GROUP_COUNT_MAX = 10000, GROUP_MEMBERS_MAX = 10000, GROUP_VMS_MAX = 100000, GROUP_DEPTH_MAX = 64 };
enum { GROUP_COMMENT_MAX = 500 };

struct group_member {
	char *name;     /* of the virtual machine; NULL: a group */
	uint64_t image; /* id; 0: a group */
	uint64_t group; /* id; 0: an image */
	uint64_t count; /* of an image, 1 to GROUP_COUNT_MAX */
};

struct group {
	uint64_t id;
	char *name, *comment;
	int64_t created, changed;
	VEC(struct group_member) members; /* in the order in which they start */
};
void group_done(struct group *group);
/* TO is a copy of its own (group_done). */
void group_copy(struct group *to, const struct group *from);
void group_add_image(struct group *group, const char *name, uint64_t image, uint64_t count);
void group_add_group(struct group *group, uint64_t member);
struct groups {
	struct group *items;
	size_t count, capacity;
};
void groups_done(struct groups *groups);

int group_find(struct store_view *view, const char *name, struct group *group, struct err *e); /* 1, 0, negative */
int group_find_id(struct store_view *view, uint64_t id, struct group *group, struct err *e);
int group_require(struct store_view *view, const char *text, struct group *group, struct err *e); /* as image_require */
int group_all(struct store_view *view, struct groups *groups, struct err *e); /* by name */
/* Groups that have the group, or the image, ID as a member. */
int group_users(struct store_view *view, uint64_t id, struct groups *groups, struct err *e);

/*
 * Each one batch with a line in the group's log. All are held against what is there at that moment: a cycle (ERR_USAGE with the way round:
 * "a > b > a"), a group twice among the members, a machine's name twice in what it would expand to, itself or any group above it (ERR_USAGE
 * names both places), a bound above that is passed (ERR_USAGE), an image or group that is gone (ERR_CONFLICT). BY is a person; WHAT is what the log says, COMMENT why (both or NULL).
 */
/* Held against all that without writing; images of GROUP_IMAGE_TO_COME are not looked for. GROUP may be new: id 0. */
#define GROUP_IMAGE_TO_COME UINT64_MAX
int group_check(struct store_view *view, const struct group *group, struct err *e);
/* Sets id, created and changed. WHAT: "create …". ERR_CONFLICT: the name is taken. */
int group_create(struct store *store, struct group *group, const char *what, const char *by, struct err *e);
/* OLD, as it was read, becomes NEW: same id and created, perhaps another name; sets changed. ERR_CONFLICT: somebody changed it meanwhile, or the name is taken. */
int group_replace(struct store *store, const struct group *old, struct group *new, const char *what,
		  const char *comment, const char *by, struct err *e);
/*
 * Several, held against the rules as they will stand together. OLD NULL: NEW is made; its id (serial.h) is set, so that the others can
 * have it as a member. One batch, as long as they fit; else what is made first, in an order in which nothing ever leads nowhere:
 * a process that is killed in between leaves whole groups, and the same change can be made again.
 */
struct group_change {
	const struct group *old;
	struct group *new;
	const char *what, *comment;
};
int group_change_all(struct store *store, struct group_change *changes, size_t count, const char *by,
		     struct err *e);
/* ERR_REFUSED while groups have it as a member, which are named. REFERENCES is the revision (references.h) of the view in which it was not deployed: ERR_CONFLICT if that, or the group, changed meanwhile. */
int group_delete(struct store *store, const struct group *group, uint64_t references, const char *comment,
		 const char *by, struct err *e);

/* ---- what it consists of ---- */

/* One virtual machine of an expanded group. */
struct group_vm {
	char *name; /* web1, web2, web3; db where there is one */
	uint64_t image;
	uint64_t group; /* the group whose member it is */
};
struct group_vms {
	struct group_vm *items;
	size_t count, capacity;
};
void group_vms_done(struct group_vms *vms);
/* All of GROUP, groups below it included, each once, in start order. ERR_USAGE: two of the same name (both places are named). */
int group_expand(struct store_view *view, const struct group *group, struct group_vms *vms, struct err *e);

/* All groups of a view, read once for many questions. */
struct group_graph;
int group_graph_open(struct group_graph **graph, struct store_view *view, struct err *e);
void group_graph_close(struct group_graph *graph); /* NULL-safe */
/* Borrowed; NULL if there is none. */
const struct group *group_graph_group(const struct group_graph *graph, uint64_t id);
/* As group_expand, of the group ID; ERR_CORRUPT if there is none. */
int group_graph_vms(struct group_graph *graph, uint64_t id, struct group_vms *vms, struct err *e);
/* Calls EACH with the groups that have group ID as a member. */
void group_graph_users(const struct group_graph *graph, uint64_t id,
		       void (*each)(void *context, const struct group *user), void *context);

/* ---- the log of what was done to groups ---- */

struct group_event {
	int64_t at;
	uint64_t id;        /* of the group */
	char *group;        /* its name then */
	char *what;         /* "create", "add web=centos9*3", "rename to x", "delete", "deploy as d1", … */
	char *by, *comment; /* or NULL */
};
void group_event_done(struct group_event *event);
int group_log(struct store *store, const struct group_event *event, struct err *e);
/* GROUP NULL: all; else what was done to groups of that name, and to that which has it now under any name. Oldest first. EACH returns not 0 to stop, which is returned. */
int group_events(struct store_view *view, const char *group,
		 int (*each)(void *context, const struct group_event *event), void *context, struct err *e);

/* Removes what was done before BEFORE. *REMOVED is added to. */
int group_log_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e);

void group_encode(const struct group *group, struct str *out);
int group_decode(const void *data, size_t length, struct group *group, struct err *e);

#endif
