/* admins_private.h - what the parts of admins share. */
#ifndef VMROLL_ADMINS_PRIVATE_H
#define VMROLL_ADMINS_PRIVATE_H

#include "admins.h"
#include "store.h"
#include "str.h"

struct admin_rows {
	struct admin *items;
	size_t count, capacity;
};

/* Frees the fields, not the struct. */
void admin_done(struct admin *admin);
/* Builds the index over the rows, which must not move any more. */
void admins_index(struct admins *admins);

/* The oldest version of the record that can hold the rows: who uses nothing new can go back to an older vmroll. */
unsigned admins_rows_version(const struct admins *admins);
/* Encodes rows from *NEXT on until OUT holds SIZE bytes. */
void admins_encode_rows(const struct admins *admins, unsigned version, size_t size, size_t *next,
			struct str *out);
/* Appends the rows of a record of either version. ERR_CORRUPT, ERR_SCHEMA. */
int admins_decode_rows(const struct bytes *bytes, struct admin_rows *rows, struct err *e);

#endif
