/* hoststate_private.h - the keys of transitions, for the parts of hoststate. */
#ifndef VMROLL_HOSTSTATE_PRIVATE_H
#define VMROLL_HOSTSTATE_PRIVATE_H

#include "keys.h"

struct key *hoststate_transition_key(struct key *key, const char *host, int64_t at);
/* What the keys of all transitions of HOST begin with; NULL: of all hosts. */
struct key *hoststate_transition_prefix(struct key *key, const char *host);
/* The host (borrowed from the key, NUL-terminated there) and the instant of a transition's key. ERR_CORRUPT. */
int hoststate_parse_transition(const struct store_item *item, const char **host, int64_t *at, struct err *e);

#endif
