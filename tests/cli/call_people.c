/*
 * call_people.c - for tests: calls people through lib/call and says what becomes of it; or says a text into a file.
 *
 * usage: call_people [OPTION...] FROM TO...
 *        call_people --say LANG TEXT   samples (8 kHz, s16, one channel) to standard output
 *   --exchange URI --registrar URI --user NAME (password: $SIP_PASSWORD)
 *   --ring MS        ring timeout, 30000
 *   --calls N        at once, 100
 *   --lang LANG      en-gb
 *   --message TEXT --prompt TEXT --all TEXT --thanks TEXT --passed TEXT
 *   --told           nothing is asked
 *   --again          when all have ended, all are called once more
 *   --leave MS       frees the caller that long after the start
 *
 * A line an event: "process PID", "submitted I", "refused I TEXT", "ended I OUTCOME KEY TEXT", "trouble TEXT", "left MS"; I is the
 * number of the call from 0.
 */
#include "config.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "call_process.h"
#include "mem.h"
#include "speech.h"
#include "when.h"

static struct conf_sip settings = {.ring_timeout_ms = 30000, .calls = 100};
static struct call_order order = {.lang = "en-gb", .message = "", .answer = true};
static bool again;
static long leave_ms = -1;

static const struct option options[] = {
	{"exchange", required_argument, NULL, 'x'},
	{"registrar", required_argument, NULL, 'r'},
	{"user", required_argument, NULL, 'u'},
	{"ring", required_argument, NULL, 'i'},
	{"calls", required_argument, NULL, 'c'},
	{"lang", required_argument, NULL, 'l'},
	{"message", required_argument, NULL, 'm'},
	{"prompt", required_argument, NULL, 'p'},
	{"all", required_argument, NULL, 'a'},
	{"thanks", required_argument, NULL, 't'},
	{"passed", required_argument, NULL, 's'},
	{"told", no_argument, NULL, 'T'},
	{"again", no_argument, NULL, 'A'},
	{"leave", required_argument, NULL, 'L'},
	{"say", no_argument, NULL, 'S'},
	{NULL, 0, NULL, 0},
};

static void fail(const struct err *e)
{
	fprintf(stderr, "call_people: %s\n", e->text);
	exit(err_exit_status(e->code));
}

static int say(const char *lang, const char *text)
{
	struct speech speech = {0};
	struct err e = {0};

	if (speech_say(lang, text, &speech, &e) < 0)
		fail(&e);
	fwrite(speech.items, sizeof *speech.items, speech.count, stdout);
	speech_done(&speech);
	return 0;
}

static void say_process(const struct caller *caller)
{
	static pid_t said;

	if (caller->child.pid == said)
		return;
	said = caller->child.pid;
	if (said)
		printf("process %d\n", (int)said);
}

static void submit_all(struct caller *caller, char **to, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err e = {0};
		order.to = to[i];
		if (caller_submit(caller, i, &order, &e) < 0)
			printf("refused %zu %s\n", i, e.text);
		else
			printf("submitted %zu\n", i);
	}
}

static void collect(struct caller *caller)
{
	struct delivery_outcome outcome;
	struct err trouble;
	uint64_t tag;

	while (caller_finished(caller, &tag, &outcome))
		printf("ended %d %s %c %s\n", (int)tag, call_end_name(outcome.call),
		       outcome.key ? outcome.key : '-', outcome.err.text);
	while (caller_trouble(caller, &trouble))
		printf("trouble %s\n", trouble.text);
	say_process(caller);
}

static void wait_for_all(struct caller *caller, int64_t until)
{
	collect(caller);
	while (caller_pending(caller) > 0 && when_monotonic() < until) {
		int64_t left = until - when_monotonic();
		struct pollfd event = {.fd = caller_fd(caller), .events = POLLIN};
		poll(&event, 1, left < 60000 ? (int)left : 60000);
		collect(caller);
	}
}

static void take_option(int key, char *value)
{
	switch (key) {
	case 'x':
		settings.exchange = value;
		break;
	case 'r':
		settings.registrar = value;
		break;
	case 'u':
		settings.user = value;
		break;
	case 'i':
		settings.ring_timeout_ms = strtol(value, NULL, 10);
		break;
	case 'c':
		settings.calls = (unsigned)strtoul(value, NULL, 10);
		break;
	case 'l':
		order.lang = value;
		break;
	case 'm':
		order.message = value;
		break;
	case 'p':
		order.prompt = value;
		break;
	case 'a':
		order.all = value;
		break;
	case 't':
		order.thanks = value;
		break;
	case 's':
		order.passed = value;
		break;
	case 'T':
		order.answer = false;
		break;
	case 'A':
		again = true;
		break;
	case 'L':
		leave_ms = strtol(value, NULL, 10);
		break;
	default:
		exit(2);
	}
}

static int call(char **to, size_t count)
{
	struct caller *caller;
	struct err e = {0};

	if (caller_start(&caller, &settings, getenv("SIP_PASSWORD"), &e) < 0)
		fail(&e);
	int64_t until = leave_ms >= 0 ? when_monotonic() + leave_ms : INT64_MAX;
	submit_all(caller, to, count);
	wait_for_all(caller, until);
	if (again) {
		submit_all(caller, to, count);
		wait_for_all(caller, until);
	}
	int64_t since = when_monotonic();
	caller_free(caller);
	printf("left %lld\n", (long long)(when_monotonic() - since));
	return 0;
}

int main(int argc, char **argv)
{
	int key;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'S')
			return argc == 4 ? say(argv[2], argv[3]) : 2;
		take_option(key, optarg);
	}
	if (argc - optind < 2)
		return 2;
	settings.from = argv[optind];
	return call(argv + optind + 1, (size_t)(argc - optind - 1));
}
