/* grouptext_import.c - definitions of groups as text: made what is in the store. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "grouptext.h"
#include "map.h"
#include "mem.h"
#include "serial.h"

/* What becomes of one definition. */
struct arrival {
	const struct grouptext_group *defined;
	bool exists;
	struct group old, new;
};

struct arrivals {
	const struct grouptext *text;
	struct map *by_name; /* arrivals */
	struct arrival *items;
	size_t count;
};

static void arrivals_done(struct arrivals *arrivals)
{
	for (size_t i = 0; i < arrivals->count; i++) {
		group_done(&arrivals->items[i].old);
		group_done(&arrivals->items[i].new);
	}
	free(arrivals->items);
	map_free(arrivals->by_name);
}

static int at(const struct arrivals *arrivals, unsigned line, struct err *e)
{
	return err_wrap(e, "%s:%u", arrivals->text->path, line);
}

/* ---- who is who ---- */

static int meet(struct arrivals *arrivals, struct store_view *view, struct arrival *arrival, struct err *e)
{
	const struct grouptext_group *defined = arrival->defined;

	int result = group_find(view, defined->name, &arrival->old, e);
	if (result < 0)
		return result;
	arrival->exists = result == 1;
	arrival->new.id = arrival->old.id;
	arrival->new.created = arrival->old.created;
	arrival->new.changed = arrival->old.changed;
	arrival->new.name = mem_string(defined->name);
	arrival->new.comment = mem_string(defined->comment);
	map_add(arrivals->by_name, arrival->new.name, strlen(arrival->new.name), arrival);
	return 0;
}

static int find_group(const struct arrivals *arrivals, struct store_view *view, const char *name,
		      uint64_t *id, struct err *e)
{
	const struct arrival *arrival = map_find(arrivals->by_name, name, strlen(name));
	cleanup(group_done) struct group group = {0};

	if (arrival) {
		*id = arrival->new.id;
		return 0;
	}
	int result = group_find(view, name, &group, e);
	*id = group.id;
	return result == 0 ? err_set(e, ERR_USAGE, "there is no group %s, nor is it defined here", name) : result;
}

static int find_image(struct store_view *view, const char *name, uint64_t *id, struct err *e)
{
	cleanup(image_done) struct image image = {0};

	int result = image_find(view, name, &image, e);
	*id = image.id;
	return result == 0 ? err_set(e, ERR_USAGE, "there is no image %s", name) : result;
}

static int resolve_member(const struct arrivals *arrivals, struct store_view *view, struct group *group,
			  const struct grouptext_member *member, struct err *e)
{
	uint64_t id;

	int result = member->name ? find_image(view, member->of, &id, e)
				  : find_group(arrivals, view, member->of, &id, e);
	if (result < 0)
		return at(arrivals, member->line, e);
	if (member->name)
		group_add_image(group, member->name, id, member->count);
	else
		group_add_group(group, id);
	return 0;
}

/* What is there of the groups that are defined. */
static int meet_all(struct arrivals *arrivals, struct store *store, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	for (size_t i = 0; i < arrivals->count; i++)
		if (meet(arrivals, view, &arrivals->items[i], e) < 0)
			return e->code;
	return 0;
}

/* New ones get their numbers before anybody names them. */
static int number_all(struct arrivals *arrivals, struct store *store, struct err *e)
{
	uint64_t next = 0, wanted = 0;

	for (size_t i = 0; i < arrivals->count; i++)
		wanted += arrivals->items[i].exists ? 0 : 1;
	if (wanted > 0 && serial_take(store, wanted, &next, e) < 0)
		return e->code;
	for (size_t i = 0; i < arrivals->count; i++)
		if (!arrivals->items[i].exists)
			arrivals->items[i].new.id = next++;
	return 0;
}

static int resolve_all(struct arrivals *arrivals, struct store *store, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	for (size_t i = 0; i < arrivals->count; i++) {
		struct arrival *arrival = &arrivals->items[i];
		vec_foreach(&arrival->defined->members, member)
			if (resolve_member(arrivals, view, &arrival->new, member, e) < 0)
				return e->code;
	}
	return 0;
}

/* ---- what is done ---- */

static bool is_same(const struct arrival *arrival)
{
	cleanup(str_done) struct str old = {0};
	cleanup(str_done) struct str new = {0};

	group_encode(&arrival->old, &old);
	group_encode(&arrival->new, &new);
	return old.length == new.length &&memcmp(old.data, new.data, old.length) == 0;
}

static int choose(struct arrivals *arrivals, bool replace, const char *comment, struct group_change *changes,
		  struct grouptext_outcome *outcome, struct err *e)
{
	size_t count = 0;

	for (size_t i = 0; i < arrivals->count; i++) {
		struct arrival *arrival = &arrivals->items[i];
		if (arrival->exists && is_same(arrival)) {
			outcome->same++;
			continue;
		}
		if (arrival->exists && !replace) {
			err_set(e, ERR_USAGE, "group %s is there already, and differs", arrival->new.name);
			return at(arrivals, arrival->defined->line, e);
		}
		*(arrival->exists ? &outcome->replaced : &outcome->made) += 1;
		changes[count++] = (struct group_change){arrival->exists ? &arrival->old : NULL,
							 &arrival->new, "import", comment};
	}
	return 0;
}

int grouptext_import(struct store *store, const struct grouptext *definitions, bool replace,
		     const char *comment, const char *by, struct grouptext_outcome *outcome, struct err *e)
{
	struct grouptext_outcome counted = {0};
	cleanup(arrivals_done) struct arrivals arrivals = {
		.text = definitions,
		.by_name = map_new(),
		.items = mem_zalloc(definitions->count + 1, sizeof *arrivals.items),
		.count = definitions->count};
	cleanup(cleanup_mem) struct group_change *changes = mem_zalloc(definitions->count + 1, sizeof *changes);

	for (size_t i = 0; i < definitions->count; i++)
		arrivals.items[i].defined = &definitions->items[i];
	if (meet_all(&arrivals, store, e) < 0 || number_all(&arrivals, store, e) < 0 ||
	    resolve_all(&arrivals, store, e) < 0 || choose(&arrivals, replace, comment, changes, &counted, e) < 0)
		return e->code;
	if (group_change_all(store, changes, counted.made + counted.replaced, by, e) < 0)
		return err_wrap(e, "%s", definitions->path);
	*outcome = counted;
	return 0;
}
