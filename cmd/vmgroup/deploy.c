/* deploy.c - vmgroup deploy, undeploy, resume, start, stop, restart, status: not built yet. */
#include "config.h"

#include "vmgroup.h"

const struct column status_columns[] = {
	{"DEPLOYMENT", "deployment", "name", ROWS_TEXT, false, false},
};
const size_t status_column_count = 1;

static int not_built(void *context)
{
	const struct options *o = context;

	return err_set(o->e, ERR_USAGE, "not built yet");
}

int command_deploy(void *context)
{
	return not_built(context);
}

int command_undeploy(void *context)
{
	return not_built(context);
}

int command_resume(void *context)
{
	return not_built(context);
}

int command_start(void *context)
{
	return not_built(context);
}

int command_stop(void *context)
{
	return not_built(context);
}

int command_restart(void *context)
{
	return not_built(context);
}

int command_status(void *context)
{
	return not_built(context);
}
