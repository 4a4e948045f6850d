/* ledger_kit.h - a store for each test of the ledger, and cells in it. */
#ifndef VMROLL_LEDGER_KIT_H
#define VMROLL_LEDGER_KIT_H

#include "ledger.h"
#include "store.h"

extern char folder[64];
extern struct store *store;
extern char *me; /* this process, as an owner */

int open_store(void **state);
int close_store(void **state);
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_store, close_store)

/* A first notice by mail to PERSON, pending; the caller calls delivery_done. */
struct delivery cell_of(const char *incident, const char *person);
/* The same by telephone. */
struct delivery call_of(const char *incident, const char *person);
void claim(struct delivery *cell, const char *owner, int64_t now);
void put(const struct delivery *cell, const char *owner);
/* The cell of PERSON as the store has it. */
struct delivery stored(const char *incident, const char *person);

#endif
