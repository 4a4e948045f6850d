/* copy.c - volumes of a deployment: each image uploaded once a host, the rest made of it there. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "disk.h"
#include "log.h"
#include "mem.h"
#include "step.h"
#include "virt.h"
#include "virt_volume.h"
#include "when.h"

/* DELETE_MS: libvirtd needs a moment to see that the client of a transfer was killed. */
enum { DELETE_MS = 20 * 1000 };

/* The machines of one image on one host: one connection makes all their volumes. */
struct errand {
	size_t source;
	const char *host, *uri, *pool; /* of the deployment */
	VEC(size_t) machines;
	char *label; /* of its progress */
	uint64_t total_bytes;
};

struct copying {
	struct session *session;
	struct deployment *deployment;
	const struct sources *sources;
	bool again;
	struct deployed_bases bases;
	VEC(struct lock) locks; /* by base: of those that are filled here */
	VEC(struct errand) errands;
};

static void copying_done(struct copying *copying)
{
	vec_foreach(&copying->errands, errand) {
		vec_done(&errand->machines);
		free(errand->label);
	}
	vec_done(&copying->errands);
	vec_foreach(&copying->locks, lock)
		lock_done(lock);
	vec_done(&copying->locks);
	deployed_bases_done(&copying->bases);
}

static struct deployed *machine_of(const struct copying *copying, size_t machine)
{
	return &copying->deployment->machines.items[machine];
}

