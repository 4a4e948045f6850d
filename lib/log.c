/* log.c - where messages to the operator go: stderr, or syslog(3). */
#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "str.h"

static const char *program_name = "vmroll";
static int highest_level = LOG_LEVEL_NOTICE;
static bool to_journal;
static bool to_syslog;

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream that goes to the journal. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char own[64];

	if (!stream || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return strcmp(stream, own) == 0;
}

void log_open(const char *program, int verbosity)
{
	program_name = program;
	highest_level = verbosity < 0 ? LOG_LEVEL_ERROR : verbosity == 0 ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO;
	to_journal = stderr_is_journal();
}

void log_use_syslog(void)
{
	if (to_journal)
		return;
	openlog(program_name, LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

/* Backslashes stay single: names arrive here escaped already. */
static void add_visible(struct str *line, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\\");
		str_add_escaped(line, text, length);
		text += length;
		if (*text)
			str_add_char(line, *text++);
	}
}

static void emit(int level, const char *format, va_list arguments)
{
	cleanup(str_done) struct str line = {0};
	cleanup(cleanup_mem) char *text = NULL;

	if (level > highest_level || vasprintf(&text, format, arguments) < 0)
		return;
	if (to_journal)
		str_addf(&line, "<%d>", level);
	str_addf(&line, "%s: ", program_name);
	add_visible(&line, text);
	if (to_syslog)
		syslog(level, "%s", line.data + strlen(program_name) + 2);
	str_add_char(&line, '\n');
	/* One write a line: several processes share this stderr. */
	ssize_t ignored = write(STDERR_FILENO, line.data, line.length);
	(void)ignored;
}

#define DEFINE_LOG(name, level)                                                                              \
	void name(const char *format, ...)                                                                   \
	{                                                                                                    \
		va_list arguments;                                                                           \
		va_start(arguments, format);                                                                 \
		emit(level, format, arguments);                                                              \
		va_end(arguments);                                                                           \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_notice, LOG_LEVEL_NOTICE)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)

int log_err(const struct err *e)
{
	log_error("%s", e->text);
	return e->code;
}
