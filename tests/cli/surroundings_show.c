/* surroundings_show.c - what a death would cut, by what was found so far: surroundings_show CONFIG <deaths
 *
 * Each line of stdin is `HOST ADDRESS VM MAC` (- for none), or `again`: look anew. The answer to a death is a
 * line: `cut mail,voice: WHY`, or `cut nothing`. Whatever was found is taken meanwhile.
 */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "notify-admins/surroundings.h"
#include "str.h"
#include "when.h"

enum { FIELDS = 4 };

static void require(int result, const struct err *e)
{
	if (result >= 0)
		return;
	fprintf(stderr, "surroundings_show: %s\n", e->text);
	exit(4);
}

static char *given(char *field)
{
	return strcmp(field, "-") == 0 ? NULL : field;
}

static void judge(const struct surroundings *surroundings, const struct conf *conf, char **fields)
{
	struct host host = {.name = fields[0], .address = given(fields[1])};
	struct vm_nic nic = {.mac = given(fields[3])};
	struct affected_vm vm = {.vm = {.name = given(fields[2]), .nics = &nic, .nic_count = nic.mac != NULL},
				 .now = AFFECTED_NO_NEWER_LIST,
				 .now_since = WHEN_UNKNOWN};
	struct affected affected = {.host = fields[0], .vms = &vm, .count = vm.vm.name != NULL};
	bool cut[CONF_COMMAND + 1] = {false};
	cleanup(str_done) struct str why = {0};

	surroundings_judge(surroundings, conf, &host, &affected, cut, &why);
	printf("cut %s%s%s%s%s\n", cut[CONF_MAIL] ? "mail" : "", cut[CONF_MAIL] && cut[CONF_VOICE] ? "," : "",
	       cut[CONF_VOICE] ? "voice" : "", cut[CONF_MAIL] || cut[CONF_VOICE] ? ": " : "nothing",
	       str_text(&why));
	fflush(stdout);
}

/* False at the end of stdin. */
static bool take_line(struct surroundings *surroundings, const struct conf *conf)
{
	cleanup(cleanup_mem) char *line = NULL;
	char *fields[FIELDS];
	size_t size = 0;
	struct err e;

	if (getline(&line, &size, stdin) <= 0)
		return false;
	line[strcspn(line, "\n")] = '\0';
	size_t count = str_split_blanks(line, fields, FIELDS);
	if (count == FIELDS)
		judge(surroundings, conf, fields);
	else
		require(surroundings_look_again(surroundings, &e), &e);
	return true;
}

int main(int argc, char **argv)
{
	struct surroundings *surroundings = NULL;
	struct conf conf;
	struct err e = {0};

	if (argc != 2)
		return 2;
	log_open("surroundings_show", 1);
	setvbuf(stdin, NULL, _IONBF, 0);
	require(conf_read(&conf, argv[1], &e), &e);
	require(surroundings_start(&surroundings, &conf, &e), &e);
	for (;;) {
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
				       {.fd = surroundings_fd(surroundings), .events = POLLIN}};
		if (poll(fds, 2, -1) < 0)
			break;
		if (fds[1].revents && surroundings_collect(surroundings, &e) < 0)
			log_err(&e);
		if (fds[0].revents && !take_line(surroundings, &conf))
			break;
	}
	surroundings_free(surroundings);
	conf_done(&conf);
	return 0;
}
