/* alert_slack.c - a message as the text of an incoming webhook. */
#include "config.h"

#include <string.h>

#include "alert.h"
#include "alert_private.h"
#include "json.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum { NAME_SHOWN_MAX = 120, TAIL_MAX = 300 /* bytes kept for what comes after the list */ };

bool alert_tells(const struct alert_source *source, size_t incident)
{
	return !source->notice || source->notice->concerned[incident];
}

const struct notice_case *alert_first_case(const struct alert_source *source)
{
	const struct notice_case *first = NULL;

	for (size_t i = 0; i < source->notices->case_count; i++) {
		const struct notice_case *at = &source->notices->cases[i];
		if (alert_tells(source, i) && (!first || at->incident->at < first->incident->at))
			first = at;
	}
	return first;
}

char *alert_where(const struct affected_vm *vm, const struct incident *incident)
{
	char time[WHEN_TEXT_SIZE];

	if (vm->now == AFFECTED_BACK || vm->now == AFFECTED_RESTARTED) {
		const char *what = vm->now == AFFECTED_BACK       ? "runs as before"
				   : vm->now_since < incident->at ? "ran elsewhere already"
								  : "restarted";
		return mem_format("%s on %s, seen at %s", what, vm->now_host,
				  when_format(vm->now_since, WHEN_RFC3339, time));
	}
	if (vm->grade == AFFECTED_MOVED)
		return mem_string("had moved away before");
	return mem_string(vm->now == AFFECTED_NOT_SEEN ? "not seen since" : "no newer list");
}

/* ---- text ---- */

static void add_entities(struct str *out, const char *text)
{
	for (; *text; text++)
		if (*text == '&')
			str_add(out, "&amp;");
		else if (*text == '<')
			str_add(out, "&lt;");
		else if (*text == '>')
			str_add(out, "&gt;");
		else
			str_add_char(out, *text);
}

/* Cut at a character, so that the rest stays UTF-8. */
static size_t fitting(const char *text, size_t maximum)
{
	size_t length = 0;

	while (text[length]) {
		size_t next = str_utf8_character(text + length, strlen(text + length), NULL);
		next = next > 0 ? next : 1;
		if (length + next > maximum)
			break;
		length += next;
	}
	return length;
}

/* What others wrote, as code: the only thing that stands for formatting there is the backtick. */
static void add_name(struct str *out, const char *name)
{
	cleanup(cleanup_mem) char *escaped = str_escape(name && *name ? name : "-");
	size_t length = fitting(escaped, NAME_SHOWN_MAX);
	cleanup(cleanup_mem) char *cut = mem_string_n(escaped, length);

	for (char *tick = cut; (tick = strchr(tick, '`'));)
		*tick = '\'';
	str_add_char(out, '`');
	add_entities(out, cut);
	str_add(out, escaped[length] ? "…`" : "`");
}

static void add_time(struct str *out, int64_t instant)
{
	char text[WHEN_TEXT_SIZE];

	str_add(out, when_format(instant, WHEN_RFC3339, text));
}

