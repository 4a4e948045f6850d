/* silence.c - notify-admins silence, unsilence, silences: hosts of whose death nobody is told for a while. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "notify.h"
#include "silence.h"
#include "speaker.h"
#include "str.h"
#include "vec.h"
#include "when.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { HOUR_MS = 60 * 60 * 1000, HOSTS_MAX = 1 << 20 };

/* ---- until when ---- */

static bool is_clock(const char *text)
{
	return strlen(text) > 2 && text[2] == ':';
}

/* A time of day is the next, not the latest that is past: of the longest day, too, when clocks change. */
static int read_clock(const char *text, int64_t now, int64_t *until, struct err *e)
{
	for (int hours = 24; hours <= 25; hours++) {
		if (when_parse(text, now + hours * (int64_t)HOUR_MS, until, NULL, e) < 0)
			return e->code;
		if (*until > now)
			break;
	}
	return 0;
}

static int read_until(const struct options *o, int64_t now, int64_t *until, struct err *e)
{
	if (!o->until == !o->has_for)
		return err_set(e, ERR_USAGE,
			       "a silence needs --for AGE or --until TIME: try 'notify-admins --help'");
	*until = now + o->for_ms;
	if (o->until && (is_clock(o->until) ? read_clock(o->until, now, until, e)
					    : cli_time("--until", o->until, until, e)) < 0)
		return is_clock(o->until) ? err_wrap(e, "--until") : e->code;
	if (*until <= now)
		return err_set(e, ERR_USAGE, "%s: that is over already", o->until ? "--until" : "--for");
	return 0;
}

/* ---- silence ---- */

static int check_hosts(const struct options *o, struct err *e)
{
	cleanup(hosts_done) struct hosts hosts = {0};
	const struct host *host;

	if (cli_hosts(&o->conf, &hosts, e) < 0)
		return e->code;
	for (size_t i = 0; i < o->cli.operand_count; i++)
		if (hosts_require(&hosts, o->cli.operands[i], &host, e) < 0)
			return e->code;
	return 0;
}

static int set_one(struct store *store, const struct options *o, struct silence *silence, struct err *e)
{
	char until[WHEN_TEXT_SIZE];

	int result = silence_set(store, silence, e);
	if (result >= 0 && !o->cli.quiet)
		printf("%s: silenced until %s%s\n", silence->host,
		       when_format(silence->until, WHEN_LOCAL, until),
		       result == 1 ? ", in place of the silence it had" : "");
	return result;
}

int command_silence(void *context)
{
	struct options *o = context;
	struct err *e = o->e;
	cleanup(cleanup_store) struct store *store = NULL;
	/* Borrowed, all of it. */
	struct silence silence = {
		.from = when_now(), .why = (char *)o->why, .by = (char *)(o->by ? o->by : speaker_name())};

	if (cli_operands(&o->cli, 1, HOSTS_MAX, e) < 0 || read_until(o, silence.from, &silence.until, e) < 0)
		return e->code;
	if (!o->why || !*o->why)
		return err_set(e, ERR_USAGE, "a silence needs --why TEXT: somebody will ask");
	if (speaker_check("--why", o->why, e) < 0 || speaker_check("--by", o->by, e) < 0 ||
	    check_hosts(o, e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, e) < 0)
		return e->code;
	for (size_t i = 0; i < o->cli.operand_count; i++) {
		silence.host = o->cli.operands[i];
		if (set_one(store, o, &silence, e) < 0)
			return e->code;
	}
	return 0;
}

/* ---- unsilence ---- */

int command_unsilence(void *context)
{
	struct options *o = context;
	struct err *e = o->e;
	cleanup(cleanup_store) struct store *store = NULL;
	size_t absent = 0;

	if (cli_operands(&o->cli, 1, HOSTS_MAX, e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, e) < 0)
		return e->code;
	for (size_t i = 0; i < o->cli.operand_count; i++) {
		const char *host = o->cli.operands[i];
		int result = silence_end(store, host, when_now(), e);
		if (result == ERR_NOT_FOUND) {
			log_err(e);
			absent++;
		} else if (result < 0) {
			return result;
		} else if (!o->cli.quiet) {
			printf("%s: not silenced any more\n", host);
		}
	}
	/* Each was named. */
	e->text[0] = '\0';
	if (absent == 0)
		return 0;
	return absent == o->cli.operand_count ? ERR_NOT_FOUND : ERR_PARTIAL;
}

/* ---- silences ---- */

enum { SILENCES_HOST, SILENCES_UNTIL, SILENCES_SINCE, SILENCES_WHY, SILENCES_BY, SILENCES_STATE };

static const struct column silences_columns[] = {
	[SILENCES_HOST] = {"HOST", "host", "host of whose death nobody is told", ROWS_TEXT, false, false},
	[SILENCES_UNTIL] = {"UNTIL", "until", "when that ends, or ended", ROWS_TIME, false, false},
	[SILENCES_SINCE] = {"SINCE", "since", "when it began", ROWS_TIME, false, false},
	[SILENCES_WHY] = {"WHY", "why", "for what reason", ROWS_TEXT, false, false},
	[SILENCES_BY] = {"BY", "by", "who says so", ROWS_TEXT, false, false},
	[SILENCES_STATE] = {"STATE", "state", "active, expired, or ended by hand", ROWS_TEXT, false, false},
};
const struct cli_listing silences_listing = {silences_columns, COUNT(silences_columns)};

static const char *state_of(const struct silence *silence, int64_t now)
{
	if (silence_is_active(silence, now))
		return "active";
	return silence->ended ? "ended" : "expired";
}

static int print_silence(struct rows *rows, const struct silence *silence, int64_t now, struct err *e)
{
	rows_text(rows, SILENCES_HOST, silence->host);
	rows_time(rows, SILENCES_UNTIL, silence->until);
	rows_time(rows, SILENCES_SINCE, silence->from);
	rows_text(rows, SILENCES_WHY, silence->why);
	rows_text(rows, SILENCES_BY, silence->by);
	rows_text(rows, SILENCES_STATE, state_of(silence, now));
	return rows_end(rows, e);
}

int command_silences(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(silences_done) struct silences all = {0};
	cleanup(cleanup_rows) struct rows *rows = NULL;
	int64_t now = when_now();

	if (cli_operands(&o->cli, 0, 0, o->e) < 0 || cli_store(&o->conf, STORE_READ, &store, o->e) < 0 ||
	    store_view_open(&view, store, o->e) < 0 || silence_all(view, &all, o->e) < 0)
		return o->e->code;
	rows = cli_rows(&o->cli, o->e);
	if (!rows)
		return o->e->code;
	vec_foreach(&all, silence)
		if ((o->all || silence_is_active(silence, now)) && print_silence(rows, silence, now, o->e) < 0)
			return o->e->code;
	return rows_finish(rows, o->e);
}
