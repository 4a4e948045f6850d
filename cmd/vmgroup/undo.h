/* undo.h - what a deployment made is removed again: exactly what its record names. */
#ifndef VMGROUP_UNDO_H
#define VMGROUP_UNDO_H

#include <stdbool.h>

#include "deployment.h"
#include "session.h"

/*
 * Removes all that DEPLOYMENT, which is locked, made, and forgets it; FORCE ends machines that run. WHY (NULL: it was asked for) is
 * recorded meanwhile. Hosts that do not answer are told and keep their part: ERR_PARTIAL; another undo goes on with them. A second signal ends it likewise.
 */
int undo(struct session *session, struct deployment *deployment, const char *why, bool force, struct err *e);

/* Records that DEPLOYMENT is being removed, and WHY; nothing else. undo does it, too. */
int undo_begin(struct session *session, struct deployment *deployment, const char *why, struct err *e);

/*
 * Gives up the bases that no machine of DEPLOYMENT stands on, and removes those that nobody else uses. What cannot be removed now is told, and
 * stays recorded: *LEFT.
 */
int undo_bases(struct session *session, struct deployment *deployment, size_t *left, struct err *e);

/* Machines that run are told; how many. Hosts that do not answer are silent about theirs: they are told by undo. */
int undo_count_running(struct session *session, struct deployment *deployment, size_t *running, struct err *e);

#endif
