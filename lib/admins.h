/*
 * admins.h - admins(5): who must know of which VM.
 *
 * CSV (RFC 4180) with a header row that has at least the columns
 * vm,admin,email,phone,process in any order; others are ignored. `vm` is a UUID, NAME or NAME@HOST
 * (the last @ splits); several rows a VM are several people; a person is the email, else the phone.
 */
#ifndef VMROLL_ADMINS_H
#define VMROLL_ADMINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"
#include "vm.h"

struct admin {
	char *vm;
	char *admin;   /* the person's name */
	char *email;   /* or NULL */
	char *phone;   /* or NULL: [0-9+*#]+ or a sip: URI */
	char *process; /* what the VM runs continuously, or NULL */
	unsigned line; /* in its source */
};

struct admins {
	struct admin *items;
	size_t count;
	char *source;     /* file name or URL */
	int64_t imported; /* when */
	void *index;      /* admins.c's own */
};

void admins_done(struct admins *admins);

/* Every bad line is reported through BAD (LINE from 1, TEXT for people); any makes the whole ERR_USAGE. SOURCE is borrowed for messages and copied. */
typedef void admins_bad_line(void *context, const char *source, unsigned line, const char *text);
int admins_parse(struct admins *admins, const char *csv, size_t length, const char *source,
		 admins_bad_line *bad, void *context, struct err *e);

/* Replaces the list in the store in one step (readers see the old or the new one). */
int admins_save(struct store *store, const struct admins *admins, struct err *e);
/* 1 with the list in force, 0 if none was ever imported. */
int admins_load(struct store_view *view, struct admins *admins, struct err *e);

/* The rows for a VM on HOST (a hosts(5) name): by UUID (either byte order), NAME@HOST and NAME. Returns how many; fills at most MAXIMUM pointers, borrowed. */
size_t admins_of(const struct admins *admins, const unsigned char *uuid, const char *name, const char *host,
		 const struct admin **found, size_t maximum);

/* The key of a person: the email in lower case, else the phone. Borrowed from ADMIN's own text; the caller frees the copy. */
char *admins_person(const struct admin *admin);

/* ERR_USAGE unless TEXT is one plain mail address (RFC 5321 addr-spec, ASCII or UTF-8 local part, no quotes, no control characters). */
int admins_check_email(const char *text, struct err *e);
/* ERR_USAGE unless TEXT is [0-9+*#]+ or a whole sip: URI. */
int admins_check_phone(const char *text, struct err *e);

#endif
