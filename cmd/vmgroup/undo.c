/* undo.c - what a deployment made is removed again. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "leftover.h"
#include "log.h"
#include "mem.h"
#include "undo.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "when.h"

/* DELETE_MS: a copy on a host goes on for a while when its client was killed, and holds its volume. */
enum { DELETE_MS = 60 * 1000, SETTLE_MS = 1000, ROUNDS_MAX = 8 };

/* Whether its processes may have been ended in the middle of a request to a host, which the host still does then. */
static bool is_in_flight(const struct deployment *deployment)
{
	return deployment->state == DEPLOYMENT_REMOVING && deployment->ended == WHEN_UNKNOWN;
}

/* ---- in a worker ---- */

struct undoing {
	bool force;
};

static int end_domain(const struct undoing *undoing, struct virt *virt, const struct deployed *machine,
		      struct err *e)
{
	int state;
	int result = virt_domain_state(virt, machine->uuid, &state, e);

	if (result <= 0)
		return result;
	if (virt_state_is_active(state) && !undoing->force)
		return err_set(e, ERR_USAGE, "it runs: --force ends it");
	/* While it runs: afterwards nothing says what it wrote to. */
	leftover_tell(virt, machine);
	if (virt_state_is_active(state))
		result = virt_domain_destroy(virt, machine->uuid, e);
	return result < 0 ? result : virt_domain_undefine(virt, machine->uuid, e);
}

static int remove_machine(struct crew *crew, struct worker *worker, struct virt *virt,
			  const struct deployed *machine, struct err *e)
{
	int result = end_domain(crew->context, virt, machine, e);

	vec_foreach(&machine->disks, disk)
		if (result == 0)
			result = step_delete_volume(worker, virt, machine->pool, disk->volume, DELETE_MS, e);
	return result;
}

/* Machines of one host, and which of them are removed. */
struct removal {
	struct crew *crew;
	struct worker *worker;
	struct virt *virt;
	const struct crew_host *host;
	bool *removed; /* by place in host->machines */
	int failure;
	struct err first;
};

static const struct deployed *machine_at(const struct removal *removal, size_t i)
{
	return &removal->crew->deployment->machines.items[removal->host->machines.items[i]];
}

/* One that cannot be removed does not keep the others, but with the connection gone, each would say so. */
static void remove_each(struct removal *removal)
{
	for (size_t i = removal->host->machines.count; i-- > 0 && removal->failure != ERR_NET;) {
		const struct deployed *machine = machine_at(removal, i);
		struct err why = {0};
		int result = remove_machine(removal->crew, removal->worker, removal->virt, machine, &why);
		removal->removed[i] = result == 0;
		if (result < 0 && (removal->failure == 0 || result == ERR_NET))
			removal->failure = err_set(&removal->first, result, "%s: %s", machine->name, why.text);
	}
}

/* 1 if anything of it is there. */
static int is_there(struct virt *virt, const struct deployed *machine, struct err *e)
{
	int state;
	int result = virt_domain_state(virt, machine->uuid, &state, e);

	vec_foreach(&machine->disks, disk) {
		cleanup(virt_volume_done) struct virt_volume volume = {0};
		if (result == 0)
			result = virt_volume_find(virt, machine->pool, disk->volume, &volume, e);
	}
	return result == ERR_NOT_FOUND ? 0 : result;
}

/* Removes again what came after it was removed. 1: something did. */
static int look_again(struct removal *removal, struct err *e)
{
	int found = 0;

	for (size_t i = 0; i < removal->host->machines.count; i++) {
		const struct deployed *machine = machine_at(removal, i);
		int there = removal->removed[i] ? is_there(removal->virt, machine, e) : 0;
		if (there == 1)
			there = remove_machine(removal->crew, removal->worker, removal->virt, machine, e) < 0
					? e->code
					: 1;
		if (there < 0)
			return there;
		found = found || there;
	}
	return found;
}

static int settle(struct removal *removal, struct err *e)
{
	int result = 1;

	for (int rounds = 0; result == 1 && rounds < ROUNDS_MAX; rounds++) {
		poll(NULL, 0, SETTLE_MS);
		result = step_send(removal->worker, STEP_MOVED, 0, 0, e);
		if (result == 0)
			result = look_again(removal, e);
	}
	return result < 0 ? result : 0;
}

