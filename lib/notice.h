/*
 * notice.h - who must hear what: joins what died with the administrators' list, person by person.
 *
 * Each active VM of a dead host concerns the people listed for it. What
 * concerns nobody concerns the fallback: a VM without an entry, one whose
 * people no way reaches, a death with no list before it, a host that ran nothing, and
 * trouble of our own. Nothing is dropped: what would reach nobody at all is counted. The receivers of
 * notify.copy hear of everything besides.
 */
#ifndef VMROLL_NOTICE_H
#define VMROLL_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admins.h"
#include "affected.h"
#include "conf.h"
#include "incident.h"
#include "ledger.h"
#include "people.h"

/* One incident, and what it touches; borrowed. */
struct notice_case {
	const struct incident *incident;
	const struct affected *affected; /* NULL unless it is of INCIDENT_HOST and known */
};

enum notice_reason {
	NOTICE_OWN,    /* the person is listed for it */
	NOTICE_NOBODY, /* to the fallback: nobody is listed */
	NOTICE_NO_WAY, /* to the fallback: who is listed cannot be reached */
	NOTICE_COPY    /* to a receiver of notify.copy, whoever else hears of it */
};

/* One VM of somebody's. Borrowed from the cases and the list. */
struct notice_item {
	size_t incident; /* index of its case */
	const struct affected_vm *vm;
	const char *process;             /* or NULL */
	const struct admin *unreachable; /* NOTICE_NO_WAY: who should be called */
	enum notice_reason reason;
	const struct notice *owner; /* whose it is, who did not answer: notice_for_others; else NULL */
};

/* One person. */
struct notice {
	const struct person *contact; /* borrowed from the people */
	char *person;                 /* their key */
	char *name;                   /* or NULL */
	char *address;                /* mail address, else telephone, else the key: for readers */
	bool fallback;
	bool copy;       /* only because they are in notify.copy: never counts as somebody who was told */
	bool *concerned; /* for each case, whether it is told to this person */
	struct notice_item *items;
	size_t count, capacity;
};

struct notices {
	const struct notice_case *cases;
	size_t case_count;
	struct notice *items; /* by person; behind them the copies, the fallback last */
	size_t count, capacity;
	size_t untold; /* VMs, or cases without any, that concern the fallback while there is none */
};

/*
 * Joins. ADMINS may be NULL (none was imported); PEOPLE is of the same list and settings. All arguments
 * must outlive *NOTICES; the caller calls notices_done.
 */
void notices_build(struct notices *notices, const struct notice_case *cases, size_t case_count,
		   const struct admins *admins, const struct people *people, const struct conf *conf);
void notices_done(struct notices *notices);
/* The notice of that person, or NULL. */
const struct notice *notices_find(const struct notices *notices, const char *person);

/* Whether a VM is known to run again, or not to have died. */
bool notice_is_back(const struct affected_vm *vm);
/* Whether each of the person's VMs is back. */
bool notice_is_complete(const struct notice *notice);

/*
 * The notice to PERSON, whom it does not concern but who is told because OWNERS (of NOTICES, borrowed) did not answer:
 * everything that they were told. NAME may be NULL. The caller calls notice_done.
 */
void notice_for_others(struct notice *notice, const struct notices *notices, const char *person,
		       const char *name, const char *address, const struct notice *const *owners, size_t count);
/* Of one that is not among notices. */
void notice_done(struct notice *notice);

#endif
