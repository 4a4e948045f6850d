/* deployment_private.h - what the parts of deployment.c share: keys and records. */
#ifndef VMROLL_DEPLOYMENT_PRIVATE_H
#define VMROLL_DEPLOYMENT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deployment.h"
#include "keys.h"

/* ---- records (rec.h): ERR_CORRUPT, ERR_SCHEMA ---- */

/* With how many machines it has, *MACHINES when read, but without them. */
void deployment_encode_head(const struct deployment *deployment, struct str *out);
int deployment_decode_head(const void *data, size_t length, struct deployment *deployment, uint64_t *machines,
			   struct err *e);
void deployment_encode_machine(const struct deployed *machine, struct str *out);
int deployment_decode_machine(const void *data, size_t length, struct deployed *machine, struct err *e);
void deployment_encode_base(const struct deployed_base *base, struct str *out);
int deployment_decode_base(const void *data, size_t length, struct deployed_base *base, struct err *e);

/* ---- keys ---- */

struct key *deployment_key(struct key *key, const char *prefix, uint64_t id);
struct key *deployment_key_machine(struct key *key, uint64_t id, uint64_t place);
struct key *deployment_key_base(struct key *key, const struct deployed_base *base);
struct key *deployment_key_use(struct key *key, uint64_t id, const struct deployed_base *base);
/* ERR_USAGE if names of host, pool and disk are too long together for the keys above. */
int deployment_check_base(const struct deployed_base *base, struct err *e);

/* ---- */

/* 1, 0: no such deployment is visible. */
int deployment_is_there(struct store_view *view, uint64_t id, struct err *e);
int deployment_read(struct store_view *view, uint64_t id, struct deployment *deployment, struct err *e);
/* Adds to BATCH that the revision is still REVISION, and one more afterwards. */
void deployment_batch_revision(struct store_batch *batch, uint64_t revision);

#endif
