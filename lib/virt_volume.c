/* virt_volume.c - volumes of the storage pools of one host. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "domxml_storage.h"
#include "mem.h"
#include "str.h"
#include "virt_private.h"
#include "virt_volume.h"
#include "when.h"

int virt_volume_error(const char *pool, const char *name, struct err *e)
{
	int result = virt_cannot() ? virt_error_as(e, ERR_USAGE, NULL) : virt_error(e, NULL);

	err_wrap(e, "volume %s in pool %s", name, pool);
	return result;
}

/* 1: the daemon knows of that volume; 0: not yet, or there is none. */
static int lookup_known(virStoragePoolPtr owner, const char *pool, const char *name, virStorageVolPtr *volume,
			struct err *e)
{
	*volume = virStorageVolLookupByName(owner, name);
	if (*volume)
		return 1;
	int result = virt_volume_error(pool, name, e);
	/* An inactive pool refuses the question, which is said better by the refresh that follows. */
	return result == ERR_NOT_FOUND || virStoragePoolIsActive(owner) == 0 ? 0 : result;
}

static int lookup_in(virStoragePoolPtr owner, const char *pool, const char *name, virStorageVolPtr *volume,
		     struct err *e)
{
	int result = lookup_known(owner, pool, name, volume, e);

	if (result != 0)
		return result;
	result = virt_pool_refresh(owner, pool, e);
	return result < 0 ? result : lookup_known(owner, pool, name, volume, e);
}

/* The pool is there; 1 and *VOLUME, 0 if it has no such volume. */
static int lookup(struct virt *virt, const char *pool, const char *name, virStorageVolPtr *volume, struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr owner = NULL;

	int result = virt_pool_lookup(virt, pool, &owner, e);
	return result < 0 ? result : lookup_in(owner, pool, name, volume, e);
}

int virt_volume_lookup(struct virt *virt, const char *pool, const char *name, virStorageVolPtr *volume,
		       struct err *e)
{
	int result = lookup(virt, pool, name, volume, e);

	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "pool %s has no volume %s", pool, name);
	return result < 0 ? result : 0;
}

void virt_volume_done(struct virt_volume *volume)
{
	free(volume->name);
	free(volume->path);
	free(volume->format);
	free(volume->backing_path);
	*volume = (struct virt_volume){0};
}

/* The daemon looks at the volume itself before it answers. */
int virt_volume_load(virStorageVolPtr handle, const char *pool, struct virt_volume *volume, struct err *e)
{
	cleanup(domxml_volume_done) struct domxml_volume parsed = {0};
	const char *name = virStorageVolGetName(handle);
	cleanup(cleanup_mem) char *xml = virStorageVolGetXMLDesc(handle, 0);

	if (!xml)
		return virt_volume_error(pool, name, e);
	int result = domxml_parse_volume(&parsed, xml, strlen(xml), e);
	if (result < 0) {
		err_wrap(e, "volume %s in pool %s", name, pool);
		return result;
	}
	*volume = (struct virt_volume){
		.name = parsed.name,
		.path = parsed.path,
		.format = parsed.format,
		.backing_path = parsed.backing_path,
		.capacity_bytes = parsed.capacity_bytes,
		.allocation_bytes = parsed.allocation_bytes,
		.modified = parsed.modified,
	};
	parsed.name = parsed.path = parsed.format = parsed.backing_path = NULL;
	return 0;
}

int virt_volume_find(struct virt *virt, const char *pool, const char *name, struct virt_volume *volume,
		     struct err *e)
{
	cleanup(cleanup_volume) virStorageVolPtr handle = NULL;

	int result = lookup(virt, pool, name, &handle, e);
	if (result <= 0)
		return result;
	result = virt_volume_load(handle, pool, volume, e);
	return result < 0 ? result : 1;
}

void virt_names_done(struct virt_names *names)
{
	vec_foreach(names, name)
		free(*name);
	vec_done(names);
}

int virt_volume_names(struct virt *virt, const char *pool, struct virt_names *names, struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr owner = NULL;
	virStorageVolPtr *handles = NULL;

	int result = virt_pool_lookup(virt, pool, &owner, e);
	if (result == 0)
		result = virt_pool_refresh(owner, pool, e);
	if (result < 0)
		return result;
	int count = virStoragePoolListAllVolumes(owner, &handles, 0);
	if (count < 0)
		return virt_error(e, pool);
	for (int i = 0; i < count; i++) {
		vec_push(names, mem_string(virStorageVolGetName(handles[i])));
		virStorageVolFree(handles[i]);
	}
	free(handles);
	return 0;
}

