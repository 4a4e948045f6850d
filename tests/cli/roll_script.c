/*
 * roll_script.c - fills a store from lines on stdin, in the language of roll_kit.h:
 *
 *	snap TIME HOST=VM,... ...        unfinished TIME HOST=VM,... ...
 *	event TIME HOST VM               follow TIME TIME HOST
 *
 * TIME has no blanks: @SECONDS or 2026-11-20T12:30:00+09:00.
 */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "roll_kit.h"
#include "when.h"

static int64_t take_time(char **rest)
{
	int64_t instant = WHEN_UNKNOWN;
	struct err e = {0};

	assert_ok(when_parse(strsep(rest, " "), when_now(), &instant, NULL, &e), &e);
	return instant;
}

static void obey(struct kit *kit, char *line)
{
	char *rest = line;
	const char *verb = strsep(&rest, " ");
	int64_t at = take_time(&rest);

	if (strcmp(verb, "snap") == 0) {
		roll_kit_snap(kit, at, rest);
	} else if (strcmp(verb, "unfinished") == 0) {
		roll_kit_unfinished(kit, at, rest);
	} else if (strcmp(verb, "event") == 0) {
		const char *host = strsep(&rest, " ");
		roll_kit_event(kit, host, rest, at);
	} else if (strcmp(verb, "follow") == 0) {
		int64_t until = take_time(&rest);
		roll_kit_follow(kit, rest, at, until);
	} else {
		fail_msg("what is '%s'?", verb);
	}
}

int main(int argc, char **argv)
{
	struct kit kit = {.uri = argv[argc - 1]};
	char line[65536];

	kit_reopen(&kit, STORE_WRITE);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			obey(&kit, line);
	}
	kit_close(&kit);
	return 0;
}
