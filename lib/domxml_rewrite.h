/*
 * domxml_rewrite.h - a part of domxml.h: the definition of a domain turned into that of another one.
 *
 * The XML of a master image is hostile as all XML is. What is not understood stays as it is.
 */
#ifndef VMROLL_DOMXML_REWRITE_H
#define VMROLL_DOMXML_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "str.h"

/* A disk that the new domain keeps: by target, with the file, device or network volume that it has now. All others are dropped but those without a medium (an empty cdrom stays). */
struct domxml_new_disk {
	const char *target;
	const char *path;   /* of the volume */
	const char *type;   /* "file" or "block" */
	const char *format; /* raw, qcow2 */
};

struct domxml_change {
	const char *name; /* any bytes that XML can hold */
	const char *uuid; /* text */
	const struct domxml_new_disk *disks;
	size_t disk_count;
	const char *const *macs; /* of its interfaces in their order; as many as it has (domxml_parse) */
	size_t mac_count;
	const char *nvram; /* path of its variables, or NULL: libvirt makes them from the template */
	const char *metadata; /* one XML element with a namespace of its own that replaces what <metadata> had in that namespace; or NULL */
};

/*
 * Writes the changed XML to OUT. Dropped are what belongs to one life on one host: ids, aliases, seclabels that are dynamic, backing
 * chains, sources of CD-ROMs and floppies, checkpoints, names of network devices (target dev of interfaces), paths of
 * sockets and channels that libvirt makes, host devices of interfaces of type hostdev stay. <genid> is emptied, so that libvirt makes a new one. A file of a serial line,
 * console or log whose name holds the old domain's name gets the new one's in its place; one that does not is listed in KEPT.
 * TPM state, hostdevs and shared folders (filesystem) are kept as they are and listed in KEPT: one line for people each ("serial: /var/log/x",
 * "hostdev: pci 0000:01:00.0"), separated by newlines; KEPT may be NULL. ERR_CORRUPT and ERR_TOO_LARGE as domxml_parse; ERR_USAGE: a count of MACs or a target that does not fit.
 */
int domxml_rewrite(const char *xml, size_t length, const struct domxml_change *change, struct str *out,
		   struct str *kept, struct err *e);

/* A definition as text that is the same for the same meaning: without ids, MACs' order, white space; for a digest that tells whether a definition changed. */
int domxml_canonical(const char *xml, size_t length, struct str *out, struct err *e);

#endif
