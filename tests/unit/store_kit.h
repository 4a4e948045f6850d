/* store_kit.h - a store in a folder of its own for each test, and ways to fill and to compare it. */
#ifndef VMROLL_STORE_KIT_H
#define VMROLL_STORE_KIT_H

#include "store.h"

struct kit {
	char *folder;
	char *uri;
	struct store *store;
};

int kit_setup(void **state);
int kit_teardown(void **state);
#define kit_test(test) cmocka_unit_test_setup_teardown(test, kit_setup, kit_teardown)

const char *kit_base(void);
void kit_reopen(struct kit *kit, enum store_mode mode);
void kit_close(struct kit *kit);
void kit_remove(const char *folder);

/* Records k/NNNNNNNN whose values follow from their keys. */
void kit_fill(struct kit *kit, unsigned first, unsigned count);
void kit_fill_shuffled(struct kit *kit, unsigned count);
void kit_delete_every(struct kit *kit, unsigned count, unsigned step);
void kit_check_item(const struct store_item *item);
/* Walks and checks the records k/…: how many there are. */
unsigned kit_count(struct kit *kit, bool reverse);

/* Batch NUMBER, from 1 on: each of its keys same/0 to same/16 says it, and of log/ the last 50 are there. */
int kit_write_number(struct store *store, unsigned number, struct err *e);
/* The number of the last batch, 0: none. ERR_CONFLICT if it is not there as a whole. For children too: nothing is asserted. */
int kit_read_number(struct store *store, unsigned *number, struct err *e);

#endif
