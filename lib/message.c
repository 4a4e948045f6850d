/* message.c - what a message says, as JSON: the one model behind mail, voice, webhook and command. */
#include "config.h"

#include <string.h>

#include "json.h"
#include "mem.h"
#include "message_private.h"
#include "vec.h"
#include "when.h"

enum { SCHEMA = 1, MANY_HOSTS = 3, ROWS_MAX = 2000 };

/* ---- what it is about ---- */

static bool concerns(const struct message *message, size_t incident)
{
	return !message->notice || message->notice->concerned[incident];
}

/* That which happened first of those that concern the person. */
static const struct notice_case *first_case(const struct message *message)
{
	const struct notices *notices = message->notices;
	const struct notice_case *first = NULL;

	for (size_t i = 0; i < notices->case_count; i++)
		if (concerns(message, i) && (!first || notices->cases[i].incident->at < first->incident->at))
			first = &notices->cases[i];
	return first ? first : &notices->cases[0];
}

enum incident_kind message_event(const struct notices *notices, const struct notice *notice)
{
	const struct message message = {.notices = notices, .notice = notice};

	return first_case(&message)->incident->kind;
}

/* Hosts that concern the person. */
static size_t count_concerned(const struct message *message)
{
	size_t count = 0;

	for (size_t i = 0; i < message->notices->case_count; i++)
		count += concerns(message, i) && message->notices->cases[i].incident->kind == INCIDENT_HOST;
	return count;
}

/* Hosts that are down, whomever they concern. */
static size_t count_down(const struct message *message)
{
	const struct notices *notices = message->notices;
	size_t count = 0;

	for (size_t i = 0; i < notices->case_count; i++)
		count += notices->cases[i].incident->kind == INCIDENT_HOST &&
			 notices->cases[i].incident->closed == WHEN_UNKNOWN;
	return count;
}

static size_t count_back(const struct notice *notice)
{
	size_t back = 0;

	vec_foreach(notice, item)
		back += notice_is_back(item->vm);
	return back;
}

/* Whether one runs elsewhere while its host may run it too. */
static bool may_run_twice(const struct message *message)
{
	vec_foreach(message->notice, item) {
		const struct incident *incident = message->notices->cases[item->incident].incident;
		if (incident->closed != WHEN_UNKNOWN && item->vm->now == AFFECTED_RESTARTED &&
		    !str_equal(item->vm->now_host, incident->host))
			return true;
	}
	return false;
}

/* ---- parts ---- */

static void add_head(struct str *out, const char *kind, const char *event, const char *incident,
		     const char *idempotency_key)
{
	message_add_number(out, "schema", SCHEMA);
	message_add_text(out, "kind", kind);
	message_add_text(out, "event", event);
	message_add_text(out, "incident", incident);
	message_add_text(out, "idempotency_key", idempotency_key);
}

static void add_person(struct str *out, const struct notice *notice, const struct wording *wording)
{
	message_add_text(out, "person", notice ? notice->person : NULL);
	message_add_text(out, "person_name", notice ? notice->name : NULL);
	message_add_text(out, "person_address", notice ? notice->address : NULL);
	message_add_text(out, "lang", wording->lang);
	message_add_truth(out, "fallback", notice && notice->fallback);
}

static void add_event(struct str *out, const struct incident *incident, enum delivery_kind kind)
{
	message_add_truth(out, "isolated", incident->kind == INCIDENT_ISOLATED);
	message_add_truth(out, "heartbeat", incident->kind == INCIDENT_HEARTBEAT);
	message_add_truth(out, "unlisted", incident->kind == INCIDENT_LIST);
	message_add_truth(out, "over", kind == DELIVERY_RECOVERY);
	message_add_instant(out, "since", incident->at);
	message_add_stamp(out, "", incident->at);
	message_add_text(out, "detail", incident->detail);
	message_add_instant(out, "ended", incident->closed);
	message_add_stamp(out, "ended_", incident->closed);
	message_add_short_time(out, "ended_time", incident->closed, incident->at);
	message_add_duration(out, "down_for", incident->at, incident->closed);
}

static void add_counts(const struct message *message, const struct notice_case *first)
{
	struct str *out = message->out;
	const struct notice *notice = message->notice;
	size_t host_count = count_concerned(message);

	message_add_text(out, "host", first->incident->host);
	message_add_number(out, "host_count", host_count);
	message_add_truth(out, "several_hosts", host_count > 1);
	message_add_truth(out, "many_hosts", host_count > MANY_HOSTS);
	message_add_number(out, "down_count", count_down(message));
	message_add_truth(out, "listed", first->affected && first->affected->snapshot != 0);
	message_add_number(out, "vm_count", notice ? notice->count : 0);
	message_add_truth(out, "one_vm", notice && notice->count == 1);
	message_add_number(out, "back_count", notice ? count_back(notice) : 0);
	message_add_truth(out, "twice", notice && may_run_twice(message));
}

