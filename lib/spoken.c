/* spoken.c - a message for the ear: what message.h says, cut to what one can listen to, in the words of the templates call-*. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "message.h"
#include "spoken.h"
#include "spoken_private.h"

void spoken_done(struct spoken *spoken)
{
	free(spoken->message);
	free(spoken->all);
	free(spoken->thanks);
	free(spoken->passed);
	*spoken = (struct spoken){0};
}

bool spoken_asks(enum delivery_kind kind)
{
	return kind != DELIVERY_RECOVERY;
}

/* ---- what the templates get ---- */

/* A name of which nothing can be said is null, so that a template can say something else. */
static void add_name(struct str *out, const char *key, const char *name)
{
	cleanup(str_done) struct str spoken = {0};

	if (name)
		spoken_add_name(&spoken, name, strlen(name));
	json_add_key(out, key);
	json_add_text(out, spoken.length ? str_text(&spoken) : NULL);
}

static void add_number(struct str *out, const char *key, uint64_t number)
{
	json_add_key(out, key);
	json_add_number(out, number);
}

static uint64_t number_of(const struct json *message, const char *key)
{
	int64_t number;

	return json_int(json_get(message, key), &number) && number > 0 ? (uint64_t)number : 0;
}

static void copy_truths(struct str *out, const struct json *message)
{
	static const char *const keys[] = {"isolated",      "heartbeat",      "unlisted",
					   "over",          "listed",         "one_vm",
					   "several_hosts", "one_unanswered", "acknowledged"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		json_add_key(out, keys[i]);
		json_add_bool(out, json_holds(json_get(message, keys[i])));
	}
}

