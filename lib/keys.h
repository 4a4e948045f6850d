/*
 * keys.h - every key of the store: its prefix, and what follows it.
 *
 * A key is a readable prefix that ends in a slash, then fixed-size binary
 * fields or text. Numbers are big-endian, so that memcmp order is numeric.
 * An instant is its two's complement with the sign bit turned, likewise.
 * Nobody else writes a prefix down.
 */
#ifndef VMROLL_KEYS_H
#define VMROLL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"
#include "vm.h"

/* ---- the roll (roll.h) ---- */

#define KEY_COUNTERS "meta/seq" /* number of the newest change, number of the newest snapshot */
#define KEY_SNAPSHOT "snap/"    /* SNAPSHOT u64: header, put last */
#define KEY_RESULTS "snapres/"  /* SNAPSHOT u64, CHUNK u16: what each host of its set answered */
#define KEY_SET                                                                                              \
	"snapset/" /* SET u64, CHUNK u16: names and UUIDs of the hosts, for all snapshots until they change */
#define KEY_VM "vm/"     /* HOST uuid, VM uuid, CHANGE u64: the VM from that change on */
#define KEY_LIST "list/" /* HOST uuid, CHANGE u64: that change is complete, and when it was */
#define KEY_HOST "host/" /* HOST uuid, CHANGE u64: the host's attributes from that change on */
#define KEY_XML "xml/"   /* HOST uuid: of each of its VMs, when its XML was read and the mark of its disks */
#define KEY_PENDING "pend/"    /* HOST uuid: the change that is being written in several batches */
#define KEY_ALIAS "alias/"     /* host NAME: the UUID that it goes on under after a rename */
#define KEY_FOLLOWED "live/"   /* HOST uuid, CHANGE u64: an interval of being followed */
#define KEY_FOLLOWER "follow/" /* SESSION u64: the last sign of life of a follower */
#define KEY_BY_UUID "ix/u/"    /* VM uuid, HOST uuid: a hint */
#define KEY_BY_NAME "ix/n/"    /* name cut at KEY_NAME_MAX, NUL, VM uuid: a hint */
#define KEY_BY_MAC "ix/m/"     /* MAC, VM uuid: a hint */

/* ---- incidents and deliveries (incident.h, ledger.h) ---- */

#define KEY_INCIDENT "inc/" /* ID */
#define KEY_OPEN "open/" /* SUBJECT (a host's name, or "!" and a kind): the id of the incident that is open */
#define KEY_CLOSED "closed/" /* SUBJECT: until when all that is said of it is history */
#define KEY_ACTIVE "act/"    /* ID: there is work left for that incident */
#define KEY_DELIVERY "led/"  /* ID, NUL, kind, NUL, channel, NUL, person */
#define KEY_RATE "rate/"     /* person, or nothing for all: how many messages within the hour (rate.h) */
#define KEY_CALLS "calls/"   /* the same, of calls */
#define KEY_SILENCE "sil/"   /* host NAME: nobody is told of it for a while (silence.h) */

/* ---- hostping (hoststate.h) ---- */

#define KEY_STATE "hs/now/"      /* host NAME: its newest state */
#define KEY_TRANSITION "hs/log/" /* host NAME, NUL, INSTANT: a change of its state */
#define KEY_MINUTE "hs/min/"     /* SLOT u16 of a day, CHUNK u16: round trips and losses of all hosts */
#define KEY_MINUTE_SET                                                                                       \
	"hs/set/" /* SET u64, CHUNK u16: the names that go with them; chunk 65535: when it was last used */
#define KEY_HEARTBEAT "hs/beat" /* when a recorder last wrote */

/* ---- everybody else: add yours here ---- */

/* admins.h: GENERATION u64 is random, so that two imports never mix. */
#define KEY_ADMINS "adm/list"       /* which generation is in force, its source, age and size; put last */
#define KEY_ADMINS_WRITER "adm/new" /* the generation that is being written */
#define KEY_ADMINS_ROWS "adm/row/"  /* GENERATION u64, CHUNK u64: some rows */