static void add_hosts(struct message *message)
{
	const struct notices *notices = message->notices;
	size_t count = 0;
	size_t more = 0;

	json_add_key(message->out, "hosts");
	json_open_array(message->out);
	for (size_t i = 0; message->notice && i < notices->case_count; i++) {
		if (!concerns(message, i) || notices->cases[i].incident->kind != INCIDENT_HOST)
			continue;
		if (count++ < MESSAGE_HOSTS_MAX)
			message_add_host(message, i);
		else
			more++;
	}
	json_close_array(message->out);
	message_add_number(message->out, "hosts_more", more);
}

static void add_acknowledgement(const struct message *message, const struct incident *incident)
{
	struct str *out = message->out;
	cleanup(cleanup_mem) char *command =
		mem_format("notify-admins ack %s", incident->group ? incident->group : incident->id);
	bool given = incident->acknowledged != WHEN_UNKNOWN;

	message_add_instant(out, "acknowledged", incident->acknowledged);
	message_add_short_time(out, "acknowledged_time", incident->acknowledged, incident->at);
	message_add_text(out, "acknowledged_by", given ? incident->acknowledged_by : NULL);
	message_add_text(out, "note", given ? incident->note : NULL);
	message_add_text(out, "acknowledge", command);
	message_add_text(out, "reply", message->wording->reply);
}

/* ---- who did not answer ---- */

static bool is_new_owner(const struct notice *notice, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (notice->items[i].owner == notice->items[place].owner)
			return false;
	return notice->items[place].owner != NULL;
}

static void add_unanswered_person(struct str *out, const struct notice *owner)
{
	json_open_object(out);
	message_add_text(out, "person", owner->person);
	message_add_text(out, "name", owner->name && *owner->name ? owner->name : owner->person);
	json_close_object(out);
}

static void add_unanswered(const struct message *message)
{
	const struct notice *notice = message->notice;
	struct str *out = message->out;
	size_t count = 0;

	json_add_key(out, "unanswered");
	json_open_array(out);
	for (size_t i = 0; notice && message->kind == DELIVERY_ESCALATION && i < notice->count; i++)
		if (is_new_owner(notice, i)) {
			add_unanswered_person(out, notice->items[i].owner);
			count++;
		}
	/* Nobody in particular: the notice is that of who did not answer. */
	if (notice && message->kind == DELIVERY_ESCALATION && count == 0) {
		add_unanswered_person(out, notice);
		count++;
	}
	json_close_array(out);
	message_add_truth(out, "one_unanswered", count == 1);
}

/* ---- who could not be told ---- */

static void add_failed(struct message *message, const struct delivery *const *failed, size_t count)
{
	struct str *out = message->out;
	static const struct notice nothing;

	json_add_key(out, "failed");
	json_open_array(out);
	for (size_t i = 0; i < count; i++) {
		const struct notice *notice = notices_find(message->notices, failed[i]->person);
		json_open_object(out);
		message_add_text(out, "person", failed[i]->person);
		message_add_text(out, "error", failed[i]->error ? failed[i]->error : "unknown");
		message_add_vms(message, "vms", notice ? notice : &nothing, SIZE_MAX, NOTICE_OWN);
		json_close_object(out);
	}
	json_close_array(out);
	message_add_number(out, "failed_count", count);
	message_add_truth(out, "one_failed", count == 1);
}

/* ---- all of it ---- */

static void write_message(struct message *message, const char *idempotency_key,
			  const struct delivery *const *failed, size_t failed_count)
{
	const struct notice_case *first = first_case(message);
	const struct incident *incident = first->incident;
	struct str *out = message->out;

	json_open_object(out);
	add_head(out, delivery_kind_name(message->kind), incident_kind_name(incident->kind),
		 incident->group ? incident->group : incident->id, idempotency_key);
	add_person(out, message->notice, message->wording);
	add_event(out, incident, message->kind);
	add_counts(message, first);
	add_hosts(message);
	add_unanswered(message);
	add_failed(message, failed, failed_count);
	add_acknowledgement(message, incident);
	json_close_object(out);
	template_free(message->where);
}

int message_write(struct str *json, enum delivery_kind kind, const struct notices *notices,
		  const struct notice *notice, const struct wording *wording, const char *idempotency_key,
		  struct err *e)
{
	struct message message = {.out = json,
				  .kind = kind,
				  .notices = notices,
				  .notice = notice,
				  .wording = wording,
				  .rows_left = ROWS_MAX,
				  .e = e};

	write_message(&message, idempotency_key, NULL, 0);
	return message.result;
}

int message_undelivered(struct str *json, const struct notices *notices, const struct delivery *const *failed,
			size_t count, const struct wording *wording, const char *idempotency_key, struct err *e)
{
	struct message message = {.out = json,
				  .kind = DELIVERY_UNDELIVERED,
				  .notices = notices,
				  .wording = wording,
				  .rows_left = ROWS_MAX,
				  .e = e};

	write_message(&message, idempotency_key, failed, count);
	return message.result;
}

void message_test(struct str *json, const char *person, int64_t now, const struct wording *wording)
{
	const struct notice notice = {.person = (char *)person};

	json_open_object(json);
	add_head(json, "test", "test", NULL, NULL);
	add_person(json, &notice, wording);
	message_add_instant(json, "since", now);
	message_add_stamp(json, "", now);
	json_close_object(json);
}
