/* hostping.c - say which hosts are alive, and the moment one is not */
#include "config.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostping.h"
#include "log.h"
#include "mem.h"
#include "prober.h"
#include "str.h"
#include "vec.h"

enum { SCHEMA = 1 };

static const struct cli_option options[] = {
	{'w', "watch", NULL, "probe for ever; print a line at each change"},
	{'b', "board", NULL, "probe for ever; show all hosts on a full screen"},
	{'s', "status", NULL, "print the states in the store; probe nothing"},
	{0, NULL, NULL, NULL},
};

static const char *const synopsis[] = {
	"[options] [HOST ...|-]",
	"--watch [options] [HOST ...|-]",
	"--board [options] [HOST ...|-]",
	"--status [options] [HOST ...|-]",
	NULL,
};

static const struct column columns[] = {
	[COLUMN_HOST] = {"HOST", "host", "name of the host, or the address that was given", ROWS_TEXT, false,
			 false},
	[COLUMN_ADDRESS] = {"ADDRESS", "address", "address that is probed", ROWS_TEXT, false, false},
	[COLUMN_STATE] = {"STATE", "state", "UP, DOWN or UNKNOWN", ROWS_TEXT, false, false},
	[COLUMN_SINCE] = {"SINCE", "since", "when it came into that state", ROWS_TIME, false, false},
	[COLUMN_RTT] = {"RTT", "rtt_ms", "round trip of the last reply", ROWS_RTT, false, false},
	[COLUMN_LOSS] = {"LOSS", "loss", "lost probes of the window", ROWS_PERCENT, false, false},
	[COLUMN_DETAIL] = {"DETAIL", "detail", "how that is known", ROWS_TEXT, true, false},
	[COLUMN_SEEN] = {"SEEN", "seen", "with --status: when the recorder last wrote", ROWS_TIME, true, false},
	[COLUMN_AGE] = {"AGE", "age_s", "with --status: how many seconds ago that was", ROWS_NUMBER, true, false},
};

static int set_mode(struct options *o, enum hostping_mode mode, struct err *e)
{
	if (o->mode_given && o->mode != mode)
		return err_set(e, ERR_USAGE, "only one of --watch, --board and --status");
	o->mode = mode;
	o->mode_given = true;
	return 0;
}

static int take_option(void *context, int key, const char *argument, struct err *e)
{
	(void)argument;
	return set_mode(context, key == 'w' ? MODE_WATCH : key == 'b' ? MODE_BOARD : MODE_STATUS, e);
}

static const struct cli_listing listing = {columns, sizeof columns / sizeof columns[0]};

static const struct cli_program program = {
	.name = "hostping",
	.purpose = "say which hosts are alive, and the moment one is not",
	.synopsis = synopsis,
	.options = options,
	.listing = &listing,
	.option = take_option,
};

struct rows *rows_of(const struct options *o, struct err *e)
{
	struct rows *rows;
	size_t count = o->mode == MODE_STATUS ? listing.count : COLUMN_SEEN;

	if (rows_new(&rows, columns, count, o->cli.format, o->cli.columns, o->cli.no_headings, SCHEMA, stdout,
		     e) < 0)
		return NULL;
	return rows;
}

struct targets_wish wish_of(const struct options *o)
{
	return (struct targets_wish){
		.conf = &o->conf,
		.names = o->names,
		.name_count = o->name_count,
		.with_witnesses = o->mode == MODE_ONCE,
	};
}

/* ---- names ---- */

static int read_names(FILE *in, struct options *o, struct err *e)
{
	cleanup(cleanup_mem) char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, in)) >= 0) {
		if (memchr(line, '\0', (size_t)length))
			return err_set(e, ERR_USAGE, "standard input: a NUL byte");
		char *rest = line;
		for (char *word; (word = strsep(&rest, " \t\r\n"));)
			if (*word)
				vec_push(&o->read_names, mem_string(word));
	}
	if (ferror(in))
		return err_set(e, ERR_ENV, "standard input: cannot read");
	/* An empty list on stdin means nothing to ask; it must not turn into "all". */
	vec_reserve(&o->read_names, 1);
	o->names = o->read_names.items;
	o->name_count = o->read_names.count;
	return 0;
}

static int take_names(struct options *o, struct err *e)
{
	if (o->cli.operand_count == 1 && strcmp(o->cli.operands[0], "-") == 0)
		return read_names(stdin, o, e);
	if (o->cli.operand_count > 0) {
		o->names = o->cli.operands;
		o->name_count = o->cli.operand_count;
	}
	return 0;
}

/* ---- privileges ---- */

/* Without its capabilities root may not write what belongs to others: it goes on as the owner of the store. */
static int become_owner_of(const char *store, struct err *e)
{
	const char *folder = strchr(store, ':');
	struct stat status;

	if (geteuid() != 0 || !folder || stat(folder + 1, &status) < 0 || status.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setgid(status.st_gid) < 0 || setuid(status.st_uid) < 0)
		return err_set(e, ERR_ENV, "cannot become the owner of %s", folder + 1);
	return 0;
}

static void cleanup_options(struct options *o)
{
	vec_foreach(&o->read_names, name)
		free(*name);
	vec_done(&o->read_names);
	icmp_free(o->icmp);
	conf_done(&o->conf);
}

static int watch(const struct options *o, struct err *e)
{
	struct targets_wish targets_wish = wish_of(o);
	struct prober_wish wish = {.conf = &o->conf, .targets = &targets_wish, .format = o->cli.format};
	struct targets targets = {0};

	if (targets_read(&targets, &targets_wish, e) < 0)
		return e->code;
	return prober_watch(o->icmp, &wish, &targets, e);
}

static int probe(struct options *o, struct err *e)
{
	if (!o->icmp) {
		*e = o->icmp_error;
		return e->code;
	}
	if (become_owner_of(o->conf.store, e) < 0 || icmp_drop_capabilities(e) < 0)
		return e->code;
	return o->mode == MODE_ONCE ? run_once(o, e) : o->mode == MODE_WATCH ? watch(o, e) : run_board(o, e);
}

static int act(struct options *o, struct err *e)
{
	int result = cli_settings(&o->cli, &o->conf, e);

	if (result != 0)
		return result < 0 ? result : 0;
	if (o->mode != MODE_ONCE && o->mode != MODE_STATUS && o->cli.columns)
		return err_set(e, ERR_USAGE, "-o is for a single run and --status: lines have their four fields");
	if (take_names(o, e) < 0)
		return e->code;
	return o->mode == MODE_STATUS ? run_status(o, e) : probe(o, e);
}

static int run(struct options *o)
{
	struct err e = {0};
	int result = act(o, &e);

	if (result < 0 && e.text[0] != '\0')
		log_err(&e);
	return result;
}

/* The sockets are opened before anything is read, so that whoever may run this gains nothing else by it. */
static void open_sockets(struct options *o)
{
	struct err e;

	if (icmp_open(&o->icmp, &o->icmp_error) < 0)
		o->icmp = NULL;
	if (geteuid() != 0 && icmp_drop_capabilities(&e) < 0)
		_exit(err_exit_status(ERR_ENV));
}

int main(int argc, char **argv)
{
	cleanup(cleanup_options) struct options o = {0};

	open_sockets(&o);
	int status = cli_init(&o.cli, &program, argc, argv, &o);
	if (status >= 0)
		return status;
	int result = run(&o);
	status = cli_exit(result < 0 ? result : 0);
	return status == 0 && result == 1 ? 1 : status;
}
