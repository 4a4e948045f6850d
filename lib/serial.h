/* serial.h - the numbers of images, groups, deployments and stages: one counter, each number given once. */
#ifndef VMROLL_SERIAL_H
#define VMROLL_SERIAL_H

#include <stdint.h>

#include "err.h"
#include "store.h"

/* The next number, from 1 on; durable before it is returned. */
int serial_next(struct store *store, uint64_t *number, struct err *e);
/* COUNT of them in a row, of which *FIRST is the least. */
int serial_take(struct store *store, uint64_t count, uint64_t *first, struct err *e);
/* The next above FLOOR; so are those that follow. */
int serial_above(struct store *store, uint64_t floor, uint64_t *number, struct err *e);

#endif
