/* register.c - mastimg register, update: VMs captured as images. */
#include "config.h"

#include "mastimg.h"

int command_register(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "register: this version cannot do it yet");
}

int command_update(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "update: this version cannot do it yet");
}
