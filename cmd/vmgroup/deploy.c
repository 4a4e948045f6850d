/* deploy.c - vmgroup deploy and resume: a group's machines on the hosts, all of them or none. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "build.h"
#include "fit.h"
#include "group.h"
#include "identity.h"
#include "image.h"
#include "log.h"
#include "mem.h"
#include "plan.h"
#include "serial.h"
#include "session.h"
#include "source.h"
#include "undo.h"
#include "when.h"

enum { PLANS_MAX = 64 };

struct deploying {
	struct session session;
	struct deployment deployment;
	struct group group;
	struct group_vms vms;
	struct sources sources;
	struct asked_hosts asked;
	struct identity identity;
	struct lock lock;
	const char *pool;
};

static void deploying_done(struct deploying *deploying)
{
	if (deploying->identity.repository)
		identity_done(&deploying->identity);
	deployment_done(&deploying->deployment);
	group_done(&deploying->group);
	group_vms_done(&deploying->vms);
	sources_done(&deploying->sources);
	asked_hosts_done(&deploying->asked);
	lock_done(&deploying->lock);
	session_done(&deploying->session);
}

/* ---- what is to be deployed ---- */

/* 1: it is there already, whole. 0: there is none of that name. */
static int check_name(struct deploying *deploying, struct store_view *view, const char *name, struct err *e)
{
	cleanup(deployment_done) struct deployment there = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	int result = deployment_find(view, name, &there, e);

	if (result <= 0)
		return result;
	if (there.state == DEPLOYMENT_DONE && there.group == deploying->group.id) {
		log_info("deployment %s is there already", name);
		return 1;
	}
	if (there.state == DEPLOYMENT_DONE)
		return err_set(e, ERR_USAGE, "deployment %s is one of group %s: another --name?", name,
			       there.group_name);
	result = session_lock(&deploying->session, &there, &lock, e);
	if (result < 0)
		return result;
	return err_set(e, ERR_USAGE, "deployment %s is unfinished (%s%s%s): vmgroup %s %s", name,
		       deployment_state_name(there.state), there.failure ? ": " : "",
		       there.failure ? there.failure : "",
		       there.state == DEPLOYMENT_BUILDING ? "resume or vmgroup undeploy" : "undeploy", name);
}

/* 1: nothing to do. */
static int find_group(struct deploying *deploying, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	const struct options *options = deploying->session.options;
	int result = store_view_open(&view, deploying->session.store, e);

	if (result == 0)
		result = group_require(view, options->cli.operands[0], &deploying->group, e);
	if (result < 0)
		return result;
	const char *name = options->name ? options->name : deploying->group.name;
	result = image_check_name(name, e);
	if (result < 0)
		return err_wrap(e, "--name");
	deploying->deployment.name = mem_string(name);
	result = check_name(deploying, view, name, e);
	if (result == 0)
		result = group_expand(view, &deploying->group, &deploying->vms, e);
	if (result == 0 && deploying->vms.count == 0)
		return err_set(e, ERR_USAGE, "group %s has no VMs", deploying->group.name);
	return result;
}

static int add_sources(struct deploying *deploying, struct err *e)
{
	int result = 0;

	vec_foreach(&deploying->vms, vm)
		if (result == 0)
			result = source_add(&deploying->session, &deploying->sources, vm->image, 0, e);
	return result < 0 ? result : source_read(&deploying->session, &deploying->sources, e);
}

/* ---- the plan ---- */

/* One state of the store. */
struct seen {
	struct deployments deployments;
	struct deployed_bases bases;
	struct deployment_basis basis;
};

static void seen_done(struct seen *seen)
{
	deployments_done(&seen->deployments);
	deployed_bases_done(&seen->bases);
}

static bool same_vms(const struct group_vms *a, const struct group_vms *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i].name, b->items[i].name) != 0 || a->items[i].image != b->items[i].image)
			return false;
	return true;
}

static int check_group(struct deploying *deploying, struct store_view *view, struct err *e)
{
	cleanup(group_done) struct group group = {0};
	cleanup(group_vms_done) struct group_vms vms = {0};
	int result = group_find_id(view, deploying->group.id, &group, e);

	if (result == 1)
		result = group_expand(view, &group, &vms, e);
	else if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "group %s was deleted meanwhile", deploying->group.name);
	if (result == 0 && !same_vms(&vms, &deploying->vms))
		return err_set(e, ERR_TEMPORARY, "group %s was changed meanwhile: deploy it again",
			       deploying->group.name);
	return result;
}

static int look(struct deploying *deploying, struct seen *seen, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, deploying->session.store, e);

	if (result == 0)
		result = deployment_basis(view, &seen->basis, e);
	if (result == 0)
		result = deployment_all(view, &seen->deployments, e);
	if (result == 0)
		result = deployment_all_bases(view, &seen->bases, e);
	return result < 0 ? result : check_group(deploying, view, e);
}

