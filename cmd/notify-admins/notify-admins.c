/* notify-admins.c - tell the right people, once, and keep on until someone answers */
#include "config.h"

#include <string.h>

#include "log.h"
#include "mem.h"
#include "notify.h"
#include "run.h"
#include "when.h"

enum {
	OPTION_ALL = CLI_LONG_ONLY,
	OPTION_AT,
	OPTION_BY,
	OPTION_DRAIN,
	OPTION_DRY_RUN,
	OPTION_FORCE,
	OPTION_HOST,
	OPTION_INCIDENT,
	OPTION_NOTE
};

static const struct cli_option options[] = {
	{OPTION_ALL, "all", NULL, "incidents: also those that are closed"},
	{OPTION_AT, "at", "TIME", "with --host: when it would have died (now)"},
	{OPTION_BY, "by", "NAME", "ack, close: who says so (you)"},
	{OPTION_DRAIN, "drain", "AGE", "with -: after the end of input go on for AGE while something is left (0)"},
	{OPTION_DRY_RUN, "dry-run", NULL, "print the messages; send and record nothing"},
	{OPTION_FORCE, "force", NULL, "import: also a list that is empty or loses more than half"},
	{OPTION_HOST, "host", "HOST", "with --dry-run: rehearse the death of HOST; may be repeated"},
	{OPTION_INCIDENT, "incident", "ID", "log: of this incident only"},
	{OPTION_NOTE, "note", "TEXT", "ack: a note for the others"},
	{0, NULL, NULL, NULL},
};

static const struct cli_command commands[] = {
	{"import", "[SOURCE]", "replace the list of administrators", command_import},
	{"admins", NULL, "show the list of administrators", command_admins},
	{"incidents", NULL, "show the incidents", command_incidents},
	{"ack", "INCIDENT", "say that somebody sees to it", command_ack},
	{"close", "INCIDENT", "end an incident by hand", command_close},
	{"log", NULL, "show who was told what", command_log},
	{"test", "PERSON", "send a trial message", command_test},
	{NULL, NULL, NULL, NULL},
};

static const char *const synopsis[] = {
	"[options]",
	"[--drain AGE] [options] -",
	"import [--force] [SOURCE]",
	"admins [options]",
	"incidents [--all] [options]",
	"ack [--by NAME] [--note TEXT] INCIDENT",
	"close [--by NAME] INCIDENT",
	"log [--incident ID] [options]",
	"test [--dry-run] PERSON",
	"--host HOST [--at TIME] --dry-run",
	NULL,
};

static int take_option(void *context, int key, const char *argument, struct err *e)
{
	struct options *o = context;

	switch (key) {
	case OPTION_ALL:
		o->all = true;
		break;
	case OPTION_AT:
		o->at = argument;
		break;
	case OPTION_BY:
		o->by = argument;
		break;
	case OPTION_DRAIN:
		return when_parse_duration(argument, &o->drain_ms, e) < 0 ? err_wrap(e, "--drain") : 0;
	case OPTION_DRY_RUN:
		o->dry_run = true;
		break;
	case OPTION_FORCE:
		o->force = true;
		break;
	case OPTION_HOST:
		vec_push(&o->hosts, argument);
		break;
	case OPTION_INCIDENT:
		o->incident = argument;
		break;
	case OPTION_NOTE:
		o->note = argument;
		break;
	default:
		break;
	}
	return 0;
}

static struct cli_program program = {
	.name = "notify-admins",
	.purpose = "tell the right people, once, and keep on until someone answers",
	.synopsis = synopsis,
	.options = options,
	.commands = commands,
	.option = take_option,
};

/* Each listing has columns of its own, which `-o help` must know before the operands are. */
static void choose_columns(int argc, char **argv)
{
	program.columns = incidents_columns;
	program.column_count = incidents_column_count;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "admins") == 0) {
			program.columns = admins_columns;
			program.column_count = admins_column_count;
			return;
		}
		if (strcmp(argv[i], "log") == 0) {
			program.columns = log_columns;
			program.column_count = log_column_count;
			return;
		}
	}
}

static int act(struct options *o, struct err *e)
{
	int result = cli_settings(&o->cli, &o->conf, e);

	if (result != 0)
		return result < 0 ? result : 0;
	if (o->hosts.count > 0 && !o->dry_run)
		return err_set(e, ERR_USAGE, "--host is a rehearsal: it needs --dry-run");
	if (o->hosts.count > 0)
		return rehearse(o, e);
	if (o->cli.operand_count == 0)
		return run(&o->conf, false, 0, o->dry_run, e);
	if (strcmp(o->cli.operands[0], "-") != 0)
		return cli_run_command(&o->cli, o, e);
	if (cli_operands(&o->cli, 1, 1, e) < 0)
		return e->code;
	return run(&o->conf, true, o->drain_ms, o->dry_run, e);
}

static void options_done(struct options *o)
{
	conf_done(&o->conf);
	vec_done(&o->hosts);
}

static int run_and_report(struct options *o)
{
	struct err e = {0};

	o->e = &e;
	int result = act(o, &e);
	/* Said with -v only: cron must not mail it every minute. */
	if (result < 0 && e.text[0] != '\0')
		log_err(&e);
	return result;
}

int main(int argc, char **argv)
{
	cleanup(options_done) struct options o = {0};

	choose_columns(argc, argv);
	int status = cli_init(&o.cli, &program, argc, argv, &o);
	return status >= 0 ? status : cli_exit(run_and_report(&o));
}
