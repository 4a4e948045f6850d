/* listing.c - vmgroup list, show, log: which groups there are, of what, and what was done to them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "deployment.h"
#include "group.h"
#include "mem.h"
#include "str.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- list ---- */

enum {
	GROUPS_GROUP,
	GROUPS_ID,
	GROUPS_MEMBERS,
	GROUPS_VMS,
	GROUPS_SIZE,
	GROUPS_IN,
	GROUPS_DEPLOYED,
	GROUPS_CREATED,
	GROUPS_CHANGED,
	GROUPS_COMMENT
};

static const struct column groups_columns[] = {
	[GROUPS_GROUP] = {"GROUP", "group", "name of the group", ROWS_TEXT, false, false},
	[GROUPS_ID] = {"ID", "id", "its number, which it keeps", ROWS_NUMBER, true, false},
	[GROUPS_MEMBERS] = {"MEMBERS", "members", "images and groups that it names", ROWS_NUMBER, false, false},
	[GROUPS_VMS] = {"VMS", "vms", "VMs of a deployment, of all groups below it too", ROWS_NUMBER, false, false},
	[GROUPS_SIZE] = {"SIZE", "size_bytes", "of all disks of these, as guests see them", ROWS_BYTES, false,
			 false},
	[GROUPS_IN] = {"IN", "in", "groups that it is a member of", ROWS_LIST, true, false},
	[GROUPS_DEPLOYED] = {"DEPLOYED", "deployments", "its deployments", ROWS_LIST, false, false},
	[GROUPS_CREATED] = {"CREATED", "created", "when it was made", ROWS_TIME, true, false},
	[GROUPS_CHANGED] = {"CHANGED", "changed", "when it was last changed", ROWS_TIME, true, false},
	[GROUPS_COMMENT] = {"COMMENT", "comment", "what it is for", ROWS_TEXT, false, false},
};
const struct cli_listing groups_listing = {groups_columns, COUNT(groups_columns)};

/* How large each image is, in the order of their numbers. */
struct image_size {
	uint64_t id, bytes;
};
struct image_sizes {
	struct image_size *items;
	size_t count, capacity;
};

static void image_sizes_done(struct image_sizes *sizes)
{
	vec_done(sizes);
}

static int compare_ids(const void *a, const void *b)
{
	const struct image_size *one = a, *other = b;

	return one->id < other->id ? -1 : one->id > other->id;
}

static int image_sizes_read(struct image_sizes *sizes, struct store_view *view, struct err *e)
{
	cleanup(images_done) struct images images = {0};

	if (image_all(view, &images, e) < 0)
		return e->code;
	vec_foreach(&images, image)
		vec_push(sizes, (struct image_size){image->id, image_virtual_bytes(image)});
	if (sizes->count > 0)
		qsort(sizes->items, sizes->count, sizeof *sizes->items, compare_ids);
	return 0;
}

static uint64_t image_size_of(const struct image_sizes *sizes, uint64_t id)
{
	const struct image_size wanted = {.id = id};
	const struct image_size *found =
		sizes->count > 0 ? bsearch(&wanted, sizes->items, sizes->count, sizeof wanted, compare_ids)
				 : NULL;

	return found ? found->bytes : 0;
}

struct listing {
	struct store *store;
	struct store_view *view;
	struct rows *rows;
	struct group_graph *graph;
	struct deployments deployments;
	struct image_sizes sizes;
};

static void listing_done(struct listing *listing)
{
	rows_free(listing->rows);
	group_graph_close(listing->graph);
	deployments_done(&listing->deployments);
	image_sizes_done(&listing->sizes);
	store_view_close(listing->view);
	store_close(listing->store);
}

static int listing_open(struct listing *listing, const struct options *o, struct err *e)
{
	listing->rows = cli_rows(&o->cli, e);
	if (!listing->rows || cli_store(&o->conf, STORE_READ, &listing->store, e) < 0 ||
	    store_view_open(&listing->view, listing->store, e) < 0 ||
	    group_graph_open(&listing->graph, listing->view, e) < 0)
		return e->code;
	return 0;
}

static int fill_vms(struct listing *listing, const struct group *group, struct err *e)
{
	cleanup(group_vms_done) struct group_vms vms = {0};
	uint64_t bytes = 0;

	if (group_graph_vms(listing->graph, group->id, &vms, e) < 0)
		return err_wrap(e, "group %s", group->name);
	rows_number(listing->rows, GROUPS_VMS, vms.count);
	vec_foreach(&vms, vm)
		bytes += image_size_of(&listing->sizes, vm->image);
	rows_number(listing->rows, GROUPS_SIZE, bytes);
	return 0;
}

