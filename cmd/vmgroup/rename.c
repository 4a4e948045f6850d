/* rename.c - vmgroup rename, copy. */
#include "config.h"

#include "common.h"
#include "group.h"
#include "mem.h"
#include "speaker.h"

static int check_name(struct store *store, const char *name, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	return store_view_open(&view, store, e) < 0 ? e->code : check_new_name(view, name, e);
}

static int give_name(struct group *group, void *context, struct err *e)
{
	(void)e;
	mem_replace(&group->name, context);
	return 0;
}

int command_rename(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;

	if (cli_operands(&o->cli, 2, 2, o->e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0 ||
	    check_name(store, o->cli.operands[1], o->e) < 0)
		return o->e->code;
	cleanup(cleanup_mem) char *what = mem_format("rename to %s", o->cli.operands[1]);
	return change_group(o, store, o->cli.operands[0], give_name, o->cli.operands[1], what, o->e);
}

int command_copy(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(group_done) struct group group = {0};
	cleanup(group_done) struct group copy = {0};

	if (cli_operands(&o->cli, 2, 2, o->e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0 ||
	    check_name(store, o->cli.operands[1], o->e) < 0 ||
	    require_group(store, o->cli.operands[0], &group, o->e) < 0)
		return o->e->code;
	group_copy(&copy, &group);
	copy.id = 0;
	mem_replace(&copy.name, o->cli.operands[1]);
	if (o->comment)
		mem_replace(&copy.comment, o->comment);
	cleanup(cleanup_mem) char *what = mem_format("copy of %s", group.name);
	return group_create(store, &copy, what, speaker_name(), o->e);
}
