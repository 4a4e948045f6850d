/* virt_clone.c - volumes made from others on the host itself. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "mem.h"
#include "str.h"
#include "virt_private.h"
#include "virt_volume.h"
#include "when.h"

/*
 * SLOWEST: where the daemon reads zeros nothing grows, and it does read the holes of a raw volume. As long as it answers, and
 * has had no longer than it would need to read all at this rate, it is believed to be at work.
 */
enum { GROWTH_POLL_MS = 500, SLOWEST_BYTES_PER_MS = (64 << 20) / 1000, OVERLAY_UNIT = 1024 };

/* ---- telling that something moves, while the caller waits for the daemon ---- */

struct growth {
	virStoragePoolPtr pool;
	const char *name;
	const struct disk_progress *progress;
	int64_t patience_ms;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool ending;
};

/* Waits for the next turn; false at the end. */
static bool wait_turn(struct growth *growth)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += GROWTH_POLL_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&growth->mutex);
	while (!growth->ending && pthread_cond_timedwait(&growth->wake, &growth->mutex, &until) == 0)
		continue;
	bool goes_on = !growth->ending;
	pthread_mutex_unlock(&growth->mutex);
	return goes_on;
}

static bool read_allocation(const struct growth *growth, uint64_t *bytes)
{
	cleanup(cleanup_volume) virStorageVolPtr volume = virStorageVolLookupByName(growth->pool, growth->name);
	virStorageVolInfo info;

	if (!volume || virStorageVolGetInfo(volume, &info) < 0)
		return false;
	*bytes = info.allocation;
	return true;
}

/* The copy cannot be stopped: what the caller answers is looked at by nobody. */
static void *watch_growth(void *context)
{
	struct growth *growth = context;
	int64_t grew = when_monotonic();
	uint64_t before = 0;
	uint64_t now;

	while (wait_turn(growth)) {
		if (!read_allocation(growth, &now))
			continue;
		if (now != before)
			grew = when_monotonic();
		before = now;
		if (when_monotonic() - grew <= growth->patience_ms)
			growth->progress->moved(growth->progress->context, now, NULL);
	}
	return NULL;
}

static int growth_begin(struct growth *growth, struct err *e)
{
	pthread_condattr_t clock;

	pthread_mutex_init(&growth->mutex, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&growth->wake, &clock);
	pthread_condattr_destroy(&clock);
	int errnum = pthread_create(&growth->thread, NULL, watch_growth, growth);
	return errnum ? err_set_errno(e, ERR_ENV, errnum, "thread") : 0;
}

static void growth_end(struct growth *growth)
{
	pthread_mutex_lock(&growth->mutex);
	growth->ending = true;
	pthread_cond_signal(&growth->wake);
	pthread_mutex_unlock(&growth->mutex);
	pthread_join(growth->thread, NULL);
	pthread_cond_destroy(&growth->wake);
	pthread_mutex_destroy(&growth->mutex);
}

/* ---- copies ---- */

/* Shared blocks cost neither time nor room, where the file system has them. */
static virStorageVolPtr try_reflink(virStoragePoolPtr owner, const char *xml, virStorageVolPtr from)
{
	return virStorageVolCreateXMLFrom(owner, xml, from, VIR_STORAGE_VOL_CREATE_REFLINK);
}

static bool is_without_reflink(void)
{
	const virError *error = virGetLastError();

	if (virt_cannot())
		return true;
	return error && error->code == VIR_ERR_SYSTEM_ERROR && error->int1 != ENOSPC && error->int1 != EDQUOT;
}

struct copy {
	virStoragePoolPtr owner;
	virStorageVolPtr from;
	uint64_t from_bytes; /* its capacity */
	bool plain; /* a raw file onto raw, which the daemon would copy itself; all else is qemu-img's */
};

static int plan_copy(struct copy *copy, const char *from_pool, const struct virt_volume_spec *spec, struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume source = {0};
	virStorageVolInfo info;

	int result = virt_volume_load(copy->from, from_pool, &source, e);
	if (result < 0)
		return result;
	copy->from_bytes = source.capacity_bytes;
	copy->plain = str_equal(source.format, "raw") && str_equal(spec->format, "raw") &&
		      virStorageVolGetInfo(copy->from, &info) == 0 && info.type == VIR_STORAGE_VOL_FILE;
	return 0;
}

/*
 * What stands on FROM and holds nothing itself is no raw volume: qemu-img copies it, and skips the holes. NULL where that
 * cannot be: no pool of files, no qemu-img, or a size that the daemon would round up.
 */
