/*
 * roll.h - the roll: which VM ran on which host, now and at any instant of the past.
 *
 * Placement is history, written only on change. A snapshot has a number
 * (ordered by a counter, never by the clock); each host's list in it is
 * compared with that host's newest and only differences are written, all or
 * nothing: chunks of a large change stay invisible until the last. The
 * snapshot's header comes last and says for every host when it answered, or
 * why not, or "not asked". A host is its libvirt host UUID; names are attributes with a history. The same VM
 * UUID on two hosts is two facts. Nothing is merged, nothing is deleted but by roll_prune and roll_forget.
 */
#ifndef VMROLL_ROLL_H
#define VMROLL_ROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "hosts.h"
#include "store.h"
#include "vm.h"

/* A host as its libvirt and hosts(5) describe it. NULL or VM_UNKNOWN is unknown. */
struct roll_host {
	unsigned char uuid[VM_UUID_SIZE]; /* libvirt host UUID, or vm_uuid_from_name */
	bool uuid_derived;                /* libvirt gave none */
	char *name;                       /* in hosts(5) */
	char *address;
	char *cluster;
	char *manager;
	char *hypervisor;         /* "QEMU" */
	char *hypervisor_version; /* "7.2.0" */
	char *libvirt_version;    /* "9.0.0" */
	char *os;
	char *cpu_model;
	uint64_t cpus;
	uint64_t mhz;
	uint64_t memory_bytes;
};

void roll_host_done(struct roll_host *host);

/* ---- writing: vmsnap ---- */

struct roll_writer;

/* What one host's list changed. */
struct roll_changes {
	size_t appeared, gone, changed, vms; /* vms: how many the list has now */
};

/* Opens a snapshot: takes the next number. HOSTS lists every host of hosts(5) (borrowed until roll_finish): those never reported are "not asked". */
int roll_begin(struct roll_writer **writer, struct store *store, const struct hosts *hosts, int64_t begun,
	       struct err *e);
void roll_writer_free(struct roll_writer *writer); /* NULL-safe; without roll_finish no header is written, lists that were put stay */
void cleanup_roll_writer(struct roll_writer **writer);

/*
 * The newest visible record of each VM on the host UUID, sorted by VM UUID, for deciding whose XML must be
 * read anew. Gone VMs are left out. The caller frees each with vm_done, then the array.
 */
int roll_current(struct store *store, const unsigned char *host_uuid, struct vm **vms, size_t *count,
		 struct err *e);

/*
 * HOST answered at ANSWERED with the complete list VMS (any order; duplicate
 * UUIDs are ERR_USAGE). Writes what differs. A VM whose xml_known is false
 * keeps the XML attributes of its newest record. Records a new name or
 * attributes of the host. ERR_CONFLICT if another hosts(5) name answered with
 * the same host UUID in this snapshot: both names are in the message. ERR_TOO_LARGE
 * if a VM is more than a batch takes; the host then keeps its last list.
 */
int roll_put_list(struct roll_writer *writer, const struct roll_host *host, const struct vm *vms,
		  size_t count, int64_t answered, struct roll_changes *changes, struct err *e);
/*
 * Whether HOST, as it answered, is in the newest snapshot under another name of hosts(5), of which this snapshot has
 * not heard yet. Put such a list after all others, or the two names would win by turns.
 */
bool roll_is_contested(const struct roll_writer *writer, const struct roll_host *host);
/* NAME did not answer: WHY is one line for people, CODE an err_code. It keeps its last list. */
int roll_put_failure(struct roll_writer *writer, const char *name, int code, const char *why, struct err *e);
/* Whether NAME failed in the newest finished snapshot too. */
bool roll_failed_last_time(const struct roll_writer *writer, const char *name);
/* Hosts that left hosts(5) end their intervals here; then the header is put. */
int roll_finish(struct roll_writer *writer, int64_t ended, struct err *e);

/* ---- writing: vmsnap --follow ---- */

/* A follower is known by its SESSION, so that what a killed one left open ends with its own last sign of life, not with that of its successor. */
int roll_follow_open(struct store *store, int64_t at, uint64_t *session, struct err *e);
/* SESSION's connection to the host is live from AT on (its list was put just before); until roll_follow_end, or the session's last roll_follow_alive. */
int roll_follow_begin(struct store *store, uint64_t session, const unsigned char *host_uuid, int64_t at,
		      struct err *e);
/* All hosts that SESSION follows are still live at AT: one small record, at least every ROLL_FOLLOW_PERIOD_MS. */
int roll_follow_alive(struct store *store, uint64_t session, int64_t at, struct err *e);
/* No longer live since AT: WHY is for people. Ending what is not open succeeds. */
int roll_follow_end(struct store *store, uint64_t session, const unsigned char *host_uuid, int64_t at,
		    const char *why, struct err *e);
/* An open interval counts up to two of these beyond the last sign of life. */
enum { ROLL_FOLLOW_PERIOD_MS = 5000 };

/*
 * One event: VM as it is now on the host (state VM_GONE: undefined or migrated away) at AT. Writes only a difference;
 * *CHANGED says so. A VM whose xml_known is false keeps the XML attributes of its newest record. ERR_USAGE if the host has no list yet.
 */
int roll_put_event(struct store *store, const unsigned char *host_uuid, const struct vm *vm, int64_t at,
		   bool *changed, struct err *e);
/* The same of COUNT different VMs at one instant: one change, all or nothing. *CHANGED: any of them. */
int roll_put_events(struct store *store, const unsigned char *host_uuid, const struct vm *const *vms,
		    size_t count, int64_t at, bool *changed, struct err *e);

/* ---- keeping ---- */