static int tell_removed(const struct removal *removal, struct err *e)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < removal->host->machines.count; i++)
		if (removal->removed[i])
			result = step_send(removal->worker, STEP_MACHINE, removal->host->machines.items[i], 0, e);
	return result;
}

static int remove_all(struct crew *crew, struct worker *worker, struct virt *virt,
		      const struct crew_host *host, struct err *e)
{
	cleanup(cleanup_mem) bool *removed = mem_zalloc(host->machines.count, sizeof *removed);
	struct removal removal = {.crew = crew, .worker = worker, .virt = virt, .host = host, .removed = removed};
	int result = 0;

	remove_each(&removal);
	if (is_in_flight(crew->deployment) && removal.failure != ERR_NET)
		result = settle(&removal, e);
	if (result == 0)
		result = tell_removed(&removal, e);
	if (result == 0 && removal.failure < 0)
		return err_set(e, removal.failure, "%s", removal.first.text);
	return result;
}

static int look_at_all(struct crew *crew, struct worker *worker, struct virt *virt,
		       const struct crew_host *host, struct err *e)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < host->machines.count; i++) {
		size_t place = host->machines.items[i];
		int state;
		result = virt_domain_state(virt, crew->deployment->machines.items[place].uuid, &state, e);
		if (result == 1 && virt_state_is_active(state))
			result = step_send(worker, STEP_MACHINE, place, 0, e);
		else if (result == 1)
			result = 0;
	}
	return result;
}

/* ---- in the parent ---- */

static int is_removed(struct crew *crew, const struct step *step, struct err *e)
{
	if (step->place >= crew->deployment->machines.count)
		return 0;
	crew->deployment->machines.items[step->place].state = DEPLOYED_REMOVED;
	return deployment_put_machine(crew->session->store, crew->deployment, (size_t)step->place, e);
}

static int is_running(struct crew *crew, const struct step *step, struct err *e)
{
	size_t *running = crew->context;

	(void)e;
	if (step->place >= crew->deployment->machines.count)
		return 0;
	const struct deployed *machine = &crew->deployment->machines.items[step->place];
	log_error("%s runs on %s", machine->name, machine->host);
	++*running;
	return 0;
}

static bool is_left(const struct deployed *machine)
{
	return machine->state != DEPLOYED_REMOVED;
}

int undo_count_running(struct session *session, struct deployment *deployment, size_t *running, struct err *e)
{
	cleanup(crew_done) struct crew crew = {
		.context = running, .work = look_at_all, .step = is_running, .on_failure = CREW_QUIET};
	struct workers_limits limits = {.parallel = session->conf->parallel, .job_deadline_ms = SESSION_ASK_MS};

	*running = 0;
	crew_begin(&crew, session, deployment, is_left);
	return crew_run(&crew, &limits, session_stop(), e);
}

static int remove_machines(struct session *session, struct deployment *deployment, bool force, struct err *e)
{
	struct undoing undoing = {force};
	cleanup(crew_done) struct crew crew = {.context = &undoing, .work = remove_all, .step = is_removed};
	struct workers_limits limits;

	crew_begin(&crew, session, deployment, is_left);
	session_limits(session, &limits);
	return crew_run(&crew, &limits, session_stop_twice(), e);
}

/* ---- bases ---- */

/* Condemned bases: one job each, for each has a lock of its own. */
struct clearing {
	struct session *session;
	struct deployment *deployment;
	struct deployed_bases bases;
	size_t failed;
};

static void clearing_done(struct clearing *clearing)
{
	deployed_bases_done(&clearing->bases);
}

static int clear_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_virt) struct virt *virt = NULL;
	const struct clearing *clearing = context;
	const struct deployed_base *base = &clearing->bases.items[job];
	const char *uri = session_uri(clearing->session, base->host, base->uri);
	int result = virt_open_control(&virt, uri, e);

	if (result == 0)
		result = step_delete_volume(worker, virt, base->pool, base->volume, DELETE_MS, e);
	if (result < 0 || !is_in_flight(clearing->deployment))
		return result;
	poll(NULL, 0, SETTLE_MS);
	return step_delete_volume(worker, virt, base->pool, base->volume, DELETE_MS, e);
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct step step;

	(void)context;
	(void)job;
	return step_receive(bytes, length, &step, e);
}

