/* repository_places.c - which numbers of images have a place in the repository, whatever the store knows. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "repository_known.h"
#include "repository_places.h"
#include "repository_work.h"
#include "serial.h"
#include "vec.h"

void repository_places_done(struct repository_places *places)
{
	vec_done(places);
}

static int act(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	uint64_t *ids = NULL;
	size_t count;

	(void)context;
	if (repository_ids(repository, &ids, &count, e) < 0)
		return e->code;
	int result = repository_worker_send(worker, ids, count * sizeof *ids, e);
	free(ids);
	return result;
}

static int take(void *context, const void *bytes, size_t length, struct err *e)
{
	struct repository_places *places = context;

	if (length % sizeof *places->items != 0)
		return err_set(e, ERR_CORRUPT, "a frame of %zu bytes", length);
	for (size_t at = 0; at < length; at += sizeof *places->items) {
		uint64_t id;
		memcpy(&id, (const char *)bytes + at, sizeof id);
		vec_push(places, id);
	}
	return 0;
}

int repository_places(const struct conf *conf, struct repository_places *places, struct err *e)
{
	const struct repository_work work = {.setting = conf->image.repository,
					     .stall_ms = conf->image.stall_ms,
					     .act = act,
					     .took = take,
					     .context = places};

	return repository_work(&work, e);
}

int repository_number(const struct conf *conf, struct store *store, uint64_t *number, struct err *e)
{
	cleanup(repository_places_done) struct repository_places places = {0};

	if (repository_known(conf, conf->image.repository, store, true, e) < 0 ||
	    repository_places(conf, &places, e) < 0)
		return e->code;
	return serial_above(store, places.count > 0 ? places.items[places.count - 1] : 0, number, e);
}
