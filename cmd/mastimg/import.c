/* import.c - mastimg import. */
#include "config.h"

#include "mastimg.h"

int command_import(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "import: this version cannot do it yet");
}
