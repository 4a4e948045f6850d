/*
 * deployment.h - what was deployed where: the journal of each deployment, and what it was promised.
 *
 * A deployment is planned whole: every name, UUID, MAC, host, pool and volume is chosen and recorded, with the promise of its storage and
 * memory, in one batch before the first byte moves. Each step is recorded once it is done. So any process can finish it, or
 * take it back: what the record names and nothing else is ever removed. Volumes have the number of the deployment in their names.
 */
#ifndef VMROLL_DEPLOYMENT_H
#define VMROLL_DEPLOYMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "image.h"
#include "store.h"
#include "str.h"
#include "vec.h"
#include "vm.h"

enum deployment_state {
	DEPLOYMENT_BUILDING, /* until all its machines are there; resume or undeploy */
	DEPLOYMENT_DONE,
	DEPLOYMENT_REMOVING /* from the first removal on; undeploy */
};
const char *deployment_state_name(enum deployment_state state);

enum deployed_state {
	DEPLOYED_PLANNED, /* anything of it may exist, or nothing */
	DEPLOYED_COPIED,  /* its volumes are whole */
	DEPLOYED_DEFINED,
	DEPLOYED_REMOVED /* nothing of it exists any more */
};

struct deployed_disk {
	char *target; /* vda, or IMAGE_NVRAM */
	char *volume; /* name in the machine's pool: "D-web1-vda.7.3fa9c21b.qcow2": 7 is the deployment, the rest is of the UUID */
	char *format;
	char *base;                          /* linked: volume of the base, in the same pool; else NULL */
	uint64_t capacity_bytes, need_bytes; /* need: promised to it, in full */
};

struct deployed {
	char *name;   /* D-web1 */
	char *member; /* web1 */
	unsigned char uuid[VM_UUID_SIZE];
	char *host, *address, *uri; /* of hosts(5) then */
	char *pool, *pool_path;
	uint64_t image, generation;
	uint64_t memory_bytes;
	struct image_texts macs;
	VEC(struct deployed_disk) disks;
	enum deployed_state state;
	char *guest_address; /* last known, or NULL */
};

/*
 * A base: the content of an image's disk on a host, uploaded once for all machines there. Linked ones stand on it, others
 * are cloned from it. One a host, pool, image generation and disk, used by any number of deployments. Whoever fills or removes
 * it holds its lock (deployment_base_lock), and has it recorded as not whole meanwhile; who uses one that is whole needs no lock, for it
 * stays as long as it has users.
 */
struct deployed_base {
	char *host, *uri, *pool, *volume;
	uint64_t image, generation;
	uint64_t own; /* 0; else the only deployment that it is for, whose content is not the image's (--reset-identity) */
	char *target;
	uint64_t capacity_bytes, need_bytes;
	bool whole;          /* all its bytes are there */
	VEC(uint64_t) users; /* ids of deployments; found, never written with the base */
};

struct deployment {
	uint64_t id;
	char *name;
	uint64_t group; /* id, and its name when it was deployed */
	char *group_name;
	int64_t begun, ended; /* ended WHEN_UNKNOWN: not yet */
	bool linked, start, reset_identity;
	enum deployment_state state;
	char *failure;                 /* why it is unfinished, for people; or NULL */
	VEC(struct deployed) machines; /* in start order */
};
void deployed_done(struct deployed *machine);
void deployed_base_done(struct deployed_base *base);
void deployment_done(struct deployment *deployment);
struct deployments {
	struct deployment *items;
	size_t count, capacity;
};
void deployments_done(struct deployments *deployments);
struct deployed_bases {
	struct deployed_base *items;
	size_t count, capacity;
};
void deployed_bases_done(struct deployed_bases *bases);

int deployment_find(struct store_view *view, const char *name, struct deployment *deployment,
		    struct err *e); /* 1, 0, negative */
int deployment_require(struct store_view *view, const char *text, struct deployment *deployment,
		       struct err *e); /* as image_require */