/* ---- master images, groups and deployments (serial.h, image.h, stage.h, group.h, deployment.h) ---- */

#define KEY_SERIAL "meta/serial"     /* the last number given to any of them */
#define KEY_IMAGE "img/id/"          /* ID u64: the image */
#define KEY_IMAGE_NAME "img/n/"      /* NAME: its id */
#define KEY_REPOSITORY "img/mark/"   /* the SETTING as a name: the mark of that folder */
#define KEY_STAGE "img/stage/"       /* ID u64: what an unfinished operation may have made */
#define KEY_GROUP "grp/id/"          /* ID u64: the group */
#define KEY_GROUP_NAME "grp/n/"      /* NAME: its id */
#define KEY_GROUP_LOG "grp/log/"     /* INSTANT, u64: an event */
#define KEY_DEPLOYMENT "dep/id/"     /* ID u64: the head of the deployment, put last */
#define KEY_DEPLOYMENT_NAME "dep/n/" /* NAME: its id */
#define KEY_DEPLOYED "dep/vm/"       /* ID u64, PLACE u64: one of its machines */
#define KEY_BASE "dep/base/" /* IMAGE u64, GENERATION u64, OWN u64, host, NUL, pool, NUL, target: a base */
#define KEY_BASE_USER "dep/use/"      /* DEPLOYMENT u64, then as KEY_BASE: it uses that base */
#define KEY_REFERENCES "meta/refs"    /* grows with each change of who refers to whom (references.h) */
#define KEY_PLAN_REVISION "meta/plan" /* grows with each plan and removal */

enum { KEY_NAME_MAX = 200 };

/* A key under construction. */
struct key {
	unsigned char bytes[STORE_KEY_MAX];
	size_t length;
};

/* Each appends and returns KEY. What exceeds STORE_KEY_MAX is a bug of the caller and ends the process. */
struct key *key_begin(struct key *key, const char *prefix);
struct key *key_add(struct key *key, const void *bytes, size_t length);
struct key *key_add_text(struct key *key, const char *text); /* without its NUL */
struct key *key_add_uuid(struct key *key, const unsigned char *uuid);
struct key *key_add_u16(struct key *key, uint16_t number);
struct key *key_add_u64(struct key *key, uint64_t number);
struct key *key_add_instant(struct key *key, int64_t instant);
/* The first KEY_NAME_MAX bytes of a name that may be longer. */
struct key *key_add_name(struct key *key, const char *name);

uint64_t key_read_u64(const unsigned char *bytes);
int64_t key_read_instant(const unsigned char *bytes);

/* Whole keys of the roll. */
struct key *key_vm(struct key *key, const unsigned char *host, const unsigned char *vm, uint64_t change);
struct key *key_host_change(struct key *key, const char *prefix, const unsigned char *host, uint64_t change);
struct key *key_by_uuid(struct key *key, const unsigned char *vm, const unsigned char *host);
struct key *key_by_name(struct key *key, const char *name, const unsigned char *vm);
struct key *key_by_mac(struct key *key, const unsigned char *mac, const unsigned char *vm);

/* Parts of a key of the roll, borrowed from it. */
struct key_vm_parts {
	const unsigned char *host, *vm;
	uint64_t change;
};

/* False if the key has another shape. */
bool key_parse_vm(const struct store_item *item, struct key_vm_parts *parts);
/* PREFIX, host UUID, number. */
bool key_parse_host_change(const struct store_item *item, const char *prefix, const unsigned char **host,
			   uint64_t *change);
/* PREFIX, number. */
bool key_parse_u64(const struct store_item *item, const char *prefix, uint64_t *number);
/* The UUID that a key of KEY_BY_NAME or KEY_BY_MAC ends with, the host's of KEY_BY_UUID; NULL if it is too short. */
const unsigned char *key_last_uuid(const struct store_item *item);

#endif
