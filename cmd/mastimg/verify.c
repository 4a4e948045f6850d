/* verify.c - mastimg verify. */
#include "config.h"

#include "mastimg.h"

int command_verify(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "verify: this version cannot do it yet");
}
