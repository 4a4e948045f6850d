/*
 * steps_kit.h - what happens when a process is killed, or the disk is full, at each single change that it makes to files.
 *
 * Linked with $(steps_ldflags), so that the calls which change files come here first.
 */
#ifndef VMROLL_STEPS_KIT_H
#define VMROLL_STEPS_KIT_H

#include <stdbool.h>

enum steps_fate {
	STEPS_KILLED, /* before the step; of a write, half is done */
	STEPS_FULL    /* ENOSPC from there on for whatever needs room, until the process ends */
};

enum { STEPS_ENDED = -1 }; /* killed */

/*
 * Runs ACT in a child in which FATE comes at the STEP-th change (from 1), and returns what ACT returned (0 to 100), or
 * STEPS_ENDED. *REACHED says whether there were so many steps.
 */
int steps_run(int (*act)(void *context), void *context, enum steps_fate fate, unsigned step, bool *reached);

/*
 * What of this process a power cut could still take: files and folders that were changed since they were last synced. A file
 * that is renamed before it was is counted for ever.
 */
void steps_watch(void);
unsigned steps_unsynced(void);

#endif