static struct fit_order order_of(struct deploying *deploying, const struct seen *seen)
{
	return (struct fit_order){
		.session = &deploying->session,
		.pool = deploying->pool,
		.vms = &deploying->vms,
		.sources = &deploying->sources,
		.asked = &deploying->asked,
		.deployments = &seen->deployments,
		.bases = &seen->bases,
		.linked = deploying->session.options->linked,
	};
}

static void forget_machines(struct deployment *deployment)
{
	vec_foreach(&deployment->machines, machine)
		deployed_done(machine);
	deployment->machines.count = 0;
}

static int record(struct deploying *deploying, const struct fit *fit, const struct fit_order *order,
		  const struct seen *seen, struct err *e)
{
	cleanup(deployed_bases_done) struct deployed_bases bases = {0};
	int result = plan_draw(fit, order, &deploying->deployment, &bases, e);

	return result < 0 ? result
			  : deployment_plan(deploying->session.store, &deploying->deployment, &bases,
					    &seen->basis, e);
}

/* Of what was asked once, and of the store as it is now. */
static int plan_once(struct deploying *deploying, struct err *e)
{
	cleanup(seen_done) struct seen seen = {0};
	cleanup(fit_done) struct fit fit = {0};
	int result = look(deploying, &seen, e);
	const struct fit_order order = order_of(deploying, &seen);

	forget_machines(&deploying->deployment);
	if (result == 0)
		result = fit_all(&fit, &order, e);
	if (result < 0)
		return result;
	return result == 1 ? record(deploying, &fit, &order, &seen, e) : fit_tell_shortfall(&fit, &order, e);
}

static int make_plan(struct deploying *deploying, struct err *e)
{
	int result = ERR_CONFLICT;

	for (int attempt = 0; attempt < PLANS_MAX && result == ERR_CONFLICT; attempt++) {
		result = plan_once(deploying, e);
		if (result == ERR_CONFLICT && strcmp(e->text, "name") == 0)
			return err_set(e, ERR_USAGE, "deployment %s was begun meanwhile",
				       deploying->deployment.name);
	}
	return result;
}

/* What would be refused for its names is not shown as if it were done. */
static int show_plan(struct deploying *deploying, struct err *e)
{
	cleanup(deployed_bases_done) struct deployed_bases bases = {0};
	cleanup(seen_done) struct seen seen = {0};
	cleanup(fit_done) struct fit fit = {0};
	int result = look(deploying, &seen, e);
	const struct fit_order order = order_of(deploying, &seen);

	if (result == 0)
		result = fit_all(&fit, &order, e);
	if (result < 0)
		return result;
	bool fits = result == 1;
	result = fit_show(&fit, &order, deploying->deployment.name, e);
	if (result < 0)
		return result;
	if (fits)
		return plan_draw(&fit, &order, &deploying->deployment, &bases, e);
	/* Of memory too, which the listing shows only when asked. */
	fit_tell_shortfall(&fit, &order, e);
	return err_set(e, ERR_REFUSED, "it does not fit");
}

/* ---- deploy ---- */

/* Of what was seen while the hosts are asked: later it is looked at again, for promises made since. */
static int ask(struct deploying *deploying, struct err *e)
{
	cleanup(seen_done) struct seen seen = {0};
	int result = look(deploying, &seen, e);

	return result < 0 ? result
			  : ask_hosts(&deploying->session, deploying->pool, &seen.deployments, &seen.bases,
				      &deploying->asked, e);
}

static int take_number(struct deploying *deploying, struct err *e)
{
	struct deployment *deployment = &deploying->deployment;
	const struct options *options = deploying->session.options;

	deployment->group = deploying->group.id;
	deployment->group_name = mem_string(deploying->group.name);
	deployment->begun = when_now();
	deployment->ended = WHEN_UNKNOWN;
	deployment->linked = options->linked;
	deployment->start = options->start;
	deployment->reset_identity = options->reset_identity;
	int result = serial_next(deploying->session.store, &deployment->id, e);
	return result < 0
		       ? result
		       : deployment_lock(deploying->session.conf->store, deployment->id, &deploying->lock, e);
}

/* What was made is taken back; if not all of it can be now, what remains is remembered. */
static int roll_back(struct deploying *deploying, const struct err *cause, struct err *e)
{
	struct err failure = {0};

	progress_hide(deploying->session.progress);
	log_err(cause);
	int result = undo(&deploying->session, &deploying->deployment, cause->text, true, &failure);
	if (result == 0)
		return err_set(e, cause->code, "deployment %s was taken back: nothing of it is left",
			       deploying->deployment.name);
	if (result == ERR_PARTIAL)
		return err_set(e, ERR_PARTIAL, "%s", failure.text);
	return err_set(e, result, "deployment %s could not be taken back: %s: vmgroup undeploy %s",
		       deploying->deployment.name, failure.text, deploying->deployment.name);
}

static int make(struct deploying *deploying, struct err *e)
{
	struct session *session = &deploying->session;
	struct deployment *deployment = &deploying->deployment;
	cleanup(cleanup_mem) char *what = mem_format("deploy as %s", deployment->name);
	struct err cause = {0};

	int result = deployment->reset_identity
			     ? identity_reset(&deploying->identity, session, &deploying->sources, &cause)
			     : 0;
	if (result == 0)
		result = build(session, deployment, &deploying->sources, false, &cause);
	if (result < 0)
		return roll_back(deploying, &cause, e);
	return session_log(session, deployment, what, e);
}

