/*
 * incident.h - what was found to be wrong and is not over: at most one open at a time for each host.
 *
 * An incident is opened by claiming open/SUBJECT and inc/ID in one
 * transaction, put-if-absent: two stations, a cron run and a pipeline never
 * open two. Times are attributes. What was said of a host at or before its last close is history and
 * opens nothing, so that a log can be replayed. The changes below are each one
 * transaction that holds against others at the same incident.
 */
#ifndef VMROLL_INCIDENT_H
#define VMROLL_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"
#include "str.h"

/* 4 characters of Crockford's base 32 (no I, L, O, U); one more for each time that the short ones are crowded. */
enum { INCIDENT_ID_LENGTH = 4, INCIDENT_ID_SIZE = 12 };

enum incident_kind {
	INCIDENT_HOST,      /* a host went DOWN */
	INCIDENT_ISOLATED,  /* we are cut off, or everything is dead */
	INCIDENT_HEARTBEAT, /* hostping does not watch any more */
	INCIDENT_LIST       /* no snapshot for two periods */
};

/* What has been seen to, for everybody whom it concerns: not to be looked at again. */
enum incident_step {
	INCIDENT_TOLD = 1 << 0,     /* the first notice */
	INCIDENT_FOLLOWED = 1 << 1, /* the follow-up */
	INCIDENT_RETURNED = 1 << 2  /* the recovery */
};

struct incident {
	char id[INCIDENT_ID_SIZE];
	enum incident_kind kind;
	char *host;     /* hosts(5) name; "-" for kinds other than INCIDENT_HOST */
	int64_t at;     /* when it happened: DOWN: the first lost probe */
	int64_t opened; /* when we learnt of it */
	char *detail;   /* how we know, for people; or NULL */
	char *group; /* id of the incident whose messages tell this one too (maybe its own), NULL: not decided */
	unsigned steps; /* of enum incident_step */
	int64_t listed; /* when the list was imported by which the first notice went to everybody; WHEN_UNKNOWN: none */
	unsigned handed;       /* how many messages told the fallback of addresses that refuse */
	int64_t acknowledged;  /* WHEN_UNKNOWN: not */
	char *acknowledged_by; /* who was first */
	bool whole;            /* acknowledged for everybody: nobody else need answer */
	char *note;
	char *silence; /* why its host was silenced when it was looked at last, or NULL: it never was */
	int64_t silenced_until; /* WHEN_UNKNOWN if it never was */
	int64_t closed;         /* when it ended, as an event; WHEN_UNKNOWN: open */
	int64_t closing;        /* when we learnt of that */
	char *closed_why;       /* for people */
	bool recovered;         /* closed because it is well again: those who were told are told */
};

void incident_done(struct incident *incident);
void incident_copy(struct incident *to, const struct incident *from); /* *to is overwritten, not freed */

/* "down", "isolated", "heartbeat", "list" */
const char *incident_kind_name(enum incident_kind kind);
/* Reads an id in any case, I and L as 1, O as 0, as Crockford has it. ERR_USAGE. ID has INCIDENT_ID_SIZE bytes. */
int incident_parse_id(const char *text, char *id, struct err *e);

/* What becomes of an incident about to be opened. */
enum incident_opening {
	INCIDENT_OPENED = 1,
	INCIDENT_STANDS, /* one is open for that subject */
	INCIDENT_HISTORY /* it is not later than the last close */
};

/*
 * Whether what happened AT is not later than the last close. A close that lies ahead of NOW is from before the clock was
 * put back: it makes nothing history, else nobody would hear of a death until that time has come.
 */
bool incident_is_history(int64_t at, int64_t closed, int64_t now);

/*
 * Decides from KIND, HOST, AT and OPENED (now) of *INCIDENT, and for INCIDENT_OPENED chooses the id (from host and
 * time: the same wherever it is chosen, unless it is taken); for INCIDENT_STANDS gives the id of the one that is open. Writes nothing.
 */
int incident_check(struct store_view *view, struct incident *incident, struct err *e);
/* The same, and opens it; with `silence` and `silenced_until` if the caller gives them. */
int incident_open(struct store *store, struct incident *incident, struct err *e);

/* Each of these: 1 changed, 0 it was so already, ERR_NOT_FOUND. */
int incident_close(struct store *store, const char *id, int64_t at, int64_t now, const char *why,
		   bool recovered, struct err *e);
/* The first stays who acknowledged it, and the first note stays; WHOLE may be added later. */
int incident_acknowledge(struct store *store, const char *id, int64_t now, const char *by, const char *note,
			 bool whole, struct err *e);
/* WHY its host is silenced, and UNTIL when. Kept when that is over. */
int incident_set_silence(struct store *store, const char *id, const char *why, int64_t until, struct err *e);
/* Tells it with the messages of GROUP, unless that is decided. */
int incident_set_group(struct store *store, const char *id, const char *group, struct err *e);
int incident_set_step(struct store *store, const char *id, enum incident_step step, struct err *e);
/* INCIDENT_TOLD, by the list imported at LISTED. */
int incident_set_told(struct store *store, const char *id, int64_t listed, struct err *e);
/* HANDED messages to the fallback about refusing addresses, if that is more than before. */
int incident_set_handed(struct store *store, const char *id, unsigned handed, struct err *e);
/* Nothing is left to do for it: incident_active passes it over from now on. */
int incident_retire(struct store *store, const char *id, struct err *e);

/* 1 with the incident (the caller calls incident_done), 0 if there is none. */
int incident_get(struct store_view *view, const char *id, struct incident *incident, struct err *e);
/* By id, or by the name of a host that has one open. ERR_NOT_FOUND, ERR_USAGE. */
int incident_find(struct store_view *view, const char *text, struct incident *incident, struct err *e);

/* Learnt of earlier; of those learnt of at once, the one that happened first. */
bool incident_is_older(const struct incident *a, const struct incident *b);

struct incidents {
	struct incident *items;
	size_t count, capacity;
};
void incidents_done(struct incidents *incidents);
/* Those with work left, or all that are kept; oldest first. Added to what *INCIDENTS has. */
int incident_active(struct store_view *view, struct incidents *incidents, struct err *e);
int incident_all(struct store_view *view, struct incidents *incidents, struct err *e);

/* Record (rec.h), without the id. incident_decode fills *INCIDENT, which the caller frees with incident_done; ERR_CORRUPT, ERR_SCHEMA. */
void incident_encode(const struct incident *incident, struct str *out);
int incident_decode(const char *id, const void *data, size_t length, struct incident *incident, struct err *e);

/* Removes incidents that were closed before BEFORE and have no work left. Call ledger_prune first. *REMOVED is added to. */
int incident_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e);

#endif
