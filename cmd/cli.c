/* cli.c - what every utility's command line has in common. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "log.h"
#include "mem.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum common_key { OPTION_HOSTS = 1000, OPTION_CHECK_CONFIG, OPTION_SYSLOG };

static const struct cli_option common_options[] = {
	{'C', "config", "FILE", "read settings from FILE"},
	{'S', "store", "URI", "use the store at URI"},
	{OPTION_HOSTS, "hosts", "FILE", "read the list of hosts from FILE"},
	{'J', "json", NULL, "print JSON Lines"},
	{'r', "raw", NULL, "print tab-separated values without headings"},
	{'o', "output", "COL,...", "print these columns; 'help' lists them"},
	{'n', "noheadings", NULL, "print no headings"},
	{OPTION_CHECK_CONFIG, "check-config", NULL, "check settings and hosts, then end"},
	{OPTION_SYSLOG, "syslog", NULL, "send messages to syslog(3) too"},
	{'q', "quiet", NULL, "print errors only"},
	{'v', "verbose", NULL, "print what is done"},
	{'h', "help", NULL, "print this help, then end"},
	{'V', "version", NULL, "print the version, then end"},
	{0, NULL, NULL, NULL},
};

static bool applies(const struct cli_program *program, const struct cli_option *option)
{
	return program->listing || (option->key != 'o' && option->key != 'n');
}

static void print_option(const struct cli_option *option)
{
	char left[64];
	char letter[8] = "    ";
	const char *optional = option->argument && option->argument[0] == '[' ? "[" : "";

	if (option->key < CLI_LONG_ONLY)
		snprintf(letter, sizeof letter, "-%c, ", option->key);
	if (!option->argument)
		snprintf(left, sizeof left, "%s--%s", letter, option->name);
	else if (*optional)
		snprintf(left, sizeof left, "%s--%s[=%s", letter, option->name, option->argument + 1);
	else
		snprintf(left, sizeof left, "%s--%s %s", letter, option->name, option->argument);
	printf("  %-28s %s\n", left, option->help);
}

static void print_usage(const struct cli_program *program)
{
	printf("%s - %s\n\nUsage:\n", program->name, program->purpose);
	for (const char *const *line = program->synopsis; *line; line++)
		printf("  %s %s\n", program->name, *line);
	if (program->commands)
		printf("\nCommands:\n");
	for (const struct cli_command *c = program->commands; c && c->name; c++) {
		char left[64];
		snprintf(left, sizeof left, "%s %s", c->name, c->operands ? c->operands : "");
		printf("  %-28s %s\n", left, c->help);
	}
	printf("\nOptions:\n");
	for (const struct cli_option *option = program->options; option->name; option++)
		print_option(option);
	for (const struct cli_option *option = common_options; option->name; option++)
		if (applies(program, option))
			print_option(option);
	printf("\nSee %s(8) and vmroll(7).\n", program->name);
}

/* getopt's two notations of the one table. */
struct getopt_tables {
	struct str letters;
	VEC(struct option) names;
};

static void add_to_getopt(struct getopt_tables *tables, const struct cli_option *option)
{
	int has_argument = !option->argument            ? no_argument
			   : option->argument[0] == '[' ? optional_argument
							: required_argument;
	struct option name = {option->name, has_argument, NULL, option->key};

	vec_push(&tables->names, name);
	if (option->key >= CLI_LONG_ONLY)
		return;
	str_add_char(&tables->letters, (char)option->key);
	for (int i = 0; i < has_argument; i++)
		str_add_char(&tables->letters, ':');
}

static void build_getopt(struct getopt_tables *tables, const struct cli_program *program)
{
	/* ':' first: a missing argument is told from an unknown option. */
	str_add_char(&tables->letters, ':');
	for (const struct cli_option *option = program->options; option->name; option++)
		add_to_getopt(tables, option);
	for (const struct cli_option *option = common_options; option->name; option++)
		if (applies(program, option))
			add_to_getopt(tables, option);
	vec_push(&tables->names, (struct option){0});
}

