/* capture_look.h - a part of capture.h: asks a host for all that capture_plan wants to know of a machine. */
#ifndef VMROLL_CAPTURE_LOOK_H
#define VMROLL_CAPTURE_LOOK_H

#include <stdbool.h>

#include "capture_plan.h"
#include "domxml.h"
#include "err.h"
#include "virt.h"

struct capture_machine {
	unsigned char uuid[VIRT_UUID_SIZE];
	bool active;
	char *config_xml;
	struct domxml config, live; /* live only where it is active */
	struct capture_facts facts; /* after capture_look_volumes */
};
void capture_machine_done(struct capture_machine *machine);

/* The machine whose exact name, or else UUID, is VM, and its definition. ERR_NOT_FOUND. */
int capture_look(struct virt *virt, const char *vm, struct capture_machine *machine, struct err *e);

struct capture_looking {
	/* The pool of that name is about to be made over a folder, unless there is another. */
	int (*making)(void *context, const char *pool, struct err *e);
	void *context;
	const char *spare; /* as in struct capture_facts */
	unsigned reserve;
};
/* Finds the volumes of its disks, and how much room their pools have. */
int capture_look_volumes(struct virt *virt, const struct capture_looking *looking,
			 struct capture_machine *machine, struct err *e);

/*
 * Whether MACHINE, which was off, still is, with the same definition, and ITEM's volume (NULL: none) as it was.
 * ERR_CONFLICT says what happened.
 */
int capture_look_again(struct virt *virt, const struct capture_machine *machine,
		       const struct capture_item *item, struct err *e);
/* If MACHINE went away, started or stopped meanwhile, that is why *E happened: ERR_CONFLICT. Else the code of *E. */
int capture_look_why(struct virt *virt, const struct capture_machine *machine, struct err *e);

#endif
