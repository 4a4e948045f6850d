/* vmgroup.c - deploy, undeploy and copy whole groups of master images */
#include "config.h"

#include <string.h>

#include "log.h"
#include "mem.h"
#include "speaker.h"
#include "str.h"
#include "vmgroup.h"
#include "when.h"

enum { JOBS_MAX = 256 }; /* as of deploy.jobs */

enum {
	OPTION_ALL = CLI_LONG_ONLY,
	OPTION_COMMENT,
	OPTION_DRY_RUN,
	OPTION_FORCE,
	OPTION_FORGET_HOST,
	OPTION_HOST,
	OPTION_JOBS,
	OPTION_LINKED,
	OPTION_NAME,
	OPTION_OVER_COMMIT,
	OPTION_POLICY,
	OPTION_POOL,
	OPTION_PROGRESS,
	OPTION_QUIESCE,
	OPTION_REPLACE,
	OPTION_RESET_IDENTITY,
	OPTION_START,
	OPTION_TIMEOUT,
	OPTION_WITH_IMAGES
};

static const struct cli_option options[] = {
	{OPTION_ALL, "all", NULL, "undeploy: all deployments of a group"},
	{OPTION_COMMENT, "comment", "TEXT", "why, for the log; create, copy: what the group is for"},
	{OPTION_DRY_RUN, "dry-run", NULL, "deploy: show what would go where, do nothing"},
	{OPTION_FORCE, "force", NULL, "undeploy, stop, restart: end VMs that run, hard"},
	{OPTION_FORGET_HOST, "forget-host", "HOST", "undeploy: forget what lies on a lost HOST; may be repeated"},
	{OPTION_HOST, "host", "HOST", "deploy: only onto HOST; may be repeated"},
	{OPTION_JOBS, "jobs", "N", "deploy, resume, undeploy: transfers at a time"},
	{OPTION_LINKED, "linked", NULL, "deploy: disks as overlays of a base that lies there once"},
	{OPTION_NAME, "name", "D", "deploy: name of the deployment (the group's)"},
	{OPTION_OVER_COMMIT, "over-commit", "PERCENT", "deploy: promise so much of the storage, 100 to 10000"},
	{OPTION_POLICY, "policy", "POLICY", "deploy: first-fit, best-fit or spread"},
	{OPTION_POOL, "pool", "POOL", "deploy: storage pool on the hosts"},
	{OPTION_PROGRESS, "progress", "WHEN", "auto (on a terminal), always or never"},
	{OPTION_QUIESCE, "quiesce", NULL, "create, add, update: freeze the file systems of a VM that runs"},
	{OPTION_REPLACE, "replace", NULL, "add, import: instead of members of that name, of groups that differ"},
	{OPTION_RESET_IDENTITY, "reset-identity", NULL, "deploy: new keys and machine ids, by virt-sysprep"},
	{OPTION_START, "start", NULL, "deploy, resume: start the VMs in the order of the members"},
	{OPTION_TIMEOUT, "timeout", "TIME", "stop, restart: how long each VM has to shut down (1m)"},
	{OPTION_WITH_IMAGES, "with-images", NULL, "remove, delete: also images that nobody else uses"},
	{0, NULL, NULL, NULL},
};

static const struct cli_command commands[] = {
	{"create", "GROUP MEMBER...", "make a group of images, VMs and groups", command_create, NULL},
	{"add", "GROUP MEMBER...", "add members", command_add, NULL},
	{"remove", "GROUP NAME...", "remove members", command_remove, NULL},
	{"update", "GROUP", "capture its images again from their sources", command_update, NULL},
	{"rename", "GROUP NEW", "give another name", command_rename, NULL},
	{"copy", "GROUP NEW", "make a group of the same members", command_copy, NULL},
	{"delete", "GROUP", "forget a group that is not deployed", command_delete, NULL},
	{"list", NULL, "show the groups", command_list, NULL},
	{"show", "GROUP", "show the members of a group", command_show, &members_listing},
	{"tree", "[GROUP...]", "draw groups with all that is below them", command_tree, &tree_listing},
	{"log", "[GROUP]", "show what was done to groups", command_log, &log_listing},
	{"export", "[GROUP...]", "print definitions as text", command_export, NULL},
	{"import", "FILE", "make the groups that FILE defines", command_import, NULL},
	{"deploy", "GROUP", "make its VMs on the hosts", command_deploy, &placement_listing},
	{"undeploy", "D|GROUP", "remove what a deployment made", command_undeploy, NULL},
	{"resume", "D", "finish a deployment that was cut short", command_resume, NULL},
	{"start", "D", "start its VMs in order", command_start, NULL},
	{"stop", "D", "stop its VMs in reverse order", command_stop, NULL},
	{"restart", "D", "stop, then start its VMs", command_restart, NULL},
	{"status", "[D]", "show deployments, and each VM of one", command_status, &status_listing},
	{NULL, NULL, NULL, NULL, NULL},
};

