/*
 * silence.h - hosts of whose death nobody is told for a while, because it is expected.
 *
 * A host has one silence: a new one replaces that in force, be it shorter or longer. It ends by
 * itself, or by hand; what is over is kept until it is pruned, for people to look at.
 */
#ifndef VMROLL_SILENCE_H
#define VMROLL_SILENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"
#include "str.h"

struct silence {
	char *host; /* hosts(5) name */
	int64_t from, until;
	char *why, *by; /* for people */
	bool ended;     /* by hand, at `until` */
};
void silence_done(struct silence *silence);

/* Whether it holds at NOW. One that begins well after NOW is from before the clock was put back: it silences nothing. */
bool silence_is_active(const struct silence *silence, int64_t now);

/* Sets it in place of what the host had. 1 if one was in force at its `from` that it replaces, 0 if not. */
int silence_set(struct store *store, const struct silence *silence, struct err *e);
/* Ends the silence of HOST at NOW. ERR_NOT_FOUND if none is in force. */
int silence_end(struct store *store, const char *host, int64_t now, struct err *e);

/* 1 with the silence of HOST in force at NOW (the caller calls silence_done), 0 if there is none. */
int silence_find(struct store_view *view, const char *host, int64_t now, struct silence *silence, struct err *e);

struct silences {
	struct silence *items;
	size_t count, capacity;
};
void silences_done(struct silences *silences);
/* All that are kept, by name of the host; added to *SILENCES. */
int silence_all(struct store_view *view, struct silences *silences, struct err *e);

/* Removes those that were over before BEFORE. *REMOVED is added to. */
int silence_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e);
/* hosts(5) renamed it. What the new name has already stays; nothing happens for a name without one. */
int silence_rename(struct store *store, const char *old_name, const char *new_name, struct err *e);

/* Record (rec.h), without the host. silence_decode fills *SILENCE, which the caller frees with silence_done; ERR_CORRUPT, ERR_SCHEMA. */
void silence_encode(const struct silence *silence, struct str *out);
int silence_decode(const char *host, const void *data, size_t length, struct silence *silence, struct err *e);

#endif
