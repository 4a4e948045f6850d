/* ledger_private.h - what the parts of ledger share. */
#ifndef VMROLL_LEDGER_PRIVATE_H
#define VMROLL_LEDGER_PRIVATE_H

#include "keys.h"
#include "ledger.h"

enum { LEDGER_LEASE_MS = 10 * 60 * 1000 };

struct key *ledger_cell_key(struct key *key, const struct delivery *delivery);
/* 1 with the cell that WANTED names and its bytes, 0 if it is not in the store. */
int ledger_read_cell(struct store_view *view, const struct delivery *wanted, struct delivery *stored,
		     struct bytes *raw, struct err *e);

#endif
