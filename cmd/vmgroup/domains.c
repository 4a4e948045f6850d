/* domains.c - the definitions of a deployment's machines: those of their images, with names, disks and addresses of their own. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "crew.h"
#include "domxml_rewrite.h"
#include "log.h"
#include "mem.h"
#include "virt_control.h"
#include "vm.h"

/* ---- in a worker ---- */

/* The disks of one machine as its definition names them. */
struct disks {
	VEC(struct domxml_new_disk) items;
	char *nvram;
};

static void disks_done(struct disks *disks)
{
	vec_foreach(&disks->items, disk)
		free((char *)disk->path);
	vec_done(&disks->items);
	free(disks->nvram);
}

static int find_path(struct virt *virt, const struct deployed *machine, const struct deployed_disk *disk,
		     char **path, struct err *e)
{
	struct virt_volume volume = {0};
	int result = virt_volume_find(virt, machine->pool, disk->volume, &volume, e);

	if (result == 1)
		*path = mem_string(volume.path);
	virt_volume_done(&volume);
	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "volume %s is gone from pool %s", disk->volume, machine->pool);
	return result < 0 ? result : 0;
}

static int add_disk(struct virt *virt, bool in_files, const struct deployed *machine,
		    const struct deployed_disk *disk, struct disks *disks, struct err *e)
{
	char *path = NULL;
	int result = find_path(virt, machine, disk, &path, e);

	if (result < 0)
		return result;
	if (strcmp(disk->target, IMAGE_NVRAM) == 0) {
		disks->nvram = path;
		return 0;
	}
	vec_push(&disks->items,
		 (struct domxml_new_disk){disk->target, path, in_files ? "file" : "block", disk->format});
	return 0;
}

static int find_disks(struct virt *virt, const struct deployed *machine, struct disks *disks, struct err *e)
{
	struct virt_pool pool = {0};
	int result = virt_pool_find(virt, machine->pool, &pool, e);

	if (result < 0)
		return result;
	vec_foreach(&machine->disks, disk)
		if (result == 0)
			result = add_disk(virt, virt_pool_has_files(&pool), machine, disk, disks, e);
	virt_pool_done(&pool);
	return result;
}

static int write_definition(const struct deployment *deployment, const struct deployed *machine,
			    const struct source *source, const struct disks *disks, struct str *xml,
			    struct str *kept, struct err *e)
{
	char uuid[VM_UUID_TEXT_SIZE];
	cleanup(cleanup_mem) char *metadata = mem_format(
		"<vmroll:deployment xmlns:vmroll=\"urn:vmroll:deployment:1\" id=\"%llu\" name=\"%s\" "
		"member=\"%s\"/>",
		(unsigned long long)deployment->id, deployment->name, machine->member);
	const struct domxml_change change = {
		.name = machine->name,
		.uuid = vm_uuid_format(machine->uuid, uuid),
		.disks = disks->items.items,
		.disk_count = disks->items.count,
		.macs = (const char *const *)machine->macs.items,
		.mac_count = machine->macs.count,
		.nvram = disks->nvram,
		.metadata = metadata,
	};

	return domxml_rewrite(source->xml, source->xml_length, &change, xml, kept, e);
}

struct defining {
	const struct sources *sources;
};

static int define_machine(struct crew *crew, struct virt *virt, const struct deployed *machine, struct err *e)
{
	const struct defining *defining = crew->context;
	const struct source *source = &defining->sources->items[source_place(defining->sources, machine->image)];
	cleanup(disks_done) struct disks disks = {0};
	cleanup(str_done) struct str xml = {0}, kept = {0};
	int state;

	/* A killed process may have come so far. */
	int result = virt_domain_state(virt, machine->uuid, &state, e);
	if (result != 0)
		return result < 0 ? result : 0;
	result = find_disks(virt, machine, &disks, e);
	if (result == 0)
		result = write_definition(crew->deployment, machine, source, &disks, &xml, &kept, e);
	if (result == 0)
		result = virt_domain_define(virt, str_text(&xml), e);
	if (result == 0 && kept.length > 0)
		log_info("%s: as on its source: %s", machine->name, str_text(&kept));
	return result;
}

static int define_all(struct crew *crew, struct worker *worker, struct virt *virt,
		      const struct crew_host *host, struct err *e)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < host->machines.count; i++) {
		size_t place = host->machines.items[i];
		const struct deployed *machine = &crew->deployment->machines.items[place];
		result = define_machine(crew, virt, machine, e);
		if (result < 0)
			return err_wrap(e, "%s", machine->name);
		result = step_send(worker, STEP_MACHINE, place, 0, e);
	}
	return result;
}

/* ---- in the parent ---- */

static int is_defined(struct crew *crew, const struct step *step, struct err *e)
{
	if (step->kind != STEP_MACHINE || step->place >= crew->deployment->machines.count)
		return 0;
	crew->deployment->machines.items[step->place].state = DEPLOYED_DEFINED;
	return deployment_put_machine(crew->session->store, crew->deployment, (size_t)step->place, e);
}

static bool is_copied(const struct deployed *machine)
{
	return machine->state == DEPLOYED_COPIED;
}

int build_domains(struct session *session, struct deployment *deployment, const struct sources *sources,
		  struct err *e)
{
	struct defining defining = {sources};
	cleanup(crew_done) struct crew crew = {
		.context = &defining, .work = define_all, .step = is_defined, .on_failure = CREW_END};
	struct workers_limits limits;

	crew_begin(&crew, session, deployment, is_copied);
	session_limits(session, &limits);
	return crew_run(&crew, &limits, session_stop(), e);
}
