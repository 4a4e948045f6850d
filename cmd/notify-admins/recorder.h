/*
 * recorder.h - writes to the store from a process of its own, so that a store
 * that another writer holds locked delays no mail.
 *
 * Claims and deliveries are written in their order, and before what is only
 * said of incidents, also in its order. What cannot be written (no room, no permission) is
 * tried again; nothing is lost.
 */
#ifndef NOTIFY_RECORDER_H
#define NOTIFY_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "incident.h"
#include "ledger.h"

enum record_task {
	RECORD_OPEN,        /* incident_open */
	RECORD_CLOSE,       /* incident_close with its closed, closing, closed_why, recovered */
	RECORD_GROUP,       /* incident_set_group */
	RECORD_STEP,        /* incident_set_step with its steps */
	RECORD_TOLD,        /* incident_set_told with its listed */
	RECORD_HANDED,      /* incident_set_handed */
	RECORD_SILENCE,     /* incident_set_silence with its silence and silenced_until */
	RECORD_RETIRE,      /* incident_retire */
	RECORD_ACKNOWLEDGE, /* ledger_acknowledge and incident_acknowledge of its cells at `now` */
	RECORD_CLAIM,       /* ledger_claim of its cells at `now` */
	RECORD_PUT          /* ledger_put of its cells */
};

/* One thing to be written, and what came of it. */
struct record {
	enum record_task task;
	struct incident incident; /* all tasks but ACKNOWLEDGE, CLAIM and PUT; after OPEN with the id that it has */
	struct ledger cells; /* ACKNOWLEDGE, CLAIM, PUT; after CLAIM as the store has them */
	int64_t now;
	uint64_t tag; /* the caller's */
	int result;   /* as the function of its task returned */
	struct record *next;
};

struct record *record_new(enum record_task task);
void record_free(struct record *record); /* NULL-safe */

struct recorder;

/* URI's store must exist. OWNER is ledger_owner of this process; LIMITS hold for its claims. */
int recorder_start(struct recorder **recorder, const char *uri, const char *owner,
		   const struct ledger_limits *limits, struct err *e);
void recorder_free(struct recorder *recorder); /* NULL-safe; what is not written yet is lost */

/* Queues; takes ownership. */
void recorder_add(struct recorder *recorder, struct record *record);
/* How many were added and not handed back by recorder_next. */
size_t recorder_pending(const struct recorder *recorder);
/* Poll for reading; -1: nothing is under way. */
int recorder_fd(const struct recorder *recorder);
/* Lowers *TIMEOUT_MS (-1: none) to when recorder_next should be called at the latest. */
void recorder_timeout(const struct recorder *recorder, int *timeout_ms);
/* 1 with a finished record (the caller frees it), 0 if there is none, negative: something cannot be written for now (said once). */
int recorder_next(struct recorder *recorder, struct record **record, struct err *e);

#endif
