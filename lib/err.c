/* err.c - error codes, and a message that grows a cause at a time. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

/* A message cut in the middle of a character would no longer be UTF-8 in the mail or the JSON that quotes it. */
static void trim_to_character(char *text)
{
	size_t length = strlen(text);
	size_t tail = 0;

	while (tail < length && tail < 3 && ((unsigned char)text[length - 1 - tail] & 0xC0) == 0x80)
		tail++;
	if (tail == length)
		return;
	unsigned char lead = (unsigned char)text[length - 1 - tail];
	size_t needed = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
	if (needed > tail)
		text[length - 1 - tail] = '\0';
}

static void format_text(struct err *e, const char *format, va_list arguments)
{
	int length = vsnprintf(e->text, sizeof e->text, format, arguments);

	if (length >= (int)sizeof e->text)
		trim_to_character(e->text);
}

static void append_text(struct err *e, const char *text)
{
	size_t used = strlen(e->text);
	int length = snprintf(e->text + used, sizeof e->text - used, ": %s", text);

	if (length >= (int)(sizeof e->text - used))
		trim_to_character(e->text);
}

int err_set(struct err *e, int code, const char *format, ...)
{
	if (!e)
		return code;
	va_list arguments;
	va_start(arguments, format);
	format_text(e, format, arguments);
	va_end(arguments);
	e->code = code;
	return code;
}

int err_set_errno(struct err *e, int code, int errnum, const char *format, ...)
{
	if (!e)
		return code;
	va_list arguments;
	va_start(arguments, format);
	format_text(e, format, arguments);
	va_end(arguments);
	append_text(e, strerror(errnum));
	e->code = code;
	return code;
}

int err_wrap(struct err *e, const char *format, ...)
{
	if (!e)
		return ERR_ENV;
	char cause[ERR_TEXT_SIZE];
	memcpy(cause, e->text, sizeof cause);

	va_list arguments;
	va_start(arguments, format);
	format_text(e, format, arguments);
	va_end(arguments);
	append_text(e, cause);
	return e->code;
}

int err_exit_status(int code)
{
	if (code >= 0)
		return 0;
	switch (code) {
	case ERR_NOT_FOUND:
	case ERR_REFUSED:
		return 1;
	case ERR_USAGE:
	case ERR_AMBIGUOUS:
		return 2;
	case ERR_PARTIAL:
		return 3;
	case ERR_DEADLINE:
	case ERR_LOCKED:
		return 5;
	default:
		return 4;
	}
}
