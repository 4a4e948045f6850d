/*
 * admins.h - admins(5): who must know of which VM.
 *
 * CSV (RFC 4180, but the last row must end in a line break too: else it is
 * cut short) with a header row that has at least the columns vm,admin,email,phone,process
 * in any order, and may have voice_lang, policy and group; others are ignored. `vm` is a UUID, NAME or NAME@HOST (the
 * last @ splits, so that the name of a VM that holds one must be given with its host); several rows a VM
 * are several people; a person is the email, else the phone. How addresses look: address.h.
 */
#ifndef VMROLL_ADMINS_H
#define VMROLL_ADMINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "store.h"
#include "vm.h"

struct admin {
	char *vm;
	char *admin;      /* the person's name, "" if none is given */
	char *email;      /* or NULL */
	char *phone;      /* or NULL: [0-9+*#]+ or a sip: URI */
	char *process;    /* what the VM runs continuously, or NULL */
	char *voice_lang; /* of the person: these three may stand in any of their rows. Or NULL */
	char *policy;     /* or NULL; whether the settings have it is for the caller to judge */
	struct conf_list groups;
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

/*
 * Reads a list. Every bad line is reported through BAD (LINE from 1, TEXT for
 * people; BAD may be NULL); any makes the whole ERR_USAGE. SOURCE is borrowed
 * for messages and copied; `imported` is now. Text without a byte is an empty list.
 */
typedef void admins_bad_line(void *context, const char *source, unsigned line, const char *text);
int admins_parse(struct admins *admins, const char *csv, size_t length, const char *source,
		 admins_bad_line *bad, void *context, struct err *e);

/*
 * Replaces the list in the store in one step (readers see the old or the new
 * one), however large it is. ERR_LOCKED if another import overtook this one; the
 * errors of the store.
 */
int admins_save(struct store *store, const struct admins *admins, struct err *e);
/* 1 with when the list in force was imported, 0 if none ever was. */
int admins_imported(struct store_view *view, int64_t *imported, struct err *e);
/* 1 with the list in force, 0 if none was ever imported. */
int admins_load(struct store_view *view, struct admins *admins, struct err *e);

/*
 * The rows for a VM on HOST (a hosts(5) name): by UUID (either byte order), then
 * NAME@HOST, then NAME; one person may be in several of them. Each of UUID, NAME and HOST may be NULL: not known.
 * Returns how many there are; fills at most MAXIMUM pointers, borrowed.
 */
size_t admins_of(const struct admins *admins, const unsigned char *uuid, const char *name, const char *host,
		 const struct admin **found, size_t maximum);

/* The key of a person: the email in lower case, else the phone. The caller frees it. */
char *admins_person(const struct admin *admin);

#endif
