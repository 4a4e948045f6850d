/* incident_private.h - what the parts of incident share: keys, and how often a lost transaction is tried. */
#ifndef VMROLL_INCIDENT_PRIVATE_H
#define VMROLL_INCIDENT_PRIVATE_H

#include "incident.h"
#include "keys.h"

enum { INCIDENT_TRIES_MAX = 64, INCIDENT_ID_MAX = INCIDENT_ID_SIZE - 1 };

/* Crockford's base 32. */
extern const char incident_alphabet[];

struct key *incident_id_key(struct key *key, const char *prefix, const char *id);
/* No host can be called "!isolated". */
struct key *incident_subject_key(struct key *key, const char *prefix, const struct incident *incident);
/* The record of an incident as it stands: 1, or 0 if there is none. */
int incident_get_raw(struct store_view *view, const char *id, struct bytes *raw, struct err *e);
/* Until when all that is said of a host is history, as a record. */
void incident_closed_encode(struct str *out, int64_t instant);
int incident_closed_decode(const struct bytes *bytes, int64_t *instant, struct err *e);

#endif
