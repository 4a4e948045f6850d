/*
 * sip_call.c - for tests: makes calls through lib/sip and says what becomes of them.
 *
 * usage: sip_call [OPTION...] FROM URI...
 *   --registrar URI --exchange URI --user NAME (password: $SIP_PASSWORD)
 *   --ring MS        ring timeout, 30000
 *   --play FILE      samples (8 kHz, s16, one channel); for ever again with --again, else hangs up when it was played
 *   --keys N         hangs up after N keys
 *   --for MS         hangs up that long after the answer
 *   --stop MS        sip_stop that long after the start
 *   --stay           goes on when all calls have ended, until a line or the end comes on standard input
 *
 * A line an event: "port N", "ringing I", "answered I", "key I K", "played I", "ended I HOW RECEIVED TEXT"; I is the
 * number of the call from 0.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sip.h"

enum { SAMPLES_MAX = 600 * SIP_RATE };

struct call {
	size_t number;
	struct sip_call *call;
	unsigned keys;
	bool is_over;
	struct sip_timer *timer;
};

static const char *const ENDS[] = {"hung-up",  "bye",         "busy",   "no-answer",
				   "declined", "unreachable", "refused"};

static struct sip *sip;
static struct sip_settings settings = {.ring_timeout_ms = 30000};
static int16_t *samples;
static size_t sample_count;
static bool play_again, stay;
static unsigned keys_wanted;
static long call_ms, stop_ms;
static size_t calls_left;

static void ringing(void *context)
{
	const struct call *call = context;

	printf("ringing %zu\n", call->number);
}

static void hang_up_later(void *context)
{
	struct call *call = context;

	call->timer = NULL;
	sip_call_hang_up(call->call);
}

static void answered(void *context)
{
	struct call *call = context;

	printf("answered %zu\n", call->number);
	sip_call_play(call->call, samples, sample_count);
	if (call_ms > 0)
		call->timer = sip_after(sip, call_ms, hang_up_later, call);
}

static void key(void *context, char pressed)
{
	struct call *call = context;

	printf("key %zu %c\n", call->number, pressed);
	if (++call->keys == keys_wanted)
		sip_call_hang_up(call->call);
}

static void played(void *context)
{
	struct call *call = context;

	printf("played %zu\n", call->number);
	if (play_again)
		sip_call_play(call->call, samples, sample_count);
	else
		sip_call_hang_up(call->call);
}

static void ended(void *context, enum sip_end end, const char *text)
{
	struct call *call = context;

	printf("ended %zu %s %llu %s\n", call->number, ENDS[end],
	       (unsigned long long)sip_call_received(call->call), text);
	call->call = NULL;
	sip_timer_cancel(call->timer);
	if (--calls_left == 0 && !stay)
		sip_stop(sip);
}

static const struct sip_handlers HANDLERS = {
	.ringing = ringing, .answered = answered, .key = key, .played = played, .ended = ended};

static void stop(void *context)
{
	(void)context;
	sip_stop(sip);
}

static int read_samples(const char *path)
{
	cleanup(cleanup_file) FILE *file = fopen(path, "rb");

	if (!file)
		return -1;
	samples = mem_zalloc(SAMPLES_MAX, sizeof *samples);
	sample_count = fread(samples, sizeof *samples, SAMPLES_MAX, file);
	return 0;
}

static int parse(int argc, char **argv)
{
	static const struct option OPTIONS[] = {{"registrar", required_argument, NULL, 'R'},
						{"exchange", required_argument, NULL, 'e'},
						{"user", required_argument, NULL, 'u'},
						{"ring", required_argument, NULL, 'r'},
						{"play", required_argument, NULL, 'p'},
						{"again", no_argument, NULL, 'a'},
						{"keys", required_argument, NULL, 'k'},
						{"for", required_argument, NULL, 'f'},
						{"stop", required_argument, NULL, 's'},
						{"stay", no_argument, NULL, 'y'},
						{0}};
	int option;

	settings.password = getenv("SIP_PASSWORD");
	while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
		switch (option) {
		case 'R':
			settings.registrar = optarg;
			break;
		case 'e':
			settings.exchange = optarg;
			break;
		case 'u':
			settings.user = optarg;
			break;
		case 'r':
			settings.ring_timeout_ms = strtol(optarg, NULL, 10);
			break;
		case 'p':
			if (read_samples(optarg) < 0)
				return -1;
			break;
		case 'a':
			play_again = true;
			break;
		case 'k':
			keys_wanted = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			call_ms = strtol(optarg, NULL, 10);
			break;
		case 's':
			stop_ms = strtol(optarg, NULL, 10);
			break;
		case 'y':
			stay = true;
			break;
		default:
			return -1;
		}
	return optind < argc ? 0 : -1;
}

static int call_all(struct call *calls, char **uris, size_t count, struct err *e)
{
	calls_left = count;
	for (size_t i = 0; i < count; i++) {
		calls[i].number = i;
		if (sip_call(sip, uris[i], &HANDLERS, &calls[i], &calls[i].call, e) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct call *calls;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv) < 0)
		return 2;
	settings.from = argv[optind++];
	calls = mem_zalloc((size_t)argc, sizeof *calls);
	if (sip_new(&sip, &settings, &e) == 0) {
		printf("port %u\n", sip_port(sip));
		if (stop_ms > 0)
			sip_after(sip, stop_ms, stop, NULL);
		if (stay)
			(void)sip_watch(sip, 0, stop, NULL, &e);
		if (call_all(calls, argv + optind, (size_t)(argc - optind), &e) == 0)
			(void)sip_loop(sip, &e);
	}
	sip_free(sip);
	free(calls);
	free(samples);
	if (e.code)
		fprintf(stderr, "sip_call: %s\n", e.text);
	return e.code ? 1 : 0;
}
