/* tree.c - vmgroup tree: groups drawn with all that is below them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common.h"
#include "group.h"
#include "map.h"
#include "mem.h"
#include "str.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { TREE_NAME, TREE_COUNT, TREE_IMAGE, TREE_KIND, TREE_DEPTH, TREE_PATH, TREE_AGAIN };

static const struct column tree_columns[] = {
	[TREE_NAME] = {"NAME", "name", "of the group, or of a VM", ROWS_TEXT, false, false},
	[TREE_COUNT] = {"COUNT", "count", "how many VMs", ROWS_NUMBER, false, false},
	[TREE_IMAGE] = {"IMAGE", "image", "name of the image", ROWS_TEXT, false, false},
	[TREE_KIND] = {"KIND", "kind", "group or image", ROWS_TEXT, true, false},
	[TREE_DEPTH] = {"DEPTH", "depth", "0 for the group at the top", ROWS_NUMBER, true, false},
	[TREE_PATH] = {"PATH", "path", "groups from the top, and the name", ROWS_TEXT, true, false},
	[TREE_AGAIN] = {"AGAIN", "again", "whether what is below it stands above already", ROWS_BOOL, true, false},
};
const struct cli_listing tree_listing = {tree_columns, COUNT(tree_columns)};

/* What stands before a name: of each level above whether more of it follows, and of its own. */
struct pen {
	const char *more, *last, *passing, *nothing;
};
static const struct pen lines = {"├─ ", "└─ ", "│  ", "   "};
static const struct pen plain = {"|- ", "`- ", "|  ", "   "};

struct drawing {
	struct store_view *view;
	struct group_graph *graph;
	struct rows *rows;
	const struct pen *pen; /* NULL: not drawn */
	VEC(uint64_t *) seen;  /* ids of groups that stand there already */
	struct map *by_id;     /* them */
};

static void drawing_done(struct drawing *drawing)
{
	vec_foreach(&drawing->seen, id)
		free(*id);
	vec_done(&drawing->seen);
	map_free(drawing->by_id);
	group_graph_close(drawing->graph);
	rows_free(drawing->rows);
}

/* A line, and those above it. */
struct place {
	const struct place *above;
	const char *name;
	size_t depth;
	bool last; /* of its group */
};

static void add_lines(struct str *text, const struct place *place, const struct pen *pen)
{
	if (place->depth == 0)
		return;
	add_lines(text, place->above, pen);
	str_add(text, place->last ? pen->nothing : pen->passing);
}

static void add_path(struct str *text, const struct place *place)
{
	if (place->above) {
		add_path(text, place->above);
		str_add_char(text, '/');
	}
	str_add(text, place->name);
}

static void fill(const struct drawing *drawing, const struct place *place, const char *kind, bool again)
{
	cleanup(str_done) struct str name = {0};
	cleanup(str_done) struct str path = {0};

	if (drawing->pen && place->depth > 0) {
		add_lines(&name, place->above, drawing->pen);
		str_add(&name, place->last ? drawing->pen->last : drawing->pen->more);
	}
	str_add(&name, place->name);
	if (drawing->pen && again)
		str_add(&name, " (above)");
	add_path(&path, place);
	rows_text(drawing->rows, TREE_NAME, str_text(&name));
	rows_text(drawing->rows, TREE_PATH, str_text(&path));
	rows_text(drawing->rows, TREE_KIND, kind);
	rows_number(drawing->rows, TREE_DEPTH, place->depth);
	rows_bool(drawing->rows, TREE_AGAIN, again);
}

static bool see(struct drawing *drawing, uint64_t id)
{
	uint64_t *kept = mem_copy(&id, sizeof id);

	vec_push(&drawing->seen, kept);
	return map_add(drawing->by_id, kept, sizeof *kept, kept);
}

static int draw_image(struct drawing *drawing, const struct group_member *member, const struct place *place,
		      struct err *e)
{
	cleanup(image_done) struct image image = {0};

