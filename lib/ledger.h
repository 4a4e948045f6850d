/*
 * ledger.h - who was told what: a cell for each incident, person, channel and kind of message.
 *
 * Delivery is at least once. A cell is claimed (SENDING, with a lease and the
 * Message-ID) before the message leaves, and settled after the relay took or
 * refused it. Who is killed in between has maybe sent it: the next one sends
 * it again, once, with the same Message-ID. A claim is one transaction that holds against
 * others, so that a cron run and a pipeline never both send.
 */
#ifndef VMROLL_LEDGER_H
#define VMROLL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "incident.h"
#include "store.h"
#include "str.h"

enum delivery_kind {
	DELIVERY_FIRST,      /* something happened */
	DELIVERY_FOLLOW_UP,  /* where their VMs are since */
	DELIVERY_RECOVERY,   /* it is over */
	DELIVERY_UNDELIVERED /* to the fallback: who could not be told */
};

enum delivery_channel { DELIVERY_MAIL };

enum delivery_state {
	DELIVERY_PENDING, /* to be tried at `next` */
	DELIVERY_SENDING, /* claimed by `owner` until `lease` */
	DELIVERY_SENT,
	DELIVERY_FAILED, /* refused for good */
	DELIVERY_EXPIRED /* not needed any more */
};

struct delivery {
	/* What names the cell. */
	char incident[INCIDENT_ID_SIZE];
	enum delivery_kind kind;
	unsigned part; /* DELIVERY_UNDELIVERED: which of them, from 1; else 0 */
	enum delivery_channel channel;
	char *person; /* admins_person */
	/* What it says. */
	enum delivery_state state;
	char *name; /* of the person, or NULL */
	char *address;
	char *message_id; /* NULL: not tried yet */
	bool fallback;    /* told as one who answers for what nobody else does */
	bool complete;    /* told that all of their VMs are back: no follow-up is due */
	bool handed;      /* FAILED, and the fallback was told */
	unsigned attempts;
	int64_t begun; /* first attempt, WHEN_UNKNOWN: none */
	int64_t next;  /* when it is due */
	int64_t sent;  /* WHEN_UNKNOWN: not */
	char *error;   /* the newest, or NULL */
	char *owner;   /* SENDING: ledger_owner of who does */
	int64_t lease;
};

void delivery_done(struct delivery *delivery);
void delivery_copy(struct delivery *to, const struct delivery *from); /* *to is overwritten, not freed */
/* Whether both are the same cell. */
bool delivery_is(const struct delivery *a, const struct delivery *b);

const char *delivery_kind_name(enum delivery_kind kind); /* "first" "follow-up" "recovery" "undelivered" */
const char *delivery_channel_name(enum delivery_channel channel); /* "mail" */
const char *delivery_state_name(enum delivery_state state); /* "pending" "sending" "sent" "failed" "expired" */

/* This process, as an owner: machine since its boot, pid, start. The caller frees. */
char *ledger_owner(void);
/* False if OWNER is a process of this machine that is gone; true if it lives, or nobody here can know. */
bool ledger_owner_lives(const char *owner);

/* Milliseconds until the next attempt after ATTEMPTS of them: 1 minute, doubling to 1 hour. */
int64_t ledger_backoff(unsigned attempts);

/* Whether it may be tried at NOW: pending and due, or claimed by somebody who is gone or over the lease. */
bool delivery_is_due(const struct delivery *delivery, int64_t now);
/* Takes the outcome of an attempt: sent, failed for good (ERR_PERMANENT, ERR_USAGE, or after days of trying), or pending with backoff. */
void delivery_settle(struct delivery *delivery, const struct err *outcome, int64_t now);

/* How many messages an hour may go out. */
struct ledger_limits {
	unsigned person; /* to one */
	unsigned total;  /* to all together */
};

/*
 * Claims cells for OWNER, and counts their messages (rate.h): those of one message stand together, and are one. Each
 * one's state is DELIVERY_SENDING with this owner
 * afterwards if it is ours, else the cell is as somebody else has it, or DELIVERY_PENDING for a while, and in the
 * store, because LIMITS (NULL: none) hold it back; `error` says so. A cell not in the store yet is made from
 * what is given; of one that is, attempts, begun and message_id stay the store's.
 */
int ledger_claim(struct store *store, struct delivery *cells, size_t count, const char *owner, int64_t now,
		 const struct ledger_limits *limits, struct err *e);
/*
 * Writes cells for OWNER as they are, and takes back from the counters what did not go out; except over one that is sent or expired already, one that failed (of which only
 * `handed` changes), and one claimed by another owner who lives.
 */
int ledger_put(struct store *store, const struct delivery *cells, size_t count, const char *owner, struct err *e);

/* 1 with the cell that WANTED names, as the store has it (the caller calls delivery_done), 0 if it has not. */
int ledger_get(struct store_view *view, const struct delivery *wanted, struct delivery *stored, struct err *e);

struct ledger {
	struct delivery *items;
	size_t count, capacity;
};
void ledger_done(struct ledger *ledger);
/* All cells of one INCIDENT, or of all (NULL), added to *LEDGER. */
int ledger_read(struct store_view *view, const char *incident, struct ledger *ledger, struct err *e);

/* Removes the cells of incidents that are gone, or were closed before BEFORE and have no work left. *REMOVED is added to. */
int ledger_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e);

/* Record (rec.h): with what names the cell. */
void delivery_encode(const struct delivery *delivery, struct str *out);
int delivery_decode(const void *data, size_t length, struct delivery *delivery, struct err *e);

#endif
