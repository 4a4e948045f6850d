/* delete.c - mastimg delete. */
#include "config.h"

#include "mastimg.h"

int command_delete(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "delete: this version cannot do it yet");
}
