/* message_host.c - a host in a message: when it stopped, how that is known, its VMs and where each is since. */
#include "config.h"

#include <string.h>

#include "json.h"
#include "mem.h"
#include "message_private.h"
#include "vec.h"
#include "when.h"

/* ---- members ---- */

void message_add_text(struct str *out, const char *key, const char *text)
{
	json_add_key(out, key);
	json_add_text(out, text);
}

void message_add_number(struct str *out, const char *key, uint64_t number)
{
	json_add_key(out, key);
	json_add_number(out, number);
}

void message_add_truth(struct str *out, const char *key, bool truth)
{
	json_add_key(out, key);
	json_add_bool(out, truth);
}

void message_add_instant(struct str *out, const char *key, int64_t instant)
{
	char text[WHEN_TEXT_SIZE];

	message_add_text(out, key, instant == WHEN_UNKNOWN ? NULL : when_format(instant, WHEN_RFC3339, text));
}

static void add_part(struct str *out, const char *prefix, const char *name, const char *text, size_t length)
{
	cleanup(cleanup_mem) char *key = mem_format("%s%s", prefix, name);

	json_add_key(out, key);
	if (text)
		json_add_text_n(out, text, length);
	else
		json_add_null(out);
}

/* 2026-11-20T12:33:21+09:00; the zone is "Z" or the offset. */
enum { DATE_LENGTH = 10, CLOCK_AT = 11, CLOCK_LENGTH = 8, ZONE_AT = 19 };

void message_add_stamp(struct str *out, const char *prefix, int64_t instant)
{
	char text[WHEN_TEXT_SIZE] = "";
	bool known = instant != WHEN_UNKNOWN && strlen(when_format(instant, WHEN_RFC3339, text)) > ZONE_AT;
	const char *zone = strcmp(text + (known ? ZONE_AT : 0), "Z") == 0 ? "UTC" : text + ZONE_AT;

	add_part(out, prefix, "date", known ? text : NULL, DATE_LENGTH);
	add_part(out, prefix, "clock", known ? text + CLOCK_AT : NULL, CLOCK_LENGTH);
	add_part(out, prefix, "zone", known ? zone : NULL, known ? strlen(zone) : 0);
}

void message_add_short_time(struct str *out, const char *key, int64_t instant, int64_t reference)
{
	char text[WHEN_TEXT_SIZE];
	char near[WHEN_TEXT_SIZE];

	if (instant == WHEN_UNKNOWN) {
		message_add_text(out, key, NULL);
		return;
	}
	when_format(instant, WHEN_LOCAL, text);
	when_format(reference, WHEN_LOCAL, near);
	bool same = strncmp(text, near, DATE_LENGTH) == 0 && strlen(text) > CLOCK_AT;
	message_add_text(out, key, same ? text + CLOCK_AT : text);
}

void message_add_duration(struct str *out, const char *key, int64_t from, int64_t to)
{
	char text[WHEN_TEXT_SIZE];
	bool known = from != WHEN_UNKNOWN && to != WHEN_UNKNOWN;

	message_add_text(out, key, known ? when_format_duration(to - from, text) : NULL);
}

/* ---- where a VM is since ---- */

static bool ran_elsewhere_before(const struct affected_vm *vm, const struct incident *incident)
{
	return vm->now == AFFECTED_RESTARTED && vm->now_since < incident->at;
}

static const char *now_name(const struct affected_vm *vm, const struct incident *incident)
{
	if (vm->now == AFFECTED_BACK)
		return "back";
	if (ran_elsewhere_before(vm, incident))
		return "earlier";
	if (vm->now == AFFECTED_RESTARTED)
		return "restarted";
	if (vm->grade == AFFECTED_MOVED)
		return "moved";
	return vm->now == AFFECTED_NOT_SEEN ? "not_seen" : "unknown";
}

static void add_where_data(struct str *out, const struct affected_vm *vm, const struct incident *incident)
{
	json_open_object(out);
	message_add_text(out, "now_host", vm->now_host);
	message_add_short_time(out, "now_time", vm->now_host ? vm->now_since : WHEN_UNKNOWN, incident->at);
	message_add_truth(out, now_name(vm, incident), true);
	json_close_object(out);
}

/* A phrase is one line, however its template is broken into lines. */
static void add_on_one_line(struct str *out, const char *text)
{
	bool begun = false;

	while (*text) {
		size_t length = strcspn(text, "\n\t");
		if (begun && length > 0)
			str_add_char(out, ' ');
		begun |= length > 0;
		str_add_n(out, text, length);
		text += length;
		text += *text != '\0';
	}
}

static void put_raw(struct str *out, const char *bytes, size_t length)
{
	str_add_n(out, bytes, length);
}

