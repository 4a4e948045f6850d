/* uplink.h - how fast the network devices of one host are, each asked for once. */
#ifndef VMSNAP_UPLINK_H
#define VMSNAP_UPLINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vec.h"
#include "virt.h"

struct uplink {
	char *device;
	uint64_t rate_bps;
};

/* As UPLINKS_INIT says; uplinks_done frees. */
struct uplinks {
	struct virt *virt;
	pthread_mutex_t lock;
	VEC(struct uplink) known;
};

#define UPLINKS_INIT(connection) ((struct uplinks){.virt = (connection), .lock = PTHREAD_MUTEX_INITIALIZER})
void uplinks_done(struct uplinks *uplinks);

/* Bits a second of DEVICE (or of a bridge's fastest port that is up); VM_UNKNOWN where the host does not tell. In several threads at once. */
uint64_t uplinks_rate(struct uplinks *uplinks, const char *device);

#endif
