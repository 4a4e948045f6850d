/* build.c - what a plan says is made, step by step. */
#include "config.h"

#include "build.h"
#include "mem.h"
#include "power.h"
#include "undo.h"
#include "when.h"

static int record_done(struct session *session, struct deployment *deployment, struct err *e)
{
	deployment->state = DEPLOYMENT_DONE;
	deployment->ended = when_now();
	mem_replace(&deployment->failure, NULL);
	return deployment_put(session->store, deployment, e);
}

/* What was only uploaded to be cloned there has served. If it cannot be removed now, that is done with the deployment. */
static int drop_bases(struct session *session, struct deployment *deployment, struct err *e)
{
	size_t left;

	return deployment->linked ? 0 : undo_bases(session, deployment, &left, e);
}

int build(struct session *session, struct deployment *deployment, const struct sources *sources, bool again,
	  struct err *e)
{
	int result = build_volumes(session, deployment, sources, again, e);

	if (result == 0)
		result = drop_bases(session, deployment, e);
	if (result == 0)
		result = build_domains(session, deployment, sources, e);
	if (result == 0 && deployment->start)
		result = power_start(session, deployment, e);
	return result < 0 ? result : record_done(session, deployment, e);
}
