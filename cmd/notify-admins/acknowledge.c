/* acknowledge.c - an acknowledgement, by whatever way it came: what it changes in the store, and what is said of it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acknowledge.h"
#include "ledger.h"
#include "map.h"
#include "mem.h"
#include "str.h"
#include "vec.h"
#include "when.h"

/* MEANT, which is taken over, and those told with it. */
static int add_group(struct store_view *view, struct incident *meant, struct incidents *found, struct err *e)
{
	cleanup(incidents_done) struct incidents active = {0};

	vec_push(found, *meant);
	if (!meant->group)
		return 0;
	if (incident_active(view, &active, e) < 0)
		return e->code;
	vec_foreach(&active, incident)
		if (str_equal(incident->group, meant->group) && strcmp(incident->id, meant->id) != 0 &&
		    incident->closed == WHEN_UNKNOWN) {
			vec_push(found, *incident);
			*incident = (struct incident){0};
		}
	return 0;
}

int acknowledge_find(struct store *store, const char *text, struct incidents *found, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct incident meant;

	if (store_view_open(&view, store, e) < 0 || incident_find(view, text, &meant, e) < 0)
		return e->code;
	return add_group(view, &meant, found, e);
}

int acknowledge_find_id(struct store *store, const char *id, struct incidents *found, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct incident meant;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	int result = incident_get(view, id, &meant, e);
	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "no incident %s", id);
	return result < 0 ? result : add_group(view, &meant, found, e);
}

/* The cells of all of them, added to *CELLS. */
static int read_cells(struct store *store, const struct incidents *incidents, struct ledger *cells, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	vec_foreach(incidents, incident)
		if (ledger_read(view, incident->id, cells, e) < 0)
			return e->code;
	return 0;
}

int acknowledge_knows(struct store *store, const struct incidents *incidents, const char *person, struct err *e)
{
	cleanup(ledger_done) struct ledger cells = {0};

	if (read_cells(store, incidents, &cells, e) < 0)
		return e->code;
	vec_foreach(&cells, cell)
		if (strcmp(cell->person, person) == 0)
			return 1;
	return 0;
}

/* ---- each incident ---- */

static void report(const struct incident *incident, const struct acknowledgement *acknowledgement, bool changed)
{
	const char *had = incident->acknowledged_by ? incident->acknowledged_by : "somebody";
	cleanup(cleanup_mem) char *by = str_escape(acknowledgement->by);
	cleanup(cleanup_mem) char *other = str_escape(acknowledgement->person ? acknowledgement->person : had);

	if (acknowledgement->quiet)
		return;
	if (!changed)
		printf("%s %s: %s has it already\n", incident->id, incident->host, other);
	else
		printf("%s %s: acknowledged by %s%s\n", incident->id, incident->host, by,
		       acknowledgement->whole && acknowledgement->person ? ", for everybody" : "");
}

static int acknowledge_one(struct store *store, const struct incident *incident,
			   const struct acknowledgement *acknowledgement, struct err *e)
{
	int64_t now = when_now();
	int own = 0;

	if (acknowledgement->person)
		own = ledger_acknowledge(store, incident->id, acknowledgement->person, now,
					 acknowledgement->by, e);
	/* Of those told together not all concern everybody. */
	if (own == ERR_NOT_FOUND && !acknowledgement->whole)
		return 0;
	if (own < 0 && own != ERR_NOT_FOUND)
		return own;
	int result = incident_acknowledge(store, incident->id, now, acknowledgement->by,
					  acknowledgement->note, acknowledgement->whole, e);
	if (result < 0)
		return result;
	/* Of one person only their own cells tell who was first: of two replies at once either may come to the incident first. */
	report(incident, acknowledgement, own == 1 || (acknowledgement->whole && result == 1));
	return 0;
}

/* ---- who has still to answer ---- */

static bool is_asked(const struct delivery *cell)
{
	return (cell->kind == DELIVERY_FIRST || cell->kind == DELIVERY_ESCALATION) &&
	       (delivery_is_open(cell) || delivery_has_reached(cell));
}

/* Persons who have answered for the incident; borrowed from CELLS. */
static struct map *map_answered(const struct ledger *cells, const char *incident)
{
	struct map *answered = map_new();

	vec_foreach(cells, cell)
		if (cell->acknowledged_by && strcmp(cell->incident, incident) == 0)
			map_add(answered, cell->person, strlen(cell->person), cell);
	return answered;
}

/* Those of one incident who have not, each once: NAMED has those who are in NAMES already. */
static void add_unanswered(const struct ledger *cells, const char *incident, struct map *named, struct str *names)
{
	struct map *answered = map_answered(cells, incident);

	vec_foreach(cells, cell) {
		size_t length = strlen(cell->person);
		if (strcmp(cell->incident, incident) != 0 || !is_asked(cell) ||
		    map_find(answered, cell->person, length) || !map_add(named, cell->person, length, cell))
			continue;
		str_add(names, names->length > 0 ? ", " : "");
		str_add_escaped(names, cell->person, length);
	}
	map_free(answered);
}

static int report_others(struct store *store, const struct incidents *incidents, struct err *e)
{
	cleanup(ledger_done) struct ledger cells = {0};
	cleanup(str_done) struct str names = {0};

	if (read_cells(store, incidents, &cells, e) < 0)
		return e->code;
	struct map *named = map_new();
	vec_foreach(incidents, incident)
		add_unanswered(&cells, incident->id, named, &names);
	map_free(named);
	if (names.length > 0)
		printf("still to answer: %s\n", str_text(&names));
	return 0;
}

int acknowledge(struct store *store, const struct incidents *incidents,
		const struct acknowledgement *acknowledgement, struct err *e)
{
	vec_foreach(incidents, incident)
		if (acknowledge_one(store, incident, acknowledgement, e) < 0)
			return e->code;
	/* For everybody means that nobody else is waited for. */
	if (acknowledgement->whole || acknowledgement->quiet)
		return 0;
	return report_others(store, incidents, e);
}
