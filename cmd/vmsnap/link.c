/* link.c - one followed host as the parent of the shards sees it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "map.h"
#include "mem.h"
#include "roll.h"
#include "when.h"

MEM_DEFINE_CLEANUP(struct map, map_free)

void link_done(struct link *link)
{
	child_kill(&link->trial);
	answer_done(&link->answer);
	vec_done(&link->events);
}

void link_renew(struct link *link)
{
	answer_done(&link->answer);
	/* What happened since is not known: these times may not be those of what the next list says. */
	link->events.count = 0;
	link->again = false;
	link->identified = false;
}

static int64_t time_of(const struct link *link, const unsigned char *uuid)
{
	int64_t at = link->answer.asked;

	vec_foreach(&link->events, event)
		if (event->at <= link->answer.asked && memcmp(event->uuid, uuid, VM_UUID_SIZE) == 0)
			at = event->at;
	return at;
}

/* Events that came while the list was on its way are the next list's; in the future are those of a clock that was wrong. */
static void drop_events(struct link *link)
{
	int64_t now = when_now();
	size_t kept = 0;

	vec_foreach(&link->events, event)
		if (event->at > link->answer.asked && event->at <= now)
			link->events.items[kept++] = *event;
	link->events.count = kept;
}

/* What differs from what is known: with the time of its event, if there was one; the rest together, at that of the list. */
struct difference {
	const struct link *link;
	struct store *store;
	const struct known *known;
	VEC(const struct vm *) rest; /* borrowed */
};

static void difference_done(struct difference *difference)
{
	vec_done(&difference->rest);
}

static int add_vm(struct difference *difference, const struct vm *vm, struct err *e)
{
	int64_t at = time_of(difference->link, vm->uuid);

	if (at != difference->link->answer.asked)
		return roll_put_event(difference->store, difference->known->host.uuid, vm, at, NULL, e);
	vec_push(&difference->rest, vm);
	return 0;
}

static int add_changed(struct difference *difference, struct err *e)
{
	int result = 0;

	vec_foreach(&difference->link->answer.vms, vm) {
		const struct vm *before = known_vm(difference->known, vm->uuid);
		if (before && vm_same(before, vm) && before->disks_mark == vm->disks_mark &&
		    before->xml_read == vm->xml_read)
			continue;
		result = add_vm(difference, vm, e);
		if (result < 0)
			break;
	}
	return result;
}

/* GONE has room for all that are known. */
static int add_gone(struct difference *difference, struct vm *gone, struct err *e)
{
	cleanup(cleanup_map_free) struct map *present = map_new();
	const struct known *known = difference->known;
	int result = 0;

	vec_foreach(&difference->link->answer.vms, vm)
		map_add(present, vm->uuid, sizeof vm->uuid, vm);
	for (size_t i = 0; i < known->count && result == 0; i++) {
		if (map_find(present, known->vms[i].uuid, sizeof known->vms[i].uuid))
			continue;
		gone[i] = known->vms[i];
		gone[i].state = VM_GONE;
		gone[i].reason = 0;
		gone[i].domain_id = -1;
		result = add_vm(difference, &gone[i], e);
	}
	return result;
}

static int put_differences(const struct link *link, struct store *store, const struct known *known, struct err *e)
{
	cleanup(difference_done) struct difference difference = {link, store, known, {0}};
	cleanup(cleanup_mem) struct vm *gone = mem_zalloc(known->count, sizeof *gone);
	int result = add_gone(&difference, gone, e);

	if (result == 0)
		result = add_changed(&difference, e);
	if (result < 0 || difference.rest.count == 0)
		return result;
	return roll_put_events(store, known->host.uuid, difference.rest.items, difference.rest.count,
			       link->answer.asked, NULL, e);
}

/* A UUID that is made of the host's name stays when the name is another. */
static bool is_who_it_was(const struct link *link, const struct roll_host *known)
{
	return link->identified && (memcmp(link->identity, known->uuid, VM_UUID_SIZE) == 0 ||
				    (link->derived && known->uuid_derived));
}

int link_put(struct link *link, struct store *store, uint64_t session, const struct known *known, struct err *e)
{
	const struct answer *answer = &link->answer;

	if (answer->facts) {
		memcpy(link->identity, answer->host.uuid, sizeof link->identity);
		link->derived = answer->host.uuid_derived;
		link->identified = true;
	}
	if (!known->any || !is_who_it_was(link, &known->host))
		return 0;
	int result = put_differences(link, store, known, e);
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
