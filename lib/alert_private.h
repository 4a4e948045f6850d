/* alert_private.h - what the forms of an alert share. */
#ifndef VMROLL_ALERT_PRIVATE_H
#define VMROLL_ALERT_PRIVATE_H

#include "alert.h"

/* Whether the case of that index is told. */
bool alert_tells(const struct alert_source *source, size_t incident);
/* The one that happened first; NULL if none is told. */
const struct notice_case *alert_first_case(const struct alert_source *source);
/* Where a VM is since; the caller frees it. */
char *alert_where(const struct affected_vm *vm, const struct incident *incident);

#endif
