/* cells.c - the copy of the ledger: what is unfinished, found by its name, by incident, and by incident and person. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "mem.h"
#include "vec.h"

static char *name_of(const struct delivery *cell)
{
	return mem_format("%s %d.%u %d %s", cell->incident, (int)cell->kind, cell->part, (int)cell->channel,
			  cell->person);
}

/* No id holds a blank, so that none of these is another's. */
static char *group_of(const char *incident, const char *person)
{
	return person ? mem_format("%s %s", incident, person) : mem_string(incident);
}

/* Nobody is called this. */
static const char escalations[] = "";

static size_t find(const struct map *map, const char *key)
{
	return (size_t)(uintptr_t)map_find(map, key, strlen(key));
}

/* Takes ownership of KEY. */
static void add(struct cells *cells, struct map *map, char *key, size_t place)
{
	vec_push(&cells->keys, key);
	map_add(map, key, strlen(key), (void *)(uintptr_t)place);
}

static void add_to_chain(struct cells *cells, char *key, size_t place)
{
	size_t chain = find(cells->by_group, key);

	if (chain > 0) {
		free(key);
	} else {
		vec_push_zero(&cells->chains);
		chain = cells->chains.count;
		add(cells, cells->by_group, key, chain);
	}
	vec_push(&cells->chains.items[chain - 1], place);
}

static void index_cell(struct cells *cells, size_t place)
{
	const struct delivery *cell = &cells->all.items[place];

	if (!cells->by_name) {
		cells->by_name = map_new();
		cells->by_group = map_new();
	}
	add(cells, cells->by_name, name_of(cell), place + 1);
	add_to_chain(cells, group_of(cell->incident, NULL), place);
	add_to_chain(cells, group_of(cell->incident, cell->person), place);
	if (cell->kind == DELIVERY_ESCALATION)
		add_to_chain(cells, group_of(cell->incident, escalations), place);
}

void cells_done(struct cells *cells)
{
	map_free(cells->by_name);
	map_free(cells->by_group);
	vec_foreach(&cells->chains, chain)
		vec_done(chain);
	vec_done(&cells->chains);
	vec_foreach(&cells->keys, key)
		free(*key);
	vec_done(&cells->keys);
	ledger_done(&cells->all);
	*cells = (struct cells){0};
}

void cells_take(struct cells *cells, struct ledger *ledger)
{
	cells_done(cells);
	cells->all = *ledger;
	*ledger = (struct ledger){0};
	for (size_t i = 0; i < cells->all.count; i++)
		index_cell(cells, i);
}

struct delivery *cells_find(const struct cells *cells, const struct delivery *wanted)
{
	cleanup(cleanup_mem) char *name = name_of(wanted);
	size_t place = find(cells->by_name, name);

	return place ? &cells->all.items[place - 1] : NULL;
}

void cells_set(struct cells *cells, const struct delivery *cell)
{
	struct delivery *place = cells_find(cells, cell);
	struct delivery copy;

	delivery_copy(&copy, cell);
	if (place) {
		delivery_done(place);
		*place = copy;
		return;
	}
	vec_push(&cells->all, copy);
	index_cell(cells, cells->all.count - 1);
}

struct cell_walk cells_walk(const struct cells *cells, const char *incident, const char *person)
{
	cleanup(cleanup_mem) char *key = group_of(incident, person);
	size_t chain = find(cells->by_group, key);

	return (struct cell_walk){cells, chain > 0 ? &cells->chains.items[chain - 1] : NULL, 0};
}

struct cell_walk cells_walk_escalations(const struct cells *cells, const char *incident)
{
	return cells_walk(cells, incident, escalations);
}

struct delivery *cells_step(struct cell_walk *walk)
{
	if (!walk->chain || walk->next >= walk->chain->count)
		return NULL;
	return &walk->cells->all.items[walk->chain->items[walk->next++]];
}
