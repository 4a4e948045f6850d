/* virt_pool.c - storage pools of one host. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "digest.h"
#include "domxml_storage.h"
#include "mem.h"
#include "str.h"
#include "virt_private.h"
#include "virt_volume.h"
#include "when.h"

enum { FOLDER_DIGITS = 16 };

int virt_open_control(struct virt **virt, const char *uri, struct err *e)
{
	return virt_connect(virt, uri, 0, e);
}

/* ---- handles ---- */

static int pool_error(const char *name, struct err *e)
{
	int result = virt_error(e, NULL);

	err_wrap(e, "pool %s", name);
	return result;
}

int virt_pool_lookup(struct virt *virt, const char *name, virStoragePoolPtr *pool, struct err *e)
{
	virStoragePoolPtr found = virStoragePoolLookupByName(virt->connection, name);

	if (!found)
		return pool_error(name, e);
	*pool = found;
	return 0;
}

static int not_active(const char *name, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "pool %s is not active", name);
}

/* A refresh that really fails ends the pool; one that is refused leaves it as it is. 1: refused. */
static int try_refresh(virStoragePoolPtr pool, const char *name, struct err *e)
{
	if (virStoragePoolRefresh(pool, 0) == 0)
		return 0;
	int result = virt_error(e, NULL);
	if (virt_cannot())
		return 0;
	if (virStoragePoolIsActive(pool) == 1)
		return 1;
	if (result != ERR_NET)
		result = ERR_NOT_FOUND;
	if (e)
		e->code = result;
	err_wrap(e, "pool %s cannot be read", name);
	return result;
}

int virt_pool_refresh(virStoragePoolPtr pool, const char *name, struct err *e)
{
	int64_t until = when_monotonic() + VIRT_BUSY_WAIT_MS;

	int active = virStoragePoolIsActive(pool);
	if (active < 0)
		return pool_error(name, e);
	if (active == 0)
		return not_active(name, e);
	for (;;) {
		int result = try_refresh(pool, name, e);
		if (result <= 0)
			return result;
		if (when_monotonic() >= until)
			break;
		poll(NULL, 0, VIRT_BUSY_POLL_MS);
	}
	if (e)
		e->code = ERR_LOCKED;
	err_wrap(e, "pool %s is busy", name);
	return ERR_LOCKED;
}

/* ---- pools ---- */

void virt_pool_done(struct virt_pool *pool)
{
	free(pool->name);
	free(pool->type);
	free(pool->path);
	*pool = (struct virt_pool){0};
}

void virt_pools_done(struct virt_pools *pools)
{
	vec_foreach(pools, pool)
		virt_pool_done(pool);
	vec_done(pools);
}

bool virt_pool_has_files(const struct virt_pool *pool)
{
	return str_equal(pool->type, "dir") || str_equal(pool->type, "fs") || str_equal(pool->type, "netfs");
}

int virt_pool_load(virStoragePoolPtr handle, const char *name, struct virt_pool *pool, struct err *e)
{
	cleanup(domxml_pool_done) struct domxml_pool parsed = {0};
	cleanup(cleanup_mem) char *xml = virStoragePoolGetXMLDesc(handle, 0);
	virStoragePoolInfo info;

	if (!xml)
		return pool_error(name, e);
	int result = domxml_parse_pool(&parsed, xml, strlen(xml), e);
	if (result < 0) {
		err_wrap(e, "pool %s", name);
		return result;
	}
	if (virStoragePoolGetInfo(handle, &info) < 0)
		return pool_error(name, e);
	*pool = (struct virt_pool){
		.name = parsed.name,
		.type = parsed.type,
		.path = parsed.path,
		.active = info.state == VIR_STORAGE_POOL_RUNNING || info.state == VIR_STORAGE_POOL_DEGRADED,
		.capacity_bytes = info.capacity,
		.available_bytes = info.available,
	};
	parsed = (struct domxml_pool){0};
	return 0;
}