int deployment_all(struct store_view *view, struct deployments *deployments, struct err *e); /* by name */
/* Of a group, by its id. */
int deployment_of_group(struct store_view *view, uint64_t group, struct deployments *deployments, struct err *e);
/*
 * Names of deployments that have a machine of the image; if GENERATION is not 0, only of unfinished ones that were planned on it: they
 * still read its files. What is done stands on volumes of its own.
 */
int deployment_users(struct store_view *view, uint64_t image, uint64_t generation, struct image_texts *names,
		     struct err *e);

/*
 * What was promised of POOL on HOST and may not yet be used: what every disk of any deployment's machine there that is not removed,
 * and every base with users, needs less what it has taken (ALLOCATED tells of a volume; UINT64_MAX, unknown, counts as 0); and the
 * memory of all machines there whose deployment is being built.
 */
struct deployment_promise {
	const char *host, *pool;
	uint64_t (*allocated)(void *context, const char *volume);
	void *context;
	uint64_t storage_bytes, memory_bytes; /* out */
};
void deployment_promised(const struct deployments *deployments, const struct deployed_bases *bases,
			 struct deployment_promise *promise);

/*
 * What a plan is made on: it is recorded only if both are still the same. The first grows with every plan, every removal and every
 * change of a base; the second is that of references.h, so that neither the group nor its images are deleted meanwhile.
 */
struct deployment_basis {
	uint64_t plans, references;
};
int deployment_basis(struct store_view *view, struct deployment_basis *basis, struct err *e);

/*
 * Records a plan, whose id is set (serial.h) and whose lock is held, and that it uses BASES. Those that are recorded already stay as they are. ERR_CONFLICT with text "name": the name is taken; else the basis has moved on: plan again.
 * A plan of any size is all or nothing: what does not fit in one batch is written before under an id that nothing names, and
 * seen only with the head; deployment_tidy removes what a killed process left of it.
 */
int deployment_plan(struct store *store, const struct deployment *deployment,
		    const struct deployed_bases *bases, const struct deployment_basis *basis, struct err *e);
/* Records the head (state, ended, failure, start) without the machines; or one machine; or whether one base is whole. */
int deployment_put(struct store *store, const struct deployment *deployment, struct err *e);
int deployment_put_machine(struct store *store, const struct deployment *deployment, size_t machine,
			   struct err *e);
int deployment_put_base(struct store *store, const struct deployed_base *base, struct err *e);
/* All bases, with their users. */
int deployment_all_bases(struct store_view *view, struct deployed_bases *bases, struct err *e);
/* Bases that the deployment ID uses. */
int deployment_bases(struct store_view *view, uint64_t id, struct deployed_bases *bases, struct err *e);
/*
 * How a base is given up, by the id of a deployment that is being removed. leave: 0, others use it, and DEPLOYMENT no longer does; 1, it has no other users:
 * nothing has changed. Then, with the lock of the base: condemn: 0 as before, somebody came to use it meanwhile; 1, it is recorded
 * as not whole, so that whoever comes from now on waits for the lock, and fills it again. When its volume is gone, forget: DEPLOYMENT uses it no longer, and
 * if nobody does, it is forgotten.
 */
int deployment_leave_base(struct store *store, uint64_t deployment, const struct deployed_base *base,
			  struct err *e);
int deployment_condemn_base(struct store *store, uint64_t deployment, const struct deployed_base *base,
			    struct err *e);
int deployment_forget_base(struct store *store, uint64_t deployment, const struct deployed_base *base,
			   struct err *e);
/* Forgets a deployment all of whose machines are removed and bases left. */
int deployment_forget(struct store *store, const struct deployment *deployment, struct err *e);
/* Removes what plans left that were never recorded as a whole, and what is left of forgotten deployments, unless somebody is at them. */
int deployment_tidy(struct store *store, const char *store_uri, struct err *e);

/* One process at a time works at a deployment. ERR_LOCKED. */
struct lock;
int deployment_lock(const char *store_uri, uint64_t id, struct lock *lock, struct err *e);
/* The same of a base. */
int deployment_base_lock(const char *store_uri, const struct deployed_base *base, struct lock *lock,
			 struct err *e);

#endif