/* ---- making ---- */

int virt_write_spec(virStoragePoolPtr owner, const struct virt_volume_spec *spec, uint64_t capacity_bytes,
		    struct str *xml, struct err *e)
{
	cleanup(virt_pool_done) struct virt_pool pool = {0};

	int result = virt_pool_load(owner, "of the new volume", &pool, e);
	if (result < 0)
		return result;
	bool is_sparse = virt_pool_has_files(&pool);
	if (!is_sparse && !str_equal(spec->format, "raw"))
		return err_set(e, ERR_USAGE, "pool %s is of type %s and has no %s volumes", pool.name,
			       pool.type, spec->format);
	uint64_t capacity = spec->capacity_bytes ? spec->capacity_bytes : capacity_bytes;
	const struct domxml_volume volume = {
		.name = (char *)spec->name,
		.format = is_sparse ? (char *)spec->format : NULL,
		.backing_path = (char *)spec->backing_path,
		.backing_format = (char *)spec->backing_format,
		.capacity_bytes = capacity,
		.allocation_bytes = is_sparse ? 0 : capacity,
		.read_only = is_sparse && spec->read_only,
	};
	domxml_write_volume(xml, &volume);
	return 0;
}

int virt_volume_path(virStorageVolPtr made, const char *pool, const char *name, char **path, struct err *e)
{
	if (!path)
		return 0;
	char *text = virStorageVolGetPath(made);
	if (!text)
		return virt_volume_error(pool, name, e);
	*path = mem_string(text);
	free(text);
	return 0;
}

int virt_volume_create(struct virt *virt, const char *pool, const struct virt_volume_spec *spec, char **path,
		       struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr owner = NULL;
	cleanup(str_done) struct str xml = {0};

	int result = virt_pool_lookup(virt, pool, &owner, e);
	if (result == 0)
		result = virt_write_spec(owner, spec, UINT64_MAX, &xml, e);
	if (result < 0)
		return result;
	cleanup(cleanup_volume) virStorageVolPtr made = virStorageVolCreateXML(owner, str_text(&xml), 0);
	if (!made)
		return virt_volume_error(pool, spec->name, e);
	return virt_volume_path(made, pool, spec->name, path, e);
}

char *virt_overlay_name(const char *volume)
{
	return mem_format("%s.vmroll-overlay", volume);
}

/* One that is still being made cannot be deleted: whoever was killed while the daemon copied left such a one. 1: deleted, or gone; 0: not yet. */
static int try_delete(virStorageVolPtr volume, const char *pool, const char *name, struct err *e)
{
	if (virStorageVolDelete(volume, 0) == 0)
		return 1;
	bool is_busy = virGetLastErrorCode() == VIR_ERR_OPERATION_INVALID;
	int result = is_busy ? virt_error_as(e, ERR_LOCKED, NULL) : virt_error(e, NULL);
	err_wrap(e, "volume %s in pool %s", name, pool);
	if (is_busy)
		return 0;
	return result == ERR_NOT_FOUND ? 1 : result;
}

static int delete_handle(virStorageVolPtr volume, const char *pool, const char *name, struct err *e)
{
	int64_t until = when_monotonic() + VIRT_BUSY_WAIT_MS;

	for (;;) {
		int result = try_delete(volume, pool, name, e);
		if (result != 0)
			return result < 0 ? result : 0;
		if (when_monotonic() >= until)
			return ERR_LOCKED;
		poll(NULL, 0, VIRT_BUSY_POLL_MS);
	}
}

/* Only the daemon itself makes one, so that it knows it. */
static int delete_overlay(virStoragePoolPtr owner, const char *pool, const char *name, struct err *e)
{
	cleanup(cleanup_mem) char *overlay = virt_overlay_name(name);
	cleanup(cleanup_volume) virStorageVolPtr volume = NULL;
	int result = lookup_known(owner, pool, overlay, &volume, e);

	return result == 1 ? delete_handle(volume, pool, overlay, e) : result;
}

/* The volume first: while it is made of its overlay neither can go. */
int virt_volume_delete(struct virt *virt, const char *pool, const char *name, struct err *e)
{
	cleanup(cleanup_pool) virStoragePoolPtr owner = NULL;
	cleanup(cleanup_volume) virStorageVolPtr volume = NULL;

	int result = virt_pool_lookup(virt, pool, &owner, e);
	if (result == 0)
		result = lookup_in(owner, pool, name, &volume, e);
	if (result == 1)
		result = delete_handle(volume, pool, name, e);
	return result < 0 ? result : delete_overlay(owner, pool, name, e);
}
