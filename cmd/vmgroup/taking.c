/* taking.c - VMs captured as images for groups, as mastimg register and update do: not built yet. */
#include "config.h"

#include "taking.h"

int taking_register(struct options *o, struct store *store, const struct host *host, const char *vm,
		    const char *name, struct image *image, struct err *e)
{
	(void)o;
	(void)store;
	(void)host;
	(void)vm;
	(void)name;
	(void)image;
	return err_set(e, ERR_USAGE, "this version cannot do it yet");
}

int taking_update(struct options *o, struct store *store, const struct host *host, const struct image *old,
		  struct err *e)
{
	(void)o;
	(void)store;
	(void)host;
	(void)old;
	return err_set(e, ERR_USAGE, "this version cannot do it yet");
}
