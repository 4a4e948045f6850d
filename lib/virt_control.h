/*
 * virt_control.h - a part of virt.h: what is done to domains, and asked of one. A domain is its UUID.
 *
 * Needs a connection of virt_open_control where something is changed. Errors as virt.h; ERR_NOT_FOUND: no such domain here.
 */
#ifndef VMROLL_VIRT_CONTROL_H
#define VMROLL_VIRT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"
#include "virt.h"
#include "virt_volume.h"

/* UUID (VIRT_UUID_SIZE bytes) of the domain of that exact name. ERR_NOT_FOUND. */
int virt_domain_find(struct virt *virt, const char *name, unsigned char *uuid, struct err *e);
/* virDomainState; 1 and *STATE, 0 if there is no such domain. */
int virt_domain_state(struct virt *virt, const unsigned char *uuid, int *state, struct err *e);
bool virt_state_is_active(int state); /* it has a process: running, blocked, paused, in shutdown, suspended */

/* The definition as it holds from the next start on, without passwords. The caller frees. */
int virt_domain_config(struct virt *virt, const unsigned char *uuid, char **xml, struct err *e);
/* As it runs now: chains of files, leases, … */
int virt_domain_live(struct virt *virt, const unsigned char *uuid, char **xml, struct err *e);

/*
 * ERR_CONFLICT: its name or UUID is taken; ERR_USAGE: libvirt, or its schema, refuses the XML (why is in *E). A domain that is
 * there already is not changed, unless one of both that name and that UUID is defined in the instant between look and act: libvirt itself
 * refuses where only one of the two is taken, and UUIDs of ours are random.
 */
int virt_domain_define(struct virt *virt, const char *xml, struct err *e);
/* With saved state, snapshot and checkpoint metadata and its NVRAM file. Gone already is success. */
int virt_domain_undefine(struct virt *virt, const unsigned char *uuid, struct err *e);
/* Running already is success. ERR_FULL where the host has no memory for it. */
int virt_domain_start(struct virt *virt, const unsigned char *uuid, struct err *e);
/* Asks it to shut down (ACPI or agent) and waits until UNTIL (when_monotonic): ERR_DEADLINE. Not running, or gone, is success; ERR_ENV: it is paused. */
int virt_domain_shutdown(struct virt *virt, const unsigned char *uuid, int64_t until, struct err *e);
/* Pulls its plug. Not running, or gone, is success. */
int virt_domain_destroy(struct virt *virt, const unsigned char *uuid, struct err *e);

/* IP addresses of a running domain, loopback and link-local left out: from the agent, else from leases, else ARP; the caller calls virt_names_done. None is no error. */
int virt_domain_addresses(struct virt *virt, const unsigned char *uuid, struct virt_names *addresses,
			  struct err *e);

/* Freezes all file systems through the guest agent; ERR_ENV if none answers within WAIT_S seconds. Thawing what is not frozen succeeds. */
int virt_domain_freeze(struct virt *virt, const unsigned char *uuid, int wait_s, struct err *e);
int virt_domain_thaw(struct virt *virt, const unsigned char *uuid, struct err *e);

struct virt_backup_disk {
	const char *target; /* vda; disks not listed are left out */
	const char *file;   /* path on the host of the copy, which must not exist */
	const char *format; /* raw takes room for all of the disk, its holes too; qcow2 for what is used */
};
/*
 * Copies disks of a running domain as they are at the instant at which this begins, all at the same (push mode of
 * virDomainBackupBegin), beside whatever it goes on writing. BEGUN (may be NULL) is called once that instant is past: thaw then. Waits until it is done,
 * tells PROGRESS (may be NULL) bytes done of all disks together; a failure or a stop ends the job. The files are the caller's to delete, after a
 * failure too. ERR_LOCKED: another job runs; ERR_CONFLICT: it stopped; ERR_USAGE: a disk that cannot be copied so (why is in *E).
 */
int virt_domain_backup(struct virt *virt, const unsigned char *uuid, const struct virt_backup_disk *disks,
		       size_t count, void (*begun)(void *context), void *begun_context,
		       const struct disk_progress *progress, struct err *e);
/* ERR_LOCKED: a job runs on it. To be asked before a backup is announced that would be ended, whosever it is. */
int virt_domain_check_idle(struct virt *virt, const unsigned char *uuid, struct err *e);
/* Ends a backup job that a killed process left behind, if the name of a file that it writes holds MARK (NULL: whosever it is). None is success, nor is another touched. */
int virt_domain_backup_abort(struct virt *virt, const unsigned char *uuid, const char *mark, struct err *e);

/* Memory that new domains can have: VIRT_UNKNOWN where the driver does not tell. */
int virt_free_memory(struct virt *virt, uint64_t *bytes, struct err *e);

#endif