	if (image_find_id(drawing->view, member->image, &image, e) < 0)
		return e->code;
	fill(drawing, place, "image", false);
	rows_number(drawing->rows, TREE_COUNT, member->count);
	rows_text(drawing->rows, TREE_IMAGE, image.name);
	return rows_end(drawing->rows, e);
}

static int draw_group(struct drawing *drawing, const struct group *group, const struct place *place,
		      struct err *e);

static int draw_member(struct drawing *drawing, const struct group_member *member, struct place *place,
		       struct err *e)
{
	place->name = member->name;
	if (member->image)
		return draw_image(drawing, member, place, e);
	const struct group *group = group_graph_group(drawing->graph, member->group);
	if (!group)
		return err_set(e, ERR_CORRUPT, "a group that is a member is missing");
	place->name = group->name;
	return draw_group(drawing, group, place, e);
}

static int draw_members(struct drawing *drawing, const struct group *group, const struct place *above,
			struct err *e)
{
	for (size_t i = 0; i < group->members.count; i++) {
		struct place place = {
			.above = above, .depth = above->depth + 1, .last = i + 1 == group->members.count};
		if (draw_member(drawing, &group->members.items[i], &place, e) < 0)
			return e->code;
	}
	return 0;
}

/* Each group is drawn whole once: what is shared by many would fill pages, and is one. */
static int draw_group(struct drawing *drawing, const struct group *group, const struct place *place,
		      struct err *e)
{
	cleanup(group_vms_done) struct group_vms vms = {0};
	bool again = !see(drawing, group->id);

	if (group_graph_vms(drawing->graph, group->id, &vms, e) < 0)
		return e->code;
	fill(drawing, place, "group", again && group->members.count > 0);
	rows_number(drawing->rows, TREE_COUNT, vms.count);
	if (rows_end(drawing->rows, e) < 0)
		return e->code;
	return again ? 0 : draw_members(drawing, group, place, e);
}

/* ---- from where ---- */

static void count_user(void *context, const struct group *user)
{
	(void)user;
	++*(size_t *)context;
}

static int add_tops(const struct drawing *drawing, struct groups *tops, struct err *e)
{
	cleanup(groups_done) struct groups all = {0};

	if (group_all(drawing->view, &all, e) < 0)
		return e->code;
	vec_foreach(&all, group) {
		size_t users = 0;
		group_graph_users(drawing->graph, group->id, count_user, &users);
		if (users > 0)
			continue;
		vec_push(tops, *group);
		*group = (struct group){0};
	}
	return 0;
}

static int find_tops(const struct options *o, const struct drawing *drawing, struct groups *tops, struct err *e)
{
	if (o->cli.operand_count == 0)
		return add_tops(drawing, tops, e);
	for (size_t i = 0; i < o->cli.operand_count; i++) {
		struct group group;
		if (group_require(drawing->view, o->cli.operands[i], &group, e) < 0)
			return e->code;
		vec_push(tops, group);
	}
	return 0;
}

/* cli_init has set a locale of its own, so it is asked of the environment: setlocale(3). */
static bool is_utf8(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < COUNT(variables); i++) {
		const char *value = getenv(variables[i]);
		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
	}
	return false;
}

static const struct pen *choose_pen(const struct options *o)
{
	if (o->cli.format != ROWS_TABLE)
		return NULL;
	return is_utf8() ? &lines : &plain;
}

int command_tree(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(groups_done) struct groups tops = {0};
	cleanup(drawing_done) struct drawing drawing = {.by_id = map_new(), .pen = choose_pen(o)};

	drawing.rows = cli_rows(&o->cli, o->e);
	if (!drawing.rows || cli_store(&o->conf, STORE_READ, &store, o->e) < 0 ||
	    store_view_open(&view, store, o->e) < 0 || group_graph_open(&drawing.graph, view, o->e) < 0)
		return o->e->code;
	drawing.view = view;
	if (find_tops(o, &drawing, &tops, o->e) < 0)
		return o->e->code;
	vec_foreach(&tops, group) {
		const struct place place = {.name = group->name};
		if (draw_group(&drawing, group, &place, o->e) < 0)
			return err_wrap(o->e, "group %s", group->name);
	}
	return rows_finish(drawing.rows, o->e);
}
