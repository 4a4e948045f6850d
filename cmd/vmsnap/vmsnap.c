/* vmsnap.c - write the running list: which VM runs on which host, now. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "follow.h"
#include "keep.h"
#include "log.h"
#include "mem.h"
#include "roll.h"
#include "str.h"
#include "take.h"
#include "when.h"

enum action { SNAPSHOT, FOLLOW, LIST, PRUNE, RENAME, FORGET, MIGRATE };

struct options {
	struct cli cli;
	enum action action;
	const char *since;
	const char *age;
	const char *name; /* of --rename and --forget */
	const char *reread;
};

enum option_key {
	OPTION_FOLLOW = CLI_LONG_ONLY,
	OPTION_REREAD,
	OPTION_LIST,
	OPTION_SINCE,
	OPTION_PRUNE,
	OPTION_RENAME,
	OPTION_FORGET,
	OPTION_MIGRATE
};

static const struct cli_option options[] = {
	{OPTION_FOLLOW, "follow", NULL, "stay connected and record each change as it happens"},
	{OPTION_REREAD, "reread", "TIME", "with --follow: ask all hosts again so often"},
	{OPTION_LIST, "list", NULL, "print the snapshots, newest first"},
	{OPTION_SINCE, "since", "TIME", "with --list: only those that began then or later"},
	{OPTION_PRUNE, "prune", "[AGE]", "remove what only matters to instants longer ago"},
	{OPTION_RENAME, "rename", "OLD", "the host OLD is now called NEW (an operand)"},
	{OPTION_FORGET, "forget", "HOST", "end the history of a host that is gone for good"},
	{OPTION_MIGRATE, "migrate", NULL, "rewrite a store of an older version"},
	{0, NULL, NULL, NULL},
};

static const char *const synopsis[] = {
	"[-qv] [HOST...]",
	"--follow [--reread TIME] [-Jqv]",
	"--list [--since TIME] [-Jnr] [-o COL,...]",
	"--prune [AGE]",
	"--rename OLD NEW",
	"--forget HOST",
	"--migrate",
	NULL,
};

static volatile sig_atomic_t stop;
static volatile sig_atomic_t again;

static int choose(struct options *o, enum action action, struct err *e)
{
	if (o->action != SNAPSHOT)
		return err_set(e, ERR_USAGE,
			       "only one of --follow, --list, --prune, --rename, "
			       "--forget, --migrate can be given");
	o->action = action;
	return 0;
}

static int take_option(void *context, int key, const char *argument, struct err *e)
{
	struct options *o = context;

	switch (key) {
	case OPTION_FOLLOW:
		return choose(o, FOLLOW, e);
	case OPTION_REREAD:
		o->reread = argument;
		return 0;
	case OPTION_LIST:
		return choose(o, LIST, e);
	case OPTION_SINCE:
		o->since = argument;
		return 0;
	case OPTION_PRUNE:
		o->age = argument;
		return choose(o, PRUNE, e);
	case OPTION_RENAME:
		o->name = argument;
		return choose(o, RENAME, e);
	case OPTION_FORGET:
		o->name = argument;
		return choose(o, FORGET, e);
	default:
		return choose(o, MIGRATE, e);
	}
}

static const struct cli_program program = {
	.name = "vmsnap",
	.purpose = "write the running list: which VM runs on which host, now",
	.synopsis = synopsis,
	.options = options,
	.listing = &keep_listing,
	.option = take_option,
};

static void on_stop(int number)
{
	(void)number;
	stop = 1;
}

static void on_hangup(int number)
{
	(void)number;
	again = 1;
}

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* 1, or 0 for an empty list: nothing is written of it, for it would end the life of every host. */
static int read_hosts(const struct conf *conf, struct hosts *hosts, struct err *e)
{
	int result = cli_hosts(conf, hosts, e);

	if (result == 0 && hosts->count == 0)
		log_warning("%s: no hosts: nothing to ask", hosts->path);
	return result < 0 ? result : hosts->count > 0;
}

static int run_snapshot(const struct options *o, const struct conf *conf, struct err *e)
{
	cleanup(hosts_done) struct hosts hosts = {0};
	cleanup(cleanup_store) struct store *store = NULL;
	struct take take = {.conf = conf, .hosts = &hosts, .only = o->cli.operands, .stop = &stop};
	int result = read_hosts(conf, &hosts, e);

	if (result <= 0)
		return result;
	catch_signals();
	result = cli_store(conf, STORE_WRITE, &store, e);
	return result < 0 ? result : take_snapshot(&take, store, e);
}

