/* ledger_record.c - a delivery in memory and as a record. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "mem.h"
#include "rec.h"
#include "vec.h"
#include "when.h"

/*
 * Version 1 knew mail only, no turns and no answers. What it can say is still written as such, so that an older
 * program reads on; to anything else it says that a newer one wrote it, rather than misread a call for a mail.
 */
enum { RECORD_VERSION_MAIL = 1, RECORD_VERSION = 2 };

static const char *const kind_names[] = {"first",       "follow-up",  "recovery",
					 "undelivered", "escalation", "summary"};
static const char *const channel_names[] = {"mail", "voice", "webhook", "command"};
static const char *const state_names[] = {"pending",  "sending", "sent",        "failed",
					  "expired",  "heard",   "busy",        "no_answer",
					  "declined", "no_key",  "acknowledged"};
static const char *const call_names[] = {NULL,     "key",       "busy",     "no_answer",   "declined",
					 "no_key", "early_bye", "no_audio", "unreachable", "refused"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const char *delivery_kind_name(enum delivery_kind kind)
{
	return kind_names[kind];
}

const char *delivery_channel_name(enum delivery_channel channel)
{
	return channel_names[channel];
}

const char *delivery_state_name(enum delivery_state state)
{
	return state_names[state];
}

const char *call_end_name(enum call_end end)
{
	return call_names[end];
}

void delivery_done(struct delivery *delivery)
{
	free(delivery->person);
	free(delivery->name);
	free(delivery->address);
	free(delivery->message_id);
	free(delivery->error);
	free(delivery->owner);
	free(delivery->acknowledged_by);
	*delivery = (struct delivery){0};
}

void delivery_copy(struct delivery *to, const struct delivery *from)
{
	*to = *from;
	to->person = mem_string(from->person);
	to->name = mem_string(from->name);
	to->address = mem_string(from->address);
	to->message_id = mem_string(from->message_id);
	to->error = mem_string(from->error);
	to->owner = mem_string(from->owner);
	to->acknowledged_by = mem_string(from->acknowledged_by);
}

bool delivery_is(const struct delivery *a, const struct delivery *b)
{
	return strcmp(a->incident, b->incident) == 0 && a->kind == b->kind && a->part == b->part &&
	       a->channel == b->channel && str_equal(a->person, b->person);
}

void ledger_done(struct ledger *ledger)
{
	vec_foreach(ledger, delivery)
		delivery_done(delivery);
	vec_done(ledger);
}

enum field {
	FIELD_INCIDENT = 1,
	FIELD_KIND,
	FIELD_PART,
	FIELD_CHANNEL,
	FIELD_PERSON,
	FIELD_STATE,
	FIELD_NAME,
	FIELD_ADDRESS,
	FIELD_MESSAGE_ID,
	FIELD_FALLBACK,
	FIELD_COMPLETE,
	FIELD_HANDED,
	FIELD_ATTEMPTS,
	FIELD_BEGUN,
	FIELD_NEXT,
	FIELD_SENT,
	FIELD_ERROR,
	FIELD_OWNER,
	FIELD_LEASE,
	FIELD_HELD,
	FIELD_STEP,
	FIELD_OUTCOME,
	FIELD_KEY,
	FIELD_ACKNOWLEDGED,
	FIELD_ACKNOWLEDGED_BY
};

static void add_instant(struct str *out, unsigned field, int64_t instant)
{
	if (instant != WHEN_UNKNOWN)
		rec_int(out, field, instant);
}

static unsigned version_of(const struct delivery *delivery)
{
	bool turns = delivery->part > 0 && delivery->kind != DELIVERY_UNDELIVERED;

	return turns || delivery->kind > DELIVERY_UNDELIVERED || delivery->channel != DELIVERY_MAIL ||
			       delivery->state > DELIVERY_EXPIRED || delivery->acknowledged_by
		       ? RECORD_VERSION
		       : RECORD_VERSION_MAIL;
}

/* What version 1 did not have, where there is something to say. */
static void encode_answer(const struct delivery *delivery, struct str *out)
{
	if (delivery->held)
		rec_bool(out, FIELD_HELD, true);
	if (delivery->step > 0)
		rec_uint(out, FIELD_STEP, delivery->step);
	if (delivery->outcome != CALL_NONE)
		rec_uint(out, FIELD_OUTCOME, delivery->outcome);
	if (delivery->key)
		rec_uint(out, FIELD_KEY, (unsigned char)delivery->key);
	if (!delivery->acknowledged_by)
		return;
	add_instant(out, FIELD_ACKNOWLEDGED, delivery->acknowledged);
	rec_text(out, FIELD_ACKNOWLEDGED_BY, delivery->acknowledged_by);
}

void delivery_encode(const struct delivery *delivery, struct str *out)
{
	rec_begin(out, version_of(delivery));
	rec_text(out, FIELD_INCIDENT, delivery->incident);
	rec_uint(out, FIELD_KIND, delivery->kind);
	rec_uint(out, FIELD_PART, delivery->part);
	rec_uint(out, FIELD_CHANNEL, delivery->channel);
	rec_text(out, FIELD_PERSON, delivery->person);
	rec_uint(out, FIELD_STATE, delivery->state);
	rec_text(out, FIELD_NAME, delivery->name);
	rec_text(out, FIELD_ADDRESS, delivery->address);
	rec_text(out, FIELD_MESSAGE_ID, delivery->message_id);
	rec_bool(out, FIELD_FALLBACK, delivery->fallback);
	rec_bool(out, FIELD_COMPLETE, delivery->complete);
	rec_bool(out, FIELD_HANDED, delivery->handed);
	rec_uint(out, FIELD_ATTEMPTS, delivery->attempts);
	add_instant(out, FIELD_BEGUN, delivery->begun);
	add_instant(out, FIELD_NEXT, delivery->next);
	add_instant(out, FIELD_SENT, delivery->sent);
	rec_text(out, FIELD_ERROR, delivery->error);
	rec_text(out, FIELD_OWNER, delivery->owner);
	add_instant(out, FIELD_LEASE, delivery->lease);
	encode_answer(delivery, out);
	rec_end(out);
}

static int take_number(const struct rec_value *value, uint64_t limit, unsigned *number, struct err *e)
{
	uint64_t wide;

	if (rec_as_uint(value, &wide, e) < 0)
		return e->code;
	if (wide >= limit)
		return err_set(e, ERR_CORRUPT, "%llu is out of range", (unsigned long long)wide);
	*number = (unsigned)wide;
	return 0;
}

static int take_id(const struct rec_value *value, char *id, struct err *e)
{
	cleanup(cleanup_mem) char *text = NULL;

	if (rec_as_text(value, &text, e) < 0)
		return e->code;
	if (!text)
		return err_set(e, ERR_CORRUPT, "no incident");
	return incident_parse_id(text, id, e) < 0 ? err_set(e, ERR_CORRUPT, "bad id of its incident") : 0;
}

static int take_enum(struct delivery *delivery, unsigned field, const struct rec_value *value, struct err *e)
{
	unsigned number = 0;
	uint64_t limit = field == FIELD_KIND      ? COUNT(kind_names)
			 : field == FIELD_CHANNEL ? COUNT(channel_names)
			 : field == FIELD_OUTCOME ? COUNT(call_names)
						  : COUNT(state_names);

	if (take_number(value, limit, &number, e) < 0)
		return e->code;
	if (field == FIELD_KIND)
		delivery->kind = (enum delivery_kind)number;
	else if (field == FIELD_CHANNEL)
		delivery->channel = (enum delivery_channel)number;
	else if (field == FIELD_OUTCOME)
		delivery->outcome = (enum call_end)number;
	else
		delivery->state = (enum delivery_state)number;
	return 0;
}

static int take_key(const struct rec_value *value, char *key, struct err *e)
{
	unsigned number = 0;

	if (take_number(value, INT8_MAX, &number, e) < 0)
		return e->code;
	*key = (char)number;
	return 0;
}

static int take_answer(struct delivery *delivery, unsigned field, const struct rec_value *value, struct err *e)
{
	switch (field) {
	case FIELD_HELD:
		return rec_as_bool(value, &delivery->held, e);
	case FIELD_STEP:
		return take_number(value, UINT32_MAX, &delivery->step, e);
	case FIELD_KEY:
		return take_key(value, &delivery->key, e);
	case FIELD_ACKNOWLEDGED:
		return rec_as_int(value, &delivery->acknowledged, e);
	case FIELD_ACKNOWLEDGED_BY:
		return rec_replace_text(value, &delivery->acknowledged_by, e);
	default:
		return 0;
	}
}

static int take_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct delivery *delivery = context;

	switch (field) {
	case FIELD_INCIDENT:
		return take_id(value, delivery->incident, e);
	case FIELD_KIND:
	case FIELD_CHANNEL:
	case FIELD_STATE:
	case FIELD_OUTCOME:
		return take_enum(delivery, field, value, e);
	case FIELD_PART:
		return take_number(value, UINT32_MAX, &delivery->part, e);
	case FIELD_PERSON:
		return rec_replace_text(value, &delivery->person, e);
	case FIELD_NAME:
		return rec_replace_text(value, &delivery->name, e);
	case FIELD_ADDRESS:
		return rec_replace_text(value, &delivery->address, e);
	case FIELD_MESSAGE_ID:
		return rec_replace_text(value, &delivery->message_id, e);
	case FIELD_FALLBACK:
		return rec_as_bool(value, &delivery->fallback, e);
	case FIELD_COMPLETE:
		return rec_as_bool(value, &delivery->complete, e);
	case FIELD_HANDED:
		return rec_as_bool(value, &delivery->handed, e);
	case FIELD_ATTEMPTS:
		return take_number(value, UINT32_MAX, &delivery->attempts, e);
	case FIELD_BEGUN:
		return rec_as_int(value, &delivery->begun, e);
	case FIELD_NEXT:
		return rec_as_int(value, &delivery->next, e);
	case FIELD_SENT:
		return rec_as_int(value, &delivery->sent, e);
	case FIELD_ERROR:
		return rec_replace_text(value, &delivery->error, e);
	case FIELD_OWNER:
		return rec_replace_text(value, &delivery->owner, e);
	case FIELD_LEASE:
		return rec_as_int(value, &delivery->lease, e);
	default:
		return take_answer(delivery, field, value, e);
	}
}

int delivery_decode(const void *data, size_t length, struct delivery *delivery, struct err *e)
{
	struct delivery read = {.begun = WHEN_UNKNOWN,
				.next = WHEN_UNKNOWN,
				.sent = WHEN_UNKNOWN,
				.lease = WHEN_UNKNOWN,
				.acknowledged = WHEN_UNKNOWN};
	int result = rec_read(data, length, RECORD_VERSION, take_field, &read, e);

	if (result == 0 && (!read.person || !read.incident[0]))
		result = err_set(e, ERR_CORRUPT, "no incident, or no person");
	if (result < 0) {
		delivery_done(&read);
		return err_wrap(e, "delivery");
	}
	*delivery = read;
	return 0;
}
