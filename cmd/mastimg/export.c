/* export.c - mastimg export. */
#include "config.h"

#include "mastimg.h"

int command_export(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "export: this version cannot do it yet");
}
