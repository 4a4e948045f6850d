/* capture_look.c - asks a host for all that a capture wants to know of a machine. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "capture_look.h"
#include "mem.h"
#include "str.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "vm.h"
#include "when.h"

void capture_machine_done(struct capture_machine *machine)
{
	capture_facts_done(&machine->facts);
	domxml_done(&machine->config);
	domxml_done(&machine->live);
	free(machine->config_xml);
	*machine = (struct capture_machine){0};
}

/* ---- the definition ---- */

static int find_by_uuid(struct virt *virt, const char *text, unsigned char *uuid, struct err *e)
{
	int state;

	if (vm_uuid_parse(text, uuid, NULL) < 0)
		return 0;
	return virt_domain_state(virt, uuid, &state, e);
}

static int find(struct virt *virt, const char *vm, unsigned char *uuid, struct err *e)
{
	int result = virt_domain_find(virt, vm, uuid, e);

	if (result != ERR_NOT_FOUND)
		return result;
	result = find_by_uuid(virt, vm, uuid, e);
	return result == 0 ? err_set(e, ERR_NOT_FOUND, "no VM of that name") : result;
}

/* ERR_NOT_FOUND is for what was never there. */
static int gone(struct err *e)
{
	return err_set(e, ERR_CONFLICT, "it went away meanwhile");
}

static int read_state(struct virt *virt, struct capture_machine *machine, struct err *e)
{
	int state;
	int result = virt_domain_state(virt, machine->uuid, &state, e);

	if (result == 0)
		return gone(e);
	machine->active = result > 0 && virt_state_is_active(state);
	return result;
}

static int read_live(struct virt *virt, struct capture_machine *machine, struct err *e)
{
	cleanup(cleanup_mem) char *xml = NULL;
	int result = virt_domain_live(virt, machine->uuid, &xml, e);

	return result < 0 ? result : domxml_parse(&machine->live, xml, strlen(xml), e);
}

int capture_look(struct virt *virt, const char *vm, struct capture_machine *machine, struct err *e)
{
	int result = find(virt, vm, machine->uuid, e);

	if (result < 0)
		return result;
	result = read_state(virt, machine, e);
	if (result >= 0)
		result = virt_domain_config(virt, machine->uuid, &machine->config_xml, e);
	if (result >= 0)
		result = domxml_parse(&machine->config, machine->config_xml, strlen(machine->config_xml), e);
	if (result >= 0 && machine->active)
		result = read_live(virt, machine, e);
	return result == ERR_NOT_FOUND ? gone(e) : result;
}

/* ---- its volumes ---- */

struct look {
	struct virt *virt;
	const struct capture_looking *looking;
	struct capture_machine *machine;
};

static int look_in_pool(struct look *look, const char *pool, const char *name, struct capture_source *source,
			struct err *e)
{
	int result = virt_volume_find(look->virt, pool, name, &source->volume, e);

	if (result == ERR_NOT_FOUND || result == 0) {
		source->why = mem_format("pool %s has no volume '%s'", pool, name);
		return 0;
	}
	if (result > 0)
		source->pool = mem_string(pool);
	return result;
}

static int look_at_path(struct look *look, const char *path, struct capture_source *source, struct err *e)
{
	cleanup(cleanup_mem) char *making = virt_volume_pool(path);
	cleanup(cleanup_mem) char *pool = NULL;
	cleanup(cleanup_mem) char *name = NULL;
	bool made;

	int result = making ? look->looking->making(look->looking->context, making, e) : 0;
	if (result < 0)
		return result;
	result = virt_volume_at(look->virt, path, &pool, &name, &made, e);
	if (result == ERR_NOT_FOUND) {
		source->why = mem_string(e->text);
		return 0;
	}
	return result < 0 ? result : look_in_pool(look, pool, name, source, e);
}

/* A running one is copied by QEMU, whether a pool knows the disk or not; but how large is it? */
static int ask_capacity(struct look *look, const char *target, uint64_t *bytes, struct err *e)
{
	cleanup(virt_list_done) struct virt_list list = {0};
	int result = virt_list(look->virt, &list, e);

	vec_foreach(&list.domains, domain)
		if (memcmp(domain->uuid, look->machine->uuid, VIRT_UUID_SIZE) == 0 &&
		    virt_disk_capacity(domain, target, bytes, NULL) < 0)
			*bytes = VIRT_UNKNOWN;
	return result;
}

static int look_at_disk(struct look *look, const struct domxml_disk *disk, struct capture_source *source,
			struct err *e)
{
	int result = 0;