static int run_follow(const struct options *o, struct conf *conf, struct err *e)
{
	cleanup(hosts_done) struct hosts hosts = {0};
	cleanup(cleanup_store) struct store *store = NULL;
	const struct sigaction hangup = {.sa_handler = on_hangup};
	struct follow follow = {.conf = conf, .stop = &stop, .again = &again};
	int result = cli_operands(&o->cli, 0, 0, e);

	follow.json = o->cli.format == ROWS_JSON;
	if (result == 0 && o->reread) {
		result = when_parse_duration(o->reread, &conf->snapshot.reread_ms, e);
		if (result == 0 && conf->snapshot.reread_ms < FOLLOW_REREAD_MIN_MS)
			result = err_set(e, ERR_USAGE, "'%s' is too often", o->reread);
		if (result < 0)
			err_wrap(e, "--reread");
	}
	if (result == 0)
		result = read_hosts(conf, &hosts, e);
	if (result <= 0)
		return result;
	catch_signals();
	sigaction(SIGHUP, &hangup, NULL);
	result = cli_store(conf, STORE_WRITE, &store, e);
	return result < 0 ? result : follow_hosts(&follow, &hosts, store, e);
}

static int run_list(const struct options *o, const struct conf *conf, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int64_t since = WHEN_UNKNOWN;
	int result = cli_operands(&o->cli, 0, 0, e);

	if (result == 0 && o->since)
		result = cli_time("--since", o->since, &since, e);
	if (result == 0)
		result = cli_store(conf, STORE_READ, &store, e);
	return result < 0 ? result : keep_list(&o->cli, store, since, e);
}

static int run_prune(const struct options *o, const struct conf *conf, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	const char *age = o->age;
	int64_t age_ms = conf->retention_ms;
	int result = cli_operands(&o->cli, 0, age ? 0 : 1, e);

	/* Both `--prune=400d` and `--prune 400d`. */
	if (result == 0 && !age)
		age = o->cli.operands[0];
	if (result == 0 && age && when_parse_duration(age, &age_ms, e) < 0)
		result = err_wrap(e, "--prune");
	if (result == 0)
		result = cli_store(conf, STORE_WRITE, &store, e);
	return result < 0 ? result : keep_prune(store, age_ms, e);
}

static int run_rename(const struct options *o, const struct conf *conf, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int result = cli_operands(&o->cli, 1, 1, e);

	if (result == 0 && hosts_check_name(o->cli.operands[0], e) < 0)
		result = err_wrap(e, "--rename");
	if (result == 0)
		result = cli_store(conf, STORE_WRITE, &store, e);
	return result < 0 ? result : keep_rename(store, o->name, o->cli.operands[0], e);
}

static int run_forget(const struct options *o, const struct conf *conf, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int result = cli_operands(&o->cli, 0, 0, e);

	if (result == 0)
		result = cli_store(conf, STORE_WRITE, &store, e);
	return result < 0 ? result : roll_forget(store, o->name, when_now(), e);
}

static int run_migrate(const struct options *o, const struct conf *conf, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int result = cli_operands(&o->cli, 0, 0, e);

	return result < 0 ? result : cli_store(conf, STORE_MIGRATE, &store, e);
}

static int check_combination(const struct options *o, struct err *e)
{
	if (o->since && o->action != LIST)
		return err_set(e, ERR_USAGE, "--since goes with --list");
	if (o->reread && o->action != FOLLOW)
		return err_set(e, ERR_USAGE, "--reread goes with --follow");
	return 0;
}

static int act(const struct options *o, struct conf *conf, struct err *e)
{
	switch (o->action) {
	case FOLLOW:
		return run_follow(o, conf, e);
	case LIST:
		return run_list(o, conf, e);
	case PRUNE:
		return run_prune(o, conf, e);
	case RENAME:
		return run_rename(o, conf, e);
	case FORGET:
		return run_forget(o, conf, e);
	case MIGRATE:
		return run_migrate(o, conf, e);
	default:
		return run_snapshot(o, conf, e);
	}
}

static int run(const struct options *o)
{
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};
	int result = check_combination(o, &e);

	if (result == 0)
		result = cli_settings(&o->cli, &conf, &e);
	if (result > 0)
		return 0;
	if (result == 0)
		result = act(o, &conf, &e);
	if (result < 0 && e.text[0])
		log_err(&e);
	return result;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	int status = cli_init(&o.cli, &program, argc, argv, &o);

	return status >= 0 ? status : cli_exit(run(&o));
}
