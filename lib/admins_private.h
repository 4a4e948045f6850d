/* admins_private.h - what the parts of admins share. */
#ifndef VMROLL_ADMINS_PRIVATE_H
#define VMROLL_ADMINS_PRIVATE_H

#include "admins.h"

/* Frees the fields, not the struct. */
void admin_done(struct admin *admin);
/* Builds the index over the rows, which must not move any more. */
void admins_index(struct admins *admins);

#endif
