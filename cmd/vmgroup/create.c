/* create.c - vmgroup create, add: groups of images, VMs and groups. */
#include "config.h"

#include "common.h"
#include "group.h"
#include "mem.h"
#include "member.h"
#include "speaker.h"

/* Before anything is captured, which may take long: whether the rules let it be. */
static int read_and_check(const struct options *o, struct store *store, const struct group *base,
			  struct members *members, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(group_done) struct group trial = {0};

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	if (base->id == 0 && check_new_name(view, base->name, e) < 0)
		return e->code;
	if (members_read(o, view, o->cli.operands + 1, o->cli.operand_count - 1, members, e) < 0)
		return e->code;
	group_copy(&trial, base);
	members_add_to(members, o->replace, &trial);
	return group_check(view, &trial, e);
}

int command_create(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(members_done) struct members members = {0};
	cleanup(group_done) struct group group = {0};
	cleanup(str_done) struct str what = {0};

	if (cli_operands(&o->cli, 1, COMMON_OPERANDS_MAX, o->e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0)
		return o->e->code;
	group.name = mem_string(o->cli.operands[0]);
	group.comment = mem_string(o->comment);
	if (read_and_check(o, store, &group, &members, o->e) < 0 || members_capture(o, store, &members, o->e) < 0)
		return o->e->code;
	members_add_to(&members, false, &group);
	members_describe(&members, "create", &what);
	return group_create(store, &group, str_text(&what), speaker_name(), o->e);
}

struct addition {
	const struct members *members;
	bool replace;
};

static int append(struct group *group, void *context, struct err *e)
{
	const struct addition *addition = context;

	(void)e;
	members_add_to(addition->members, addition->replace, group);
	return 0;
}

int command_add(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(members_done) struct members members = {0};
	cleanup(group_done) struct group group = {0};
	cleanup(str_done) struct str what = {0};

	if (cli_operands(&o->cli, 2, COMMON_OPERANDS_MAX, o->e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0 ||
	    require_group(store, o->cli.operands[0], &group, o->e) < 0 ||
	    read_and_check(o, store, &group, &members, o->e) < 0 || members_capture(o, store, &members, o->e) < 0)
		return o->e->code;
	members_describe(&members, o->replace ? "add --replace" : "add", &what);
	struct addition addition = {&members, o->replace};
	return change_group(o, store, group.name, append, &addition, str_text(&what), o->e);
}
