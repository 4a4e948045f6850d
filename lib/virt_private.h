/* virt_private.h - what the parts of virt share; nobody else includes it. */
#ifndef VMROLL_VIRT_PRIVATE_H
#define VMROLL_VIRT_PRIVATE_H

#include <stdatomic.h>

#include <libvirt/libvirt.h>

#include "str.h"
#include "virt.h"
#include "virt_volume.h"

/* BUSY: how long we wait for a daemon that is at work on the same pool or volume. */
enum { VIRT_CALLBACKS_MAX = 4, VIRT_BUSY_WAIT_MS = 10000, VIRT_BUSY_POLL_MS = 100 };

/* libvirt may be inside a callback in one thread while another closes: each registered callback holds a reference. */
struct virt {
	atomic_uint references;
	virConnectPtr connection;
	struct virt_listener listener;
	int callbacks[VIRT_CALLBACKS_MAX];
	size_t callback_count;
};

void virt_release(struct virt *virt);
/* Deregisters what virt_follow registered. */
void virt_unfollow(struct virt *virt);

/* FLAGS of virConnectOpenAuth. */
int virt_connect(struct virt **virt, const char *uri, unsigned flags, struct err *e);

/* Turns this thread's last libvirt error into ours; SUBJECT may be NULL. Any call of libvirt forgets it, even one for a name. */
int virt_error(struct err *e, const char *subject);
/* The same where CODE says more than libvirt's own. */
int virt_error_as(struct err *e, int code, const char *subject);
/* Whether this thread's last error says that the driver, or an older daemon, cannot do what was asked. */
bool virt_cannot(void);

/* For locals that may be NULL, which libvirt's own functions refuse; they forget the thread's last error. */
static inline void cleanup_domain(virDomainPtr *domain)
{
	if (*domain)
		virDomainFree(*domain);
}

static inline void cleanup_pool(virStoragePoolPtr *pool)
{
	if (*pool)
		virStoragePoolFree(*pool);
}

static inline void cleanup_volume(virStorageVolPtr *volume)
{
	if (*volume)
		virStorageVolFree(*volume);
}

/* UUID's domain, which virDomainFree frees. ERR_NOT_FOUND. */
int virt_domain_lookup(struct virt *virt, const unsigned char *uuid, virDomainPtr *domain, struct err *e);
/* virt_error of a call on that domain. */
int virt_domain_error(virDomainPtr domain, struct err *e);

/* The pool of that name, which virStoragePoolFree frees. ERR_NOT_FOUND. */
int virt_pool_lookup(struct virt *virt, const char *name, virStoragePoolPtr *pool, struct err *e);
/*
 * Makes the daemon look what is there. It refuses while it makes another volume in that pool: waits a while, then ERR_LOCKED.
 * ERR_NOT_FOUND: the pool is not active, or is not any more since it could not be read.
 */
int virt_pool_refresh(virStoragePoolPtr pool, const char *name, struct err *e);
/* The volume of that name, which virStorageVolFree frees; one that is not known is looked for. ERR_NOT_FOUND, of pool or volume. */
int virt_volume_lookup(struct virt *virt, const char *pool, const char *name, virStorageVolPtr *volume,
		       struct err *e);
/* virt_error of a call on that volume. */
int virt_volume_error(const char *pool, const char *name, struct err *e);
/* The overlay through which a clone that is to be called VOLUME is made, in the same pool; the caller frees. Whoever deletes VOLUME deletes that too. */
char *virt_overlay_name(const char *volume);
/* What the daemon says of it now. */
int virt_volume_load(virStorageVolPtr handle, const char *pool, struct virt_volume *volume, struct err *e);
int virt_volume_path(virStorageVolPtr made, const char *pool, const char *name, char **path, struct err *e);
/*
 * Its XML for that pool: of files sparse; of anything else wholly allocated, as libvirt would make a snapshot that can overflow
 * of a logical volume that is not, and raw. CAPACITY_BYTES stands for a capacity of 0; UINT64_MAX: as libvirt sees fit. ERR_USAGE: a format that such a pool has not.
 */
int virt_write_spec(virStoragePoolPtr owner, const struct virt_volume_spec *spec, uint64_t capacity_bytes,
		    struct str *xml, struct err *e);
/* What the daemon says of the pool, with its figures as last seen. */
int virt_pool_load(virStoragePoolPtr handle, const char *name, struct virt_pool *pool, struct err *e);

#endif
