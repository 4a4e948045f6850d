/* capture_copy.c - raw volumes of a machine's disks, made on its host. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "capture_worker.h"
#include "disk.h"
#include "mem.h"
#include "str.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "when.h"

enum { FREEZE_WAIT_S = 10, TELL_MS = 100 };

/* ---- what is told to the parent ---- */

static int announce_volume(struct work *work, const char *pool, const char *volume, struct err *e)
{
	const struct stage_remote remote = {.pool = (char *)pool, .volume = (char *)volume};

	return capture_send_remote(work->channel, &remote, e);
}

int capture_announce_pool(void *context, const char *pool, struct err *e)
{
	struct work *work = context;

	vec_foreach(&work->pools, known)
		if (strcmp(*known, pool) == 0)
			return 0;
	vec_push(&work->pools, mem_string(pool));
	return announce_volume(work, pool, NULL, e);
}

/* What the names of all copies begin with. The caller frees. */
static char *copy_names(const struct work *work)
{
	return mem_format("vmroll-%llu-%016llx-", (unsigned long long)work->order->stage->id,
			  (unsigned long long)work->mark);
}

static int announce_backup(struct work *work, struct err *e)
{
	cleanup(cleanup_mem) char *names = copy_names(work);
	struct stage_remote remote = {.volume = names, .thaw = work->order->capture->quiesce};

	memcpy(remote.backup_of, work->machine.uuid, sizeof remote.backup_of);
	return capture_send_remote(work->channel, &remote, e);
}

int capture_tell(void *context, uint64_t done_bytes, struct err *e)
{
	struct teller *teller = context;
	int64_t now = when_monotonic();

	if (done_bytes == teller->moved.done_bytes || now - teller->told < TELL_MS)
		return 0;
	teller->told = now;
	teller->moved.done_bytes = done_bytes;
	return capture_send_moved(teller->work->channel, &teller->moved, e);
}

struct teller capture_teller_of(struct work *work, size_t place, const char *phase)
{
	const struct capture_item *item = &work->plan.items.items[place];

	return (struct teller){
		.work = work,
		.moved =
			{
				.target = item->target,
				.phase = (char *)phase,
				.number = place + 1,
				.count = work->plan.items.count,
				.total_bytes = item->virtual_bytes,
			},
	};
}

/* ---- raw volumes on the host ---- */

char *capture_copy_name(const struct work *work, size_t place)
{
	cleanup(cleanup_mem) char *names = copy_names(work);

	return mem_format("%s%zu.raw", names, place + 1);
}

int capture_flatten(struct work *work, size_t place, struct err *e)
{
	const struct capture_item *item = &work->plan.items.items[place];
	cleanup(cleanup_mem) char *name = capture_copy_name(work, place);
	const struct virt_volume_spec spec = {.name = name, .format = "raw"};
	struct teller teller = capture_teller_of(work, place, "flattening");
	const struct disk_progress progress = {capture_tell, &teller};

	int result = announce_volume(work, item->copy_pool, name, e);
	if (result == 0)
		result = virt_volume_clone(work->virt, item->copy_pool, &spec, item->pool, item->volume,
					   &progress, NULL, e);
	return result < 0 ? err_wrap(e, "%s: flattening", item->target) : 0;
}

static void thaw(struct work *work)
{
	if (work->frozen)
		virt_domain_thaw(work->virt, work->machine.uuid, NULL);
	work->frozen = false;
}

static void on_begun(void *context)
{
	struct work *work = context;

	work->instant = when_now();
	work->image.generations.items[0].quiesced = work->frozen;
	thaw(work);
}

static int freeze(struct work *work, struct err *e)
{
	if (!work->order->capture->quiesce)
		return 0;
	int result = virt_domain_freeze(work->virt, work->machine.uuid, FREEZE_WAIT_S, e);
	work->frozen = result == 0;
	return result < 0 ? err_wrap(e, "--quiesce: its guest agent did not freeze the file systems") : 0;
}

struct targets {
	VEC(struct virt_backup_disk) disks;
};

static void targets_done(struct targets *targets)
{
	vec_foreach(&targets->disks, disk)
		free((char *)disk->file);
	vec_done(&targets->disks);
}

static const char *pool_path(const struct work *work, const char *name)
{
	const struct virt_pools *pools = &work->machine.facts.pools;

	for (size_t i = 0; i < pools->count; i++)
		if (str_equal(pools->items[i].name, name))
			return pools->items[i].path;
	return "/";
}

static int add_target(struct work *work, size_t place, struct targets *targets, struct err *e)
{
	const struct capture_item *item = &work->plan.items.items[place];

	if (item->way != CAPTURE_BACKUP)
		return 0;
	cleanup(cleanup_mem) char *name = capture_copy_name(work, place);
	char *file = mem_format("%s/%s", pool_path(work, item->copy_pool), name);
	vec_push(&targets->disks, (struct virt_backup_disk){item->target, file, "raw"});
	return announce_volume(work, item->copy_pool, name, e);
}

static uint64_t total_bytes(const struct work *work)
{
	uint64_t total = 0;

	vec_foreach(&work->plan.items, item)
		if (item->way == CAPTURE_BACKUP)
			total += item->virtual_bytes;
	return total;
}

/* All at one instant. */
int capture_back_up(struct work *work, struct err *e)
{
	cleanup(targets_done) struct targets targets = {0};
	struct teller teller = capture_teller_of(work, 0, "copying");
	const struct disk_progress progress = {capture_tell, &teller};

	teller.moved.total_bytes = total_bytes(work);
	if (work->plan.items.count > 1)
		teller.moved.target = (char *)"all disks";
	/* Whoever cleans up ends the backup that was announced: it must not be somebody else's. */
	int result = virt_domain_check_idle(work->virt, work->machine.uuid, e);
	if (result == 0)
		result = announce_backup(work, e);
	for (size_t i = 0; i < work->plan.items.count && result == 0; i++)
		result = add_target(work, i, &targets, e);
	if (result == 0)
		result = freeze(work, e);
	if (result == 0)
		result = virt_domain_backup(work->virt, work->machine.uuid, targets.disks.items,
					    targets.disks.count, on_begun, work, &progress, e);
	thaw(work);
	return result;
}