static void copy_numbers(struct str *out, const struct json *message)
{
	static const char *const keys[] = {"host_count", "down_count", "vm_count", "back_count"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		add_number(out, keys[i], number_of(message, keys[i]));
}

/* "12:33:21" as "12 33", its hour and its minute; a minute below 10 is heard with its 0. */
static void add_clock(struct str *out, const char *prefix, const char *clock)
{
	cleanup(cleanup_mem) char *hour_key = mem_format("%shour", prefix);
	cleanup(cleanup_mem) char *minute_key = mem_format("%sminute", prefix);
	cleanup(cleanup_mem) char *clock_key = mem_format("%sclock", prefix);
	char *end;

	if (!clock)
		return;
	unsigned hour = (unsigned)strtoul(clock, &end, 10);
	if (end == clock || *end != ':')
		return;
	unsigned minute = (unsigned)strtoul(end + 1, NULL, 10);
	cleanup(cleanup_mem) char *text = mem_format(minute < 10 ? "%u 0 %u" : "%u %u", hour, minute);
	json_add_key(out, clock_key);
	json_add_text(out, text);
	add_number(out, hour_key, hour);
	add_number(out, minute_key, minute);
}

/* Adds the names of at most MAXIMUM items of LIST to the open array, and returns how many those are. */
static size_t add_names(struct str *out, const struct json *list, size_t maximum)
{
	size_t count = json_count(list);

	if (count > maximum)
		count = maximum;
	for (size_t i = 0; i < count; i++) {
		const struct json *item = json_at(list, i);
		json_open_object(out);
		add_name(out, "name", json_text(json_get(item, "name")));
		add_name(out, "process", json_text(json_get(item, "process")));
		json_close_object(out);
	}
	return count;
}

static void add_list(struct str *out, const char *key, const char *more_key, const struct json *list,
		     uint64_t total)
{
	json_add_key(out, key);
	json_open_array(out);
	size_t said = add_names(out, list, SPOKEN_NAMES);
	json_close_array(out);
	add_number(out, more_key, total > said ? total - said : 0);
}

static void add_vms(struct str *out, const struct json *message, size_t maximum)
{
	static const char *const lists[] = {"own", "nobody", "unreachable", "copy"};
	const struct json *hosts = json_get(message, "hosts");
	uint64_t total = number_of(message, "vm_count");
	size_t said = 0;

	json_add_key(out, "vms");
	json_open_array(out);
	for (size_t i = 0; i < json_count(hosts); i++)
		for (size_t j = 0; j < sizeof lists / sizeof lists[0]; j++)
			said += add_names(out, json_get(json_at(hosts, i), lists[j]), maximum - said);
	json_close_array(out);
	add_number(out, "vms_more", total > said ? total - said : 0);
}

/* The message for the ear, with at most MAXIMUM VMs. */
static void add_data(struct str *out, const struct json *message, size_t maximum)
{
	const char *name = json_text(json_get(message, "person_name"));
	const struct json *unanswered = json_get(message, "unanswered");

	json_open_object(out);
	add_name(out, "person", name && *name ? name : json_text(json_get(message, "person")));
	copy_truths(out, message);
	copy_numbers(out, message);
	add_clock(out, "", json_text(json_get(message, "clock")));
	add_clock(out, "ended_", json_text(json_get(message, "ended_clock")));
	add_list(out, "hosts", "hosts_more", json_get(message, "hosts"), number_of(message, "host_count"));
	add_vms(out, message, maximum);
	add_list(out, "unanswered", "unanswered_more", unanswered, json_count(unanswered));
	add_name(out, "acknowledged_by", json_text(json_get(message, "acknowledged_by")));
	json_close_object(out);
}

/* ---- what is said ---- */

/* What all the texts of one call are made with. */
struct saying {
	const struct wording *wording;
	struct json *brief; /* names the first VMs */
	struct json *whole; /* names many of them */
	int result;
	struct err *e;
};

static void put(struct str *out, const char *bytes, size_t length)
{
	str_add_n(out, bytes, length);
}

/* Appends the text of a template to OUT, and a blank before it where there is something already. */
static void say(struct saying *saying, struct str *out, const char *name, const struct json *data)
{
	cleanup(cleanup_template) struct template *template = NULL;
	cleanup(str_done) struct str text = {0};
	int result = saying->result < 0 ? saying->result
					: wording_find(saying->wording, name, &template, saying->e);

	if (result != 0)
		saying->result = result;
	if (result < 0)
		return;
	/* Over its bound it is cut, as any text that is too long to listen to. */
	template_render(template, data, put, &text, NULL);
	if (out->length > 0)
		str_add_char(out, ' ');
	spoken_add_clean(out, str_text(&text), SPOKEN_TEXT_MAX / 2);
}

static char *say_one(struct saying *saying, const char *name, const struct json *data)
{
	struct str out = {0};

	say(saying, &out, name, data);
	return str_take(&out);
}

static int make_data(struct json **data, const struct json *message, size_t maximum, struct err *e)
{
	cleanup(str_done) struct str text = {0};

	add_data(&text, message, maximum);
	return json_parse(text.data, text.length, data, e);
}

/* The message is what the templates NAMES (NULL-terminated) say, one after the other. */
static int say_all(struct spoken *spoken, const struct str *json, const char *const *names,
		   const struct wording *wording, struct err *e)
{
	cleanup(cleanup_json) struct json *message = NULL;
	cleanup(cleanup_json) struct json *brief = NULL;
	cleanup(cleanup_json) struct json *whole = NULL;
	struct str text = {0};

	if (json_parse(json->data, json->length, &message, e) < 0 ||
	    make_data(&brief, message, SPOKEN_NAMES, e) < 0 || make_data(&whole, message, SPOKEN_ALL, e) < 0)
		return ERR_USAGE;
	struct saying saying = {wording, brief, whole, 0, e};
	for (; *names; names++)
		say(&saying, &text, *names, saying.brief);
	spoken->message = str_take(&text);
	spoken->all = say_one(&saying, "call-all", saying.whole);
	spoken->thanks = say_one(&saying, "call-thanks", saying.brief);
	spoken->passed = say_one(&saying, "call-passed", saying.brief);
	return saying.result;
}

static const char *name_of(enum delivery_kind kind)
{
	static const char *const names[] = {
		[DELIVERY_FIRST] = "call-first",           [DELIVERY_FOLLOW_UP] = "call-follow-up",
		[DELIVERY_RECOVERY] = "call-recovery",     [DELIVERY_UNDELIVERED] = "call-first",
		[DELIVERY_ESCALATION] = "call-escalation", [DELIVERY_SUMMARY] = "call-summary",
	};

	return names[kind];
}

int spoken_write(struct spoken *spoken, enum delivery_kind kind, const struct notices *notices,
		 const struct notice *notice, const struct wording *wording, struct err *e)
{
	cleanup(str_done) struct str json = {0};
	bool trouble = kind != DELIVERY_SUMMARY && message_event(notices, notice) != INCIDENT_HOST;
	const char *const names[] = {trouble ? "call-trouble" : name_of(kind),
				     spoken_asks(kind) ? "call-prompt" : NULL, NULL};
	int result = message_write(&json, kind, notices, notice, wording, NULL, e);
	int said = say_all(spoken, &json, names, wording, e);

	return said != 0 ? said : result;
}

int spoken_test(struct spoken *spoken, const char *person, const struct wording *wording, struct err *e)
{
	static const char *const names[] = {"call-test", NULL};
	cleanup(str_done) struct str json = {0};

	message_test(&json, person, 0, wording);
	return say_all(spoken, &json, names, wording, e);
}
