/* ask.h - asks one host, in a process that can be killed: list, facts, and the XML that is due. */
#ifndef VMSNAP_ASK_H
#define VMSNAP_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "err.h"
#include "hosts.h"
#include "known.h"
#include "virt.h"

struct question {
	const struct host *host;
	const struct known *known;
	bool identify;              /* send facts even if the VMs are those that were known */
	int64_t reread_ms;          /* where only the XML shows changes */
	int64_t until;              /* when_monotonic: read no more XML from then on */
	const unsigned char *stale; /* UUIDs, one after the other, of VMs whose definition changed; or NULL */
	size_t stale_count;
};

/* Sends facts, VMs and listed to SINK, then the VMs whose XML it read. ERR_* of virt.h, or of SINK. */
int ask_host(struct virt *virt, const struct question *question, const struct answer_sink *sink, struct err *e);

#endif
