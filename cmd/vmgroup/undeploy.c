/* undeploy.c - vmgroup undeploy, start, stop and restart. */
#include "config.h"

#include "forget.h"
#include "group.h"
#include "log.h"
#include "mem.h"
#include "power.h"
#include "session.h"
#include "str.h"
#include "undo.h"

/* ---- undeploy ---- */

/* First what is forgotten: with it nothing of the host is asked any more. */
static int remove_rest(struct session *session, struct deployment *deployment, const struct forget *forget,
		       struct err *e)
{
	int result = undo_begin(session, deployment, NULL, e);

	if (result == 0)
		result = forget_record(forget, session, deployment, e);
	return result < 0 ? result : undo(session, deployment, NULL, session->options->force, e);
}

static int log_removal(struct session *session, const struct deployment *deployment,
		       const struct forget *forget, struct err *e)
{
	cleanup(str_done) struct str what = {0};

	str_addf(&what, "undeploy %s", deployment->name);
	vec_foreach(&forget->hosts, host)
		str_addf(&what, " --forget-host %s", *host);
	return session_log(session, deployment, str_text(&what), e);
}

static int remove_one(struct session *session, const char *name, struct err *e)
{
	cleanup(deployment_done) struct deployment deployment = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(forget_done) struct forget forget = {0};
	size_t running = 0;
	int result = session_take(session, name, &deployment, &lock, e);

	if (result == 0)
		result = forget_choose(&forget, session, &deployment, e);
	if (result == 0 && !session->options->force)
		result = undo_count_running(session, &deployment, &running, e);
	if (result == 0 && running > 0)
		return err_set(
			e, ERR_REFUSED,
			"deployment %s: %zu VMs run: stop them, or --force ends them: nothing was removed",
			deployment.name, running);
	if (result == 0)
		result = remove_rest(session, &deployment, &forget, e);
	return result < 0 ? result : log_removal(session, &deployment, &forget, e);
}

/* All of a group only where that was said: whoever removes its one deployment of the same name twice means no other. */
static int choose_of_group(struct session *session, struct store_view *view, const struct group *group,
			   struct image_texts *names, struct err *e)
{
	cleanup(deployments_done) struct deployments all = {0};
	cleanup(str_done) struct str others = {0};
	int result = deployment_of_group(view, group->id, &all, e);

	vec_foreach(&all, deployment) {
		str_addf(&others, "%s%s", others.length ? ", " : "", deployment->name);
		vec_push(names, mem_string(deployment->name));
	}
	if (result < 0 || session->options->all)
		return result;
	if (all.count == 0)
		return err_set(e, ERR_NOT_FOUND, "no deployment '%s', and none of group %s", group->name,
			       group->name);
	return err_set(e, ERR_REFUSED, "no deployment '%s'; group %s has %s: --all removes all of them",
		       group->name, group->name, str_text(&others));
}

/* Names of what is to be removed: exactly the deployment TEXT; with --all, those of the group TEXT. No beginning of a name will do. */
static int find_names(struct session *session, const char *text, struct image_texts *names, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(deployment_done) struct deployment deployment = {0};
	cleanup(group_done) struct group group = {0};
	int result = store_view_open(&view, session->store, e);

	if (result == 0 && !session->options->all)
		result = deployment_find(view, text, &deployment, e);
	if (result == 1)
		vec_push(names, mem_string(deployment.name));
	if (result != 0)
		return result < 0 ? result : 0;
	result = group_find(view, text, &group, e);
	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "no %s '%s'", session->options->all ? "group" : "deployment",
			       text);
	return result < 0 ? result : choose_of_group(session, view, &group, names, e);
}

/* The first failure is the caller's to tell, as the last word; the others are told here. */
static int remove_all(struct session *session, const struct image_texts *names, struct err *e)
{
	int failure = 0;

	vec_foreach(names, name) {
		struct err why = {0};
		int result = remove_one(session, *name, &why);
		if (result == 0)
			continue;
		if (failure < 0)
			log_err(&why);
		else
			*e = why;
		failure = failure == 0 || failure == result ? result : ERR_PARTIAL;
	}
	return failure;
}

int command_undeploy(void *context)
{
	const struct options *o = context;
	cleanup(session_done) struct session session = {0};
	cleanup(image_texts_done) struct image_texts names = {0};
	int result = cli_operands(&o->cli, 1, 1, o->e);

	if (result < 0)
		return result;
	session_catch_signals();
	result = session_open(&session, o, STORE_WRITE, o->e);
	if (result == 0)
		result = find_names(&session, o->cli.operands[0], &names, o->e);
	return result < 0 ? result : remove_all(&session, &names, o->e);
}

/* ---- start, stop, restart ---- */

static int take_whole(struct session *session, struct deployment *deployment, struct lock *lock, struct err *e)
{
	int result = session_take(session, session->options->cli.operands[0], deployment, lock, e);

	if (result == 0 && deployment->state != DEPLOYMENT_DONE)
		return err_set(e, ERR_USAGE, "deployment %s is unfinished (%s): resume or undeploy it first",
			       deployment->name, deployment_state_name(deployment->state));
	return result;
}

static int power(const struct options *o, bool stop, bool start)
{
	cleanup(session_done) struct session session = {0};
	cleanup(deployment_done) struct deployment deployment = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	int result = cli_operands(&o->cli, 1, 1, o->e);

	if (result < 0)
		return result;
	session_catch_signals();
	result = session_open(&session, o, STORE_WRITE, o->e);
	if (result == 0)
		result = take_whole(&session, &deployment, &lock, o->e);
	if (result == 0 && stop)
		result = power_stop(&session, &deployment, o->e);
	if (result == 0 && start)
		result = power_start(&session, &deployment, o->e);
	return result;
}

int command_start(void *context)
{
	return power(context, false, true);
}

int command_stop(void *context)
{
	return power(context, true, false);
}

int command_restart(void *context)
{
	return power(context, true, true);
}
