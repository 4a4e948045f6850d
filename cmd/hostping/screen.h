/* screen.h - the picture of the board: which hosts, in which order, and how each looks. The only user of curses. */
#ifndef HOSTPING_SCREEN_H
#define HOSTPING_SCREEN_H

#include <stdbool.h>

#include "cells.h"
#include "err.h"
#include "hostping.h"
#include "targets.h"

struct screen;

/* Takes the terminal. TARGETS and CELLS are borrowed. ERR_ENV. */
int screen_new(struct screen **screen, const struct targets *targets, const struct cells *cells, struct err *e);
/* Gives the terminal back as it was; NULL-safe. */
void screen_free(struct screen *screen);
/* Reads from the store since when hosts have been in the state that they will be found in. A store that cannot be read is passed over. */
void screen_remember(struct screen *screen, const struct options *o);
/* Draws the hosts; MESSAGE ("" for none) stands in the last line. */
void screen_draw(struct screen *screen, const char *message);
enum screen_wish { SCREEN_NOTHING, SCREEN_GO_ON /* a key was obeyed: the message was seen */, SCREEN_LEAVE };

/* Waits for a key for at most WAIT_MS and does what it says. */
enum screen_wish screen_input(struct screen *screen, int wait_ms);

#endif
