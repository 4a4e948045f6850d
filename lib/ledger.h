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
	DELIVERY_FIRST,       /* something happened */
	DELIVERY_FOLLOW_UP,   /* where their VMs are since */
	DELIVERY_RECOVERY,    /* it is over */
	DELIVERY_UNDELIVERED, /* to the fallback: who could not be told */
	DELIVERY_ESCALATION,  /* to others, because those concerned did not answer */
	DELIVERY_SUMMARY      /* in place of too many */
};

enum delivery_channel { DELIVERY_MAIL, DELIVERY_VOICE, DELIVERY_WEBHOOK, DELIVERY_COMMAND };
enum { DELIVERY_CHANNEL_COUNT = DELIVERY_COMMAND + 1 };

/* The numbers of these, as of the other enumerations here, are stored: new ones come last. */
enum delivery_state {
	DELIVERY_PENDING, /* to be tried at `next` */
	DELIVERY_SENDING, /* claimed by `owner` until `lease` */
	DELIVERY_SENT,
	DELIVERY_FAILED,  /* refused for good, or tried often enough */
	DELIVERY_EXPIRED, /* not needed any more */
	/* Of calls. The middle four are tried again at `next`, unless it is WHEN_UNKNOWN: often enough. */
	DELIVERY_HEARD, /* a key was pressed */
	DELIVERY_BUSY,
	DELIVERY_NO_ANSWER,
	DELIVERY_DECLINED,
	DELIVERY_NO_KEY,      /* answered, and no key was pressed */
	DELIVERY_ACKNOWLEDGED /* they answered, by whatever way */
};

/* How a call ended, finer than the state. */
enum call_end {
	CALL_NONE, /* it was none, or none came about */
	CALL_KEY,
	CALL_BUSY,
	CALL_NO_ANSWER,
	CALL_DECLINED,
	CALL_NO_KEY,      /* the message ran out: voicemail */
	CALL_EARLY_BYE,   /* they hung up before a key */
	CALL_NO_AUDIO,    /* answered, but no RTP of theirs came */
	CALL_UNREACHABLE, /* for now */
	CALL_REFUSED      /* for good: no such number */
};

struct delivery {
	/* What names the cell. */
	char incident[INCIDENT_ID_SIZE];
	enum delivery_kind kind;
	/*
	 * UNDELIVERED: which of them, from 1; FIRST and ESCALATION: the number of the turn of the policy, from 0;
	 * SUMMARY: the hour since the epoch; else 0.
	 */
	unsigned part;
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
	bool held;        /* PENDING because of a limit: `error` says which */
	unsigned step;    /* of the policy, from 1; 0: none */
	unsigned attempts;
	int64_t begun;         /* first attempt, or when it was first held back; WHEN_UNKNOWN: neither */
	int64_t next;          /* when it is due */
	int64_t sent;          /* when the relay took it, or a call was heard; WHEN_UNKNOWN: not */
	enum call_end outcome; /* of the newest call */
	char key;              /* that was pressed; 0: none */
	char *error;           /* the newest, or NULL */
	char *owner;           /* SENDING: ledger_owner of who does */
	int64_t lease;
	int64_t acknowledged;  /* meaningless if acknowledged_by is NULL */
	char *acknowledged_by; /* NULL: this person has not answered */
};

void delivery_done(struct delivery *delivery);
void delivery_copy(struct delivery *to, const struct delivery *from); /* *to is overwritten, not freed */
/* Whether both are the same cell. */
bool delivery_is(const struct delivery *a, const struct delivery *b);

/* "first" "follow-up" "recovery" "undelivered" "escalation" "summary" */
const char *delivery_kind_name(enum delivery_kind kind);
const char *delivery_channel_name(enum delivery_channel channel); /* "mail" "voice" "webhook" "command" */
/* "pending" "sending" "sent" "failed" "expired" "heard" "busy" "no_answer" "declined" "no_key" "acknowledged" */
const char *delivery_state_name(enum delivery_state state);
/* "key" "busy" "no_answer" "declined" "no_key" "early_bye" "no_audio" "unreachable" "refused"; NULL for CALL_NONE */
const char *call_end_name(enum call_end end);

/* This process, as an owner: machine since its boot, pid, start. The caller frees. */
char *ledger_owner(void);
/* False if OWNER is a process of this machine that is gone; true if it lives, or nobody here can know. */
bool ledger_owner_lives(const char *owner);