static int cleared(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct clearing *clearing = context;
	const struct deployed_base *base = &clearing->bases.items[job];

	if (outcome->code == 0)
		return deployment_forget_base(clearing->session->store, clearing->deployment->id, base, e);
	if (!*session_stop_twice())
		log_error("%s: %s: %s", base->host, base->volume, outcome->text);
	clearing->failed++;
	return 0;
}

/* 1: nobody else uses it, and *LOCK is held. */
static int condemn(struct session *session, struct deployment *deployment, const struct deployed_base *base,
		   struct lock *lock, struct err *e)
{
	int result = deployment_leave_base(session->store, deployment->id, base, e);

	if (result != 1)
		return result;
	result = session_wait_base(session, base, lock, session_stop_twice(), e);
	return result < 0 ? result : deployment_condemn_base(session->store, deployment->id, base, e);
}

/* What stands on a base goes first: not while a machine of its host is left. */
static bool is_needed(const struct deployment *deployment, const struct deployed_base *base)
{
	if (!deployment->linked)
		return false;
	vec_foreach(&deployment->machines, machine)
		if (machine->state != DEPLOYED_REMOVED && strcmp(machine->host, base->host) == 0)
			return true;
	return false;
}

static int read_bases(struct session *session, const struct deployment *deployment,
		      struct deployed_bases *bases, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, session->store, e);

	return result < 0 ? result : deployment_bases(view, deployment->id, bases, e);
}

struct locks {
	VEC(struct lock) items;
};

static void locks_done(struct locks *locks)
{
	vec_foreach(&locks->items, lock)
		lock_done(lock);
	vec_done(&locks->items);
}

static int condemn_all(struct clearing *clearing, struct locks *locks, struct err *e)
{
	cleanup(deployed_bases_done) struct deployed_bases all = {0};
	int result = read_bases(clearing->session, clearing->deployment, &all, e);

	for (size_t i = 0; result >= 0 && i < all.count; i++) {
		struct lock lock = LOCK_NONE;
		if (is_needed(clearing->deployment, &all.items[i]))
			continue;
		result = condemn(clearing->session, clearing->deployment, &all.items[i], &lock, e);
		if (result != 1) {
			lock_done(&lock);
			continue;
		}
		vec_push(&locks->items, lock);
		vec_push(&clearing->bases, all.items[i]);
		all.items[i] = (struct deployed_base){0};
	}
	return result < 0 ? result : 0;
}

int undo_bases(struct session *session, struct deployment *deployment, size_t *left, struct err *e)
{
	cleanup(clearing_done) struct clearing clearing = {.session = session, .deployment = deployment};
	cleanup(locks_done) struct locks locks = {0};
	const struct workers_job job = {&clearing, clear_job, received, cleared};
	struct workers_limits limits;
	int result = condemn_all(&clearing, &locks, e);

	*left = 0;
	if (result < 0 || clearing.bases.count == 0)
		return result;
	session_limits(session, &limits);
	result = workers_run(&job, clearing.bases.count, &limits, session_stop_twice(), e);
	*left = clearing.failed;
	return result;
}

/* ---- the whole ---- */

int undo_begin(struct session *session, struct deployment *deployment, const char *why, struct err *e)
{
	if (deployment->state == DEPLOYMENT_REMOVING)
		return 0;
	deployment->state = DEPLOYMENT_REMOVING;
	mem_replace(&deployment->failure, why);
	return deployment_put(session->store, deployment, e);
}

static size_t count_left(const struct deployment *deployment)
{
	size_t left = 0;

	vec_foreach(&deployment->machines, machine)
		left += machine->state != DEPLOYED_REMOVED;
	return left;
}

int undo(struct session *session, struct deployment *deployment, const char *why, bool force, struct err *e)
{
	size_t failed = 0;
	int result = undo_begin(session, deployment, why, e);

	if (result == 0)
		result = remove_machines(session, deployment, force, e);
	if (result == 0)
		result = undo_bases(session, deployment, &failed, e);
	if (result < 0)
		return result;
	size_t left = count_left(deployment);
	if (left > 0 || failed > 0)
		return err_set(e, ERR_PARTIAL,
			       "deployment %s: %zu VMs and %zu bases are still to be removed: "
			       "vmgroup undeploy %s, when their hosts answer",
			       deployment->name, left, failed, deployment->name);
	return deployment_forget(session->store, deployment, e);
}
