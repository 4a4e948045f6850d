/* news.c - by which ways somebody hears what follows the first notice. */
#include "config.h"

#include "news.h"

static bool has_way(const struct draft *drafts, size_t count, enum delivery_channel channel)
{
	for (size_t i = 0; i < count; i++)
		if (drafts[i].channel == channel)
			return true;
	return false;
}

static struct draft draft_like(const struct delivery *cell, enum delivery_kind kind)
{
	return (struct draft){.kind = kind,
			      .channel = cell->channel,
			      .person = cell->person,
			      .name = cell->name,
			      .address = cell->address,
			      .fallback = cell->fallback};
}

size_t news_ways(const struct cells *cells, const struct person *contact, const char *incident,
		 const char *person, enum delivery_kind kind, struct draft drafts[NEWS_WAYS_MAX])
{
	struct cell_walk walk = cells_walk(cells, incident, person);
	const struct delivery *call = NULL;
	struct delivery *cell;
	size_t count = 0;

	while ((cell = cells_step(&walk))) {
		if ((cell->kind != DELIVERY_FIRST && cell->kind != DELIVERY_ESCALATION) ||
		    !delivery_has_reached(cell))
			continue;
		if (cell->channel == DELIVERY_VOICE)
			call = cell;
		else if (!has_way(drafts, count, cell->channel))
			drafts[count++] = draft_like(cell, kind);
	}
	if (count > 0 || !call)
		return count;
	drafts[0] = draft_like(call, kind);
	if (contact && contact->email) {
		drafts[0].channel = DELIVERY_MAIL;
		drafts[0].address = contact->email;
		return 1;
	}
	return kind == DELIVERY_RECOVERY ? 1 : 0;
}
