/* crew.c - the machines of a deployment host by host. */
#include "config.h"

#include <string.h>

#include "crew.h"
#include "log.h"
#include "mem.h"

static struct crew_host *host_for(struct crew *crew, const struct deployed *machine)
{
	vec_foreach(&crew->hosts, host)
		if (strcmp(host->name, machine->host) == 0)
			return host;
	struct crew_host *host = vec_push_zero(&crew->hosts);
	host->name = machine->host;
	host->uri = machine->uri;
	return host;
}

void crew_begin(struct crew *crew, struct session *session, struct deployment *deployment,
		bool (*wanted)(const struct deployed *machine))
{
	crew->session = session;
	crew->deployment = deployment;
	for (size_t i = 0; i < deployment->machines.count; i++)
		if (!wanted || wanted(&deployment->machines.items[i])) {
			struct crew_host *host = host_for(crew, &deployment->machines.items[i]);
			vec_push(&host->machines, i);
		}
}

void crew_done(struct crew *crew)
{
	vec_foreach(&crew->hosts, host)
		vec_done(&host->machines);
	vec_done(&crew->hosts);
}

static int host_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_virt) struct virt *virt = NULL;
	struct crew *crew = context;
	const struct crew_host *host = &crew->hosts.items[job];
	int result = virt_open_control(&virt, host->uri, e);

	if (result == 0)
		result = crew->work(crew, worker, virt, host, e);
	return result < 0 ? result : worker_finish(worker, e);
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct crew *crew = context;
	struct step step;
	int result = step_receive(bytes, length, &step, e);

	(void)job;
	if (result < 0 || step.kind == STEP_MOVED || !crew->step)
		return result;
	return crew->step(crew, &step, e);
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct crew *crew = context;
	struct crew_host *host = &crew->hosts.items[job];

	host->code = outcome->code;
	if (outcome->code == 0)
		return 0;
	crew->failed++;
	if (crew->on_failure == CREW_END && outcome->asked)
		return err_set(e, outcome->code, "%s: %s", host->name, outcome->text);
	if (crew->on_failure == CREW_TELL && !*crew->stop)
		log_error("%s: %s", host->name, outcome->text);
	return 0;
}

int crew_run(struct crew *crew, const struct workers_limits *limits, const volatile sig_atomic_t *stop,
	     struct err *e)
{
	const struct workers_job job = {crew, host_job, received, finished};

	if (crew->hosts.count == 0)
		return 0;
	crew->stop = stop;
	int result = workers_run(&job, crew->hosts.count, limits, stop, e);
	return *stop ? err_set(e, ERR_ENV, "interrupted") : result;
}
