/* letter.c - a message as a mail: its template, set as plain text and as HTML. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "letter.h"
#include "mem.h"
#include "message.h"
#include "page.h"
#include "str.h"

enum { VALUE_MAX = 500 }; /* bytes of a name, or whatever else, that a letter shows */

void letter_done(struct letter *letter)
{
	free(letter->subject);
	free(letter->text);
	free(letter->html);
	*letter = (struct letter){0};
}

/* Where the address to reply to has no room for the token, the subject carries it. */
static char *subject_of(const char *line, size_t length, const struct wording *wording)
{
	static const char head[] = "Subject: ";
	cleanup(cleanup_mem) char *subject = mem_string_n(line + strlen(head), length - strlen(head));

	if (!wording->reply || !wording->reply_token)
		return mem_string(subject);
	return mem_format("%s [%s]", subject, wording->reply_token);
}

/* RENDERED begins with the subject: no template is let in that does not. */
static void set(struct letter *letter, const char *rendered, const struct wording *wording)
{
	size_t length = strcspn(rendered, "\n");

	letter->subject = subject_of(rendered, length, wording);
	page_set(rendered + length, &letter->text, &letter->html);
}

/* What cannot be seen is shown; of what nobody would read to its end the beginning is enough. */
static void put_value(struct str *out, const char *bytes, size_t length)
{
	size_t kept = length;

	if (length > VALUE_MAX)
		for (kept = VALUE_MAX; kept > 0 && ((unsigned char)bytes[kept] & 0xC0) == 0x80;)
			kept--;
	str_add_escaped(out, bytes, kept);
	if (kept < length)
		str_add(out, "...");
}

static int render(struct str *out, const char *name, const struct json *data, const struct wording *wording,
		  struct err *e)
{
	cleanup(cleanup_template) struct template *template = NULL;
	int result = wording_find(wording, name, &template, e);

	if (result < 0)
		return result;
	int rendered = template_render(template, data, put_value, out, e);
	return rendered < 0 ? rendered : result;
}

/* As far as it goes, where even the built-in one would be too long: a part is better than nothing. */
static int render_bounded(struct str *out, const char *name, const struct json *data,
			  const struct wording *wording, struct err *e)
{
	struct wording built_in = *wording;
	int result = render(out, name, data, wording, e);

	if (result != ERR_TOO_LARGE)
		return result;
	err_wrap(e, "template %s", name);
	str_reset(out);
	built_in.folder = NULL;
	render(out, name, data, &built_in, NULL);
	return 1;
}

static int make(struct letter *letter, const char *name, const struct str *json,
		const struct wording *wording, struct err *e)
{
	cleanup(cleanup_json) struct json *data = NULL;
	cleanup(str_done) struct str rendered = {0};
	int result = json_parse(json->data, json->length, &data, e);

	if (result == 0)
		result = render_bounded(&rendered, name, data, wording, e);
	if (result >= 0)
		set(letter, str_text(&rendered), wording);
	return result;
}

static const char *name_of(enum delivery_kind kind)
{
	static const char *const names[] = {
		[DELIVERY_FIRST] = "mail-first",           [DELIVERY_FOLLOW_UP] = "mail-follow-up",
		[DELIVERY_RECOVERY] = "mail-recovery",     [DELIVERY_UNDELIVERED] = "mail-undelivered",
		[DELIVERY_ESCALATION] = "mail-escalation", [DELIVERY_SUMMARY] = "mail-summary",
	};

	return names[kind];
}

int letter_write(struct letter *letter, enum delivery_kind kind, const struct notices *notices,
		 const struct notice *notice, const struct wording *wording, struct err *e)
{
	cleanup(str_done) struct str json = {0};
	bool trouble = kind != DELIVERY_SUMMARY && message_event(notices, notice) != INCIDENT_HOST;
	int result = message_write(&json, kind, notices, notice, wording, NULL, e);
	int made = make(letter, trouble ? "mail-trouble" : name_of(kind), &json, wording, e);

	return made != 0 ? made : result;
}

int letter_undelivered(struct letter *letter, const struct notices *notices, const struct delivery *const *failed,
		       size_t count, const struct wording *wording, struct err *e)
{
	cleanup(str_done) struct str json = {0};
	int result = message_undelivered(&json, notices, failed, count, wording, NULL, e);
	int made = make(letter, name_of(DELIVERY_UNDELIVERED), &json, wording, e);

	return made != 0 ? made : result;
}

int letter_test(struct letter *letter, const char *person, int64_t now, const struct wording *wording,
		struct err *e)
{
	cleanup(str_done) struct str json = {0};

	message_test(&json, person, now, wording);
	return make(letter, "mail-test", &json, wording, e);
}
