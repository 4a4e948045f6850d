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

/*
 * A disk that the new domain keeps: by target, with the file, device or network volume that it has now. All others are dropped,
 * but CD-ROMs and floppies, which stay without a medium.
 */
struct domxml_new_disk {
	const char *target;
	const char *path;   /* of the volume */
	const char *type;   /* "file" or "block" */
	const char *format; /* raw, qcow2 */
};

struct domxml_change {
	const char *name; /* any text that XML can hold, without / */
	const char *uuid; /* text */
	const struct domxml_new_disk *disks;
	size_t disk_count;
	const char *const *macs; /* of its interfaces in their order; as many as it has (domxml_parse) */
	size_t mac_count;
	const char *nvram; /* path of its variables, or NULL: libvirt makes them from the template */
	const char *metadata; /* one XML element with a namespace of its own that replaces what <metadata> had in that namespace; or NULL */
};

/*
 * Appends the changed XML to OUT. Dropped is what belongs to one life on one host: ids, aliases but those of users (ua-…), labels
 * of dynamic seclabels, backing chains and encryption of disks, media of CD-ROMs and floppies, names of network devices
 * (target dev of interfaces) and ids of their ports, ports that are assigned, terminals, and paths of sockets that libvirt makes.
 * <genid> is emptied, so that libvirt makes a new one; the UUID in <sysinfo> follows. A file of a serial line, console, channel, socket or log
 * whose name holds the old domain's name or UUID as a whole word gets the new one's in its place.
 *
 * All else is kept as it is, and where it names something of the host, or something that only one domain can have, it is a line
 * for people in KEPT ("serial: /var/log/x", "hostdev: pci 0000:01:00.0", "graphics: vnc port 5901"), each once, escaped, separated by
 * newlines: files and sockets of other names, fixed ports, hostdevs, shared folders, TPMs, kernels, and files in the arguments of <qemu:commandline>. KEPT
 * may be NULL. Not told are what all hosts have alike: emulator, loader, networks and bridges.
 *
 * ERR_CORRUPT and ERR_TOO_LARGE as domxml_parse, ERR_CORRUPT also where two disks have the same target; ERR_USAGE: a count of MACs or a
 * target that does not fit, or a text that XML cannot hold. OUT and KEPT are as they were then.
 */
int domxml_rewrite(const char *xml, size_t length, const struct domxml_change *change, struct str *out,
		   struct str *kept, struct err *e);

/*
 * A definition as text that is the same for the same meaning, appended to OUT; for a digest that tells whether a definition changed.
 * Without what one life gives it (ids, aliases, backing chains, …, as above), white space, comments, prefixes of namespaces, and the order of attributes, of devices
 * and of what stands outermost. Errors as domxml_parse.
 */
int domxml_canonical(const char *xml, size_t length, struct str *out, struct err *e);

#endif