/* Milliseconds until the next attempt after ATTEMPTS of them: 1 minute, doubling to 1 hour. */
int64_t ledger_backoff(unsigned attempts);
/* The same for a call that ended so: 1 minute if busy or without audio, 2 if nobody answered or they hung up early, 3 without a key, 5 if declined, 30 s doubling if unreachable. */
int64_t ledger_call_backoff(enum call_end end, unsigned attempts);
/* After so many calls of one cell it is over. */
enum { LEDGER_CALLS_MAX = 3 };

/* Whether it may be tried at NOW: to be tried (again) and due, or claimed by somebody who is gone or over the lease. */
bool delivery_is_due(const struct delivery *delivery, int64_t now);
/* Whether it will be tried (again), or is under way. */
bool delivery_is_open(const struct delivery *delivery);
/* Whether the person knows, as far as anybody can: sent, heard, acknowledged; or expired while it was being sent. */
bool delivery_has_reached(const struct delivery *delivery);

/* What came of an attempt. */
struct delivery_outcome {
	struct err err; /* code 0: the relay took it, or a call came about; text also of a call that was not heard: "486 Busy Here" */
	enum call_end call; /* CALL_NONE for other channels, and for a call that could not be begun: then ERR says why */
	char key; /* CALL_KEY: '1' acknowledges, '3' passes it on; any other: heard */
};

/*
 * Takes the outcome of an attempt. Of a message: sent, failed for good (ERR_PERMANENT, ERR_USAGE, or
 * after days of trying), or pending with backoff. Of a call: acknowledged, heard, or as it ended and to be tried again
 * after ledger_call_backoff, until LEDGER_CALLS_MAX attempts were made (CALL_UNREACHABLE then has failed);
 * CALL_REFUSED has failed at once.
 */
void delivery_settle(struct delivery *delivery, const struct delivery_outcome *outcome, int64_t now);

/* How many may go out. */
struct ledger_limits {
	unsigned person;                                  /* messages other than calls an hour: to one */
	unsigned total;                                   /* to all together */
	unsigned voice_minute, voice_quarter, voice_hour; /* calls to one in 1, 15 and 60 minutes */
	unsigned voice_total;                             /* calls an hour to all together */
};

/*
 * Whether LIMITS let a message as CELL go out at NOW, by what the store counts and what it does not know of: UNCOUNTED
 * messages of the cell's kind of counter to its person, UNCOUNTED_TOTAL to all. 1; or 0 with *NEXT, when to ask again, and
 * *WHY, which the caller frees.
 */
int ledger_check_limits(struct store_view *view, const struct delivery *cell,
			const struct ledger_limits *limits, unsigned uncounted, unsigned uncounted_total,
			int64_t now, int64_t *next, char **why, struct err *e);

/*
 * Claims cells for OWNER, and counts their messages (rate.h): those of one message stand together, and are one. Each
 * one's state is DELIVERY_SENDING with this owner afterwards if it is ours, else the cell is as somebody else has it, or
 * DELIVERY_PENDING, `held`, and in the store, because LIMITS (NULL: none) hold it back until `next`; `error` says so. It
 * may be claimed earlier: what ledger_put takes back from the counters makes room. Nothing holds back a summary. A cell
 * not in the store yet is made from what is given; of one that is, attempts, begun, message_id and who acknowledged stay
 * the store's.
 */
int ledger_claim(struct store *store, struct delivery *cells, size_t count, const char *owner, int64_t now,
		 const struct ledger_limits *limits, struct err *e);
/*
 * Writes cells for OWNER as they are, and takes back from the counters what did not go out (a call that
 * rang did); except over one that is sent, heard, acknowledged or expired already, one that failed (of which only
 * `handed` changes), and one claimed by another owner who lives. A cell that its person acknowledged meanwhile stays so,
 * and is not tried again.
 */
int ledger_put(struct store *store, const struct delivery *cells, size_t count, const char *owner, struct err *e);

/*
 * PERSON answers for INCIDENT at NOW; BY is who says so, for people. Every cell of theirs is acknowledged, and all
 * that asked for an answer is DELIVERY_ACKNOWLEDGED, not to be tried again, unless somebody who lives is at it: what
 * comes of that, ledger_put sees to. Follow-up and recovery go on: they are no question. 1 changed, 0 they had answered
 * already, ERR_NOT_FOUND: they have no cell.
 */
int ledger_acknowledge(struct store *store, const char *incident, const char *person, int64_t now,
		       const char *by, struct err *e);

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
