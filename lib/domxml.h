/*
 * domxml.h - what libvirt's XML says about a domain and about a host.
 *
 * The only user of libxml2. The XML comes from other machines and may hold
 * anything: nothing is fetched (XML_PARSE_NONET) or expanded, a document with
 * a DTD is refused, and size, depth and the number of devices are bounded.
 * Formats: https://libvirt.org/formatdomain.html, formatcaps.html.
 */
#ifndef VMROLL_DOMXML_H
#define VMROLL_DOMXML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "vec.h"

enum {
	DOMXML_SIZE_MAX = 4 << 20, /* libvirt's own limit of a string on the wire */
	DOMXML_DEVICES_MAX = 2048  /* disks, and NICs, of one domain */
};

/* Strings are NULL where the XML does not say. */
struct domxml_disk {
	char *target; /* vda */
	char *source; /* path, device, volume, or protocol:name of a network disk */
	char *device; /* disk, cdrom, floppy, lun */
	char *format; /* qcow2, raw */
	char *type;   /* file, block, volume, network, … */
	char *bus;    /* virtio, sata, … */
	char *pool;   /* of type volume, whose source is the volume's name */
	char *volume;
	bool read_only;
	bool shareable;
	bool encrypted; /* what lies in the volume is not what the guest sees */
	bool backing;   /* it stands on another one, as the XML of a running domain shows, or who wrote it */
};

struct domxml_nic {
	char *mac;     /* lower case */
	char *type;    /* network, bridge, direct, user, … */
	char *network; /* the network, else the bridge, else the host's device */
	char *uplink;  /* bridge or device of the host that it leads to; of a network only while it runs */
	char *model;   /* virtio, e1000, … */
	char *target;  /* device on the host, of a running domain */
	uint64_t inbound_kib_s; /* average bandwidth limit; 0 is none */
	uint64_t outbound_kib_s;
};

struct domxml {
	char *uuid;
	char *name;
	char *title;
	char *description;
	char *os;       /* "Debian 12" from libosinfo's metadata, else type and architecture: "hvm x86_64" */
	char *os_id;    /* libosinfo's identifier, http://debian.org/debian/12 */
	char *type;     /* kvm, qemu, test, … */
	char *arch;     /* x86_64 */
	char *machine;  /* pc-q35-7.2 */
	char *emulator; /* path */
	char *firmware; /* efi, where libvirt chooses the loader */
	char *loader;   /* path */
	char *nvram;    /* path of the firmware's variables */
	char *nvram_format;
	char *genid; /* UUID, or empty in the XML and then NULL */
	bool has_tpm;
	uint64_t vcpus; /* current */
	uint64_t vcpus_max;
	uint64_t memory_bytes; /* what the guest may use at most without hotplug */
	VEC(struct domxml_disk) disks;
	VEC(struct domxml_nic) nics;
};

/*
 * Reads the <domain> in TEXT (LENGTH bytes); domxml_done frees what it owns.
 * ERR_CORRUPT: not well-formed, not a domain, without name or UUID, a DTD, or
 * a limit of libxml2; ERR_TOO_LARGE: above the limits here.
 */
int domxml_parse(struct domxml *domain, const char *text, size_t length, struct err *e);
void domxml_done(struct domxml *domain);

struct domxml_host {
	char *uuid; /* NULL: the driver has none (test) */
	char *arch;
	char *cpu_model;
};

/* Reads <capabilities>; errors as domxml_parse. */
int domxml_parse_capabilities(struct domxml_host *host, const char *text, size_t length, struct err *e);
void domxml_host_done(struct domxml_host *host);

/*
 * Reads the <interface> of a host: *RATE_BPS is the speed of its link, of a bridge the highest of its
 * ports; UINT64_MAX where none is up and says so. Format: interface.rng of libvirt's schemas. Errors as
 * domxml_parse.
 */
int domxml_parse_interface(uint64_t *rate_bps, const char *text, size_t length, struct err *e);

/*
 * The name of the system that a libosinfo identifier means, made from its last
 * two parts: http://debian.org/debian/12 is "Debian 12". NULL if it has no
 * such form; else the caller frees it.
 */
char *domxml_os_name(const char *identifier);

#endif
