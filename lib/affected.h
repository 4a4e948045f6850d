/*
 * affected.h - which VMs a host's death touches, how sure that is, and where each is since.
 *
 * The list is the newest that the host answered at or before its death: one
 * taken later cannot show what died. VMs that were shut off are not affected.
 */
#ifndef VMROLL_AFFECTED_H
#define VMROLL_AFFECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "roll.h"
#include "store.h"

enum affected_grade {
	AFFECTED_CERTAIN,  /* followed live at that moment */
	AFFECTED_PROBABLE, /* from a snapshot some time before */
	AFFECTED_MOVED /* seen running elsewhere after that list and before the death, or come there by migration: its host still lived */
};

const char *affected_grade_name(enum affected_grade grade); /* "certain" "probable" "moved" */

/* Where it is after the death. */
enum affected_now {
	AFFECTED_RESTARTED, /* runs on now_host since now_since; now_host may be the host itself after its return, and now_since before the death where it moved or ran twice */
	AFFECTED_BACK, /* its own host answered again and lists it running as before, seen so at now_since; whether it stopped meanwhile is not known */
	AFFECTED_NOT_SEEN,     /* every other host answered a list begun after the death, and none runs it */
	AFFECTED_NO_NEWER_LIST /* not known: no complete newer list */
};

struct affected_vm {
	struct vm vm;
	int64_t since; /* when its host first listed it in that state */
	enum affected_grade grade;
	enum affected_now now;
	char *now_host;    /* AFFECTED_RESTARTED, AFFECTED_BACK; else NULL */
	int64_t now_since; /* when it was first seen running there, WHEN_UNKNOWN without now_host */
};

struct affected {
	char *host;
	int64_t died;
	uint64_t snapshot; /* 0: no list before the death at all */
	int64_t answered;  /* when the host gave that list */
	bool followed;
	bool complete_after; /* every other host answered a list begun after the death */
	struct affected_vm *vms;
	size_t count; /* by name */
};

void affected_done(struct affected *affected);
/* What the death of HOST (hosts(5) name) at DIED touches, as far as the VIEW knows now. A host without any list is 0 VMs with snapshot 0. */
int affected_find(struct store_view *view, const char *host, int64_t died, struct affected *affected,
		  struct err *e);

#endif
