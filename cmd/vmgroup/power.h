/* power.h - the machines of a deployment started in their order, and stopped against it. */
#ifndef VMGROUP_POWER_H
#define VMGROUP_POWER_H

#include <stdbool.h>

#include "deployment.h"
#include "session.h"

/* One after the other; running already is success. The first failure ends it. */
int power_start(struct session *session, struct deployment *deployment, struct err *e);
/*
 * Asks each, from the last to the first, to shut down, and waits for it for as long as --timeout says; with --force what still runs
 * then has its plug pulled. Each that fails is told; ERR_PARTIAL.
 */
int power_stop(struct session *session, struct deployment *deployment, struct err *e);

#endif