/* The base that DISK is made of on the errand's host; SIZE_MAX: it has none. */
static size_t base_of(const struct copying *copying, const struct errand *errand, const struct source_disk *disk)
{
	const struct source *source = &copying->sources->items[errand->source];

	for (size_t i = 0; i < copying->bases.count; i++) {
		const struct deployed_base *base = &copying->bases.items[i];
		if (base->image == source->image.id && base->generation == source->number &&
		    strcmp(base->host, errand->host) == 0 && strcmp(base->target, disk->disk->target) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* ---- in a worker ---- */

struct copier {
	const struct copying *copying;
	const struct errand *errand;
	const struct source *source;
	struct worker *worker;
	struct virt *virt;
	struct repository *repository;
	struct step_mover mover;
};

static const struct deployed_disk *find_disk(const struct deployed *machine, const char *target)
{
	vec_foreach(&machine->disks, disk)
		if (strcmp(disk->target, target) == 0)
			return disk;
	return NULL;
}

/* What an earlier try left of a volume is worth nothing. */
static int clear(struct copier *copier, const char *volume, struct err *e)
{
	return step_delete_volume(copier->worker, copier->virt, copier->errand->pool, volume, DELETE_MS, e);
}

static int check_content(const struct copier *copier, const struct source_disk *disk,
			 const struct disk_copied *copied, struct err *e)
{
	if (source_is(disk, copied))
		return 0;
	return err_set(
		e, ERR_CORRUPT,
		"image %s: what was read of its disk %s is not what was registered: see mastimg verify %s",
		copier->source->image.name, disk->disk->target, copier->source->image.name);
}

static int send_content(struct copier *copier, const struct source_disk *disk, const char *volume, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	const struct disk_progress progress = step_progress(&copier->mover);
	struct disk_copied copied;

	int result = source_open_disk(copier->repository, copier->source, disk, &reader, e);
	if (result == 0)
		result = virt_volume_write(&writer, copier->virt, copier->errand->pool, volume, e);
	if (result == 0)
		result = disk_copy_digests(reader, writer, &progress, source_digest(disk), &copied, e);
	if (result == 0)
		result = check_content(copier, disk, &copied, e);
	if (result == 0)
		copier->mover.before_bytes += copied.size_bytes;
	return result;
}

static int upload(struct copier *copier, const struct source_disk *disk, const char *volume, bool read_only,
		  struct err *e)
{
	const struct virt_volume_spec spec = {
		.name = volume,
		.format = "raw",
		.capacity_bytes = disk->disk->virtual_bytes,
		.read_only = read_only,
	};
	int result = clear(copier, volume, e);

	if (result == 0)
		result = virt_volume_create(copier->virt, copier->errand->pool, &spec, NULL, e);
	return result < 0 ? result : send_content(copier, disk, volume, e);
}

/* ERR_NOT_FOUND where somebody removed it behind our back: the next deployment fills it again. */
static int find_base(struct copier *copier, size_t place, char **path, struct err *e)
{
	const struct deployed_base *base = &copier->copying->bases.items[place];
	struct virt_volume volume = {0};
	int result = virt_volume_find(copier->virt, base->pool, base->volume, &volume, e);

	if (result == 1)
		*path = mem_string(volume.path);
	virt_volume_done(&volume);
	if (result != 0)
		return result < 0 ? result : 0;
	result = step_send(copier->worker, STEP_LOST, place, 0, e);
	return result < 0 ? result
			  : err_set(e, ERR_NOT_FOUND,
				    "volume %s, which VMs of image %s stand on, was removed by somebody: "
				    "deploy it again, which makes it anew",
				    base->volume, copier->source->image.name);
}

static int fill_base(struct copier *copier, size_t place, const struct source_disk *disk, char **path,
		     struct err *e)
{
	const struct deployed_base *base = &copier->copying->bases.items[place];
	int result = 0;

	if (!base->whole)
		result = upload(copier, disk, base->volume, true, e);
	if (result == 0 && !base->whole)
		result = step_send(copier->worker, STEP_BASE, place, copier->mover.before_bytes, e);
	return result < 0 ? result : find_base(copier, place, path, e);
}

static int make_overlay(struct copier *copier, const struct deployed_disk *disk, const char *base_path,
			struct err *e)
{
	const struct virt_volume_spec spec = {
		.name = disk->volume,
		.format = disk->format,
		.capacity_bytes = disk->capacity_bytes,
		.backing_path = base_path,
		.backing_format = "raw",
	};

	return virt_volume_create(copier->virt, copier->errand->pool, &spec, NULL, e);
}

static int make_clone(struct copier *copier, const struct deployed_disk *disk, const char *from, struct err *e)
{
	const struct disk_progress progress = step_progress(&copier->mover);
	const struct virt_volume_spec spec = {
		.name = disk->volume,
		.format = disk->format,
		.capacity_bytes = disk->capacity_bytes,
	};

	return virt_volume_clone(copier->virt, copier->errand->pool, &spec, copier->errand->pool, from,
				 &progress, NULL, e);
}

/* One disk of one machine: from the base, if there is one; else the first machine's is uploaded, and FIRST is where others get it. */
struct way {
	const struct deployed_base *base;
	char *base_path;
	const char *first; /* volume */
};

static void way_done(struct way *way)
{
	free(way->base_path);
}

static int make_disk(struct copier *copier, const struct source_disk *content,
		     const struct deployed_disk *disk, struct way *way, struct err *e)
{
	int result = copier->copying->again ? clear(copier, disk->volume, e) : 0;

	if (result < 0)
		return result;
	if (disk->base)
		return make_overlay(copier, disk, way->base_path, e);
	if (way->base)
		return make_clone(copier, disk, way->base->volume, e);
	if (way->first)
		return make_clone(copier, disk, way->first, e);
	result = upload(copier, content, disk->volume, false, e);
	if (result == 0)
		way->first = disk->volume;
	return result;
}

/* A machine that is there already, from an earlier try, is the one that others are cloned from. */
static int make_disk_of(struct copier *copier, const struct source_disk *content, struct deployed *machine,
			struct way *way, struct err *e)
{
	const struct deployed_disk *disk = find_disk(machine, content->disk->target);
	int result;

	if (!disk)
		return 0;
	if (machine->state == DEPLOYED_PLANNED) {
		result = make_disk(copier, content, disk, way, e);
		return result < 0 ? err_wrap(e, "%s: %s", machine->name, disk->target) : 0;
	}
	if (!way->base && !way->first)
		way->first = disk->volume;
	return 0;
}

static bool any_left(const struct copier *copier)
{
	vec_foreach(&copier->errand->machines, machine)
		if (machine_of(copier->copying, *machine)->state == DEPLOYED_PLANNED)
			return true;
	return false;
}

static int make_disks(struct copier *copier, const struct source_disk *content, struct err *e)
{
	cleanup(way_done) struct way way = {0};
	size_t place = base_of(copier->copying, copier->errand, content);
	int result = 0;

	if (place != SIZE_MAX) {
		way.base = &copier->copying->bases.items[place];
		result = fill_base(copier, place, content, &way.base_path, e);
	}
	for (size_t i = 0; result == 0 && i < copier->errand->machines.count; i++) {
		struct deployed *machine = machine_of(copier->copying, copier->errand->machines.items[i]);
		result = make_disk_of(copier, content, machine, &way, e);
		if (result == 0)
			result = step_send(copier->worker, STEP_MOVED, 0, copier->mover.before_bytes, e);
	}
	return result;
}

static int copy_all(struct copier *copier, struct err *e)
{
	int result = 0;

	vec_foreach(&copier->source->disks, disk)
		if (result == 0)
			result = make_disks(copier, disk, e);
	for (size_t i = 0; result == 0 && i < copier->errand->machines.count; i++)
		result = step_send(copier->worker, STEP_MACHINE, copier->errand->machines.items[i],
				   copier->mover.before_bytes, e);
	return result;
}

static int copy_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_virt) struct virt *virt = NULL;
	cleanup(cleanup_repository) struct repository *repository = NULL;
	const struct copying *copying = context;
	const struct errand *errand = &copying->errands.items[job];
	struct copier copier = {
		.copying = copying,
		.errand = errand,
		.source = &copying->sources->items[errand->source],
		.worker = worker,
		.mover = {.worker = worker},
	};

	if (!any_left(&copier))
		return 0;
	int result = virt_open_control(&virt, errand->uri, e);
	if (result == 0)
		result = repository_open(&repository, copying->session->conf->image.repository, e);
	copier.virt = virt;
	copier.repository = repository;
	if (result == 0)
		result = copy_all(&copier, e);
	return result < 0 ? result : worker_finish(worker, e);
}

/* ---- in the parent ---- */

static int base_is_whole(struct copying *copying, size_t place, struct err *e)
{
	struct deployed_base *base = &copying->bases.items[place];

	base->whole = true;
	int result = deployment_put_base(copying->session->store, base, e);
	lock_done(&copying->locks.items[place]);
	return result;
}

static int base_is_lost(struct copying *copying, size_t place, struct err *e)
{
	copying->bases.items[place].whole = false;
	return deployment_put_base(copying->session->store, &copying->bases.items[place], e);
}

static int machine_is_copied(struct copying *copying, size_t place, struct err *e)
{
	struct deployed *machine = machine_of(copying, place);

	if (machine->state != DEPLOYED_PLANNED)
		return 0;
	machine->state = DEPLOYED_COPIED;
	return deployment_put_machine(copying->session->store, copying->deployment, place, e);
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct copying *copying = context;
	const struct errand *errand = &copying->errands.items[job];
	struct step step;
	int result = step_receive(bytes, length, &step, e);

	if (result < 0)
		return result;
	if (step.bytes > 0)
		progress_set(copying->session->progress, errand->label, step.bytes, errand->total_bytes);
	if (step.kind == STEP_BASE && step.place < copying->bases.count)
		return base_is_whole(copying, (size_t)step.place, e);
	if (step.kind == STEP_LOST && step.place < copying->bases.count)
		return base_is_lost(copying, (size_t)step.place, e);
	if (step.kind == STEP_MACHINE && step.place < copying->deployment->machines.count)
		return machine_is_copied(copying, (size_t)step.place, e);
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct copying *copying = context;
	const struct errand *errand = &copying->errands.items[job];

	progress_drop(copying->session->progress, errand->label);
	if (outcome->code == 0 || !outcome->asked)
		return 0;
	return err_set(e, outcome->code, "%s: %s", errand->host, outcome->text);
}

/* ---- what there is to do ---- */

static struct errand *errand_for(struct copying *copying, size_t source, const struct deployed *machine)
{
	vec_foreach(&copying->errands, errand)
		if (errand->source == source && strcmp(errand->host, machine->host) == 0)
			return errand;
	struct errand *errand = vec_push_zero(&copying->errands);
	errand->source = source;
	errand->host = machine->host;
	errand->uri = machine->uri;
	errand->pool = machine->pool;
	errand->label = mem_format("%s to %s", copying->sources->items[source].image.name, machine->host);
	return errand;
}

static void count_bytes(struct copying *copying, struct errand *errand)
{
	const struct source *source = &copying->sources->items[errand->source];

	vec_foreach(&source->disks, disk) {
		size_t base = base_of(copying, errand, disk);
		if (base == SIZE_MAX || !copying->bases.items[base].whole)
			errand->total_bytes += disk->disk->virtual_bytes;
	}
}

static void make_errands(struct copying *copying)
{
	for (size_t i = 0; i < copying->deployment->machines.count; i++) {
		const struct deployed *machine = machine_of(copying, i);
		size_t source = source_place(copying->sources, machine->image);
		struct errand *errand = errand_for(copying, source, machine);
		vec_push(&errand->machines, i);
	}
	vec_foreach(&copying->errands, errand)
		count_bytes(copying, errand);
}

/* ---- bases that nobody has filled yet ---- */

/* All of them, in the order of their keys, which is everybody's: so that no two wait for each other. */
static int lock_bases(struct copying *copying, struct err *e)
{
	int result = 0;

	vec_foreach(&copying->bases, base)
		vec_push(&copying->locks, (struct lock)LOCK_NONE);
	for (size_t i = 0; result == 0 && i < copying->bases.count; i++) {
		if (!copying->bases.items[i].whole)
			result = session_wait_base(copying->session, &copying->bases.items[i],
						   &copying->locks.items[i], session_stop(), e);
	}
	return result;
}

static int read_bases(struct copying *copying, struct deployed_bases *bases, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, copying->session->store, e);

	return result < 0 ? result : deployment_bases(view, copying->deployment->id, bases, e);
}

