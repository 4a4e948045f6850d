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
	char *volume; /* name in the machine's pool: "D-web1-vda.7.qcow2": 7 is the deployment */
	char *format;
	char *base;                          /* linked: volume of the base, in the same pool; else NULL */
	uint64_t capacity_bytes, need_bytes; /* need: promised to it */
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

/* A base of a linked deployment: one a host, pool, image generation and disk, used by any number of deployments. */
struct deployed_base {
	char *host, *uri, *pool, *volume;
	uint64_t image, generation;
	char *target;
	uint64_t capacity_bytes, need_bytes;
	bool whole;          /* all its bytes are there */
	VEC(uint64_t) users; /* ids of deployments */
};

struct deployment {
	uint64_t id;
	char *name;
	uint64_t group; /* id, and its name when it was deployed */
	char *group_name;
	int64_t begun, ended; /* ended WHEN_UNKNOWN: not yet */
	bool linked, start;
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
/* Names of deployments that were made from the image and, if not 0, the generation (linked ones that still stand on it, and unfinished ones: need is true). */
int deployment_users(struct store_view *view, uint64_t image, uint64_t generation, struct image_texts *names,
		     struct err *e);

/*
 * What was promised and may not yet be used, of POOL on HOST: for every machine there of any deployment that is not removed, what its disks need less what they
 * have taken (ALLOCATED tells of a volume; UINT64_MAX unknown counts as 0), and memory of machines that are planned and not yet defined.
 */
int deployment_promised(struct store_view *view, const char *host, const char *pool,
			uint64_t (*allocated)(void *context, const char *volume), void *context,
			uint64_t *storage_bytes, uint64_t *memory_bytes, struct err *e);
/* Grows with every plan and every removal: a plan is made on one, and recorded only if it is still the same. */
int deployment_revision(struct store_view *view, uint64_t *revision, struct err *e);

/*
 * Records a plan, whose id is set (serial.h), and that BASES are used by it. ERR_CONFLICT with text "name": the name is taken; else the revision has moved on: plan again.
 * A plan of any size is all or nothing. Its last batch is held to the references (references.h) too, so that neither its group nor its images are deleted meanwhile.
 */
int deployment_plan(struct store *store, const struct deployment *deployment,
		    const struct deployed_bases *bases, uint64_t revision, struct err *e);
/* Records the head (state, ended, failure) without the machines; or one machine; or one base. */
int deployment_put(struct store *store, const struct deployment *deployment, struct err *e);
int deployment_put_machine(struct store *store, const struct deployment *deployment, size_t machine,
			   struct err *e);
int deployment_put_base(struct store *store, const struct deployed_base *base, struct err *e);
/* Bases that DEPLOYMENT uses; and of them those that nobody else does: to be removed with it. */
int deployment_bases(struct store_view *view, const struct deployment *deployment,
		     struct deployed_bases *bases, struct deployed_bases *last, struct err *e);
/* No longer used by it; a base without users is forgotten: its volume must be gone. */
int deployment_leave_base(struct store *store, uint64_t deployment, const struct deployed_base *base,
			  struct err *e);
/* Forgets a deployment all of whose machines are removed and bases left. */
int deployment_forget(struct store *store, const struct deployment *deployment, struct err *e);

/* One process at a time works at a deployment. ERR_LOCKED. */
struct lock;
int deployment_lock(const char *store_uri, uint64_t id, struct lock *lock, struct err *e);

#endif