static void add_user(void *context, const struct group *user)
{
	rows_list_add(context, GROUPS_IN, user->name);
}

static void fill_users(const struct listing *listing, const struct group *group)
{
	group_graph_users(listing->graph, group->id, add_user, listing->rows);
	vec_foreach(&listing->deployments, deployment)
		if (deployment->group == group->id)
			rows_list_add(listing->rows, GROUPS_DEPLOYED, deployment->name);
}

static int print_group(struct listing *listing, const struct group *group, struct err *e)
{
	rows_text(listing->rows, GROUPS_GROUP, group->name);
	rows_number(listing->rows, GROUPS_ID, group->id);
	rows_number(listing->rows, GROUPS_MEMBERS, group->members.count);
	rows_time(listing->rows, GROUPS_CREATED, group->created);
	rows_time(listing->rows, GROUPS_CHANGED, group->changed);
	rows_text(listing->rows, GROUPS_COMMENT, group->comment);
	fill_users(listing, group);
	if (fill_vms(listing, group, e) < 0)
		return e->code;
	return rows_end(listing->rows, e);
}

int command_list(void *context)
{
	struct options *o = context;
	cleanup(listing_done) struct listing listing = {0};
	cleanup(groups_done) struct groups groups = {0};

	if (cli_operands(&o->cli, 0, 0, o->e) < 0 || listing_open(&listing, o, o->e) < 0 ||
	    group_all(listing.view, &groups, o->e) < 0 ||
	    deployment_all(listing.view, &listing.deployments, o->e) < 0 ||
	    image_sizes_read(&listing.sizes, listing.view, o->e) < 0)
		return o->e->code;
	vec_foreach(&groups, group)
		if (print_group(&listing, group, o->e) < 0)
			return o->e->code;
	return rows_finish(listing.rows, o->e);
}

/* ---- show ---- */

enum {
	MEMBERS_NAME,
	MEMBERS_KIND,
	MEMBERS_IMAGE,
	MEMBERS_COUNT,
	MEMBERS_SIZE,
	MEMBERS_MEMORY,
	MEMBERS_OS,
	MEMBERS_VM,
	MEMBERS_HOST,
	MEMBERS_UPDATED
};

static const struct column members_columns[] = {
	[MEMBERS_NAME] = {"NAME", "name", "of the VM, or of the group", ROWS_TEXT, false, false},
	[MEMBERS_KIND] = {"KIND", "kind", "image or group", ROWS_TEXT, true, false},
	[MEMBERS_IMAGE] = {"IMAGE", "image", "name of the image", ROWS_TEXT, false, false},
	[MEMBERS_COUNT] = {"COUNT", "count", "how many VMs: of a group, with all below it", ROWS_NUMBER,
			   false, false},
	[MEMBERS_SIZE] = {"SIZE", "size_bytes", "of the disks of one, as a guest sees them", ROWS_BYTES,
			  false, false},
	[MEMBERS_MEMORY] = {"MEMORY", "memory_bytes", "of one", ROWS_BYTES, false, false},
	[MEMBERS_OS] = {"OS", "os", "guest operating system", ROWS_TEXT, false, false},
	[MEMBERS_VM] = {"VM", "vm", "from which the image was captured", ROWS_TEXT, true, false},
	[MEMBERS_HOST] = {"HOST", "host", "host of that VM then", ROWS_TEXT, true, false},
	[MEMBERS_UPDATED] = {"UPDATED", "updated", "when that was last done", ROWS_TIME, true, false},
};
const struct cli_listing members_listing = {members_columns, COUNT(members_columns)};

static int fill_image(const struct listing *listing, const struct group_member *member, struct err *e)
{
	cleanup(image_done) struct image image = {0};

	rows_text(listing->rows, MEMBERS_NAME, member->name);
	rows_text(listing->rows, MEMBERS_KIND, "image");
	rows_number(listing->rows, MEMBERS_COUNT, member->count);
	int result = image_find_id(listing->view, member->image, &image, e);
	if (result <= 0)
		return result;
	rows_text(listing->rows, MEMBERS_IMAGE, image.name);
	rows_number(listing->rows, MEMBERS_SIZE, image_virtual_bytes(&image));
	rows_number(listing->rows, MEMBERS_MEMORY, image.memory_bytes);
	rows_text(listing->rows, MEMBERS_OS, image.os);
	rows_text(listing->rows, MEMBERS_VM, image.vm);
	rows_text(listing->rows, MEMBERS_HOST, image.host);
	rows_time(listing->rows, MEMBERS_UPDATED, image.updated);
	return 0;
}

