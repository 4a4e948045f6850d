/* grouptext_write.c - definitions of groups as text: written from the store. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "grouptext.h"
#include "map.h"
#include "mem.h"
#include "textfile.h"

struct writer {
	struct store_view *view;
	struct str *out;
	VEC(struct group *) groups; /* to be written, in order; grows while it is walked */
	struct map *seen;           /* them, by id */
};

static void writer_done(struct writer *writer)
{
	map_free(writer->seen);
	vec_foreach(&writer->groups, group) {
		group_done(*group);
		free(*group);
	}
	vec_done(&writer->groups);
}

/* Takes over what is in *GROUP. */
static void add_to_groups(struct writer *writer, struct group *group)
{
	struct group *kept = mem_copy(group, sizeof *group);

	if (map_add(writer->seen, &kept->id, sizeof kept->id, kept)) {
		vec_push(&writer->groups, kept);
	} else {
		group_done(kept);
		free(kept);
	}
	*group = (struct group){0};
}

/* A comment is the rest of its line: blanks at its ends would be lost. */
static void add_comment(struct str *out, const char *comment)
{
	size_t length = strlen(comment);
	size_t leading = strspn(comment, " ");
	size_t trailing = 0;

	while (trailing < length - leading && comment[length - 1 - trailing] == ' ')
		trailing++;
	str_add(out, "\tcomment ");
	for (size_t i = 0; i < leading; i++)
		str_add(out, "\\x20");
	str_add_escaped(out, comment + leading, length - leading - trailing);
	for (size_t i = 0; i < trailing; i++)
		str_add(out, "\\x20");
	str_add_char(out, '\n');
}

static int missing(const struct group *group, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "group %s: %s that is its member is missing", group->name, what);
}

static int add_image(struct writer *writer, const struct group *group, const struct group_member *member,
		     struct err *e)
{
	cleanup(image_done) struct image image = {0};

	int result = image_find_id(writer->view, member->image, &image, e);
	if (result <= 0)
		return result < 0 ? result : missing(group, "an image", e);
	str_addf(writer->out, "\timage %s = %s", member->name, image.name);
	if (member->count != 1)
		str_addf(writer->out, " * %llu", (unsigned long long)member->count);
	str_add_char(writer->out, '\n');
	return 0;
}

static int add_group(struct writer *writer, const struct group *group, const struct group_member *member,
		     struct err *e)
{
	struct group below;

	int result = group_find_id(writer->view, member->group, &below, e);
	if (result <= 0)
		return result < 0 ? result : missing(group, "a group", e);
	str_addf(writer->out, "\tgroup %s\n", below.name);
	add_to_groups(writer, &below);
	return 0;
}

static int add_definition(struct writer *writer, const struct group *group, struct err *e)
{
	str_addf(writer->out, "\ngroup %s {\n", group->name);
	if (group->comment)
		add_comment(writer->out, group->comment);
	vec_foreach(&group->members, member) {
		int result = member->group ? add_group(writer, group, member, e)
					   : add_image(writer, group, member, e);
		if (result < 0)
			return result;
	}
	str_add(writer->out, "}\n");
	return 0;
}

int grouptext_write(struct store_view *view, const struct groups *groups, struct str *out, struct err *e)
{
	cleanup(writer_done) struct writer writer = {.view = view, .out = out, .seen = map_new()};

	str_add(out, TEXTFILE_BEGIN "\n# Definitions of groups, for vmgroup import: vmroll-groups(5).\n");
	vec_foreach(groups, group) {
		struct group copy;
		group_copy(&copy, group);
		add_to_groups(&writer, &copy);
	}
	for (size_t i = 0; i < writer.groups.count; i++)
		if (add_definition(&writer, writer.groups.items[i], e) < 0)
			return e->code;
	str_add(out, "\n" TEXTFILE_END "\n");
	return 0;
}
