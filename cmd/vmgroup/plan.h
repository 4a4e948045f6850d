/* plan.h - a deployment drawn up whole: every name, UUID, MAC, pool and volume of its machines, and the bases that they are made of. */
#ifndef VMGROUP_PLAN_H
#define VMGROUP_PLAN_H

#include "deployment.h"
#include "fit.h"

/*
 * Fills DEPLOYMENT (id, name, group, begun and what was asked for are set) with its machines, and BASES. ERR_USAGE: hosts have
 * domains of these names already; each was named on stderr.
 */
int plan_draw(const struct fit *fit, const struct fit_order *order, struct deployment *deployment,
	      struct deployed_bases *bases, struct err *e);

#endif
