/* uplink.c - how fast the network devices of one host are, each asked for once. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "domxml.h"
#include "mem.h"
#include "str.h"
#include "uplink.h"
#include "vm.h"

void uplinks_done(struct uplinks *uplinks)
{
	vec_foreach(&uplinks->known, uplink)
		free(uplink->device);
	vec_done(&uplinks->known);
	pthread_mutex_destroy(&uplinks->lock);
}

/* What has no such driver or device, or does not let us look, does not tell: no failure of the host. */
static uint64_t ask_rate(struct virt *virt, const char *device)
{
	cleanup(cleanup_mem) char *xml = NULL;
	uint64_t rate_bps;

	if (virt_interface_xml(virt, device, &xml, NULL) < 0 ||
	    domxml_parse_interface(&rate_bps, xml, strlen(xml), NULL) < 0)
		return VM_UNKNOWN;
	return rate_bps;
}

static uint64_t find_rate(struct uplinks *uplinks, const char *device)
{
	vec_foreach(&uplinks->known, uplink)
		if (str_equal(uplink->device, device))
			return uplink->rate_bps;
	struct uplink asked = {mem_string(device), ask_rate(uplinks->virt, device)};
	vec_push(&uplinks->known, asked);
	return asked.rate_bps;
}

uint64_t uplinks_rate(struct uplinks *uplinks, const char *device)
{
	if (!device)
		return VM_UNKNOWN;
	pthread_mutex_lock(&uplinks->lock);
	uint64_t rate_bps = find_rate(uplinks, device);
	pthread_mutex_unlock(&uplinks->lock);
	return rate_bps;
}