static const char *const synopsis[] = {
	"create [--comment TEXT] [--quiesce] GROUP MEMBER...",
	"add [--replace] [--comment TEXT] [--quiesce] GROUP MEMBER...",
	"remove [--with-images] [--comment TEXT] GROUP NAME...",
	"update [--quiesce] [--comment TEXT] GROUP",
	"rename [--comment TEXT] GROUP NEW",
	"copy [--comment TEXT] GROUP NEW",
	"delete [--with-images] [--comment TEXT] GROUP",
	"list [options]",
	"show [options] GROUP",
	"tree [options] [GROUP...]",
	"log [options] [GROUP]",
	"export [GROUP...]",
	"import [--replace] [--comment TEXT] FILE",
	"deploy [--name D] [--host HOST] [--policy POLICY] [--pool POOL] [options] GROUP",
	"undeploy [--force] [--forget-host HOST] [--comment TEXT] D",
	"undeploy --all [--force] [--forget-host HOST] [--comment TEXT] GROUP",
	"resume [--start] D",
	"start D",
	"stop [--force] [--timeout TIME] D",
	"restart [--force] [--timeout TIME] D",
	"status [options] [D]",
	NULL,
};

static int take_number(struct options *o, const char *argument, struct err *e)
{
	return str_parse_number(argument, 1, JOBS_MAX, &o->jobs, e) < 0 ? err_wrap(e, "--jobs") : 0;
}

/* 0 is what was not said. */
static int take_timeout(struct options *o, const char *argument, struct err *e)
{
	if (when_parse_duration(argument, &o->timeout_ms, e) < 0)
		return err_wrap(e, "--timeout");
	return o->timeout_ms > 0 ? 0 : err_set(e, ERR_USAGE, "--timeout: 0 gives no VM any time");
}

static int take_text(const char **option, const char *name, const char *argument, struct err *e)
{
	*option = argument;
	return speaker_check(name, argument, e);
}

static int take_argument(struct options *o, int key, const char *argument, struct err *e)
{
	switch (key) {
	case OPTION_COMMENT:
		return take_text(&o->comment, "--comment", argument, e);
	case OPTION_FORGET_HOST:
		vec_push(&o->forget_hosts, argument);
		return 0;
	case OPTION_HOST:
		vec_push(&o->hosts, argument);
		return 0;
	case OPTION_JOBS:
		return take_number(o, argument, e);
	case OPTION_NAME:
		return take_text(&o->name, "--name", argument, e);
	case OPTION_OVER_COMMIT:
		return str_parse_number(argument, 100, 10000, &o->over_commit, e) < 0
			       ? err_wrap(e, "--over-commit")
			       : 0;
	case OPTION_TIMEOUT:
		return take_timeout(o, argument, e);
	case OPTION_POLICY:
		return take_text(&o->policy, "--policy", argument, e);
	case OPTION_POOL:
		return take_text(&o->pool, "--pool", argument, e);
	default:
		return take_text(&o->progress, "--progress", argument, e);
	}
}

static int take_option(void *context, int key, const char *argument, struct err *e)
{
	struct options *o = context;

	switch (key) {
	case OPTION_ALL:
		o->all = true;
		return 0;
	case OPTION_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPTION_FORCE:
		o->force = true;
		return 0;
	case OPTION_LINKED:
		o->linked = true;
		return 0;
	case OPTION_QUIESCE:
		o->quiesce = true;
		return 0;
	case OPTION_REPLACE:
		o->replace = true;
		return 0;
	case OPTION_RESET_IDENTITY:
		o->reset_identity = true;
		return 0;
	case OPTION_START:
		o->start = true;
		return 0;
	case OPTION_WITH_IMAGES:
		o->with_images = true;
		return 0;
	default:
		return take_argument(o, key, argument, e);
	}
}

static const struct cli_program program = {
	.name = "vmgroup",
	.purpose = "deploy, undeploy and copy whole groups of master images",
	.synopsis = synopsis,
	.options = options,
	.commands = commands,
	.listing = &groups_listing,
	.option = take_option,
};

static int act(struct options *o, struct err *e)
{
	int result = cli_settings(&o->cli, &o->conf, e);

	if (result != 0)
		return result < 0 ? result : 0;
	if (o->cli.operand_count == 0)
		return err_set(e, ERR_USAGE, "what is to be done? try 'vmgroup --help'");
	return cli_run_command(&o->cli, o, e);
}

static void options_done(struct options *o)
{
	conf_done(&o->conf);
	vec_done(&o->hosts);
	vec_done(&o->forget_hosts);
}

static int run_and_report(struct options *o)
{
	struct err e = {0};

	o->e = &e;
	int result = act(o, &e);
	/* What was said of each member or machine is not said again. */
	if (result < 0 && e.text[0] != '\0')
		log_err(&e);
	return result;
}

int main(int argc, char **argv)
{
	cleanup(options_done) struct options o = {0};

	int status = cli_init(&o.cli, &program, argc, argv, &o);
	return status >= 0 ? status : cli_exit(run_and_report(&o));
}
