/* define.c - vmgroup's defining commands: not built yet. */
#include "config.h"

#include "vmgroup.h"

const struct column groups_columns[] = {{"GROUP", "group", "name", ROWS_TEXT, false, false}};
const struct column members_columns[] = {{"NAME", "name", "name", ROWS_TEXT, false, false}};
const struct column tree_columns[] = {{"NAME", "name", "name", ROWS_TEXT, false, false}};
const struct column log_columns[] = {{"TIME", "time", "when", ROWS_TIME, false, false}};
const size_t groups_column_count = 1, members_column_count = 1, tree_column_count = 1, log_column_count = 1;

static int not_built(void *context)
{
	const struct options *o = context;

	return err_set(o->e, ERR_USAGE, "not built yet");
}

int command_create(void *context)
{
	return not_built(context);
}

int command_add(void *context)
{
	return not_built(context);
}

int command_remove(void *context)
{
	return not_built(context);
}

int command_update(void *context)
{
	return not_built(context);
}

int command_rename(void *context)
{
	return not_built(context);
}

int command_copy(void *context)
{
	return not_built(context);
}

int command_delete(void *context)
{
	return not_built(context);
}

int command_list(void *context)
{
	return not_built(context);
}

int command_show(void *context)
{
	return not_built(context);
}

int command_tree(void *context)
{
	return not_built(context);
}

int command_log(void *context)
{
	return not_built(context);
}

int command_export(void *context)
{
	return not_built(context);
}

int command_import(void *context)
{
	return not_built(context);
}
