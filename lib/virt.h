/*
 * virt.h - the domains and the facts of one host, through libvirt.
 *
 * The only user of libvirt, with its parts virt_volume.h and virt_control.h. Any call here can hang for ever, even the
 * first: call them in a process of its own that can be killed (workers.h,
 * child.h), and never in its parent. Connections are read-only, but for those of virt_open_control. URIs, aliases,
 * auth.conf and certificates are libvirt's own business; nothing ever prompts.
 * Errors are ERR_AUTH ("authentication failed: …"), ERR_NET (the way to the host), ERR_NOT_FOUND (a domain that is gone) or
 * ERR_ENV (the host); where something is changed also ERR_FULL and ERR_CONFLICT.
 */
#ifndef VMROLL_VIRT_H
#define VMROLL_VIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "vec.h"

enum { VIRT_UUID_SIZE = 16 };
#define VIRT_UNKNOWN UINT64_MAX

struct virt;

/* NULL-safe close. */
int virt_open(struct virt **virt, const char *uri, struct err *e);
void virt_close(struct virt *virt);
void cleanup_virt(struct virt **virt);

struct virt_disk {
	char *target; /* vda */
	char *source; /* path, or NULL */
	uint64_t capacity_bytes;
};

struct virt_domain {
	void *handle; /* for the calls below */
	unsigned char uuid[VIRT_UUID_SIZE];
	char *name; /* any bytes */
	int id;     /* -1: not running */
	int state;  /* virDomainState */
	int reason; /* the reason code that belongs to the state; 0 is unknown */
	uint64_t vcpus;
	uint64_t memory_bytes; /* maximum */
	VEC(struct virt_disk) disks;
};

struct virt_list {
	VEC(struct virt_domain) domains;
	/* Whether vCPUs, memory and disks came with the list. Where not (test driver), only the XML tells them. */
	bool detailed;
};

/*
 * All domains, running or not: one call (virConnectGetAllDomainStats, NOWAIT),
 * or where the driver has none, a listing and one call a domain. The caller
 * calls virt_list_done before it closes the connection.
 */
int virt_list(struct virt *virt, struct virt_list *list, struct err *e);
void virt_list_done(struct virt_list *list);

/*
 * Reads the XML of the COUNT domains whose places in LIST are in CHOSEN, a few
 * at a time, and calls EACH for every one, in any order and IN SEVERAL THREADS AT
 * ONCE: XML is NULL if that domain's could not be read, with the cause in *WHY.
 * Stops asking at UNTIL (when_monotonic) or when EACH returns not 0; returns
 * the first that was not 0, else 0.
 */
int virt_read_xml(const struct virt_list *list, const size_t *chosen, size_t count, int64_t until,
		  int (*each)(void *context, size_t place, const char *xml, const struct err *why),
		  void *context);

/* Capacity of one disk of a domain (virDomainGetBlockInfo), for drivers that do not list it. */
int virt_disk_capacity(const struct virt_domain *domain, const char *target, uint64_t *bytes, struct err *e);

/* The XML of a host's network device (libvirt's interface driver), which the caller frees. In several threads at once. */
int virt_interface_xml(struct virt *virt, const char *device, char **xml, struct err *e);

struct virt_facts {
	char *capabilities;       /* XML, for domxml_parse_capabilities */
	char *hypervisor;         /* "QEMU" */
	char *hypervisor_version; /* "7.2.0" */
	char *libvirt_version;    /* of the daemon, "9.0.0" */
	char *hostname;
	uint64_t cpus;
	uint64_t mhz;
	uint64_t memory_bytes;
};

/* What the driver does not tell is NULL or VIRT_UNKNOWN; fails if the connection is broken, or it does not tell for once who the host is. */
int virt_read_facts(struct virt *virt, struct virt_facts *facts, struct err *e);
void virt_facts_done(struct virt_facts *facts);

/* ---- events, for a process that follows many hosts ---- */

enum virt_event_kind {
	VIRT_EVENT_LIFECYCLE, /* event and detail are virDomainEventType and its detail */
	VIRT_EVENT_DEVICES    /* devices or metadata changed: the XML is another */
};

struct virt_event {
	enum virt_event_kind kind;
	unsigned char uuid[VIRT_UUID_SIZE];
	const char *name;
	int event;
	int detail;
};

/* Once in a process, before its first virt_open. */
int virt_events_init(struct err *e);
/* Calls READABLE whenever FD can be read. */
int virt_events_watch(int fd, void (*readable)(void *context), void *context, struct err *e);
/* Runs the loop once: waits for events and calls who asked for them, in this thread. */
int virt_events_turn(struct err *e);

struct virt_listener {
	void (*event)(void *context, const struct virt_event *event);
	/* Once, when the connection broke, which keepalive finds out within 10 s. */
	void (*closed)(void *context, const char *why);
	/* Once, when neither of the above will be called any more; in any thread. */
	void (*release)(void *context);
	void *context;
};

/*
 * From now on LISTENER (copied) hears of this host, from virt_events_turn,
 * and must not call libvirt there. After a failure too, only virt_close ends it. At most once a connection.
 */
int virt_follow(struct virt *virt, const struct virt_listener *listener, struct err *e);

/* "started", "stopped", "migrated", …, as virsh names them; "unknown". */
const char *virt_event_name(int event);
const char *virt_event_detail(int event, int detail);
/* Whether this event means that the definition may be another. */
bool virt_event_defines(const struct virt_event *event);

#endif
