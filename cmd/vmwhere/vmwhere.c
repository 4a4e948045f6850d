/* vmwhere.c - answer: where is it, where was it, what ran there. */
#include "config.h"

#include <stdlib.h>

#include "cli.h"
#include "log.h"
#include "mem.h"
#include "vmwhere.h"
#include "when.h"

enum {
	OPTION_ON = CLI_LONG_ONLY,
	OPTION_AT,
	OPTION_HISTORY,
	OPTION_DIFF,
	OPTION_DUPLICATES,
	OPTION_AFFECTED
};

static const struct cli_option option_table[] = {
	{OPTION_ON, "on", "HOST", "what runs on HOST"},
	{OPTION_AT, "at", "TIME", "as it was at TIME"},
	{OPTION_HISTORY, "history", "VM", "the whole life of VM, on all hosts"},
	{OPTION_DIFF, "diff", "TIME", "what differs between TIME and the TIME that follows"},
	{OPTION_DUPLICATES, "duplicates", NULL, "VMs that run on several hosts at once"},
	{OPTION_AFFECTED, "affected", NULL, "read lines of hostping, print whom each death touches"},
	{'a', "all", NULL, "also VMs that are shut off; with --diff any difference"},
	{0, NULL, NULL, NULL},
};

static const char *const synopsis[] = {
	"[--all] [--at TIME] [VM...]",
	"--on HOST [--all] [--at TIME]",
	"--history VM",
	"--diff TIME TIME [--all]",
	"--duplicates [--all] [--at TIME]",
	"--affected",
	NULL,
};

const struct column where_columns[COLUMNS_ALL] = {
	[COLUMN_VM] = {"VM", "vm", "name", ROWS_TEXT, false, false},
	[COLUMN_UUID] = {"UUID", "uuid", "UUID", ROWS_TEXT, true, false},
	[COLUMN_HOST] = {"HOST", "host", "physical host", ROWS_TEXT, false, false},
	[COLUMN_STATE] = {"STATE", "state", "power state, as virsh says it", ROWS_TEXT, false, false},
	[COLUMN_SINCE] = {"SINCE", "since", "first seen there in this state", ROWS_TIME, false, false},
	[COLUMN_SEEN] = {"SEEN", "seen", "last confirmed", ROWS_TIME, false, false},
	[COLUMN_STALE] = {"STALE", "stale", "whether its host did not answer last time", ROWS_BOOL, true, false},
	[COLUMN_OS] = {"OS", "os", "guest operating system", ROWS_TEXT, false, false},
	[COLUMN_MANAGER] = {"MANAGER", "manager", "VM that manages the host", ROWS_TEXT, true, false},
	[COLUMN_CLUSTER] = {"CLUSTER", "cluster", "cluster of the host", ROWS_TEXT, true, false},
	[COLUMN_VCPU] = {"VCPU", "vcpu", "virtual CPUs", ROWS_NUMBER, true, false},
	[COLUMN_MEMORY] = {"MEMORY", "memory_bytes", "memory, at most", ROWS_BYTES, true, false},
	[COLUMN_DISK] = {"DISK", "disk_bytes", "capacity of all disks", ROWS_BYTES, true, false},
	[COLUMN_NIC] = {"NIC", "nics", "network cards: MAC MODEL RATE NETWORK", ROWS_LIST, true, false},
	[COLUMN_ADMIN] = {"ADMIN", "admins", "who is told of it", ROWS_LIST, false, false},
	[COLUMN_GRADE] = {"GRADE", "grade", "certain, probable or moved", ROWS_TEXT, true, false},
	[COLUMN_SNAPSHOT] = {"SNAPSHOT", "snapshot", "number of the snapshot", ROWS_NUMBER, true, false},
	[COLUMN_AGE] = {"AGE", "age_s", "seconds since the host's list", ROWS_NUMBER, true, false},
	[COLUMN_UNTIL] = {"UNTIL", "until", "--history: when that ended", ROWS_TIME, true, false},
	[COLUMN_CHANGE] = {"CHANGE", "change", "--diff: appeared, gone, moved, state, changed", ROWS_TEXT,
			   true, false},
	[COLUMN_FROM] = {"FROM", "from", "--diff: host at the first time", ROWS_TEXT, true, false},
	[COLUMN_WAS] = {"WAS", "was", "--diff: state at the first time", ROWS_TEXT, true, false},
	[COLUMN_DIED] = {"DIED", "died", "--affected: when the host stopped", ROWS_TIME, true, false},
	[COLUMN_NOW] = {"NOW", "now", "--affected: restarted, back, not seen, no newer list", ROWS_TEXT, true,
			false},
	[COLUMN_NOW_HOST] = {"NOW_HOST", "now_host", "--affected: where it runs since", ROWS_TEXT, true, false},
	[COLUMN_NOW_SINCE] = {"NOW_SINCE", "now_since", "--affected: since when", ROWS_TIME, true, false},
};

