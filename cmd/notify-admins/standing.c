/* standing.c - how far a person is with an incident, over all the ways and turns by which they were told. */
#include "config.h"

#include "standing.h"
#include "when.h"

enum { PASS_ON = '3' /* the key: call.h */ };

static void add_begin(struct standing *standing, const struct delivery *cell)
{
	if (cell->kind == DELIVERY_FIRST && cell->begun != WHEN_UNKNOWN &&
	    (standing->begun == WHEN_UNKNOWN || cell->begun < standing->begun))
		standing->begun = cell->begun;
}

static void add_notice(struct standing *standing, const struct delivery *cell)
{
	add_begin(standing, cell);
	standing->told = standing->told || delivery_has_reached(cell);
	standing->complete = standing->complete || (delivery_has_reached(cell) && cell->complete);
	standing->passed = standing->passed || cell->key == PASS_ON;
	standing->calling =
		standing->calling || (cell->channel == DELIVERY_VOICE && cell->state == DELIVERY_SENDING);
}

struct standing standing_of(const struct cells *cells, const char *incident, const char *person)
{
	struct standing standing = {.begun = WHEN_UNKNOWN};
	struct cell_walk walk = cells_walk(cells, incident, person);
	struct delivery *cell;

	while ((cell = cells_step(&walk))) {
		standing.acknowledged = standing.acknowledged || cell->acknowledged_by;
		standing.stood_in =
			standing.stood_in || (cell->kind == DELIVERY_ESCALATION && cell->acknowledged_by);
		switch (cell->kind) {
		case DELIVERY_FIRST:
		case DELIVERY_ESCALATION:
			add_notice(&standing, cell);
			break;
		case DELIVERY_FOLLOW_UP:
			standing.followed = true;
			break;
		case DELIVERY_RECOVERY:
			standing.returned = true;
			break;
		case DELIVERY_UNDELIVERED:
		case DELIVERY_SUMMARY:
			break;
		}
	}
	return standing;
}

bool standing_is_lost(const struct cells *cells, const struct delivery *cell)
{
	if (cell->kind != DELIVERY_FIRST || cell->state != DELIVERY_FAILED || cell->fallback)
		return false;
	struct standing standing = standing_of(cells, cell->incident, cell->person);
	return !standing.told && !standing.acknowledged;
}
