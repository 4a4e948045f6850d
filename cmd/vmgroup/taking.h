/* taking.h - VMs captured as images for groups, as mastimg register and update do. */
#ifndef VMGROUP_TAKING_H
#define VMGROUP_TAKING_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hosts.h"
#include "image.h"
#include "store.h"
#include "vmgroup.h"

/*
 * Captures VM of HOST as the image NAME, whose number is *ID; or OLD again. What is left on a host or in the repository for mastimg gc
 * is said here. From now on SIGINT, SIGTERM and SIGHUP take back what is being captured, which fails then.
 */
int taking_register(const struct options *o, struct store *store, const struct host *host, const char *vm,
		    const char *name, uint64_t *id, struct err *e);
int taking_update(const struct options *o, struct store *store, const struct host *host,
		  const struct image *old, struct err *e);
/* A signal came: nothing more is to be captured. */
bool taking_is_stopped(void);

#endif
