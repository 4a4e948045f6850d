/* virt_private.h - what virt.c and virt_events.c share; nobody else includes it. */
#ifndef VMROLL_VIRT_PRIVATE_H
#define VMROLL_VIRT_PRIVATE_H

#include <libvirt/libvirt.h>

#include "virt.h"

enum { VIRT_CALLBACKS_MAX = 4 };

struct virt {
	virConnectPtr connection;
	void (*event)(void *context, const struct virt_event *event);
	void (*closed)(void *context, const char *why);
	void *context;
	int callbacks[VIRT_CALLBACKS_MAX];
	size_t callback_count;
};

/* Turns this thread's last libvirt error into ours; SUBJECT may be NULL. */
int virt_error(struct err *e, const char *subject);

#endif
