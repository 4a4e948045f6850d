/* taking.h - VMs captured as images for groups, as mastimg register and update do. */
#ifndef VMGROUP_TAKING_H
#define VMGROUP_TAKING_H

#include "hosts.h"
#include "image.h"
#include "store.h"
#include "vmgroup.h"

/* What is left on a host or in the repository for mastimg gc is said here (ERR_PARTIAL of capture.h). */
int taking_register(struct options *o, struct store *store, const struct host *host, const char *vm,
		    const char *name, struct image *image, struct err *e);
int taking_update(struct options *o, struct store *store, const struct host *host, const struct image *old,
		  struct err *e);

#endif
