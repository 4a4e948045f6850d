/* alert.c - a message as the body of Alertmanager's webhook. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "alert_private.h"
#include "json.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum { HEAD_MAX = 20 * 1000 /* bytes that all but the alerts may take */ };

/* ---- pairs ---- */

struct pair {
	const char *name;
	char *value;
};

struct pairs {
	struct pair *items;
	size_t count, capacity;
};

/* Takes ownership of VALUE; what says nothing is left out, as in Prometheus. */
static void pairs_add(struct pairs *pairs, const char *name, char *value)
{
	if (value && *value)
		vec_push(pairs, (struct pair){name, value});
	else
		free(value);
}

static void pairs_done(struct pairs *pairs)
{
	vec_foreach(pairs, pair)
		free(pair->value);
	vec_done(pairs);
}

static const char *pairs_find(const struct pairs *pairs, const char *name)
{
	vec_foreach(pairs, pair)
		if (strcmp(pair->name, name) == 0)
			return pair->value;
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

static void pairs_sort(struct pairs *pairs)
{
	qsort(pairs->items, pairs->count, sizeof pairs->items[0], by_name);
}

static void pairs_write(struct str *json, const struct pairs *pairs)
{
	json_open_object(json);
	vec_foreach(pairs, pair) {
		json_add_key(json, pair->name);
		json_add_text(json, pair->value);
	}
	json_close_object(json);
}

/* ---- alerts ---- */

struct alert {
	struct pairs labels, annotations;
	int64_t begun, ended; /* ended: WHEN_UNKNOWN: fires */
};

struct alerts {
	struct alert *items;
	size_t count, capacity;
};

static void alerts_done(struct alerts *alerts)
{
	vec_foreach(alerts, alert) {
		pairs_done(&alert->labels);
		pairs_done(&alert->annotations);
	}
	vec_done(alerts);
}

static const struct alert_trouble {
	const char *name, *severity, *summary, *over;
} troubles[] = {
	[INCIDENT_HOST] = {"HostDown", "critical", "stopped answering", "answers again"},
	[INCIDENT_ISOLATED] = {"VmrollIsolated", "critical",
			       "nothing answers: this station is cut off, or everything is dead",
			       "hosts answer again"},
	[INCIDENT_HEARTBEAT] = {"VmrollNotWatching", "warning",
				"hostping has given no sign of life: a host that dies is not noticed",
				"hostping watches again"},
	[INCIDENT_LIST] = {"VmrollNoList", "warning", "no list of the running VMs was taken for two periods",
			   "the running VMs are listed again"},
};

/* An alert fires until the message that says it is over, also if that is known already: a receiver forgets what it never saw fire. */
static int64_t end_of(const struct alert_source *source, const struct incident *incident)
{
	return source->kind == DELIVERY_RECOVERY ? incident->closed : WHEN_UNKNOWN;
}

static const char *group_of(const struct incident *incident)
{
	return incident->group ? incident->group : incident->id;
}

static struct alert *add_alert(struct alerts *alerts, const struct alert_source *source,
			       const struct incident *incident, const char *name)
{
	struct alert *alert = vec_push_zero(alerts);
	const char *host = incident->kind == INCIDENT_HOST ? incident->host : NULL;

	alert->begun = incident->at;
	alert->ended = end_of(source, incident);
	pairs_add(&alert->labels, "alertname", mem_string(name));
	pairs_add(&alert->labels, "host", mem_string(host));
	pairs_add(&alert->labels, "incident", mem_string(group_of(incident)));
	pairs_add(&alert->labels, "instance", mem_string(host));
	pairs_add(&alert->labels, "job", mem_string("vmroll"));
	pairs_add(&alert->labels, "severity", mem_string(troubles[incident->kind].severity));
	pairs_add(&alert->annotations, "incident", mem_string(incident->id));
	if (incident->acknowledged != WHEN_UNKNOWN)
		pairs_add(&alert->annotations, "acknowledged_by", mem_string(incident->acknowledged_by));
	else if (alert->ended == WHEN_UNKNOWN)
		pairs_add(&alert->annotations, "acknowledge",
			  mem_format("notify-admins ack %s", group_of(incident)));
	return alert;
}

static char *failed_text(const struct alert_source *source)
{
	struct str text = {0};

	for (size_t i = 0; i < source->failed_count && text.length < HEAD_MAX / 4; i++)
		str_addf(&text, "%s%s: %.200s", i > 0 ? "; " : "", source->failed[i]->person,
			 source->failed[i]->error ? source->failed[i]->error : "unknown");
	return str_take(&text);
}

static void add_host_alert(struct alerts *alerts, const struct alert_source *source, const struct notice_case *at)
{
	const struct incident *incident = at->incident;
	const struct alert_trouble *trouble = &troubles[incident->kind];
	const char *host = incident->kind == INCIDENT_HOST ? incident->host : "";
	struct alert *alert = add_alert(alerts, source, incident, trouble->name);
	struct pairs *annotations = &alert->annotations;

	pairs_add(annotations, "summary",
		  mem_format("%s%s%s", host, *host ? " " : "",
			     alert->ended == WHEN_UNKNOWN ? trouble->summary : trouble->over));
	pairs_add(annotations, "detail", mem_string(incident->detail));
	pairs_add(annotations, "message", mem_string(delivery_kind_name(source->kind)));
	if (at->affected)
		pairs_add(annotations, "vms", mem_format("%zu", at->affected->count));
	if (source->failed_count > 0)
		pairs_add(annotations, "undelivered", failed_text(source));
}

static char *evidence(const struct notice_item *item, const struct notice_case *at)
{
	char time[WHEN_TEXT_SIZE];

	if (!at->affected || at->affected->snapshot == 0)
		return NULL;
	return mem_format("%s, from the list of %s", affected_grade_name(item->vm->grade),
			  when_format(at->affected->answered, WHEN_RFC3339, time));
}

static char *person_of(const struct alert_source *source, const struct notice_item *item)
{
	const struct admin *admin = item->unreachable;

	if (admin)
		return mem_string(admin->admin && *admin->admin ? admin->admin : admin->phone);
	/* Who gets a copy has no part in it. */
	return item->reason == NOTICE_COPY ? NULL : mem_string(source->notice->person);
}

static void add_vm_alert(struct alerts *alerts, const struct alert_source *source, const struct notice_item *item)
{
	const struct notice_case *at = &source->notices->cases[item->incident];
	struct alert *alert = add_alert(alerts, source, at->incident, "VMHostDown");
	struct pairs *annotations = &alert->annotations;
	char uuid[VM_UUID_TEXT_SIZE];

	vm_uuid_format(item->vm->vm.uuid, uuid);
	pairs_add(&alert->labels, "uuid", mem_string(uuid));
	pairs_add(&alert->labels, "vm", mem_string(item->vm->vm.name));
	pairs_add(annotations, "summary", mem_format("%s ran on %s", item->vm->vm.name, at->incident->host));
	pairs_add(annotations, "process", mem_string(item->process));
	pairs_add(annotations, "person", person_of(source, item));
	pairs_add(annotations, "where", alert_where(item->vm, at->incident));
	pairs_add(annotations, "evidence", evidence(item, at));
}

/* Hosts first: they are few, and must not fall to what there is no room for. */
static void gather(struct alerts *alerts, const struct alert_source *source)
{
	const struct notice *notice = source->notice;

	for (size_t i = 0; i < source->notices->case_count; i++)
		if (!notice || notice->concerned[i])
			add_host_alert(alerts, source, &source->notices->cases[i]);
	if (notice)
		vec_foreach(notice, item)
			add_vm_alert(alerts, source, item);
	vec_foreach(alerts, alert) {
		pairs_sort(&alert->labels);
		pairs_sort(&alert->annotations);
	}
}

/* ---- writing ---- */

/* FNV-1a, 64 bits (draft-eastlake-fnv), over each name and value, each followed by a byte that UTF-8 does not have. */
static uint64_t hash(uint64_t sum, const char *text)
{
	static const uint64_t prime = 1099511628211U;

	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * prime;
	return (sum ^ 0xFF) * prime;
}

static char *fingerprint(const struct pairs *labels)
{
	uint64_t sum = 14695981039346656037U;

	vec_foreach(labels, pair)
		sum = hash(hash(sum, pair->name), pair->value);
	return mem_format("%016" PRIx64, sum);
}

static void add_member(struct str *json, const char *key, const char *text)
{
	json_add_key(json, key);
	json_add_text(json, text);
}

static void add_time(struct str *json, const char *key, int64_t instant)
{
	char text[WHEN_TEXT_SIZE];

	/* Go's time of none, which Alertmanager sends for what has not ended. */
	add_member(json, key,
		   instant == WHEN_UNKNOWN ? "0001-01-01T00:00:00Z" : when_format(instant, WHEN_EVENT, text));
}

static void write_alert(struct str *json, const struct alert *alert)
{
	cleanup(cleanup_mem) char *print = fingerprint(&alert->labels);

	json_open_object(json);
	add_member(json, "status", alert->ended == WHEN_UNKNOWN ? "firing" : "resolved");
	json_add_key(json, "labels");
	pairs_write(json, &alert->labels);
	json_add_key(json, "annotations");
	pairs_write(json, &alert->annotations);
	add_time(json, "startsAt", alert->begun);
	add_time(json, "endsAt", alert->ended);
	add_member(json, "generatorURL", "");
	add_member(json, "fingerprint", print);
	json_close_object(json);
}

/* Returns how many there was room for. */
static size_t write_alerts(struct str *json, const struct alerts *alerts)
{
	size_t written = 0;

	json_open_array(json);
	vec_foreach(alerts, alert) {
		cleanup(str_done) struct str one = {0};
		write_alert(&one, alert);
		if (json->length + one.length > ALERT_BODY_MAX - HEAD_MAX)
			break;
		json_add_json(json, &one);
		written++;
	}
	json_close_array(json);
	return written;
}

/* Those that the first COUNT alerts have alike. */
static void write_common(struct str *json, const struct alerts *alerts, size_t count,
			 const struct pairs *(*part)(const struct alert *alert))
{
	json_open_object(json);
	if (count > 0)
		vec_foreach(part(&alerts->items[0]), pair) {
			size_t alike = 1;
			while (alike < count &&
			       str_equal(pairs_find(part(&alerts->items[alike]), pair->name), pair->value))
				alike++;
			if (alike == count)
				add_member(json, pair->name, pair->value);
		}
	json_close_object(json);
}

static const struct pairs *labels_of(const struct alert *alert)
{
	return &alert->labels;
}

static const struct pairs *annotations_of(const struct alert *alert)
{
	return &alert->annotations;
}

static bool any_fires(const struct alerts *alerts)
{
	vec_foreach(alerts, alert)
		if (alert->ended == WHEN_UNKNOWN)
			return true;
	return false;
}

static void write_body(struct str *json, const struct alerts *alerts, const char *group, const char *receiver)
{
	cleanup(str_done) struct str array = {0};
	cleanup(cleanup_mem) char *key = mem_format("{}:{incident=\"%s\"}", group);
	size_t written = write_alerts(&array, alerts);

	json_open_object(json);
	add_member(json, "version", "4");
	add_member(json, "groupKey", key);
	json_add_key(json, "truncatedAlerts");
	json_add_number(json, alerts->count - written);
	add_member(json, "status", any_fires(alerts) ? "firing" : "resolved");
	add_member(json, "receiver", receiver);
	json_add_key(json, "groupLabels");
	json_open_object(json);
	add_member(json, "incident", group);
	json_close_object(json);
	json_add_key(json, "commonLabels");
	write_common(json, alerts, written, labels_of);
	json_add_key(json, "commonAnnotations");
	write_common(json, alerts, written, annotations_of);
	add_member(json, "externalURL", "");
	json_add_key(json, "alerts");
	json_add_json(json, &array);
	json_close_object(json);
}

void alert_write(struct str *json, const struct alert_source *source, const char *receiver)
{
	cleanup(alerts_done) struct alerts alerts = {0};
	const struct notice_case *first = alert_first_case(source);

	gather(&alerts, source);
	write_body(json, &alerts, first ? group_of(first->incident) : "", receiver);
}

void alert_write_test(struct str *json, const char *receiver, int64_t now)
{
	cleanup(alerts_done) struct alerts alerts = {0};
	struct alert *alert = vec_push_zero(&alerts);

	alert->begun = now;
	alert->ended = WHEN_UNKNOWN;
	pairs_add(&alert->labels, "alertname", mem_string("VmrollTest"));
	pairs_add(&alert->labels, "incident", mem_string("test"));
	pairs_add(&alert->labels, "job", mem_string("vmroll"));
	pairs_add(&alert->labels, "severity", mem_string("none"));
	pairs_add(&alert->annotations, "message", mem_string("test"));
	pairs_add(&alert->annotations, "summary", mem_string("This is a test of vmroll. Nothing happened."));
	write_body(json, &alerts, "test", receiver);
}
