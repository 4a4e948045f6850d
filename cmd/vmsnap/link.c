/* link.c - one followed host as the parent of the shards sees it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "map.h"
#include "mem.h"
#include "roll.h"

MEM_DEFINE_CLEANUP(struct map, map_free)

void link_done(struct link *link)
{
	answer_done(&link->answer);
	vec_done(&link->events);
}

static int64_t time_of(const struct link *link, const unsigned char *uuid)
{
	int64_t at = link->answer.asked;

	vec_foreach(&link->events, event)
		if (event->at <= link->answer.asked && memcmp(event->uuid, uuid, VM_UUID_SIZE) == 0)
			at = event->at;
	return at;
}

/* Events that came while the list was on its way are the next list's. */
static void drop_events(struct link *link)
{
	size_t kept = 0;

	vec_foreach(&link->events, event)
		if (event->at > link->answer.asked)
			link->events.items[kept++] = *event;
	link->events.count = kept;
}

static int put_differences(const struct link *link, struct store *store, const struct known *known, struct err *e)
{
	bool changed;

	vec_foreach(&link->answer.vms, vm) {
		const struct vm *before = known_vm(known, vm->uuid);
		if (before && vm_same(before, vm) && before->disks_mark == vm->disks_mark &&
		    before->xml_read == vm->xml_read)
			continue;
		int result = roll_put_event(store, known->host.uuid, vm, time_of(link, vm->uuid), &changed, e);
		if (result < 0)
			return result;
	}
	return 0;
}

static int put_gone(const struct link *link, struct store *store, const struct known *known, struct err *e)
{
	cleanup(cleanup_map_free) struct map *present = map_new();
	bool changed;
	int result = 0;

	vec_foreach(&link->answer.vms, vm)
		map_add(present, vm->uuid, sizeof vm->uuid, vm);
	for (size_t i = 0; i < known->count && result == 0; i++) {
		struct vm gone = known->vms[i];
		if (map_find(present, gone.uuid, sizeof gone.uuid))
			continue;
		gone.state = VM_GONE;
		gone.reason = 0;
		gone.domain_id = -1;
		result = roll_put_event(store, known->host.uuid, &gone, time_of(link, gone.uuid), &changed, e);
	}
	return result;
}

int link_put(struct link *link, struct store *store, uint64_t session, const struct known *known, struct err *e)
{
	const struct answer *answer = &link->answer;

	if (!known->any || (answer->facts && memcmp(answer->host.uuid, known->host.uuid, VM_UUID_SIZE) != 0))
		return 0;
	int result = put_gone(link, store, known, e);
	if (result == 0)
		result = put_differences(link, store, known, e);
	if (result == 0 && !link->followed) {
		memcpy(link->uuid, known->host.uuid, sizeof link->uuid);
		result = roll_follow_begin(store, session, link->uuid, answer->asked, e);
		link->followed = result == 0;
	}
	if (result < 0)
		return result;
	drop_events(link);
	return 1;
}
