/* gc.c - mastimg gc. */
#include "config.h"

#include "mastimg.h"

int command_gc(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "gc: this version cannot do it yet");
}
