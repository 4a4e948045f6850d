/* textfile.c - reading a configuration file whole, and refusing one that is cut short. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "textfile.h"

static int read_all(int fd, const char *path, struct str *text, struct err *e)
{
	char block[65536];

	for (;;) {
		ssize_t length = read(fd, block, sizeof block);
		if (length == 0)
			return 0;
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return err_set_errno(e, ERR_ENV, errno, "%s", path);
		str_add_n(text, block, (size_t)length);
		if (text->length > TEXTFILE_MAX)
			return err_set(e, ERR_USAGE, "%s: larger than %d MiB", path, TEXTFILE_MAX >> 20);
	}
}

int textfile_read(const char *path, struct str *text, mode_t *mode, struct err *e)
{
	cleanup(str_done) struct str read_text = {0};
	cleanup(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	int result = read_all(fd, path, &read_text, e);
	if (result < 0)
		return result;
	if (mode)
		*mode = status.st_mode;
	*text = read_text;
	read_text = (struct str){0};
	return 0;
}

static bool is_line(const char *line, size_t length, const char *wanted)
{
	return length == strlen(wanted) && memcmp(line, wanted, length) == 0;
}

static int check_characters(const char *path, unsigned line, const char *text, size_t length, struct err *e)
{
	for (size_t i = 0; i < length;) {
		uint32_t codepoint;
		size_t bytes = str_utf8_character(text + i, length - i, &codepoint);
		if (bytes == 0)
			return err_set(e, ERR_USAGE, "%s:%u: byte 0x%02X is not UTF-8", path, line,
				       (unsigned char)text[i]);
		if (codepoint == '\r')
			return err_set(e, ERR_USAGE, "%s:%u: carriage return: lines end in LF alone", path, line);
		if ((codepoint < 0x20 && codepoint != '\t') || (codepoint >= 0x7F && codepoint < 0xA0))
			return err_set(e, ERR_USAGE, "%s:%u: control character 0x%02X", path, line,
				       (unsigned)codepoint);
		i += bytes;
	}
	return 0;
}

int textfile_check(const char *path, const char *text, size_t length, struct err *e)
{
	unsigned line = 0, begun = 0, ended = 0;

	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		return err_set(e, ERR_USAGE, "%s:1: begins with a byte order mark", path);
	for (size_t at = 0; at < length;) {
		const char *start = text + at;
		const char *end = memchr(start, '\n', length - at);
		size_t line_length = end ? (size_t)(end - start) : length - at;

		line++;
		int result = check_characters(path, line, start, line_length, e);
		if (result < 0)
			return result;
		if (!end)
			return err_set(e, ERR_USAGE,
				       "%s:%u: the last line does not end: the file is cut short", path, line);
		if (ended && line_length > 0)
			return err_set(e, ERR_USAGE, "%s:%u: text after \"" TEXTFILE_END "\"", path, line);
		if (is_line(start, line_length, TEXTFILE_BEGIN))
			begun = line;
		if (begun && is_line(start, line_length, TEXTFILE_END))
			ended = line;
		at += line_length + 1;
	}
	if (begun && !ended)
		return err_set(e, ERR_USAGE,
			       "%s:%u: \"" TEXTFILE_BEGIN "\" of line %u without \"" TEXTFILE_END
			       "\": the file is cut short",
			       path, line, begun);
	return 0;
}
