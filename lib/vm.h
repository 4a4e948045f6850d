/* vm.h - one virtual machine as one host reports it, and its record. */
#ifndef VMROLL_VM_H
#define VMROLL_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "rec.h"
#include "str.h"

enum { VM_UUID_SIZE = 16, VM_UUID_TEXT_SIZE = 37, VM_MAC_SIZE = 6, VM_MAC_TEXT_SIZE = 18 };

/* The values are libvirt's virDomainState, which is stable ABI. */
enum vm_state {
	VM_NO_STATE = 0,
	VM_RUNNING = 1,
	VM_BLOCKED = 2,
	VM_PAUSED = 3,
	VM_SHUTDOWN = 4,
	VM_SHUTOFF = 5,
	VM_CRASHED = 6,
	VM_PMSUSPENDED = 7,
	VM_GONE = 255 /* only in history: it is no longer defined on that host */
};

/* UINT64_MAX in a size, rate or count below is "unknown". */
#define VM_UNKNOWN UINT64_MAX

struct vm_nic {
	char *mac;         /* lower case with colons */
	char *network;     /* network or bridge name, or NULL */
	char *model;       /* or NULL */
	uint64_t rate_bps; /* bits a second, from a bandwidth limit or the uplink */
};

struct vm {
	unsigned char uuid[VM_UUID_SIZE]; /* in the byte order of its text */
	char *name;                       /* any bytes libvirt lets through */
	enum vm_state state;
	int reason;    /* libvirt's reason code for the state */
	int domain_id; /* libvirt's id while it runs, else -1 */
	char *os;      /* for people: "Debian 12"; NULL unknown */
	char *os_id;   /* libosinfo URI, or NULL */
	uint64_t vcpus;
	uint64_t memory_bytes; /* the maximum */
	uint64_t disk_bytes;   /* capacity of all disks together */
	struct vm_nic *nics;
	size_t nic_count;
	uint64_t disks_mark; /* fingerprint of the disks as the bulk call lists them (0: it did not): another one means that the XML must be read anew */
	int64_t xml_read; /* when the XML was last read (WHEN_UNKNOWN: not yet; then os and nics are unknown, not absent) */
	bool xml_known; /* attributes from the XML are filled in */
};

void vm_done(struct vm *vm);
void vm_copy(struct vm *to, const struct vm *from); /* *to is overwritten, not freed */
/* Only what comes from the XML: os, os_id, nics, xml_known, xml_read. Overwritten, not freed. */
void vm_copy_xml(struct vm *to, const struct vm *from);
/* Whether history would hold the same: all but xml_read and disks_mark. */
bool vm_same(const struct vm *a, const struct vm *b);
/* Whether it was using a host's CPU or memory: any state but shutoff, crashed, no state and gone. */
bool vm_is_active(const struct vm *vm);

/* As virsh(1) says it: "running", "shut off", …; "unknown" for what libvirt may add. */
const char *vm_state_name(enum vm_state state);
/* "booted", "migrated", "destroyed", … for a state and its reason; NULL if libvirt gives none or we do not know it. */
const char *vm_reason_name(enum vm_state state, int reason);

/* Lower case with hyphens, VM_UUID_TEXT_SIZE bytes with the NUL. Returns TEXT. */
const char *vm_uuid_format(const unsigned char *uuid, char *text);
/* Reads a UUID with or without hyphens, any case. ERR_USAGE. */
int vm_uuid_parse(const char *text, unsigned char *uuid, struct err *e);
/* Reads the beginning of a UUID, hyphens where they belong or none at all; returns how many hex digits, 0 if it is no such thing. The rest of UUID is zero. */
size_t vm_uuid_parse_prefix(const char *text, unsigned char *uuid);
/* The other byte order of the first three fields (SMBIOS 2.6, 7.2.1), as some guests print it. */
void vm_uuid_swap(const unsigned char *uuid, unsigned char *swapped);
/*
 * The identity of a host whose libvirt gives no UUID, from its hosts(5) name: RFC 9562 version 8, filled by
 * FNV-1a of 128 bits over a prefix of vmroll's own and the name. Names there are the operator's, not an enemy's.
 */
void vm_uuid_from_name(const char *name, unsigned char *uuid);

/* Six pairs of hex digits with colons or hyphens between. */
bool vm_mac_parse(const char *text, unsigned char *mac);
/* Lower case with colons, VM_MAC_TEXT_SIZE bytes with the NUL. Returns TEXT. */
const char *vm_mac_format(const unsigned char *mac, char *text);
/* Whether one of its network cards has this MAC. */
bool vm_has_mac(const struct vm *vm, const unsigned char *mac);

/* A record of its own (rec.h), uuid, xml_read and disks_mark included. vm_decode fills *vm, which the caller frees with vm_done; ERR_CORRUPT. */
void vm_encode(const struct vm *vm, struct str *out);
int vm_decode(const void *data, size_t length, struct vm *vm, struct err *e);

/* The same inside another record, whose own keys stay below VM_FIELD_FIRST; without uuid, xml_read and disks_mark, which stand elsewhere there. */
enum { VM_FIELD_FIRST = 10 };
void vm_encode_fields(const struct vm *vm, struct str *out);
void vm_decode_begin(struct vm *vm); /* everything unknown */
/* Reads one field; keys that are not a VM's are ignored. */
int vm_decode_field(unsigned key, const struct rec_value *value, struct vm *vm, struct err *e);

#endif
