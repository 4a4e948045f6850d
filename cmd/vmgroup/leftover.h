/* leftover.h - files of a deployed machine that its deployment did not make, and so does not remove. */
#ifndef VMGROUP_LEFTOVER_H
#define VMGROUP_LEFTOVER_H

#include "deployment.h"
#include "virt.h"

/*
 * In a worker, before MACHINE is undefined: names on stderr each file of its disks, down their chains, that the record does not know: overlays of external
 * snapshots, disks that somebody attached. What cannot be read is said; it keeps nobody from removing the rest. Media (cdrom, floppy), what is
 * read-only or shared, and disks over the network are somebody else's, and not named.
 */
void leftover_tell(struct virt *virt, const struct deployed *machine);

#endif
