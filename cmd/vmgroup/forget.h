/* forget.h - what lies on a host that is lost for good is forgotten, so that the rest of its deployment can go. */
#ifndef VMGROUP_FORGET_H
#define VMGROUP_FORGET_H

#include <stdbool.h>
#include <stddef.h>

#include "deployment.h"
#include "session.h"
#include "vec.h"

/* Places of machines in the deployment that are forgotten, and the hosts that these are on (borrowed). */
struct forget {
	VEC(size_t) machines;
	VEC(const char *) hosts;
};
void forget_done(struct forget *forget);

/*
 * Chooses what DEPLOYMENT has on the hosts of --forget-host, and takes it for removed in *DEPLOYMENT, but not yet in the store. ERR_REFUSED: such a
 * host is in hosts(5), and answers. ERR_NOT_FOUND: the deployment has nothing there, unless --all asks for those that have.
 */
int forget_choose(struct forget *forget, struct session *session, struct deployment *deployment, struct err *e);
/* Once the removal is recorded: names on stderr each VM and volume that is left behind, and records that it is forgotten. */
int forget_record(const struct forget *forget, struct session *session, struct deployment *deployment,
		  struct err *e);

#endif
