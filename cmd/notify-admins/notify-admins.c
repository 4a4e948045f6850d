/* notify-admins.c - tell the right people, once, and keep on until someone answers */
#include "config.h"

#include <string.h>

#include "langs.h"
#include "log.h"
#include "mem.h"
#include "notify.h"
#include "run.h"
#include "when.h"
#include "wording.h"

enum {
	OPTION_ALL = CLI_LONG_ONLY,
	OPTION_AT,
	OPTION_BY,
	OPTION_CHANNEL,
	OPTION_DRAIN,
	OPTION_DRY_RUN,
	OPTION_FOR,
	OPTION_FORCE,
	OPTION_HOST,
	OPTION_INCIDENT,
	OPTION_MAIL,
	OPTION_NOTE,
	OPTION_UNTIL,
	OPTION_WHY
};

static const struct cli_option options[] = {
	{OPTION_ALL, "all", NULL, "incidents, silences: also those that are over; ack: for everybody"},
	{OPTION_AT, "at", "TIME", "with --host: when it would have died (now)"},
	{OPTION_BY, "by", "NAME", "ack, close, silence: who says so (you)"},
	{OPTION_CHANNEL, "channel", "WAY", "test: mail, voice, webhook:NAME or command:NAME (mail)"},
	{OPTION_DRAIN, "drain", "AGE", "with -: after the end of input go on for AGE while something is left (0)"},
	{OPTION_DRY_RUN, "dry-run", NULL, "print the messages; send and record nothing"},
	{OPTION_FOR, "for", "AGE", "silence: how long"},
	{OPTION_FORCE, "force", NULL, "import: also a list that is empty or loses more than half"},
	{OPTION_HOST, "host", "HOST", "with --dry-run: rehearse the death of HOST; may be repeated"},
	{OPTION_INCIDENT, "incident", "ID", "log: of this incident only"},
	{OPTION_MAIL, "mail", "FILE", "ack: as the reply in FILE says (- is standard input)"},
	{OPTION_NOTE, "note", "TEXT", "ack: a note for the others"},
	{OPTION_UNTIL, "until", "TIME", "silence: until when"},
	{OPTION_WHY, "why", "TEXT", "silence: for what reason"},
	{0, NULL, NULL, NULL},
};

static const struct cli_command commands[] = {
	{"import", "[SOURCE]", "replace the list of administrators", command_import, NULL},
	{"admins", NULL, "show the list of administrators", command_admins, &admins_listing},
	{"incidents", NULL, "show the incidents", command_incidents, NULL},
	{"ack", "INCIDENT", "say that somebody sees to it", command_ack, NULL},
	{"close", "INCIDENT", "end an incident by hand", command_close, NULL},
	{"log", NULL, "show who was told what", command_log, &log_listing},
	{"silence", "HOST...", "tell nobody of these hosts for a while", command_silence, NULL},
	{"silences", NULL, "show the silences", command_silences, &silences_listing},
	{"unsilence", "HOST...", "end the silence of these hosts", command_unsilence, NULL},
	{"test", "PERSON", "send a trial message", command_test, NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static const char *const synopsis[] = {
	"[options]",
	"[--drain AGE] [options] -",
	"import [--force] [SOURCE]",
	"admins [options]",
	"incidents [--all] [options]",
	"ack [--all] [--by NAME] [--note TEXT] INCIDENT",
	"ack [--note TEXT] --mail FILE",
	"close [--by NAME] INCIDENT",
	"log [--incident ID] [options]",
	"silence --for AGE|--until TIME --why TEXT [--by NAME] HOST...",
	"silences [--all] [options]",
	"unsilence HOST...",
	"test [--dry-run] [--channel WAY] PERSON",
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
	case OPTION_CHANNEL:
		o->channel = argument;
		break;
	case OPTION_DRAIN:
		return when_parse_duration(argument, &o->drain_ms, e) < 0 ? err_wrap(e, "--drain") : 0;
	case OPTION_DRY_RUN:
		o->dry_run = true;
		break;
	case OPTION_FOR:
		o->has_for = true;
		return when_parse_duration(argument, &o->for_ms, e) < 0 ? err_wrap(e, "--for") : 0;
	case OPTION_FORCE:
		o->force = true;
		break;
	case OPTION_HOST:
		vec_push(&o->hosts, argument);
		break;
	case OPTION_INCIDENT:
		o->incident = argument;
		break;
	case OPTION_MAIL:
		o->mail = argument;
		break;
	case OPTION_NOTE:
		o->note = argument;
		break;
	case OPTION_UNTIL:
		o->until = argument;
		break;
	case OPTION_WHY:
		o->why = argument;
		break;
	default:
		break;
	}
	return 0;
}

static const struct cli_program program = {
	.name = "notify-admins",
	.purpose = "tell the right people, once, and keep on until someone answers",
	.synopsis = synopsis,
	.options = options,
	.commands = commands,
	.listing = &incidents_listing,
	.option = take_option,
};

static void print_bad_template(void *context, const char *text)
{
	(void)context;
	log_error("%s", text);
}

/* What the settings lead to, beside what they are. */
static int check_further(const struct conf *conf, struct err *e)
{
	struct err unspoken = {0};
	int spoken = langs_check_settings(conf, &unspoken);
	int worded = wording_check(conf->notify.templates, print_bad_template, NULL, e);

	if (worded == 0 && spoken < 0)
		*e = unspoken;
	return worded < 0 ? worded : spoken;
}

static int act(struct options *o, struct err *e)
{
	int result = cli_settings(&o->cli, &o->conf, e);

	if (result < 0)
		return result;
	if (result > 0)
		return check_further(&o->conf, e);
	/* Nothing is sent: it is to be seen for whom it is meant, calls too. */
	if (o->dry_run)
		mem_replace(&o->conf.notify.redirect, NULL);
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

	int status = cli_init(&o.cli, &program, argc, argv, &o);
	return status >= 0 ? status : cli_exit(run_and_report(&o));
}
