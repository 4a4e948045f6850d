/* fit.h - which host takes which machine of a deployment, and what is missing where none does. */
#ifndef VMGROUP_FIT_H
#define VMGROUP_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ask.h"
#include "group.h"
#include "place.h"
#include "source.h"
#include "vec.h"

/* What a host has, and what is left of it once all is placed. */
struct fit_host {
	const struct asked *asked;
	uint64_t reserved_bytes, promised_bytes, promised_memory_bytes;
};

struct fit {
	struct place place; /* its hosts are those below, its machines those of the group, its bases one an image */
	VEC(struct fit_host) hosts; /* that can take something, in the order of hosts(5) */
	VEC(struct place_host) place_hosts;
	VEC(struct place_machine) machines;
	VEC(struct place_base) bases;
	VEC(bool *) present;
	bool linked;
};
void fit_done(struct fit *fit);

/* What is placed, on what. */
struct fit_order {
	struct session *session;
	const char *pool;
	const struct group_vms *vms;
	const struct sources *sources;
	const struct asked_hosts *asked;
	const struct deployments *deployments; /* of everybody: what is promised to them */
	const struct deployed_bases *bases;
	bool linked;
};

/* 1: all have a place. 0: not all. ERR_USAGE: a policy that does not exist. */
int fit_all(struct fit *fit, const struct fit_order *order, struct err *e);
/* Names on stderr what each host lacks for the first that found none; returns ERR_FULL with how many did not. */
int fit_tell_shortfall(const struct fit *fit, const struct fit_order *order, struct err *e);
/* The rows of --dry-run: each host, what goes there, what it had and has left, and what it lacks. */
int fit_show(const struct fit *fit, const struct fit_order *order, const char *deployment, struct err *e);

/*
 * Whether a disk comes from a base, uploaded once a host: what stands on it (linked), or is made of it in another format or by several. A raw disk is
 * uploaded as the first machine's, and cloned from there. The firmware's variables have no base.
 */
bool fit_has_base(const struct image_disk *disk, bool linked, bool has_files);
/* The format in which a disk is made, and what a base takes. */
const char *fit_format(const struct image_disk *disk, bool linked, bool has_files);
uint64_t fit_base_bytes(const struct image_disk *disk, bool has_files);

#endif