/* What parse_options found besides plain settings. */
enum wish { WISH_NONE, WISH_HELP, WISH_VERSION, WISH_COLUMNS };

static int take_common(struct cli *cli, int key, const char *argument, enum wish *wish)
{
	switch (key) {
	case 'C':
		cli->config = argument;
		break;
	case 'S':
		cli->store = argument;
		break;
	case OPTION_HOSTS:
		cli->hosts = argument;
		break;
	case 'J':
		cli->format = ROWS_JSON;
		break;
	case 'r':
		cli->format = ROWS_RAW;
		break;
	case 'o':
		cli->columns = argument;
		if (strcmp(argument, "help") == 0)
			*wish = WISH_COLUMNS;
		break;
	case 'n':
		cli->no_headings = true;
		break;
	case OPTION_CHECK_CONFIG:
		cli->check_config = true;
		break;
	case OPTION_SYSLOG:
		log_use_syslog();
		break;
	case 'q':
		cli->quiet = true;
		break;
	case 'v':
		cli->verbose++;
		break;
	case 'h':
		*wish = WISH_HELP;
		break;
	case 'V':
		*wish = WISH_VERSION;
		break;
	default:
		return 0;
	}
	return 1;
}

static int misuse(int key, char **argv, const char *letters, struct err *e)
{
	cleanup(cleanup_mem) char *word = str_escape(argv[optind - 1]);

	if (key == ':')
		return err_set(e, ERR_USAGE, "option '%s' needs an argument", word);
	/* Of several letters in one word, the word may still be to come. */
	if (optopt > 0 && optopt < CLI_LONG_ONLY && !strchr(letters, optopt))
		return err_set(e, ERR_USAGE, "unknown option '-%c'", optopt);
	if (optopt > 0)
		return err_set(e, ERR_USAGE, "option '%s' takes no argument", word);
	return err_set(e, ERR_USAGE, "unknown or ambiguous option '%s'", word);
}

/* What a script passes for a variable that it has not set would choose the default, and another store than it meant. */
static int check_files(const struct cli *cli, struct err *e)
{
	const char *const given[] = {cli->config, cli->store, cli->hosts};

	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
		if (given[i] && !*given[i])
			return err_set(e, ERR_USAGE, "an empty argument of --config, --store or --hosts");
	return 0;
}

static void note_given(struct cli *cli, int key)
{
	const struct cli_option *options = cli->program->options;

	for (size_t i = 0; options[i].name && i < 64; i++)
		if (options[i].key == key)
			cli->given |= UINT64_C(1) << i;
}

static int take_option(struct cli *cli, int key, void *context, struct err *e)
{
	note_given(cli, key);
	return cli->program->option(context, key, optarg, e);
}

/* What the command lists is known before anything is done: `show -o help`. */
static const struct cli_listing *listing_of(const struct cli *cli)
{
	const struct cli_command *command = cli->program->commands;

	for (; command && command->name && cli->operand_count > 0; command++)
		if (strcmp(command->name, cli->operands[0]) == 0 && command->listing)
			return command->listing;
	return cli->program->listing;
}

static int parse_options(struct cli *cli, int argc, char **argv, void *context, enum wish *wish, struct err *e)
{
	struct getopt_tables tables = {0};
	int result = 0;

	build_getopt(&tables, cli->program);
	opterr = 0;
	while (result >= 0) {
		int key = getopt_long(argc, argv, str_text(&tables.letters), tables.names.items, NULL);
		if (key < 0)
			break;
		if (key == '?' || key == ':')
			result = misuse(key, argv, str_text(&tables.letters), e);
		else if (!take_common(cli, key, optarg, wish))
			result = take_option(cli, key, context, e);
	}
	str_done(&tables.letters);
	vec_done(&tables.names);
	cli->operands = argv + optind;
	cli->operand_count = (size_t)(argc - optind);
	cli->listing = listing_of(cli);
	return result < 0 ? result : check_files(cli, e);
}