	source->volume = (struct virt_volume){
		.capacity_bytes = VIRT_UNKNOWN,
		.allocation_bytes = VIRT_UNKNOWN,
		.modified = WHEN_UNKNOWN,
	};
	source->wanted = !capture_plan_skips(disk);
	if (!source->wanted)
		return 0;
	if (disk->pool && disk->volume)
		result = look_in_pool(look, disk->pool, disk->volume, source, e);
	else if (disk->source && disk->source[0] == '/')
		result = look_at_path(look, disk->source, source, e);
	if (result >= 0 && !source->pool && look->machine->active && disk->target)
		result = ask_capacity(look, disk->target, &source->volume.capacity_bytes, e);
	return result;
}

static int look_at_nvram(struct look *look, const struct domxml *domain, struct err *e)
{
	struct capture_source *source = &look->machine->facts.nvram;

	source->wanted = capture_plan_has_nvram(domain);
	return source->wanted ? look_at_path(look, domain->nvram, source, e) : 0;
}

/* ---- their pools ---- */

static int add_pool(struct look *look, const char *name, struct err *e)
{
	struct virt_pools *pools = &look->machine->facts.pools;
	struct virt_pool pool = {0};

	for (size_t i = 0; i < pools->count; i++)
		if (str_equal(pools->items[i].name, name))
			return 0;
	int result = virt_pool_find(look->virt, name, &pool, e);
	if (result == ERR_NOT_FOUND)
		return 0;
	if (result >= 0)
		vec_push(pools, pool);
	return result;
}

static int look_at_pools(struct look *look, const struct domxml *domain, struct err *e)
{
	int result = add_pool(look, look->looking->spare, e);

	for (size_t i = 0; result >= 0 && i < domain->disks.count; i++)
		if (look->machine->facts.sources[i].pool)
			result = add_pool(look, look->machine->facts.sources[i].pool, e);
	return result;
}

int capture_look_volumes(struct virt *virt, const struct capture_looking *looking,
			 struct capture_machine *machine, struct err *e)
{
	struct look look = {virt, looking, machine};
	struct capture_facts *facts = &machine->facts;
	int result = 0;

	facts->config = &machine->config;
	facts->live = machine->active ? &machine->live : NULL;
	facts->spare = looking->spare;
	facts->reserve = looking->reserve;
	const struct domxml *domain = capture_facts_domain(facts);
	facts->sources = mem_zalloc(domain->disks.count + 1, sizeof *facts->sources);
	for (size_t i = 0; result >= 0 && i < domain->disks.count; i++)
		result = look_at_disk(&look, &domain->disks.items[i], &facts->sources[i], e);
	if (result >= 0)
		result = look_at_nvram(&look, domain, e);
	return result < 0 ? result : look_at_pools(&look, domain, e);
}

/* ---- afterwards ---- */

static int changed_state(struct virt *virt, const struct capture_machine *machine, struct err *e)
{
	int state;
	int result = virt_domain_state(virt, machine->uuid, &state, e);

	if (result == 0)
		return gone(e);
	if (result < 0 || virt_state_is_active(state) == machine->active)
		return result < 0 ? result : 0;
	return err_set(e, ERR_CONFLICT, "it was %s meanwhile", machine->active ? "stopped" : "started");
}

static int changed_definition(struct virt *virt, const struct capture_machine *machine, struct err *e)
{
	cleanup(cleanup_mem) char *xml = NULL;
	int result = virt_domain_config(virt, machine->uuid, &xml, e);

	if (result < 0)
		return result;
	return str_equal(xml, machine->config_xml)
		       ? 0
		       : err_set(e, ERR_CONFLICT, "its definition was changed meanwhile");
}

static int changed_volume(struct virt *virt, const struct capture_item *item, struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume volume = {0};
	int result = virt_volume_find(virt, item->pool, item->volume, &volume, e);

	if (result < 0 && result != ERR_NOT_FOUND)
		return result;
	if (result > 0 && volume.modified == item->modified && volume.capacity_bytes == item->virtual_bytes)
		return 0;
	return err_set(e, ERR_CONFLICT, "%s was %s meanwhile", item->target, result > 0 ? "changed" : "removed");
}

int capture_look_again(struct virt *virt, const struct capture_machine *machine,
		       const struct capture_item *item, struct err *e)
{
	int result = changed_state(virt, machine, e);

	if (result == 0)
		result = changed_definition(virt, machine, e);
	if (result == 0 && item)
		result = changed_volume(virt, item, e);
	return result == ERR_NOT_FOUND ? gone(e) : result;
}

int capture_look_why(struct virt *virt, const struct capture_machine *machine, struct err *e)
{
	struct err why = {0};

	if (e->code != ERR_ENV && e->code != ERR_NOT_FOUND && e->code != ERR_CONFLICT)
		return e->code;
	if (changed_state(virt, machine, &why) == ERR_CONFLICT)
		*e = why;
	return e->code;
}
