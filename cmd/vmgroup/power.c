/* power.c - the machines of a deployment started in their order, and stopped against it. */
#include "config.h"

#include <string.h>

#include "log.h"
#include "map.h"
#include "mem.h"
#include "power.h"
#include "virt.h"
#include "virt_control.h"
#include "when.h"
#include "workers.h"

/* GRACE_MS: beside the time that a machine has to shut down, for connecting and saying so. */
enum { TIMEOUT_MS = 60 * 1000, GRACE_MS = 30 * 1000 };

struct powering {
	struct session *session;
	struct deployment *deployment;
	VEC(size_t) order;
	bool start;
	size_t failed;
};

static void powering_done(struct powering *powering)
{
	vec_done(&powering->order);
}

static const struct deployed *machine_of(const struct powering *powering, size_t job)
{
	return &powering->deployment->machines.items[powering->order.items[job]];
}

static int64_t timeout_ms(const struct powering *powering)
{
	return powering->session->options->timeout_ms ? powering->session->options->timeout_ms : TIMEOUT_MS;
}

/* ---- in a worker, which does one after the other, and keeps its connections ---- */

static int connect_to(const char *uri, struct virt **virt, struct err *e)
{
	static struct map *open;

	if (!open)
		open = map_new();
	*virt = map_find(open, uri, strlen(uri));
	if (*virt)
		return 0;
	int result = virt_open_control(virt, uri, e);
	if (result == 0)
		map_add(open, uri, strlen(uri), *virt);
	return result;
}

static int stop_machine(const struct powering *powering, struct virt *virt, const struct deployed *machine,
			struct err *e)
{
	int64_t until = when_monotonic() + timeout_ms(powering);
	int result = virt_domain_shutdown(virt, machine->uuid, until, e);

	if (result == 0 || !powering->session->options->force)
		return result;
	return virt_domain_destroy(virt, machine->uuid, e);
}

static int power_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct powering *powering = context;
	const struct deployed *machine = machine_of(powering, job);
	struct virt *virt;
	int result = connect_to(machine->uri, &virt, e);

	(void)worker;
	if (result < 0)
		return result;
	return powering->start ? virt_domain_start(virt, machine->uuid, e)
			       : stop_machine(powering, virt, machine, e);
}

/* ---- in the parent ---- */

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	(void)context;
	(void)job;
	(void)bytes;
	(void)length;
	return err_set(e, ERR_CORRUPT, "unexpected frame from the worker");
}

/* Those behind it may need it, and are left. */
static int tell_not_started(const struct powering *powering, const struct deployed *machine,
			    const struct workers_outcome *outcome, struct err *e)
{
	const char *deployment = powering->deployment->name;

	if (outcome->code != ERR_NOT_FOUND)
		return err_set(e, outcome->code, "%s on %s: %s", machine->name, machine->host, outcome->text);
	return err_set(e, outcome->code,
		       "%s on %s: it is not there any more: vmgroup undeploy %s, then deploy it again",
		       machine->name, machine->host, deployment);
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct powering *powering = context;
	const struct deployed *machine = machine_of(powering, job);

	if (outcome->code == 0) {
		log_info("%s on %s: %s", machine->name, machine->host, powering->start ? "started" : "stopped");
		return 0;
	}
	if (powering->start && outcome->asked)
		return tell_not_started(powering, machine, outcome, e);
	if (outcome->asked && !*session_stop())
		log_error("%s on %s: %s%s", machine->name, machine->host, outcome->text,
			  outcome->code == ERR_DEADLINE && !powering->session->options->force
				  ? ": --force pulls its plug"
				  : "");
	powering->failed++;
	return 0;
}

static int run(struct powering *powering, struct err *e)
{
	const struct workers_job job = {powering, power_job, received, finished};
	const struct workers_limits limits = {
		.parallel = 1,
		.job_deadline_ms = timeout_ms(powering) + GRACE_MS,
	};
	int result = workers_run(&job, powering->order.count, &limits, session_stop(), e);

	return *session_stop() ? err_set(e, ERR_ENV, "interrupted") : result;
}

int power_start(struct session *session, struct deployment *deployment, struct err *e)
{
	cleanup(powering_done) struct powering powering = {
		.session = session, .deployment = deployment, .start = true};

	for (size_t i = 0; i < deployment->machines.count; i++)
		vec_push(&powering.order, i);
	return run(&powering, e);
}

int power_stop(struct session *session, struct deployment *deployment, struct err *e)
{
	cleanup(powering_done) struct powering powering = {.session = session, .deployment = deployment};

	for (size_t i = deployment->machines.count; i-- > 0;)
		vec_push(&powering.order, i);
	int result = run(&powering, e);
	if (result == 0 && powering.failed > 0)
		return err_set(e, ERR_PARTIAL, "deployment %s: %zu of %zu VMs were not stopped",
			       deployment->name, powering.failed, powering.order.count);
	return result;
}
