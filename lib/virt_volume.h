/*
 * virt_volume.h - a part of virt.h: storage pools and volumes of one host, and the content of volumes as a stream
 * over the same connection.
 *
 * A volume is known by its pool and its name there. All rules of virt.h hold: any call may hang for ever, so that
 * these are made in a process that can be killed. Errors as there, and ERR_LOCKED (the daemon refuses to look into a pool while it makes
 * another volume there; asked again for 10 s), ERR_FULL (no room on the host), ERR_CONFLICT
 * (a volume of that name is there already), ERR_NOT_FOUND (pool or volume is not there, or the pool is not active), ERR_USAGE
 * (this kind of pool cannot do that).
 */
#ifndef VMROLL_VIRT_VOLUME_H
#define VMROLL_VIRT_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"
#include "vec.h"
#include "virt.h"

/* As virt_open, but for changes. */
int virt_open_control(struct virt **virt, const char *uri, struct err *e);

struct virt_pool {
	char *name;
	char *type; /* dir, fs, netfs, logical, rbd, … */
	char *path; /* where it is mounted, or NULL */
	bool active;
	uint64_t capacity_bytes, available_bytes;
};
void virt_pool_done(struct virt_pool *pool);
/* Refreshes it first, so that the figures are of now, or of before, while the daemon makes a volume in it. ERR_NOT_FOUND names pool; one that is not active is found. */
int virt_pool_find(struct virt *virt, const char *name, struct virt_pool *pool, struct err *e);
/* All pools; the caller frees each with virt_pool_done, then the vector. */
struct virt_pools {
	struct virt_pool *items;
	size_t count, capacity;
};
int virt_pool_list(struct virt *virt, struct virt_pools *pools, struct err *e);
void virt_pools_done(struct virt_pools *pools);

/* Of a file (dir, fs, netfs): formats are raw and qcow2; else raw only. */
bool virt_pool_has_files(const struct virt_pool *pool);

/*
 * The active pool that has a volume at PATH, as POOL and NAME (the caller frees both). Where none has and PATH is
 * in an ordinary folder, a transient pool of type dir is made over that folder, called VIRT_POOL_PREFIX and a digest of the folder; *MADE
 * says that it is such a pool, even if somebody else made it, and virt_pool_drop removes it. libvirt allows one pool a folder: whoever else
 * uses it then finds it gone, and asks here again. ERR_NOT_FOUND: no such file there, no pool can be made over it (why is in *E).
 */
#define VIRT_POOL_PREFIX "vmroll-"
int virt_volume_at(struct virt *virt, const char *path, char **pool, char **name, bool *made, struct err *e);
/*
 * The name of the pool that virt_volume_at makes for PATH if it must, so that it can be recorded before it is made
 * (stage.h); the same for all files of one folder. The caller frees; NULL: PATH is in no folder that a pool can be made over.
 */
char *virt_volume_pool(const char *path);
/* Ends a transient pool; its files stay. One that is gone is success; one whose name does not begin with VIRT_POOL_PREFIX is refused. */
int virt_pool_drop(struct virt *virt, const char *name, struct err *e);

struct virt_volume {
	char *name, *path;
	char *format;                              /* raw, qcow2, … ; NULL unknown */
	char *backing_path;                        /* NULL: it stands alone */
	uint64_t capacity_bytes, allocation_bytes; /* virtual; on disk */
	int64_t modified;                          /* instant of when.h; WHEN_UNKNOWN */
};
void virt_volume_done(struct virt_volume *volume);
/* 1 and *VOLUME, as it is now (the pool is refreshed if it was unknown); 0 if there is none; negative. */
int virt_volume_find(struct virt *virt, const char *pool, const char *name, struct virt_volume *volume,
		     struct err *e);
/* Names of all volumes of POOL, refreshed. The caller frees each and the vector. */
struct virt_names {
	char **items;
	size_t count, capacity;
};
void virt_names_done(struct virt_names *names);
int virt_volume_names(struct virt *virt, const char *pool, struct virt_names *names, struct err *e);

struct virt_volume_spec {
	const char *name;
	const char *format; /* "raw" or "qcow2" */
	uint64_t capacity_bytes;
	const char *backing_path, *backing_format; /* of an overlay (qcow2), else NULL */
	bool read_only;                            /* mode 0444, of a file */
};
/* Makes an empty volume, sparse where it is a file; of qcow2 the daemon rounds the capacity up to 1024 bytes. *PATH (may be NULL) is the caller's. */
int virt_volume_create(struct virt *virt, const char *pool, const struct virt_volume_spec *spec, char **path,
		       struct err *e);
/*
 * Makes a volume with the content of FROM (of FROM_POOL) on the host itself, standing alone whatever lies below FROM, in
 * the format of SPEC (its capacity 0: as FROM). Takes as long as the copy, which goes on in the daemon to its end if this
 * process is killed. *PROGRESS, if not NULL, is told twice a second, from another thread than the caller's, as long as something
 * still moves: the new volume's allocation grows, or the daemon answers and may be reading zeros. What it returns
 * counts for nothing. Raw onto raw costs no time where the file system shares blocks; else, in a pool of files, a qcow2
 * overlay of FROM stands for it for a while, since the daemon itself reads the holes of a raw volume too
 * (1.7 GB/s), and qemu-img, that makes all others, does not. virt_volume_delete of the new volume removes an overlay that was left.
 */
int virt_volume_clone(struct virt *virt, const char *pool, const struct virt_volume_spec *spec,
		      const char *from_pool, const char *from, const struct disk_progress *progress,
		      char **path, struct err *e);
/* With what an interrupted virt_volume_clone left beside it. One that is gone already is success; a pool that is not there is not. ERR_LOCKED: the daemon is still making it, after 10 s. */
int virt_volume_delete(struct virt *virt, const char *pool, const char *name, struct err *e);

/*
 * The bytes of a volume, sparse where the daemon can (VIR_STORAGE_VOL_*_SPARSE_STREAM; where it cannot, all is data).
 * Of a qcow2 volume that is the container, not what a guest sees: give them raw volumes. Into a file that held something before, zeros are
 * sent for holes. finish says that the daemon has taken all, which its host may still have to put on disk. The reader and writer must be closed before VIRT.
 */
int virt_volume_read(struct disk_reader **reader, struct virt *virt, const char *pool, const char *name,
		     struct err *e);
int virt_volume_write(struct disk_writer **writer, struct virt *virt, const char *pool, const char *name,
		      struct err *e);

#endif
