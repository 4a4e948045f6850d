/* build.h - what a plan says is made: volumes, definitions, and running machines; each step recorded. */
#ifndef VMGROUP_BUILD_H
#define VMGROUP_BUILD_H

#include "deployment.h"
#include "session.h"
#include "source.h"

/*
 * Does all that is left to do of DEPLOYMENT, which is locked and BUILDING, and records that it is done. SOURCES are its images, locked and
 * read. AGAIN: somebody was at it before, and anything of it may exist. What fails names host and machine; it is the
 * caller's to take back what was made.
 */
int build(struct session *session, struct deployment *deployment, const struct sources *sources, bool again,
	  struct err *e);

/* copy.c: all volumes of machines that have none yet. */
int build_volumes(struct session *session, struct deployment *deployment, const struct sources *sources,
		  bool again, struct err *e);
/* domains.c: definitions of machines whose volumes are there. */
int build_domains(struct session *session, struct deployment *deployment, const struct sources *sources,
		  struct err *e);

#endif
