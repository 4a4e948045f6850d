/* forget.c - what lies on a host that is lost for good is forgotten. */
#include "config.h"

#include <string.h>

#include "forget.h"
#include "hosts.h"
#include "log.h"
#include "mem.h"
#include "virt.h"
#include "virt_volume.h"
#include "vm.h"
#include "workers.h"

void forget_done(struct forget *forget)
{
	vec_done(&forget->machines);
	vec_done(&forget->hosts);
}

/* ---- whether a host is lost ---- */

/* Those that hosts(5) still has: a job each. */
struct probing {
	VEC(const struct host *) hosts;
};

static void probing_done(struct probing *probing)
{
	vec_done(&probing->hosts);
}

static int probe(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_virt) struct virt *virt = NULL;
	const struct probing *probing = context;
	int result = virt_open_control(&virt, probing->hosts.items[job]->uri, e);

	return result < 0 ? result : worker_finish(worker, e);
}

static int probed(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	const struct probing *probing = context;

	if (outcome->code == 0)
		return err_set(e, ERR_REFUSED,
			       "--forget-host: %s answers: undeploy without it removes what is there: "
			       "nothing was removed",
			       probing->hosts.items[job]->name);
	return 0;
}

static int check_lost(const struct forget *forget, struct session *session, struct err *e)
{
	cleanup(probing_done) struct probing probing = {0};
	const struct workers_job job = {&probing, probe, NULL, probed};
	const struct workers_limits limits = {.parallel = session->conf->parallel,
					      .job_deadline_ms = SESSION_ASK_MS};

	vec_foreach(&forget->hosts, name) {
		const struct host *host = hosts_find(&session->hosts, *name);
		if (host && host->uri)
			vec_push(&probing.hosts, host);
	}
	if (probing.hosts.count == 0)
		return 0;
	int result = workers_run(&job, probing.hosts.count, &limits, session_stop(), e);
	return *session_stop() ? err_set(e, ERR_ENV, "interrupted") : result;
}

/* ---- what is there ---- */

static bool is_forgotten(const struct forget *forget, const char *host)
{
	vec_foreach(&forget->hosts, name)
		if (strcmp(*name, host) == 0)
			return true;
	return false;
}

/* A machine that is removed already counts: its base may not be. */
static bool has_any_on(const struct deployment *deployment, const char *host)
{
	vec_foreach(&deployment->machines, machine)
		if (strcmp(machine->host, host) == 0)
			return true;
	return false;
}

static int choose_hosts(struct forget *forget, const struct session *session,
			const struct deployment *deployment, struct err *e)
{
	vec_foreach(&session->options->forget_hosts, host) {
		if (has_any_on(deployment, *host))
			vec_push(&forget->hosts, *host);
		else if (!session->options->all)
			return err_set(e, ERR_NOT_FOUND,
				       "--forget-host: deployment %s has nothing on a host '%s'",
				       deployment->name, *host);
	}
	return 0;
}

int forget_choose(struct forget *forget, struct session *session, struct deployment *deployment, struct err *e)
{
	int result = choose_hosts(forget, session, deployment, e);

	if (result == 0)
		result = check_lost(forget, session, e);
	if (result < 0)
		return result;
	for (size_t i = 0; i < deployment->machines.count; i++) {
		struct deployed *machine = &deployment->machines.items[i];
		if (machine->state == DEPLOYED_REMOVED || !is_forgotten(forget, machine->host))
			continue;
		machine->state = DEPLOYED_REMOVED;
		vec_push(&forget->machines, i);
	}
	return 0;
}

/* ---- forgetting it ---- */

static void tell_volume(const char *host, const char *pool, const char *volume)
{
	log_warning("%s: volume %s in pool %s is left behind", host, volume, pool);
}

static void tell_machine(const struct deployed *machine)
{
	char uuid[VM_UUID_TEXT_SIZE];

	log_warning("%s: VM %s (%s) is left behind", machine->host, machine->name,
		    vm_uuid_format(machine->uuid, uuid));
	vec_foreach(&machine->disks, disk)
		tell_volume(machine->host, machine->pool, disk->volume);
}

static int read_bases(struct session *session, const struct deployment *deployment,
		      struct deployed_bases *bases, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, session->store, e);

	return result < 0 ? result : deployment_bases(view, deployment->id, bases, e);
}

/* A base that others use stays theirs, and is nothing that was left behind. Nothing is removed there, so that its lock is not needed. */
static int forget_bases(const struct forget *forget, struct session *session,
			const struct deployment *deployment, struct err *e)
{
	cleanup(deployed_bases_done) struct deployed_bases bases = {0};
	int result = read_bases(session, deployment, &bases, e);

	for (size_t i = 0; result == 0 && i < bases.count; i++) {
		const struct deployed_base *base = &bases.items[i];
		if (!is_forgotten(forget, base->host))
			continue;
		if (base->users.count == 1)
			tell_volume(base->host, base->pool, base->volume);
		result = deployment_forget_base(session->store, deployment->id, base, e);
	}
	return result;
}

int forget_record(const struct forget *forget, struct session *session, struct deployment *deployment,
		  struct err *e)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < forget->machines.count; i++) {
		tell_machine(&deployment->machines.items[forget->machines.items[i]]);
		result = deployment_put_machine(session->store, deployment, forget->machines.items[i], e);
	}
	return result < 0 ? result : forget_bases(forget, session, deployment, e);
}
