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

enum { GROWTH_POLL_MS = 500 };

/* ---- telling that something moves, while the caller waits for the daemon ---- */

struct growth {
	virStoragePoolPtr pool;
	const char *name;
	const struct disk_progress *progress;
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

static uint64_t allocation(const struct growth *growth)
{
	cleanup(cleanup_volume) virStorageVolPtr volume = virStorageVolLookupByName(growth->pool, growth->name);
	virStorageVolInfo info;

	return volume && virStorageVolGetInfo(volume, &info) == 0 ? info.allocation : 0;
}

static void *watch_growth(void *context)
{
	struct growth *growth = context;
	uint64_t before = 0;

	while (wait_turn(growth)) {
		uint64_t now = allocation(growth);
		/* The copy cannot be stopped: what the caller thinks of it is looked at by nobody. */
		if (now > before)
			growth->progress->moved(growth->progress->context, now, NULL);
		before = now;
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

static virStorageVolPtr make_copy(virStoragePoolPtr owner, const char *xml, virStorageVolPtr from, bool reflink)
{
	virStorageVolPtr made = reflink ? try_reflink(owner, xml, from) : NULL;

	if (!made && (!reflink || is_without_reflink()))
		made = virStorageVolCreateXMLFrom(owner, xml, from, 0);
	return made;
}

/* Only raw onto raw is copied by the daemon itself, which can share blocks; the rest is qemu-img's. */
static int can_reflink(virStorageVolPtr from, const char *from_pool, const struct virt_volume_spec *spec,
		       bool *reflink, struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume source = {0};
	virStorageVolInfo info;

	int result = virt_volume_load(from, from_pool, &source, e);
	if (result < 0)
		return result;
	*reflink = str_equal(source.format, "raw") && str_equal(spec->format, "raw") &&
		   virStorageVolGetInfo(from, &info) == 0 && info.type == VIR_STORAGE_VOL_FILE;
	return 0;
}

struct copy {
	virStoragePoolPtr owner;
	virStorageVolPtr from;
	bool reflink;
};

static int run_copy(const struct copy *copy, const char *pool, const struct virt_volume_spec *spec,
		    virStorageVolPtr *made, struct err *e)
{
	cleanup(str_done) struct str xml = {0};

	virt_write_spec(spec, &xml);
	*made = make_copy(copy->owner, str_text(&xml), copy->from, copy->reflink);
	return *made ? 0 : virt_volume_error(pool, spec->name, e);
}

static int run_watched(const struct copy *copy, const char *pool, const struct virt_volume_spec *spec,
		       const struct disk_progress *progress, virStorageVolPtr *made, struct err *e)
{
	struct growth growth = {.pool = copy->owner, .name = spec->name, .progress = progress};

	int result = growth_begin(&growth, e);
	if (result < 0)
		return result;
	result = run_copy(copy, pool, spec, made, e);
	growth_end(&growth);
	return result;
}

int virt_volume_clone(struct virt *virt, const char *pool, const struct virt_volume_spec *spec,
		      const char *from_pool, const char *from, const struct disk_progress *progress,
		      char **path, struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr owner = NULL;
	cleanup(cleanup_volume) virStorageVolPtr source = NULL;
	cleanup(cleanup_volume) virStorageVolPtr made = NULL;
	bool reflink = false;

	int result = virt_pool_lookup(virt, pool, &owner, e);
	if (result == 0)
		result = virt_volume_lookup(virt, from_pool, from, &source, e);
	if (result == 0)
		result = can_reflink(source, from_pool, spec, &reflink, e);
	if (result < 0)
		return result;
	const struct copy copy = {owner, source, reflink};
	result = progress ? run_watched(&copy, pool, spec, progress, &made, e)
			  : run_copy(&copy, pool, spec, &made, e);
	return result < 0 ? result : virt_volume_path(made, pool, spec->name, path, e);
}
