/* crew.h - the machines of a deployment host by host: one worker and one connection do what is to be done there. */
#ifndef VMGROUP_CREW_H
#define VMGROUP_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "deployment.h"
#include "session.h"
#include "step.h"
#include "vec.h"
#include "virt.h"

/* One host, and places of its machines in the order of the deployment. */
struct crew_host {
	const char *name, *uri; /* of the deployment */
	VEC(size_t) machines;
	int code; /* what became of it: 0, or an err_code that was told, or is in *E */
};

enum crew_failure {
	CREW_TELL,  /* it is told, and the others go on */
	CREW_QUIET, /* the others go on */
	CREW_END    /* it ends the run, and is in *E */
};

struct crew {
	struct session *session;
	struct deployment *deployment;
	VEC(struct crew_host) hosts;
	void *context;
	/* In a worker, for each host. Says each step. */
	int (*work)(struct crew *crew, struct worker *worker, struct virt *virt, const struct crew_host *host,
		    struct err *e);
	/* In the parent, for STEP_MACHINE and STEP_BASE. May be NULL. */
	int (*step)(struct crew *crew, const struct step *step, struct err *e);
	enum crew_failure on_failure;      /* of a host */
	size_t failed;                     /* hosts */
	const volatile sig_atomic_t *stop; /* of crew_run: what it cuts off is not told as a failure */
};

/* Sets out with the machines of DEPLOYMENT that WANTED (NULL: all) says are. */
void crew_begin(struct crew *crew, struct session *session, struct deployment *deployment,
		bool (*wanted)(const struct deployed *machine));
void crew_done(struct crew *crew);
/* Does it. ERR_ENV where *STOP was set before all were done. */
int crew_run(struct crew *crew, const struct workers_limits *limits, const volatile sig_atomic_t *stop,
	     struct err *e);

#endif
