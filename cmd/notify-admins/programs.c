/* programs.c - the commands of the settings that are told: executables that get the message as JSON. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "command.h"
#include "mem.h"
#include "programs.h"

enum { AT_ONCE = 8, LIMIT_MS = 60 * 1000, SHOWN_MAX = 200 };

struct programs {
	const struct conf *conf;
	struct commands *commands;
};

int programs_new(struct programs **programs, const struct conf *conf, struct err *e)
{
	cleanup(cleanup_programs) struct programs *new = mem_zalloc(1, sizeof *new);

	new->conf = conf;
	if (commands_new(&new->commands, AT_ONCE, e) < 0)
		return e->code;
	*programs = new;
	new = NULL;
	return 0;
}

void programs_free(struct programs *programs)
{
	if (!programs)
		return;
	commands_free(programs->commands);
	free(programs);
}

void cleanup_programs(struct programs **programs)
{
	programs_free(*programs);
}

int programs_submit(struct programs *programs, uint64_t tag, const char *name, const struct str *json,
		    struct err *e)
{
	const struct conf_command *command = conf_find_command(programs->conf, name);

	if (!command)
		return err_set(e, ERR_PERMANENT, "command %s: is not in the settings", name);
	struct command_order order = {
		.argv = command->argv.items,
		.input = str_text(json),
		.length = json->length,
		.kept = COMMAND_STDERR,
		.limit_ms = LIMIT_MS,
	};
	commands_submit(programs->commands, tag, &order);
	return 0;
}

static int code_of(const struct command_end *end)
{
	if (end->error != 0)
		return ERR_ENV;
	if (end->late)
		return ERR_DEADLINE;
	if (!WIFEXITED(end->status))
		return ERR_TEMPORARY;
	switch (WEXITSTATUS(end->status)) {
	case 0:
		return 0;
	case EX_DATAERR:
	case EX_NOUSER:
	case EX_NOPERM:
		return ERR_PERMANENT;
	default:
		return ERR_TEMPORARY;
	}
}

static void tell_end(const struct command_end *end, struct err *outcome)
{
	const char *line = str_text(&end->output) + strspn(str_text(&end->output), " \t\r\n");
	size_t length = strcspn(line, "\r\n");
	cleanup(cleanup_mem) char *cut = mem_string_n(line, length < SHOWN_MAX ? length : SHOWN_MAX);
	cleanup(cleanup_mem) char *said = str_escape(cut);
	int code = code_of(end);
	char how[100];

	*outcome = (struct err){0};
	command_end_text(end, how, sizeof how);
	if (code != 0)
		err_set(outcome, code, "%s%s%s", how, *said ? ": " : "", said);
}

bool programs_finished(struct programs *programs, uint64_t *tag, struct err *outcome)
{
	struct command_end end;

	if (!commands_finished(programs->commands, &end))
		return false;
	*tag = end.tag;
	tell_end(&end, outcome);
	command_end_done(&end);
	return true;
}

int programs_fd(const struct programs *programs)
{
	return commands_fd(programs->commands);
}
