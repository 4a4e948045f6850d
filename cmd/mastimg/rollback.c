/* rollback.c - mastimg rollback. */
#include "config.h"

#include "mastimg.h"

int command_rollback(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "rollback: this version cannot do it yet");
}
