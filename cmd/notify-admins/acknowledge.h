/* acknowledge.h - an acknowledgement, by whatever way it came: what it changes in the store, and what is said of it. */
#ifndef NOTIFY_ACKNOWLEDGE_H
#define NOTIFY_ACKNOWLEDGE_H

#include <stdbool.h>

#include "err.h"
#include "incident.h"
#include "store.h"

struct acknowledgement {
	const char *by;     /* for people; of a person of the ledger their key */
	const char *person; /* the same, if it is one who was told; else NULL */
	const char *note;   /* or NULL */
	bool whole;         /* for everybody: nobody else need answer */
	bool quiet;
};

/* The incident meant by an id or a host, and the open ones told in the same messages. ERR_NOT_FOUND, ERR_USAGE. */
int acknowledge_find(struct store *store, const char *text, struct incidents *found, struct err *e);
/* The same by nothing but an id as incident_parse_id gives it. */
int acknowledge_find_id(struct store *store, const char *id, struct incidents *found, struct err *e);
/* 1 if PERSON has a cell of one of INCIDENTS, 0 if not. */
int acknowledge_knows(struct store *store, const struct incidents *incidents, const char *person, struct err *e);
/* Writes it for all of them that concern it, and says what came of each, and who has still to answer. */
int acknowledge(struct store *store, const struct incidents *incidents,
		const struct acknowledgement *acknowledgement, struct err *e);

#endif
