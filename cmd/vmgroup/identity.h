/* identity.h - --reset-identity: images copied on the station, and what makes a machine this one taken out of the copies by virt-sysprep(1). */
#ifndef VMGROUP_IDENTITY_H
#define VMGROUP_IDENTITY_H

#include "lock.h"
#include "session.h"
#include "source.h"
#include "stage.h"
#include "vec.h"

/* The copies of one deployment; each has a stage of its own, so that whatever a killed process leaves is what mastimg gc removes. */
struct identity {
	struct session *session;
	struct repository *repository;
	VEC(struct stage) stages;
	VEC(struct lock) locks;
};
/* Removes the copies. */
void identity_done(struct identity *identity);

/* ERR_ENV unless virt-sysprep is installed. ERR_USAGE: the repository is a pool. To be called before anything is promised. */
int identity_check(struct session *session, struct err *e);
/* Makes each of SOURCES read from a copy whose identity was reset, and says what was. */
int identity_reset(struct identity *identity, struct session *session, struct sources *sources, struct err *e);

#endif