/* Somebody else may have filled them while they were waited for. */
static int settle_bases(struct copying *copying, struct err *e)
{
	struct deployed_bases now = {0};
	int result = read_bases(copying, &copying->bases, e);

	if (result == 0)
		result = lock_bases(copying, e);
	if (result == 0)
		result = read_bases(copying, &now, e);
	if (result < 0)
		return result;
	deployed_bases_done(&copying->bases);
	copying->bases = now;
	for (size_t i = 0; i < now.count && i < copying->locks.count; i++)
		if (now.items[i].whole)
			lock_done(&copying->locks.items[i]);
	return 0;
}

static bool all_copied(const struct deployment *deployment)
{
	vec_foreach(&deployment->machines, machine)
		if (machine->state == DEPLOYED_PLANNED)
			return false;
	return true;
}

int build_volumes(struct session *session, struct deployment *deployment, const struct sources *sources,
		  bool again, struct err *e)
{
	cleanup(copying_done) struct copying copying = {
		.session = session, .deployment = deployment, .sources = sources, .again = again};
	const struct workers_job job = {&copying, copy_job, received, finished};
	struct workers_limits limits;

	if (all_copied(deployment))
		return 0;
	int result = settle_bases(&copying, e);
	if (result < 0)
		return result;
	make_errands(&copying);
	session_limits(session, &limits);
	result = workers_run(&job, copying.errands.count, &limits, session_stop(), e);
	progress_hide(session->progress);
	/* The jobs that were ended say what they did not answer, which is not why. */
	return *session_stop() ? err_set(e, ERR_ENV, "interrupted") : result;
}