/* Names in it are as they are: who puts it into a text escapes it whole. */
static void add_where(struct message *message, const struct affected_vm *vm, const struct incident *incident)
{
	cleanup(str_done) struct str data = {0};
	cleanup(str_done) struct str words = {0};
	cleanup(str_done) struct str line = {0};
	cleanup(cleanup_json) struct json *tree = NULL;
	struct err ignored;

	if (!message->where && wording_find(message->wording, "where", &message->where, message->e) > 0)
		message->result = 1;
	add_where_data(&data, vm, incident);
	if (message->where && json_parse(data.data, data.length, &tree, &ignored) == 0)
		template_render(message->where, tree, put_raw, &words, &ignored);
	add_on_one_line(&line, str_text(&words));
	message_add_text(message->out, "where", str_text(&line));
}

/* ---- a VM ---- */

static const char *name_of(const struct notice *notice)
{
	return notice->name && *notice->name ? notice->name : notice->person;
}

static const char *owner_of(const struct message *message, const struct notice *notice,
			    const struct notice_item *item)
{
	if (message->kind != DELIVERY_ESCALATION)
		return NULL;
	return name_of(item->owner ? item->owner : notice);
}

static void add_vm(struct message *message, const struct notice *notice, const struct notice_item *item)
{
	struct str *out = message->out;
	const struct affected_vm *vm = item->vm;
	const struct incident *incident = message->notices->cases[item->incident].incident;
	const struct admin *admin = item->unreachable;
	char uuid[VM_UUID_TEXT_SIZE];

	json_open_object(out);
	message_add_text(out, "name", vm->vm.name);
	message_add_text(out, "uuid", vm_uuid_format(vm->vm.uuid, uuid));
	message_add_text(out, "host", incident->host);
	message_add_text(out, "process", item->process);
	message_add_text(out, "grade", affected_grade_name(vm->grade));
	add_where(message, vm, incident);
	message_add_text(out, "now", now_name(vm, incident));
	message_add_text(out, "now_host", vm->now_host);
	message_add_instant(out, "now_since", vm->now_host ? vm->now_since : WHEN_UNKNOWN);
	message_add_short_time(out, "now_time", vm->now_host ? vm->now_since : WHEN_UNKNOWN, incident->at);
	message_add_text(out, "admin", admin && admin->admin && *admin->admin ? admin->admin : NULL);
	message_add_text(out, "phone", admin ? admin->phone : NULL);
	message_add_text(out, "owner", owner_of(message, notice, item));
	json_close_object(out);
}

void message_add_vms(struct message *message, const char *key, const struct notice *notice, size_t incident,
		     enum notice_reason reason)
{
	cleanup(cleanup_mem) char *more_key = mem_format("%s_more", key);
	size_t count = 0;
	size_t more = 0;

	json_add_key(message->out, key);
	json_open_array(message->out);
	vec_foreach(notice, item) {
		if ((incident != SIZE_MAX && item->incident != incident) || item->reason != reason)
			continue;
		/* One at least, so that a list with something in it is never empty. */
		if (count > 0 && (count == MESSAGE_VMS_MAX || message->rows_left == 0)) {
			more++;
			continue;
		}
		add_vm(message, notice, item);
		count++;
		message->rows_left -= message->rows_left > 0;
	}
	json_close_array(message->out);
	message_add_number(message->out, more_key, more);
}

/* ---- a host ---- */

static void add_evidence(struct str *out, const struct affected *affected)
{
	bool listed = affected && affected->snapshot != 0;
	int64_t answered = listed ? affected->answered : WHEN_UNKNOWN;

	message_add_truth(out, "listed", listed);
	message_add_truth(out, "empty", listed && affected->count == 0);
	message_add_truth(out, "followed", listed && affected->followed);
	message_add_instant(out, "list_at", answered);
	message_add_short_time(out, "list_time", answered, listed ? affected->died : 0);
	message_add_duration(out, "list_age", answered, listed ? affected->died : WHEN_UNKNOWN);
}

void message_add_host(struct message *message, size_t incident)
{
	struct str *out = message->out;
	const struct incident *at = message->notices->cases[incident].incident;

	json_open_object(out);
	message_add_text(out, "incident", at->id);
	message_add_text(out, "name", at->host);
	message_add_instant(out, "since", at->at);
	message_add_stamp(out, "", at->at);
	message_add_text(out, "detail", at->detail);
	message_add_instant(out, "ended", at->closed);
	message_add_stamp(out, "ended_", at->closed);
	message_add_short_time(out, "ended_time", at->closed, at->at);
	message_add_duration(out, "down_for", at->at, at->closed);
	message_add_truth(out, "recovered", at->closed != WHEN_UNKNOWN && at->recovered);
	add_evidence(out, message->notices->cases[incident].affected);
	message_add_vms(message, "own", message->notice, incident, NOTICE_OWN);
	message_add_vms(message, "nobody", message->notice, incident, NOTICE_NOBODY);
	message_add_vms(message, "unreachable", message->notice, incident, NOTICE_NO_WAY);
	message_add_vms(message, "copy", message->notice, incident, NOTICE_COPY);
	json_close_object(out);
}