static int set_mode(struct options *options, enum where_mode mode, struct err *e)
{
	if (options->mode != MODE_WHERE)
		return err_set(
			e, ERR_USAGE, "only one of --on, --history, --diff, --duplicates and --affected can be asked, once");
	options->mode = mode;
	return 0;
}

static int take_option(void *context, int key, const char *argument, struct err *e)
{
	struct options *options = context;

	switch (key) {
	case OPTION_ON:
		options->subject = argument;
		return set_mode(options, MODE_ON, e);
	case OPTION_AT:
		options->at_text = argument;
		return 0;
	case OPTION_HISTORY:
		options->subject = argument;
		return set_mode(options, MODE_HISTORY, e);
	case OPTION_DIFF:
		options->first = argument;
		return set_mode(options, MODE_DIFF, e);
	case OPTION_DUPLICATES:
		return set_mode(options, MODE_DUPLICATES, e);
	case OPTION_AFFECTED:
		return set_mode(options, MODE_AFFECTED, e);
	default:
		options->all = true;
		return 0;
	}
}

static const struct cli_listing listing = {where_columns, COLUMNS_ALL};

static const struct cli_program program = {
	.name = "vmwhere",
	.purpose = "answer: where is it, where was it, what ran there",
	.synopsis = synopsis,
	.options = option_table,
	.listing = &listing,
	.option = take_option,
};

int told(struct err *e)
{
	log_err(e);
	return e->code;
}

/* Before anything is opened: a wrong -o is misuse, whatever the store is like. */
static int check_columns(const struct options *options, struct err *e)
{
	cleanup(show_done) struct show show = {0};

	return show_columns(&show, options, e);
}

static int check(struct options *options, struct err *e)
{
	bool past = options->mode == MODE_HISTORY || options->mode == MODE_DIFF || options->mode == MODE_AFFECTED;
	size_t operands = options->mode == MODE_DIFF ? 1 : 0;

	if (past && options->at_text)
		return err_set(e, ERR_USAGE, "--at does not go with --history, --diff or --affected");
	int result = options->at_text ? cli_time("--at", options->at_text, &options->at, e) : 0;
	if (result == 0 && options->mode != MODE_WHERE)
		result = cli_operands(&options->cli, operands, operands, e);
	return result < 0 ? result : check_columns(options, e);
}

static int answer(const struct options *options, struct store *store)
{
	switch (options->mode) {
	case MODE_ON:
		return where_on(options, store);
	case MODE_HISTORY:
		return where_history(options, store);
	case MODE_DIFF:
		return where_diff(options, store);
	case MODE_DUPLICATES:
		return where_duplicates(options, store);
	case MODE_AFFECTED:
		return where_affected(options, store);
	default:
		return options->cli.operand_count ? where_find(options, store) : where_list(options, store);
	}
}

static int run(struct options *options)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	int result = check(options, &e);
	if (result == 0)
		result = cli_settings(&options->cli, &conf, &e);
	if (result > 0)
		return 0;
	if (result == 0)
		result = cli_store(&conf, STORE_READ, &store, &e);
	return result < 0 ? told(&e) : answer(options, store);
}

int main(int argc, char **argv)
{
	struct options options = {.at = WHEN_UNKNOWN};
	int status = cli_init(&options.cli, &program, argc, argv, &options);

	return status >= 0 ? status : cli_exit(run(&options));
}