/*
 * Hosts(5) renamed a host whose UUID does not say so (it is derived, or the host does not answer): from the next
 * snapshot on its history goes on under NEW_NAME. ERR_NOT_FOUND if OLD_NAME never answered, ERR_USAGE if both are there.
 */
int roll_rename(struct store *store, const char *old_name, const char *new_name, struct err *e);
/* Ends the intervals of a host that is gone for good. ERR_NOT_FOUND. */
int roll_forget(struct store *store, const char *name, int64_t at, struct err *e);
/* Removes what only matters to instants before BEFORE; the state at BEFORE and all after stays answerable, the newest state always. *REMOVED: records. */
int roll_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e);

/* ---- snapshots ---- */

struct roll_snapshot {
	uint64_t id;
	int64_t begun, ended;
	uint64_t hosts, answered, failed, not_asked, vms;
};

/* Newest first. 1/0/negative with an iterator: */
struct roll_snapshots;
int roll_snapshots_open(struct roll_snapshots **list, struct store_view *view, struct err *e);
int roll_snapshots_next(struct roll_snapshots *list, struct roll_snapshot *snapshot, struct err *e);
void roll_snapshots_close(struct roll_snapshots *list);
void cleanup_roll_snapshots(struct roll_snapshots **list);

/* ---- reading: the roll at an instant ---- */

/*
 * The state of the world at an instant: for each host the newest list that it answered at or
 * before AT (an event of --follow counts as a list of that host while it is followed).
 */
struct roll;

/*
 * AT: WHEN_UNKNOWN for now. ERR_ENV "run vmsnap first" when there is no finished snapshot at all, ERR_NOT_FOUND when there
 * is none at or before AT. The VIEW must outlive the roll. The snapshot of an instant is the newest by number that
 * began at or before it, so that a clock that was set back loses nothing; a host that answered it only after AT counts as of the one before.
 */
int roll_open(struct roll **roll, struct store_view *view, int64_t at, struct err *e);
void roll_close(struct roll *roll);
void cleanup_roll(struct roll **roll);
/* The newest finished snapshot at or before AT. */
const struct roll_snapshot *roll_snapshot(const struct roll *roll);

/* How good a host's list is. */
struct roll_list {
	size_t index;          /* for roll_host_at, roll_vms */
	struct roll_host host; /* as it was then */
	uint64_t snapshot;     /* number of the snapshot it comes from; 0: it never answered */
	int64_t answered;      /* when the host last answered, WHEN_UNKNOWN: never */
	bool stale;            /* it failed or was not asked in the newest snapshot at AT */
	char *why;             /* then: why, for people ("not asked"), else NULL */
	bool followed; /* --follow was live at AT: exact, not sampled; answered is then how far that is confirmed */
	bool off;   /* hosts(5) gives no URI, or says so: no list is expected of it (hosts_is_asked) */
	bool ended; /* vmsnap --forget said that it is gone for good: no VMs */
};
void roll_list_done(struct roll_list *list);

/* The list of the host that bore NAME at AT (or NAME is its UUID). 1, 0 if no such host, negative. */
int roll_find_host(struct roll *roll, const char *name, struct roll_list *list, struct err *e);
/* All hosts known at AT, by name. 1/0/negative. Index from 0. */
int roll_host_at(struct roll *roll, size_t index, struct roll_list *list, struct err *e);
size_t roll_host_count(const struct roll *roll);

/* One VM on one host. */
struct roll_vm {
	struct vm vm;
	size_t host;   /* index for roll_host_at */
	int64_t since; /* when this host first listed it in this state: at or before which it began */
	int64_t seen;  /* when it was last confirmed: its host's last answer, or the event */
};
void roll_vm_done(struct roll_vm *vm);

/* Walks VMs: of one host, or all (HOST SIZE_MAX), sorted by host name and VM UUID. Gone ones are left out. */
struct roll_cursor;
int roll_vms(struct roll_cursor **cursor, struct roll *roll, size_t host, struct err *e);
int roll_vms_next(struct roll_cursor *cursor, struct roll_vm *vm, struct err *e);
void roll_vms_close(struct roll_cursor *cursor);
void cleanup_roll_cursor(struct roll_cursor **cursor);

/*
 * Finds VMs at AT by UUID (either byte order), exact name, NAME@HOST (the last @ splits; HOST a host's name), MAC, or a prefix of
 * name or UUID, in whatever state they are. An exact match wins over prefixes; the same VM on several hosts is several results, and
 * so are several VMs of exactly that name. A prefix of several different VMs is ERR_AMBIGUOUS with candidates
 * in the message. The caller frees each with roll_vm_done, then the array. 0 results: returns 0 with *COUNT 0.
 */
int roll_find_vms(struct roll *roll, const char *text, struct roll_vm **vms, size_t *count, struct err *e);

/* As roll_find_vms, but whoever fits or fitted at any time that is kept: their UUIDs, VM_UUID_SIZE bytes each; the caller frees. */
int roll_find_ever(struct store_view *view, const char *text, unsigned char **uuids, size_t *count,
		   struct err *e);

/* One interval of a VM's life: on HOST from FROM until UNTIL (WHEN_UNKNOWN: still) as VM says. */
struct roll_interval {
	struct vm vm;
	char *host; /* its name when the interval ended, or now */
	unsigned char host_uuid[VM_UUID_SIZE];
	int64_t from, until;
	uint64_t snapshot;
	bool followed; /* from an event: FROM is exact */
};
void roll_interval_done(struct roll_interval *interval);
/* All of the VM with this UUID on all hosts, oldest first; the caller frees. */
int roll_history(struct store_view *view, const unsigned char *uuid, struct roll_interval **intervals,
		 size_t *count, struct err *e);

#endif
