/* watchline.c - reading the lines of `hostping --watch`, raw or JSON, from a source that is not trusted. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "watchline.h"
#include "when.h"

enum { HOST_NAME_MAX_LENGTH = 253 };

static bool is_host_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > HOST_NAME_MAX_LENGTH)
		return false;
	for (const char *c = name; *c; c++)
		if (!isascii((unsigned char)*c) || (!isalnum((unsigned char)*c) && !strchr("._:-", *c)))
			return false;
	return true;
}

/* "12:33" or "15m ago" would mean another instant each time that a log is read. */
static int parse_time(const char *text, int64_t *at, struct err *e)
{
	if (text[0] != '@' && (strlen(text) < 16 || text[4] != '-'))
		return err_set(e, ERR_USAGE, "'%.64s' is not a time such as 2026-11-20T12:33:21.123+09:00", text);
	return when_parse(text, when_now(), at, NULL, e);
}

static int fill(struct hoststate_change *change, const char *time, const char *host, const char *state,
		const char *detail, struct err *e)
{
	struct hoststate_change read = {0};

	if (!time || !host || !state)
		return err_set(e, ERR_USAGE, "not a line of hostping: TIME, HOST and STATE expected");
	if (parse_time(time, &read.at, e) < 0)
		return e->code;
	if (!is_host_name(host))
		return err_set(e, ERR_USAGE, "'%.64s' is not the name of a host", host);
	if (hoststate_parse(state, &read.state, e) < 0)
		return e->code;
	/* Only ourselves can be isolated, and a host cannot be called "-". */
	if ((read.state == HOST_ISOLATED) && strcmp(host, "-") != 0)
		return err_set(e, ERR_USAGE, "host '%.64s' cannot be ISOLATED, only '-' can", host);
	read.host = mem_string(host);
	read.detail = detail && *detail && strcmp(detail, "-") != 0 ? mem_string(detail) : NULL;
	*change = read;
	return 0;
}

static int parse_json(const char *line, size_t length, struct hoststate_change *change, struct err *e)
{
	cleanup(cleanup_json) struct json *object = NULL;

	if (json_parse(line, length, &object, e) < 0)
		return e->code;
	return fill(change, json_text(json_get(object, "time")), json_text(json_get(object, "host")),
		    json_text(json_get(object, "state")), json_text(json_get(object, "detail")), e);
}

enum { FIELD_TIME, FIELD_HOST, FIELD_STATE, FIELD_DETAIL, FIELD_COUNT };

static int parse_raw(const char *line, size_t length, struct hoststate_change *change, struct err *e)
{
	cleanup(cleanup_mem) char *copy = mem_string_n(line, length);
	cleanup(cleanup_mem) char *detail = NULL;
	char *fields[FIELD_COUNT] = {0};
	char *rest = copy;
	size_t ignored;

	for (size_t i = 0; i < FIELD_COUNT && rest; i++)
		fields[i] = strsep(&rest, "\t");
	if (fields[FIELD_DETAIL] && str_unescape(fields[FIELD_DETAIL], &detail, &ignored, e) < 0)
		return e->code;
	return fill(change, fields[FIELD_TIME], fields[FIELD_HOST], fields[FIELD_STATE], detail, e);
}

int watchline_parse(const char *line, size_t length, struct hoststate_change *change, struct err *e)
{
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (length > WATCHLINE_MAX)
		return err_set(e, ERR_USAGE, "longer than %d bytes", WATCHLINE_MAX);
	if (memchr(line, '\0', length))
		return err_set(e, ERR_USAGE, "holds a NUL byte");
	if (length > 0 && line[0] == '{')
		return parse_json(line, length, change, e);
	return parse_raw(line, length, change, e);
}

void watchline_reader_done(struct watchline_reader *reader)
{
	str_done(&reader->pending);
	*reader = (struct watchline_reader){0};
}

static void forget_read(struct watchline_reader *reader)
{
	struct str *pending = &reader->pending;

	if (reader->next == 0)
		return;
	pending->length -= reader->next;
	memmove(pending->data, pending->data + reader->next, pending->length);
	pending->data[pending->length] = '\0';
	reader->next = 0;
}

void watchline_feed(struct watchline_reader *reader, const char *bytes, size_t length)
{
	forget_read(reader);
	str_add_n(&reader->pending, bytes, length);
}

/* An endless line must not fill the memory: all but the fact of it is dropped. */
static void bound_unfinished(struct watchline_reader *reader)
{
	if (reader->pending.length - reader->next <= WATCHLINE_MAX)
		return;
	reader->overlong = true;
	reader->next = reader->pending.length;
	forget_read(reader);
}

int watchline_next(struct watchline_reader *reader, struct hoststate_change *change, struct err *e)
{
	for (;;) {
		size_t left = reader->pending.length - reader->next;
		const char *line = str_text(&reader->pending) + reader->next;
		const char *end = memchr(line, '\n', left);
		if (!end) {
			bound_unfinished(reader);
			return 0;
		}
		size_t length = (size_t)(end - line);
		bool overlong = reader->overlong;
		reader->overlong = false;
		reader->next += length + 1;
		reader->line++;
		if (length == 0 && !overlong)
			continue;
		int result = overlong ? err_set(e, ERR_USAGE, "longer than %d bytes", WATCHLINE_MAX)
				      : watchline_parse(line, length, change, e);
		if (result < 0)
			return err_wrap(e, "line %lu", reader->line);
		return 1;
	}
}