static void add_count(struct str *out, size_t count, const char *what)
{
	str_addf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

/* ---- hosts ---- */

static size_t count_hosts(const struct alert_source *source)
{
	size_t count = 0;

	for (size_t i = 0; i < source->notices->case_count; i++)
		count += alert_tells(source, i);
	return count;
}

static void add_head(struct str *out, const struct alert_source *source)
{
	const struct incident *first = alert_first_case(source)->incident;
	size_t hosts = count_hosts(source);
	bool over = source->kind == DELIVERY_RECOVERY && first->closed != WHEN_UNKNOWN;

	if (hosts == 1)
		add_name(out, first->host);
	else
		add_count(out, hosts, "host");
	str_add(out, over ? " up again since " : " down since ");
	add_time(out, over ? first->closed : first->at);
	if (source->kind == DELIVERY_UNDELIVERED) {
		str_add(out, ": ");
		add_count(out, source->failed_count, "administrator");
		str_add(out, " could not be told");
	} else if (source->notice->count > 0) {
		str_add(out, over ? ": " : ": check ");
		add_count(out, source->notice->count, "VM");
	}
}

static void add_vm(struct str *out, const struct alert_source *source, const struct notice_item *item)
{
	const struct incident *incident = source->notices->cases[item->incident].incident;
	cleanup(cleanup_mem) char *where = alert_where(item->vm, incident);

	str_add(out, "\n• ");
	add_name(out, item->vm->vm.name);
	if (count_hosts(source) > 1) {
		str_add(out, " of ");
		add_name(out, incident->host);
	}
	if (item->process) {
		str_add(out, " ");
		add_name(out, item->process);
	}
	str_add(out, ": ");
	add_name(out, where);
}

static void add_failed(struct str *out, const struct delivery *failed)
{
	str_add(out, "\n• ");
	add_name(out, failed->person);
	str_add(out, ": ");
	add_name(out, failed->error ? failed->error : "unknown");
}

/* Whether LINE still fits; the rest is counted. */
static bool add_if_fits(struct str *out, const struct str *line)
{
	if (out->length + line->length > ALERT_TEXT_MAX - TAIL_MAX)
		return false;
	str_add_n(out, str_text(line), line->length);
	return true;
}

static void add_list(struct str *out, const struct alert_source *source)
{
	bool undelivered = source->kind == DELIVERY_UNDELIVERED;
	size_t count = undelivered ? source->failed_count : source->notice->count;

	for (size_t i = 0; i < count; i++) {
		cleanup(str_done) struct str line = {0};
		if (undelivered)
			add_failed(&line, source->failed[i]);
		else
			add_vm(&line, source, &source->notice->items[i]);
		if (!add_if_fits(out, &line)) {
			str_addf(out, "\nand %zu more", count - i);
			return;
		}
	}
}

static void add_acknowledgement(struct str *out, const struct incident *incident)
{
	if (incident->acknowledged == WHEN_UNKNOWN) {
		cleanup(cleanup_mem) char *command =
			mem_format("notify-admins ack %s", incident->group ? incident->group : incident->id);
		str_add(out, "\nTo acknowledge: ");
		add_name(out, command);
		return;
	}
	str_add(out, "\nAcknowledged by ");
	add_name(out, incident->acknowledged_by);
}

/* ---- trouble of our own ---- */

static void add_trouble(struct str *out, const struct alert_source *source, const struct incident *incident)
{
	static const char *const texts[][2] = {
		[INCIDENT_HOST] = {"", ""},
		[INCIDENT_ISOLATED] =
			{"Nothing answers: this station is cut off, or everything is dead, since ",
			 "Hosts answer again since "},
		[INCIDENT_HEARTBEAT] = {"Nobody watches the hosts since ",
					"The hosts are watched again since "},
		[INCIDENT_LIST] = {"No list of VMs since ", "VMs are listed again since "},
	};
	bool over = source->kind == DELIVERY_RECOVERY && incident->closed != WHEN_UNKNOWN;

	str_add(out, texts[incident->kind][over]);
	add_time(out, over ? incident->closed : incident->at);
	if (incident->detail && !over) {
		str_add(out, ": ");
		add_name(out, incident->detail);
	}
}

static void write_text(struct str *json, const struct str *text)
{
	json_open_object(json);
	json_add_key(json, "text");
	json_add_text(json, str_text(text));
	json_close_object(json);
}

void alert_write_slack(struct str *json, const struct alert_source *source)
{
	cleanup(str_done) struct str text = {0};
	const struct notice_case *first = alert_first_case(source);

	if (first && first->incident->kind == INCIDENT_HOST) {
		add_head(&text, source);
		add_list(&text, source);
	} else if (first) {
		add_trouble(&text, source, first->incident);
	}
	if (first && source->kind != DELIVERY_RECOVERY)
		add_acknowledgement(&text, first->incident);
	write_text(json, &text);
}

void alert_write_slack_test(struct str *json, int64_t now)
{
	cleanup(str_done) struct str text = {0};

	str_add(&text, "This is a test of vmroll, sent at ");
	add_time(&text, now);
	str_add(&text, ". Nothing happened.");
	write_text(json, &text);
}