static int read_pool(virStoragePoolPtr handle, const char *name, struct virt_pool *pool, struct err *e)
{
	struct err ignored;

	/* While a volume is being made there, the figures are those of the last look. */
	if (virStoragePoolIsActive(handle) == 1 && try_refresh(handle, name, &ignored) == ERR_NET)
		return err_set(e, ERR_NET, "%s", ignored.text);
	return virt_pool_load(handle, name, pool, e);
}

int virt_pool_find(struct virt *virt, const char *name, struct virt_pool *pool, struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr handle = NULL;

	int result = virt_pool_lookup(virt, name, &handle, e);
	return result < 0 ? result : read_pool(handle, name, pool, e);
}

/* One that went since the listing is none. */
static int add_pool(virStoragePoolPtr handle, struct virt_pools *pools, struct err *e)
{
	const char *name = virStoragePoolGetName(handle);
	struct virt_pool pool;

	int result = read_pool(handle, name ? name : "?", &pool, e);
	if (result == 0)
		vec_push(pools, pool);
	return result == ERR_NOT_FOUND ? 0 : result;
}

int virt_pool_list(struct virt *virt, struct virt_pools *pools, struct err *e)
{
	cleanup(virt_pools_done) struct virt_pools found = {0};
	virStoragePoolPtr *handles = NULL;
	int result = 0;

	int count = virConnectListAllStoragePools(virt->connection, &handles, 0);
	if (count < 0)
		return virt_error(e, "list of pools");
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = add_pool(handles[i], &found, e);
		virStoragePoolFree(handles[i]);
	}
	free(handles);
	if (result < 0)
		return result;
	*pools = found;
	found = (struct virt_pools){0};
	return 0;
}

/* ---- which pool a path is in ---- */

/* Sets POOL and NAME to those of VOLUME. */
static int name_both(virStorageVolPtr volume, char **pool, char **name, struct err *e)
{
	const char *found = virStorageVolGetName(volume);
	cleanup(cleanup_pool) virStoragePoolPtr owner = virStoragePoolLookupByVolume(volume);

	if (!owner)
		return virt_error(e, found);
	*name = mem_string(found);
	*pool = mem_string(virStoragePoolGetName(owner));
	return 0;
}

/* 1: a pool knows of a volume at PATH; 0: none does. */
static int known_at(struct virt *virt, const char *path, char **pool, char **name, struct err *e)
{
	cleanup(cleanup_volume) virStorageVolPtr volume = virStorageVolLookupByPath(virt->connection, path);

	if (volume) {
		int result = name_both(volume, pool, name, e);
		return result < 0 ? result : 1;
	}
	int result = virt_error(e, path);
	return result == ERR_NOT_FOUND ? 0 : result;
}

/* 1 and *COVERING: an active pool of files lies over FOLDER; 0: none. */
static int pool_over(struct virt *virt, const char *folder, char **covering, struct err *e)
{
	cleanup(virt_pools_done) struct virt_pools pools = {0};

	/* That refreshes each, too. */
	int result = virt_pool_list(virt, &pools, e);
	if (result < 0)
		return result;
	vec_foreach(&pools, pool) {
		if (pool->active && virt_pool_has_files(pool) && str_equal(pool->path, folder)) {
			*covering = mem_string(pool->name);
			return 1;
		}
	}
	return 0;
}

static int make_transient(struct virt *virt, const char *folder, const char *name, struct err *e)
{
	cleanup(str_done) struct str xml = {0};

	domxml_write_pool(&xml, name, folder);
	cleanup(cleanup_pool) virStoragePoolPtr pool =
		virStoragePoolCreateXML(virt->connection, str_text(&xml), 0);
	if (pool)
		return 0;
	int result = virt_error(e, NULL);
	err_wrap(e, "%s: no pool can be made over it", folder);
	if (result != ERR_NET && result != ERR_AUTH)
		result = ERR_NOT_FOUND;
	if (e)
		e->code = result;
	return result;
}

