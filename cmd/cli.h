/*
 * cli.h - what every utility's command line has in common: options, usage,
 * settings, exit status, the check that the output really went out.
 *
 * A utility declares one table of its options; getopt, --help, the meta-test
 * against man page and completion all read it.
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct options o = {0};
 *		int status = cli_init(&o.cli, &program, argc, argv, &o);
 *		return status >= 0 ? status : cli_exit(run(&o));
 *	}
 */
#ifndef VMROLL_CLI_H
#define VMROLL_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "hosts.h"
#include "rows.h"
#include "store.h"

/* One option of a utility. The common ones of vmroll(7) are added by cli_init; a program's KEY must not be one of theirs: C S J r o n q v h V. */
struct cli_option {
	int key;              /* the short letter, or a number from CLI_LONG_ONLY on */
	const char *name;     /* long name */
	const char *argument; /* "TIME", or NULL for none, or "[AGE]" for an optional one */
	const char *help;     /* one line; "update, gc: …" of commands: it goes with these alone */
};

enum { CLI_LONG_ONLY = 256 };

/* The columns that -o chooses from. */
struct cli_listing {
	const struct column *columns;
	size_t count;
};

/* A word as first operand that chooses what is done (notify-admins ack …). The table ends with an empty one. */
struct cli_command {
	const char *name;
	const char *operands; /* "INCIDENT" */
	const char *help;
	int (*run)(void *context);
	const struct cli_listing *listing; /* of its own, or NULL: the program's */
};

struct cli_program {
	const char *name;                   /* a constant, never argv[0] */
	const char *purpose;                /* one line */
	const char *const *synopsis;        /* lines without the name, NULL-terminated */
	const struct cli_option *options;   /* ends with a zero name */
	const struct cli_command *commands; /* or NULL */
	const struct cli_listing *listing;  /* of -o; or NULL: then -o and -n do not exist */
	/* Takes one option. ERR_USAGE with the message in *E. */
	int (*option)(void *context, int key, const char *argument, struct err *e);
};

struct cli {
	const struct cli_program *program;
	const struct cli_listing *listing; /* of the command that was given, else the program's; or NULL */
	const char *config;                /* NULL: the default */
	const char *store;
	const char *hosts;
	enum rows_format format; /* -J, -r */
	const char *columns;     /* -o, or NULL */
	bool no_headings;
	bool quiet;
	int verbose;
	bool check_config;
	uint64_t given;  /* which of the program's options were, a bit for each */
	char **operands; /* what is left; NULL-terminated */
	size_t operand_count;
};

/*
 * Reads the command line and opens the log. Returns -1 to go on, else the
 * status to end with: 0 after --help, --version, `-o help`; 2 after misuse
 * (message and a hint on stderr). CONTEXT is passed to program->option.
 */
int cli_init(struct cli *cli, const struct cli_program *program, int argc, char **argv, void *context);

/*
 * Reads the settings with VMROLL_CONFIG, VMROLL_STORE, VMROLL_HOSTS and the
 * flags applied in that order. The caller calls conf_done. With
 * --check-config also reads hosts(5), prints warnings, and returns 1: the caller ends with 0.
 */
int cli_settings(const struct cli *cli, struct conf *conf, struct err *e);
/* hosts(5) of the settings; the caller calls hosts_done. */
int cli_hosts(const struct conf *conf, struct hosts *hosts, struct err *e);
/* Opens the store of the settings. */
int cli_store(const struct conf *conf, enum store_mode mode, struct store **store, struct err *e);

/* The rows of this command line on stdout; NULL and *E if -o names no column. */
struct rows *cli_rows(const struct cli *cli, struct err *e);

/* Finds and runs the command named by the first operand. CONTEXT goes to its run. ERR_USAGE if it is none, or if an option was given that does not go with it. */
int cli_run_command(struct cli *cli, void *context, struct err *e);

/* ERR_USAGE with a hint unless the operand count is within the bounds. */
int cli_operands(const struct cli *cli, size_t minimum, size_t maximum, struct err *e);

/* Reads one instant for an option; says so (a notice) where an hour occurs twice. */
int cli_time(const char *option, const char *text, int64_t *instant, struct err *e);

/* The exit status for RESULT (an err_code or not negative), after making sure that stdout took everything (else 4). */
int cli_exit(int result);

#endif
