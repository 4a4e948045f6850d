/* mailhead_automatic.c - whether a mail was written by a human being. */
#include "config.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "mailhead.h"
#include "str.h"

/* Behind blanks and comments (RFC 5322, 3.2.2). */
static const char *skip_comments(const char *text)
{
	unsigned depth = 0;

	for (; *text; text++) {
		if (*text == '\\' && depth > 0 && text[1])
			text++;
		else if (*text == '(')
			depth++;
		else if (*text == ')' && depth > 0)
			depth--;
		else if (depth == 0 && !strchr(" \t\r", *text))
			break;
	}
	return text;
}

/* Whether the first word of a value is WORD. */
static bool is_word(const char *value, const char *word)
{
	const char *begin = skip_comments(value);

	return strncasecmp(begin, word, strlen(word)) == 0 && strchr(" \t\r;(", begin[strlen(word)]);
}

static bool is_auto_submitted(const char *value)
{
	return !is_word(value, "no");
}

static bool is_to_many(const char *value)
{
	return is_word(value, "bulk") || is_word(value, "junk") || is_word(value, "list") ||
	       is_word(value, "auto_reply");
}

static bool is_null_sender(const char *value)
{
	const char *begin = skip_comments(value);

	return *begin == '\0' || (*begin == '<' && begin[1 + strspn(begin + 1, " \t")] == '>');
}

static bool is_report(const char *value)
{
	return is_word(value, "multipart/report") || is_word(value, "message/delivery-status") ||
	       is_word(value, "message/disposition-notification");
}

static bool is_daemon(const char *value)
{
	return strcasestr(value, "mailer-daemon") != NULL;
}

static bool is_any(const char *value)
{
	return !is_word(value, "no");
}

static const struct {
	const char *name;
	bool (*is_automatic)(const char *value);
	const char *why;
} marks[] = {
	{"auto-submitted", is_auto_submitted, "it is automatic (Auto-Submitted)"},
	{"precedence", is_to_many, "it is automatic, or to many (Precedence)"},
	{"x-autoreply", is_any, "it is automatic (X-Autoreply)"},
	{"x-autoreply-from", is_any, "it is automatic (X-Autoreply-From)"},
	{"x-autorespond", is_any, "it is automatic (X-Autorespond)"},
	{"x-mail-autoreply", is_any, "it is automatic (X-Mail-Autoreply)"},
	{"return-path", is_null_sender, "its sender wants no answer (Return-Path: <>)"},
	{"content-type", is_report, "it is a report of a mail server or reader (Content-Type)"},
	{"from", is_daemon, "it comes from a mail server (From: MAILER-DAEMON)"},
};

const char *mailhead_automatic(const struct mailhead *head)
{
	if (head->envelope && (is_null_sender(head->envelope) || is_daemon(head->envelope)))
		return "it comes from a mail server (its envelope)";
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		const char *value;
		size_t place = 0;
		while ((value = mailhead_next(head, marks[i].name, &place)))
			if (marks[i].is_automatic(value))
				return marks[i].why;
	}
	return NULL;
}
