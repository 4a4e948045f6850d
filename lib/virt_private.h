/* virt_private.h - what virt.c and virt_events.c share; nobody else includes it. */
#ifndef VMROLL_VIRT_PRIVATE_H
#define VMROLL_VIRT_PRIVATE_H

#include <stdatomic.h>

#include <libvirt/libvirt.h>

#include "virt.h"

enum { VIRT_CALLBACKS_MAX = 4 };

/* libvirt may be inside a callback in one thread while another closes: each registered callback holds a reference. */
struct virt {
	atomic_uint references;
	virConnectPtr connection;
	struct virt_listener listener;
	int callbacks[VIRT_CALLBACKS_MAX];
	size_t callback_count;
};

void virt_release(struct virt *virt);
/* Deregisters what virt_follow registered. */
void virt_unfollow(struct virt *virt);

/* Turns this thread's last libvirt error into ours; SUBJECT may be NULL. */
int virt_error(struct err *e, const char *subject);

#endif
