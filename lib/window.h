/*
 * window.h - the last probes of one host, and what k of n of them say.
 *
 * Pure: no clock, no input or output.
 */
#ifndef VMROLL_WINDOW_H
#define VMROLL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum { WINDOW_SIZE_MAX = 32 };

/* NEEDED of the last SIZE probes decide; more than half, so that a window never says both. */
struct window_rule {
	unsigned needed;
	unsigned size;
};

/* ERR_USAGE unless 1 <= NEEDED <= SIZE <= WINDOW_SIZE_MAX and NEEDED is more than half of SIZE. */
int window_check_rule(const struct window_rule *rule, struct err *e);

/* All zero bytes is a window without probes. */
struct window {
	uint32_t lost;  /* a bit a probe, the newest is bit 0 */
	uint8_t filled; /* how many probes it holds, at most the rule's size */
};

enum window_verdict { WINDOW_MIXED, WINDOW_ANSWERS, WINDOW_SILENT };

/* Takes the result of the next probe. */
void window_add(struct window *window, const struct window_rule *rule, bool lost);
/* The probe AGE probes ago (0: the newest) was lost, and yet the host proved to be alive. One that has left the window is ignored. */
void window_amend(struct window *window, unsigned age);
/* Keeps the newest answered probes in a row and forgets the lost one before them with all that is older. */
void window_forget_lost(struct window *window);
/* Also a window that is not full yet decides once NEEDED probes agree. */
enum window_verdict window_judge(const struct window *window, const struct window_rule *rule);

unsigned window_lost(const struct window *window);
/* How many of the newest probes in a row were lost. */
unsigned window_lost_run(const struct window *window);
/* Age of the oldest lost probe, or -1. */
int window_oldest_lost(const struct window *window);

#endif