static int fill_group(const struct listing *listing, const struct group_member *member, struct err *e)
{
	const struct group *group = group_graph_group(listing->graph, member->group);
	cleanup(group_vms_done) struct group_vms vms = {0};

	if (group_graph_vms(listing->graph, member->group, &vms, e) < 0)
		return e->code;
	rows_text(listing->rows, MEMBERS_KIND, "group");
	rows_text(listing->rows, MEMBERS_NAME, group->name);
	rows_number(listing->rows, MEMBERS_COUNT, vms.count);
	return 0;
}

int command_show(void *context)
{
	struct options *o = context;
	cleanup(listing_done) struct listing listing = {0};
	cleanup(group_done) struct group group = {0};

	if (cli_operands(&o->cli, 1, 1, o->e) < 0 || listing_open(&listing, o, o->e) < 0 ||
	    group_require(listing.view, o->cli.operands[0], &group, o->e) < 0)
		return o->e->code;
	vec_foreach(&group.members, member) {
		int result = member->group ? fill_group(&listing, member, o->e)
					   : fill_image(&listing, member, o->e);
		if (result < 0 || rows_end(listing.rows, o->e) < 0)
			return o->e->code;
	}
	return rows_finish(listing.rows, o->e);
}

/* ---- log ---- */

enum { LOG_TIME, LOG_GROUP, LOG_ID, LOG_WHAT, LOG_BY, LOG_COMMENT };

static const struct column log_columns[] = {
	[LOG_TIME] = {"TIME", "time", "when it was done", ROWS_TIME, false, false},
	[LOG_GROUP] = {"GROUP", "group", "name of the group then", ROWS_TEXT, false, false},
	[LOG_ID] = {"ID", "id", "its number", ROWS_NUMBER, true, false},
	[LOG_WHAT] = {"WHAT", "what", "what was done", ROWS_TEXT, false, false},
	[LOG_BY] = {"BY", "by", "by whom", ROWS_TEXT, false, false},
	[LOG_COMMENT] = {"COMMENT", "comment", "why: --comment", ROWS_TEXT, false, false},
};
const struct cli_listing log_listing = {log_columns, COUNT(log_columns)};

struct printing {
	struct rows *rows;
	struct err *e;
	size_t printed;
};

static int print_event(void *context, const struct group_event *event)
{
	struct printing *printing = context;
	struct rows *rows = printing->rows;

	rows_time(rows, LOG_TIME, event->at);
	rows_text(rows, LOG_GROUP, event->group);
	rows_number(rows, LOG_ID, event->id ? event->id : ROWS_UNKNOWN);
	rows_text(rows, LOG_WHAT, event->what);
	rows_text(rows, LOG_BY, event->by);
	rows_text(rows, LOG_COMMENT, event->comment);
	printing->printed++;
	return rows_end(rows, printing->e);
}

/* The beginning of a name will do, as everywhere; a group that is gone has its log still. */
static int whose_log(const struct listing *listing, const char *text, char **name, struct err *e)
{
	cleanup(group_done) struct group group = {0};

	int result = group_require(listing->view, text, &group, e);
	if (result < 0 && result != ERR_NOT_FOUND)
		return result;
	*name = mem_string(result == 0 ? group.name : text);
	return 0;
}

int command_log(void *context)
{
	struct options *o = context;
	cleanup(listing_done) struct listing listing = {0};
	cleanup(cleanup_mem) char *name = NULL;
	struct printing printing = {.e = o->e};

	if (cli_operands(&o->cli, 0, 1, o->e) < 0 || listing_open(&listing, o, o->e) < 0)
		return o->e->code;
	if (o->cli.operand_count == 1 && whose_log(&listing, o->cli.operands[0], &name, o->e) < 0)
		return o->e->code;
	printing.rows = listing.rows;
	if (group_events(listing.view, name, print_event, &printing, o->e) < 0)
		return o->e->code;
	if (name && printing.printed == 0) {
		cleanup(cleanup_mem) char *word = str_escape(name);
		return err_set(o->e, ERR_NOT_FOUND, "no group '%s', nor was there ever", word);
	}
	return rows_finish(listing.rows, o->e);
}
