/* repository_pool.c - a repository in a storage pool of a libvirt host. */
#include "config.h"

#include "repository_private.h"

int repository_pool_open(struct repository **repository, const char *pool, const char *uri, struct err *e)
{
	(void)repository;
	return err_set(e, ERR_USAGE, "repository pool:%s@%s: pools are not built yet", pool, uri);
}