static virStorageVolPtr make_overlay(const struct copy *copy, const char *name)
{
	cleanup(str_done) struct str xml = {0};
	cleanup(cleanup_mem) char *path = virStorageVolGetPath(copy->from);
	const struct virt_volume_spec spec = {
		.name = name,
		.format = "qcow2",
		.capacity_bytes = copy->from_bytes,
		.backing_path = path,
		.backing_format = "raw",
	};

	if (!path || copy->from_bytes % OVERLAY_UNIT != 0 ||
	    virt_write_spec(copy->owner, &spec, copy->from_bytes, &xml, NULL) < 0)
		return NULL;
	return virStorageVolCreateXML(copy->owner, str_text(&xml), 0);
}

static int make_copy(const struct copy *copy, const char *xml, virStorageVolPtr from, const char *pool,
		     const char *name, virStorageVolPtr *made, struct err *e)
{
	*made = virStorageVolCreateXMLFrom(copy->owner, xml, from, 0);
	return *made ? 0 : virt_volume_error(pool, name, e);
}

static int copy_plain(const struct copy *copy, const char *xml, const char *pool, const char *name,
		      virStorageVolPtr *made, struct err *e)
{
	cleanup(cleanup_volume) virStorageVolPtr overlay = NULL;
	cleanup(cleanup_mem) char *overlay_name = virt_overlay_name(name);

	*made = try_reflink(copy->owner, xml, copy->from);
	if (*made)
		return 0;
	if (!is_without_reflink())
		return virt_volume_error(pool, name, e);
	overlay = make_overlay(copy, overlay_name);
	int result = make_copy(copy, xml, overlay ? overlay : copy->from, pool, name, made, e);
	if (overlay && virStorageVolDelete(overlay, 0) < 0 && result == 0)
		result = virt_volume_error(pool, overlay_name, e);
	return result;
}

static int run_copy(const struct copy *copy, const char *pool, const struct virt_volume_spec *spec,
		    virStorageVolPtr *made, struct err *e)
{
	cleanup(str_done) struct str xml = {0};

	int result = virt_write_spec(copy->owner, spec, copy->from_bytes, &xml, e);
	if (result < 0)
		return result;
	if (copy->plain)
		return copy_plain(copy, str_text(&xml), pool, spec->name, made, e);
	return make_copy(copy, str_text(&xml), copy->from, pool, spec->name, made, e);
}

static int run_watched(const struct copy *copy, const char *pool, const struct virt_volume_spec *spec,
		       const struct disk_progress *progress, virStorageVolPtr *made, struct err *e)
{
	struct growth growth = {
		.pool = copy->owner,
		.name = spec->name,
		.progress = progress,
		.patience_ms = (int64_t)(copy->from_bytes / SLOWEST_BYTES_PER_MS),
	};

	int result = growth_begin(&growth, e);
	if (result < 0)
		return result;
	result = run_copy(copy, pool, spec, made, e);
	growth_end(&growth);
	return result;
}

/* The daemon would refuse too, but for no reason that can be told from others. */
static int check_free(virStoragePoolPtr owner, const char *pool, const char *name, struct err *e)
{
	cleanup(cleanup_volume) virStorageVolPtr other = virStorageVolLookupByName(owner, name);

	return other ? err_set(e, ERR_CONFLICT, "volume %s in pool %s exists already", name, pool) : 0;
}

int virt_volume_clone(struct virt *virt, const char *pool, const struct virt_volume_spec *spec,
		      const char *from_pool, const char *from, const struct disk_progress *progress,
		      char **path, struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr owner = NULL;
	cleanup(cleanup_volume) virStorageVolPtr source = NULL;
	cleanup(cleanup_volume) virStorageVolPtr made = NULL;

	int result = virt_pool_lookup(virt, pool, &owner, e);
	if (result == 0)
		result = check_free(owner, pool, spec->name, e);
	if (result == 0)
		result = virt_volume_lookup(virt, from_pool, from, &source, e);
	if (result < 0)
		return result;
	struct copy copy = {.owner = owner, .from = source};
	result = plan_copy(&copy, from_pool, spec, e);
	if (result == 0)
		result = progress ? run_watched(&copy, pool, spec, progress, &made, e)
				  : run_copy(&copy, pool, spec, &made, e);
	return result < 0 ? result : virt_volume_path(made, pool, spec->name, path, e);
}