static int grant(const struct cli *cli, enum wish wish)
{
	const struct cli_program *program = cli->program;

	if (wish == WISH_HELP)
		print_usage(program);
	else if (wish == WISH_VERSION)
		printf("%s (vmroll) %s\n", program->name, PACKAGE_VERSION);
	else
		rows_help(cli->listing->columns, cli->listing->count, stdout);
	return cli_exit(0);
}

/*
 * A file must never be opened as what others take for the standard streams: messages would be written into it.
 * What was closed is opened the wrong way round, so that its use still fails.
 */
static int occupy_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		bool closed = fcntl(fd, F_GETFD) < 0 && errno == EBADF;
		if (closed && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return ERR_ENV;
	}
	return 0;
}

/* 100,000 rows into a pipe: what the reader is woken for should be worth it. A terminal gets its lines as they come. */
static void buffer_output(void)
{
	static char buffer[1 << 16];

	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
}

int cli_init(struct cli *cli, const struct cli_program *program, int argc, char **argv, void *context)
{
	enum wish wish = WISH_NONE;
	struct err e;

	if (occupy_standard_streams() < 0)
		return err_exit_status(ERR_ENV);
	/* Names are UTF-8 wherever they are shown: what cron prints must not depend on its bare locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	tzset();
	buffer_output();
	*cli = (struct cli){.program = program};
	log_open(program->name, 0);
	int result = parse_options(cli, argc, argv, context, &wish, &e);
	log_open(program->name, cli->quiet ? -1 : cli->verbose);
	if (result < 0) {
		log_error("%s: try '%s --help'", e.text, program->name);
		return err_exit_status(result);
	}
	return wish == WISH_NONE ? -1 : grant(cli, wish);
}

static void print_warning(void *context, const char *text)
{
	const struct conf *conf = context;

	log_warning("%s: %s", conf->path ? conf->path : "settings", text);
}

static int check_config(const struct conf *conf, struct err *e)
{
	struct hosts hosts = {0};
	int result = hosts_read(&hosts, conf->hosts, e);

	if (result < 0)
		return result;
	conf_warnings(conf, print_warning, (void *)conf);
	log_info("%s: %zu host%s; settings and hosts are valid", conf->hosts, hosts.count,
		 hosts.count == 1 ? "" : "s");
	hosts_done(&hosts);
	return 1;
}

/* The flag, else the environment, else what the file said. */
static void override(char **setting, const char *flag, const char *variable)
{
	const char *value = flag ? flag : getenv(variable);

	if (value && *value)
		mem_replace(setting, value);
}

int cli_settings(const struct cli *cli, struct conf *conf, struct err *e)
{
	const char *path = cli->config ? cli->config : getenv("VMROLL_CONFIG");
	int result = conf_read(conf, path && *path ? path : NULL, e);

	if (result < 0)
		return result;
	override(&conf->store, cli->store, "VMROLL_STORE");
	override(&conf->hosts, cli->hosts, "VMROLL_HOSTS");
	result = conf_check_store(conf->store, e);
	if (result < 0)
		err_wrap(e, "store '%s'", conf->store);
	else if (cli->check_config)
		result = check_config(conf, e);
	if (result < 0)
		conf_done(conf);
	return result;
}

int cli_hosts(const struct conf *conf, struct hosts *hosts, struct err *e)
{
	return hosts_read(hosts, conf->hosts, e);
}

int cli_store(const struct conf *conf, enum store_mode mode, struct store **store, struct err *e)
{
	return store_open(store, conf->store, mode, e);
}

struct rows *cli_rows(const struct cli *cli, struct err *e)
{
	struct rows *rows;

	if (rows_new(&rows, cli->listing->columns, cli->listing->count, cli->format, cli->columns,
		     cli->no_headings, 1, stdout, e) < 0)
		return NULL;
	return rows;
}

static const struct cli_command *find_command(const struct cli_program *program, const char *name, size_t length)
{
	for (const struct cli_command *c = program->commands; c->name; c++)
		if (strlen(c->name) == length && strncmp(c->name, name, length) == 0)
			return c;
	return NULL;
}

/* Whether COMMAND is one of those that TEXT begins with; -1: it begins with none. */
static int is_named(const struct cli_program *program, const char *text, const struct cli_command *command)
{
	bool found = false;

	for (const char *word = text;;) {
		size_t length = strcspn(word, ",: ");
		const struct cli_command *named = find_command(program, word, length);
		found |= named == command;
		if (named && word[length] == ':')
			return found;
		if (!named || strncmp(word + length, ", ", 2) != 0)
			return -1;
		word += length + 2;
	}
}

/* "list, show: more of it; ack: for everybody" */
static bool goes_with(const struct cli_program *program, const char *help, const struct cli_command *command)
{
	if (is_named(program, help, command) != 0)
		return true;
	for (const char *part = strstr(help, "; "); part; part = strstr(part, "; ")) {
		part += 2;
		if (is_named(program, part, command) == 1)
			return true;
	}
	return false;
}

/* `delete --dry-run` must not delete. */
static int check_given(const struct cli *cli, const struct cli_command *command, struct err *e)
{
	const struct cli_option *options = cli->program->options;

	for (size_t i = 0; options[i].name && i < 64; i++)
		if ((cli->given >> i & 1) && !goes_with(cli->program, options[i].help, command))
			return err_set(e, ERR_USAGE, "--%s does not go with %s: try '%s --help'",
				       options[i].name, command->name, cli->program->name);
	return 0;
}

int cli_run_command(struct cli *cli, void *context, struct err *e)
{
	cleanup(str_done) struct str known = {0};
	const char *name = cli->operands[0];

	for (const struct cli_command *c = cli->program->commands; c->name; c++) {
		if (name && strcmp(c->name, name) == 0) {
			cli->operands++;
			cli->operand_count--;
			return check_given(cli, c, e) < 0 ? e->code : c->run(context);
		}
		str_addf(&known, " %s", c->name);
	}
	cleanup(cleanup_mem) char *word = str_escape(name ? name : "");
	return err_set(e, ERR_USAGE, "unknown command '%s': there are%s", word, str_text(&known));
}

int cli_operands(const struct cli *cli, size_t minimum, size_t maximum, struct err *e)
{
	if (cli->operand_count < minimum)
		return err_set(e, ERR_USAGE, "too few arguments: try '%s --help'", cli->program->name);
	if (cli->operand_count > maximum) {
		cleanup(cleanup_mem) char *word = str_escape(cli->operands[maximum]);
		return err_set(e, ERR_USAGE, "unexpected argument '%s': try '%s --help'", word,
			       cli->program->name);
	}
	return 0;
}

int cli_time(const char *option, const char *text, int64_t *instant, struct err *e)
{
	bool ambiguous;
	int result = when_parse(text, when_now(), instant, &ambiguous, e);

	if (result < 0) {
		err_wrap(e, "%s", option);
		return result;
	}
	if (ambiguous) {
		char shown[WHEN_TEXT_SIZE];
		log_notice("%s: '%s' occurs twice: the first is meant, %s", option, text,
			   when_format(*instant, WHEN_RFC3339, shown));
	}
	return 0;
}

int cli_exit(int result)
{
	int status = err_exit_status(result);

	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		/* Who ended for want of it has said so. A write that failed long ago has left no errno. */
		if (status != err_exit_status(ERR_ENV))
			log_error("standard output: cannot write%s%s", errno ? ": " : "",
				  errno ? strerror(errno) : "");
		return err_exit_status(ERR_ENV);
	}
	return status;
}
