/* cells.h - the copy of the ledger: what is unfinished, found by its name, by incident, and by incident and person. */
#ifndef NOTIFY_CELLS_H
#define NOTIFY_CELLS_H

#include <stddef.h>

#include "ledger.h"
#include "map.h"

/* Places in cells.all, in the order in which they came. */
struct cell_chain {
	size_t *items;
	size_t count, capacity;
};

/* All zero bytes is an empty one. */
struct cells {
	struct ledger all;              /* to be walked; added to by cells_set only */
	struct map *by_name, *by_group; /* to a place in `all`, to one in `chains`: plus one */
	struct {
		struct cell_chain *items;
		size_t count, capacity;
	} chains;
	struct {
		char **items;
		size_t count, capacity;
	} keys; /* of the maps */
};

void cells_done(struct cells *cells); /* empties it */
/* In place of what CELLS holds; empties LEDGER. */
void cells_take(struct cells *cells, struct ledger *ledger);
/* The cell that WANTED names, or NULL. Valid until a cell is added. */
struct delivery *cells_find(const struct cells *cells, const struct delivery *wanted);
/* Puts a copy of CELL in place of what is there. */
void cells_set(struct cells *cells, const struct delivery *cell);
/* The cells of INCIDENT, of PERSON alone or (NULL) of all, one after the other; no cell may be added meanwhile. */
struct cell_walk {
	const struct cells *cells;
	const struct cell_chain *chain; /* NULL: there is none */
	size_t next;
};
struct cell_walk cells_walk(const struct cells *cells, const char *incident, const char *person);
/* Those of INCIDENT by which somebody is told in another's stead: few, where all are many. */
struct cell_walk cells_walk_escalations(const struct cells *cells, const char *incident);
/* The next, or NULL. */
struct delivery *cells_step(struct cell_walk *walk);

#endif