/* Devices are no ordinary files: a pool over their folder would open each. */
static int check_folder(const char *path, struct err *e)
{
	if (path[0] != '/' || str_starts(path, "/dev/") || !strrchr(path, '/')[1])
		return err_set(e, ERR_NOT_FOUND,
			       "%s: no active storage pool has it, and it is in no ordinary folder", path);
	return 0;
}

static char *folder_of(const char *path)
{
	size_t length = (size_t)(strrchr(path, '/') - path);

	return mem_string_n(path, length ? length : 1);
}

static int transient_name(const char *folder, char **name, struct err *e)
{
	cleanup(cleanup_digest) struct digest *digest = digest_new();
	unsigned char sha256[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];

	digest_add(digest, folder, strlen(folder));
	int result = digest_end(digest, sha256, e);
	if (result < 0)
		return result;
	*name = mem_format(VIRT_POOL_PREFIX "%.*s", FOLDER_DIGITS, digest_format(sha256, text));
	return 0;
}

char *virt_volume_pool(const char *path)
{
	char *name = NULL;

	if (check_folder(path, NULL) < 0)
		return NULL;
	cleanup(cleanup_mem) char *folder = folder_of(path);
	/* Without SHA-256 no pool is made either. */
	return transient_name(folder, &name, NULL) < 0 ? NULL : name;
}

static int find_file(struct virt *virt, const char *pool, const char *path, struct err *e)
{
	cleanup(cleanup_volume) virStorageVolPtr volume = NULL;

	return virt_volume_lookup(virt, pool, strrchr(path, '/') + 1, &volume, e);
}

static int make_pool_at(struct virt *virt, const char *path, const char *folder, char **pool, struct err *e)
{
	cleanup(cleanup_mem) char *name = NULL;

	int result = transient_name(folder, &name, e);
	if (result == 0)
		result = make_transient(virt, folder, name, e);
	if (result < 0)
		return result;
	result = find_file(virt, name, path, e);
	if (result < 0) {
		virt_pool_drop(virt, name, NULL);
		return result;
	}
	*pool = name;
	name = NULL;
	return 0;
}

static int find_pool_at(struct virt *virt, const char *path, char **pool, struct err *e)
{
	cleanup(cleanup_mem) char *over = NULL;

	int result = check_folder(path, e);
	if (result < 0)
		return result;
	cleanup(cleanup_mem) char *folder = folder_of(path);
	result = pool_over(virt, folder, &over, e);
	if (result == 0)
		return make_pool_at(virt, path, folder, pool, e);
	if (result > 0)
		result = find_file(virt, over, path, e);
	if (result < 0)
		return result;
	*pool = over;
	over = NULL;
	return 0;
}

int virt_volume_at(struct virt *virt, const char *path, char **pool, char **name, bool *made, struct err *e)
{
	int result = known_at(virt, path, pool, name, e);

	if (result == 0) {
		result = find_pool_at(virt, path, pool, e);
		if (result == 0)
			*name = mem_string(strrchr(path, '/') + 1);
	}
	if (result < 0)
		return result;
	*made = str_starts(*pool, VIRT_POOL_PREFIX);
	return 0;
}

int virt_pool_drop(struct virt *virt, const char *name, struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr pool = NULL;

	if (!str_starts(name, VIRT_POOL_PREFIX))
		return err_set(e, ERR_USAGE, "pool %s was not made here", name);
	int result = virt_pool_lookup(virt, name, &pool, e);
	if (result < 0)
		return result == ERR_NOT_FOUND ? 0 : result;
	if (virStoragePoolIsPersistent(pool) == 1)
		return err_set(e, ERR_USAGE, "pool %s was not made here: it is persistent", name);
	if (virStoragePoolDestroy(pool) == 0)
		return 0;
	result = pool_error(name, e);
	return result == ERR_NOT_FOUND ? 0 : result;
}