static int prepare(struct deploying *deploying, struct err *e)
{
	struct session *session = &deploying->session;
	int result = deployment_tidy(session->store, session->conf->store, e);

	if (result == 0)
		result = find_group(deploying, e);
	if (result == 0 && session->options->reset_identity)
		result = identity_check(session, e);
	if (result == 0)
		result = add_sources(deploying, e);
	return result != 0 ? result : ask(deploying, e);
}

static int deploy(struct deploying *deploying, struct err *e)
{
	int result = prepare(deploying, e);

	if (result != 0)
		return result < 0 ? result : 0;
	if (deploying->session.options->dry_run)
		return show_plan(deploying, e);
	result = take_number(deploying, e);
	if (result == 0)
		result = make_plan(deploying, e);
	return result < 0 ? result : make(deploying, e);
}

int command_deploy(void *context)
{
	struct options *o = context;
	cleanup(deploying_done) struct deploying deploying = {.lock = LOCK_NONE};
	int result = cli_operands(&o->cli, 1, 1, o->e);

	if (result < 0)
		return result;
	if (o->over_commit)
		o->conf.deploy.over_commit_percent = (unsigned)o->over_commit;
	deploying.pool = o->pool ? o->pool : o->conf.deploy.pool;
	session_catch_signals();
	result = session_open(&deploying.session, o, STORE_WRITE, o->e);
	return result < 0 ? result : deploy(&deploying, o->e);
}

/* ---- resume ---- */

static int add_planned_sources(struct deploying *deploying, struct err *e)
{
	int result = 0;

	vec_foreach(&deploying->deployment.machines, machine)
		if (result == 0)
			result = source_add(&deploying->session, &deploying->sources, machine->image,
					    machine->generation, e);
	return result < 0 ? result : source_read(&deploying->session, &deploying->sources, e);
}

/* A copy whose identity was reset is made again where something of it is still to be uploaded. */
static bool needs_copies(const struct deployment *deployment)
{
	vec_foreach(&deployment->machines, machine)
		if (machine->state == DEPLOYED_PLANNED)
			return deployment->reset_identity;
	return false;
}

static int finish(struct deploying *deploying, struct err *e)
{
	struct session *session = &deploying->session;
	struct deployment *deployment = &deploying->deployment;
	cleanup(cleanup_mem) char *what = mem_format("deploy as %s", deployment->name);

	deployment->start = deployment->start || session->options->start;
	int result = add_planned_sources(deploying, e);
	if (result == 0 && needs_copies(deployment))
		result = identity_check(session, e);
	if (result == 0 && needs_copies(deployment))
		result = identity_reset(&deploying->identity, session, &deploying->sources, e);
	if (result == 0)
		result = build(session, deployment, &deploying->sources, true, e);
	return result < 0 ? result : session_log(session, deployment, what, e);
}

/* Somebody asked for it to be finished: what fails now is kept for another try. */
static int keep_failure(struct deploying *deploying, int result, struct err *e)
{
	struct err failure = {0};

	mem_replace(&deploying->deployment.failure, e->text);
	if (deployment_put(deploying->session.store, &deploying->deployment, &failure) < 0)
		log_err(&failure);
	log_err(e);
	return err_set(e, result, "deployment %s is still unfinished: vmgroup resume or vmgroup undeploy %s",
		       deploying->deployment.name, deploying->deployment.name);
}

/* What failed was never in use. What was undeployed may run where a host was silent then, and only --force ends that. */
static int go_on_removing(struct deploying *deploying, struct err *e)
{
	struct deployment *deployment = &deploying->deployment;

	log_notice("deployment %s is being removed: that is gone on with", deployment->name);
	return undo(&deploying->session, deployment, NULL, deployment->failure != NULL, e);
}

static int resume(struct deploying *deploying, struct err *e)
{
	struct deployment *deployment = &deploying->deployment;
	int result = session_take(&deploying->session, deploying->session.options->cli.operands[0],
				  deployment, &deploying->lock, e);

	if (result < 0)
		return result;
	if (deployment->state == DEPLOYMENT_DONE) {
		log_info("deployment %s is complete", deployment->name);
		return 0;
	}
	if (deployment->state == DEPLOYMENT_REMOVING)
		return go_on_removing(deploying, e);
	result = finish(deploying, e);
	return result < 0 ? keep_failure(deploying, result, e) : 0;
}

int command_resume(void *context)
{
	const struct options *o = context;
	cleanup(deploying_done) struct deploying deploying = {.lock = LOCK_NONE};
	int result = cli_operands(&o->cli, 1, 1, o->e);

	if (result < 0)
		return result;
	session_catch_signals();
	result = session_open(&deploying.session, o, STORE_WRITE, o->e);
	return result < 0 ? result : resume(&deploying, o->e);
}
