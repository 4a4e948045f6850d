/* vmgroup.h - the options of vmgroup, and its commands: one file each, as its man page has one section each. */
#ifndef VMGROUP_VMGROUP_H
#define VMGROUP_VMGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "conf.h"
#include "err.h"
#include "vec.h"

struct options {
	struct cli cli;
	struct conf conf;
	struct err *e; /* where a command leaves its message */
	bool all;
	bool dry_run;
	bool force;
	bool linked;
	bool quiesce;
	bool replace;
	bool reset_identity;
	bool start;
	bool with_images;
	const char *comment;
	const char *name;        /* of the deployment */
	const char *policy;      /* NULL: conf.deploy.policy */
	const char *pool;        /* NULL: conf.deploy.pool */
	const char *progress;    /* NULL: auto */
	int64_t timeout_ms;      /* 0: not said */
	uint64_t over_commit;    /* percent; 0: conf.deploy.over_commit_percent */
	uint64_t jobs;           /* 0: conf.deploy.jobs */
	VEC(const char *) hosts; /* may be used; none: all */
	VEC(const char *) forget_hosts;
};

/* Columns of the listings, for `-o`. */
extern const struct cli_listing groups_listing, members_listing, tree_listing, log_listing, status_listing,
	placement_listing;

/* Each gets struct options, is run after the settings were read, and returns an err_code with the message in options->e. */
int command_create(void *context);
int command_add(void *context);
int command_remove(void *context);
int command_update(void *context);
int command_rename(void *context);
int command_copy(void *context);
int command_delete(void *context);
int command_list(void *context);
int command_show(void *context);
int command_tree(void *context);
int command_log(void *context);
int command_export(void *context);
int command_import(void *context);
/* Of deployments. */
int command_deploy(void *context);
int command_undeploy(void *context);
int command_resume(void *context);
int command_start(void *context);
int command_stop(void *context);
int command_restart(void *context);
int command_status(void *context);

#endif
