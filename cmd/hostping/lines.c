/* lines.c - the lines of hostping --watch on standard output, which never make us wait. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "lines.h"
#include "mem.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { SCHEMA = 1, ROOM_UNKNOWN = PIPE_BUF };

struct lines {
	int fd;
	bool own_fd; /* opened here, without waiting */
	bool is_socket;
	bool is_plain; /* a file: never full for long */
	enum rows_format format;
	struct str begun;    /* the rest of a line of which the reader has a part */
	VEC(char *) waiting; /* whole lines */
	size_t next;         /* first of the waiting that is not written yet */
	VEC(size_t) places;  /* by key: where its newest line waits, from 1 */
};

/*
 * O_NONBLOCK belongs to the open file, which we share with whoever gave it to
 * us (a terminal: with the shell). Opened again, a pipe or a terminal is ours
 * alone. Where that is not permitted, poll(2) says when there is room: for
 * PIPE_BUF bytes in a pipe, enough unless somebody else writes to it too.
 */
static int reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

struct lines *lines_new(int fd, enum rows_format format)
{
	struct lines *lines = mem_zalloc(1, sizeof *lines);
	struct stat status = {0};

	lines->format = format;
	fstat(fd, &status);
	lines->is_socket = S_ISSOCK(status.st_mode);
	lines->is_plain = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
	lines->fd = S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) ? reopen(fd) : -1;
	lines->own_fd = lines->fd >= 0;
	if (!lines->own_fd)
		lines->fd = fd;
	return lines;
}

void lines_forget_keys(struct lines *lines)
{
	vec_done(&lines->places);
}

static void forget_waiting(struct lines *lines)
{
	vec_foreach(&lines->waiting, text)
		free(*text);
	vec_done(&lines->waiting);
	lines->next = 0;
	lines_forget_keys(lines);
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	forget_waiting(lines);
	str_done(&lines->begun);
	if (lines->own_fd)
		close(lines->fd);
	free(lines);
}

int lines_descriptor(const struct lines *lines)
{
	return lines->fd;
}

bool lines_waiting(const struct lines *lines)
{
	return lines->begun.length > 0 || lines->next < lines->waiting.count;
}

/* Bytes written, 0 if there is no room now, negative on error. */
static ssize_t write_some(const struct lines *lines, const char *bytes, size_t length)
{
	struct pollfd polled = {.fd = lines->fd, .events = POLLOUT};
	ssize_t written;

	if (!lines->own_fd && !lines->is_plain && poll(&polled, 1, 0) == 0)
		return 0;
	if (!lines->own_fd && !lines->is_plain && length > ROOM_UNKNOWN)
		length = ROOM_UNKNOWN;
	do
		written = lines->is_socket ? send(lines->fd, bytes, length, MSG_DONTWAIT)
					   : write(lines->fd, bytes, length);
	while (written < 0 && errno == EINTR);
	if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return written;
}

/* 1 all of it is out, 0 a rest waits in begun (or all of it does not, if nothing went out), negative on error. */
static int write_line(struct lines *lines, const char *text, size_t length, size_t *done, struct err *e)
{
	*done = 0;
	while (*done < length) {
		ssize_t written = write_some(lines, text + *done, length - *done);
		if (written < 0)
			return err_set_errno(e, ERR_ENV, errno, "standard output");
		if (written == 0)
			return 0;
		*done += (size_t)written;
	}
	return 1;
}

static int flush_begun(struct lines *lines, struct err *e)
{
	size_t done;

	if (lines->begun.length == 0)
		return 1;
	int result = write_line(lines, lines->begun.data, lines->begun.length, &done, e);
	if (result < 0)
		return result;
	memmove(lines->begun.data, lines->begun.data + done, lines->begun.length - done);
	lines->begun.length -= done;
	return result;
}

/* 1 the line is out or begun, 0 there was no room for any of it. */
static int begin_line(struct lines *lines, const char *text, struct err *e)
{
	size_t length = strlen(text);
	size_t done;
	int result = write_line(lines, text, length, &done, e);

	if (result == 0 && done > 0)
		str_add_n(&lines->begun, text + done, length - done);
	return result < 0 ? result : done > 0;
}

/* Drops what was written from the front, seldom enough to cost nothing. */
static void compact(struct lines *lines)
{
	size_t written = lines->next;

	if (2 * written <= lines->waiting.count)
		return;
	for (size_t i = 0; i < written; i++)
		free(lines->waiting.items[i]);
	lines->waiting.count -= written;
	memmove(lines->waiting.items, lines->waiting.items + written,
		lines->waiting.count * sizeof *lines->waiting.items);
	vec_foreach(&lines->places, place)
		*place = *place > written ? *place - written : 0;
	lines->next = 0;
}

int lines_flush(struct lines *lines, struct err *e)
{
	int result = flush_begun(lines, e);

	while (result == 1 && lines->next < lines->waiting.count) {
		result = begin_line(lines, lines->waiting.items[lines->next], e);
		if (result == 1) {
			lines->next++;
			result = lines->begun.length == 0;
		}
	}
	if (lines->next > 0 && lines->next == lines->waiting.count)
		forget_waiting(lines);
	compact(lines);
	return result < 0 ? result : 0;
}

static void add_json(struct str *line, const char *time, const struct hoststate_change *change)
{
	json_open_object(line);
	json_add_key(line, "schema");
	json_add_number(line, SCHEMA);
	json_add_key(line, "time");
	json_add_text(line, time);
	json_add_key(line, "host");
	json_add_text(line, change->host);
	json_add_key(line, "state");
	json_add_text(line, hoststate_name(change->state));
	json_add_key(line, "detail");
	json_add_text(line, change->detail);
	json_close_object(line);
}

static void add_raw(struct str *line, const char *time, const struct hoststate_change *change)
{
	str_addf(line, "%s\t", time);
	str_add_escaped(line, change->host, strlen(change->host));
	str_addf(line, "\t%s\t", hoststate_name(change->state));
	str_add_escaped(line, change->detail ? change->detail : "-", change->detail ? strlen(change->detail) : 1);
}

static char *compose(const struct lines *lines, const struct hoststate_change *change)
{
	cleanup(str_done) struct str line = {0};
	char time[WHEN_TEXT_SIZE];

	when_format(change->at, WHEN_EVENT, time);
	if (lines->format == ROWS_JSON)
		add_json(&line, time, change);
	else
		add_raw(&line, time, change);
	str_add_char(&line, '\n');
	return str_take(&line);
}

/* The place of an older line is kept: who waits longest is told first. */
static void keep(struct lines *lines, size_t key, char *text)
{
	vec_reserve(&lines->places, key + 1);
	while (lines->places.count <= key)
		vec_push(&lines->places, 0);
	size_t *place = &lines->places.items[key];
	if (*place > lines->next) {
		free(lines->waiting.items[*place - 1]);
		lines->waiting.items[*place - 1] = text;
		return;
	}
	vec_push(&lines->waiting, text);
	*place = lines->waiting.count;
}

int lines_put(struct lines *lines, size_t key, const struct hoststate_change *change, struct err *e)
{
	int result = lines_flush(lines, e);

	if (result < 0)
		return result;
	char *text = compose(lines, change);
	result = lines_waiting(lines) ? 0 : begin_line(lines, text, e);
	if (result == 0)
		keep(lines, key, text);
	else
		free(text);
	return result < 0 ? result : 0;
}
