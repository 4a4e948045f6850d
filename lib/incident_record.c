/* incident_record.c - an incident in memory and as a record. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "incident_private.h"
#include "mem.h"
#include "rec.h"
#include "vec.h"
#include "when.h"

enum { RECORD_VERSION = 1, CLOSED_VERSION = 1 };

static const char *const kind_names[] = {"down", "isolated", "heartbeat", "list"};

enum { KIND_COUNT = sizeof kind_names / sizeof kind_names[0] };

void incident_done(struct incident *incident)
{
	free(incident->host);
	free(incident->detail);
	free(incident->group);
	free(incident->acknowledged_by);
	free(incident->note);
	free(incident->silence);
	free(incident->closed_why);
	*incident = (struct incident){0};
}

void incident_copy(struct incident *to, const struct incident *from)
{
	*to = *from;
	to->host = mem_string(from->host);
	to->detail = mem_string(from->detail);
	to->group = mem_string(from->group);
	to->acknowledged_by = mem_string(from->acknowledged_by);
	to->note = mem_string(from->note);
	to->silence = mem_string(from->silence);
	to->closed_why = mem_string(from->closed_why);
}

void incidents_done(struct incidents *incidents)
{
	vec_foreach(incidents, incident)
		incident_done(incident);
	vec_done(incidents);
}

const char *incident_kind_name(enum incident_kind kind)
{
	return kind_names[kind];
}

enum field {
	FIELD_KIND = 1,
	FIELD_HOST,
	FIELD_AT,
	FIELD_OPENED,
	FIELD_DETAIL,
	FIELD_GROUP,
	FIELD_STEPS,
	FIELD_HANDED,
	FIELD_ACKNOWLEDGED,
	FIELD_ACKNOWLEDGED_BY,
	FIELD_NOTE,
	FIELD_CLOSED,
	FIELD_CLOSING,
	FIELD_CLOSED_WHY,
	FIELD_RECOVERED,
	FIELD_LISTED,
	FIELD_WHOLE,
	FIELD_SILENCE,
	FIELD_SILENCED_UNTIL
};

static void add_instant(struct str *out, unsigned field, int64_t instant)
{
	if (instant != WHEN_UNKNOWN)
		rec_int(out, field, instant);
}

void incident_encode(const struct incident *incident, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, FIELD_KIND, incident->kind);
	rec_text(out, FIELD_HOST, incident->host);
	add_instant(out, FIELD_AT, incident->at);
	add_instant(out, FIELD_OPENED, incident->opened);
	rec_text(out, FIELD_DETAIL, incident->detail);
	rec_text(out, FIELD_GROUP, incident->group);
	rec_uint(out, FIELD_STEPS, incident->steps);
	rec_uint(out, FIELD_HANDED, incident->handed);
	add_instant(out, FIELD_ACKNOWLEDGED, incident->acknowledged);
	rec_text(out, FIELD_ACKNOWLEDGED_BY, incident->acknowledged_by);
	rec_text(out, FIELD_NOTE, incident->note);
	add_instant(out, FIELD_CLOSED, incident->closed);
	add_instant(out, FIELD_CLOSING, incident->closing);
	rec_text(out, FIELD_CLOSED_WHY, incident->closed_why);
	rec_bool(out, FIELD_RECOVERED, incident->recovered);
	add_instant(out, FIELD_LISTED, incident->listed);
	rec_bool(out, FIELD_WHOLE, incident->whole);
	rec_text(out, FIELD_SILENCE, incident->silence);
	add_instant(out, FIELD_SILENCED_UNTIL, incident->silence ? incident->silenced_until : WHEN_UNKNOWN);
	rec_end(out);
}

static int take_unsigned(const struct rec_value *value, unsigned *number, struct err *e)
{
	uint64_t wide;

	if (rec_as_uint(value, &wide, e) < 0)
		return e->code;
	*number = (unsigned)wide;
	return 0;
}

static int take_kind(const struct rec_value *value, enum incident_kind *kind, struct err *e)
{
	uint64_t number;

	if (rec_as_uint(value, &number, e) < 0)
		return e->code;
	if (number >= KIND_COUNT)
		return err_set(e, ERR_CORRUPT, "unknown kind of incident %llu", (unsigned long long)number);
	*kind = (enum incident_kind)number;
	return 0;
}

static int take_field(struct incident *incident, unsigned field, const struct rec_value *value, struct err *e)
{
	switch (field) {
	case FIELD_KIND:
		return take_kind(value, &incident->kind, e);
	case FIELD_HOST:
		return rec_replace_text(value, &incident->host, e);
	case FIELD_AT:
		return rec_as_int(value, &incident->at, e);
	case FIELD_OPENED:
		return rec_as_int(value, &incident->opened, e);
	case FIELD_DETAIL:
		return rec_replace_text(value, &incident->detail, e);
	case FIELD_GROUP:
		return rec_replace_text(value, &incident->group, e);
	case FIELD_STEPS:
		return take_unsigned(value, &incident->steps, e);
	case FIELD_HANDED:
		return take_unsigned(value, &incident->handed, e);
	case FIELD_ACKNOWLEDGED:
		return rec_as_int(value, &incident->acknowledged, e);
	case FIELD_ACKNOWLEDGED_BY:
		return rec_replace_text(value, &incident->acknowledged_by, e);
	case FIELD_NOTE:
		return rec_replace_text(value, &incident->note, e);
	case FIELD_CLOSED:
		return rec_as_int(value, &incident->closed, e);
	case FIELD_CLOSING:
		return rec_as_int(value, &incident->closing, e);
	case FIELD_CLOSED_WHY:
		return rec_replace_text(value, &incident->closed_why, e);
	case FIELD_LISTED:
		return rec_as_int(value, &incident->listed, e);
	case FIELD_RECOVERED:
		return rec_as_bool(value, &incident->recovered, e);
	case FIELD_WHOLE:
		return rec_as_bool(value, &incident->whole, e);
	case FIELD_SILENCE:
		return rec_replace_text(value, &incident->silence, e);
	case FIELD_SILENCED_UNTIL:
		return rec_as_int(value, &incident->silenced_until, e);
	default:
		return 0;
	}
}

static void set_defaults(struct incident *incident)
{
	incident->at = incident->opened = WHEN_UNKNOWN;
	incident->acknowledged = incident->closed = incident->closing = incident->listed = WHEN_UNKNOWN;
	incident->silenced_until = WHEN_UNKNOWN;
}

int incident_decode(const char *id, const void *data, size_t length, struct incident *incident, struct err *e)
{
	struct incident read = {0};
	struct rec_reader reader;
	struct rec_value value;
	unsigned field;
	unsigned version;
	int result;

	set_defaults(&read);
	snprintf(read.id, sizeof read.id, "%s", id);
	if (rec_open(&reader, data, length, RECORD_VERSION, &version, e) < 0)
		return err_wrap(e, "incident %s", id);
	bool says_whole = false;
	while ((result = rec_next(&reader, &field, &value, e)) == 1) {
		says_whole = says_whole || field == FIELD_WHOLE;
		if ((result = take_field(&read, field, &value, e)) < 0)
			break;
	}
	/* Before there was a difference, it was acknowledged for everybody. */
	if (!says_whole)
		read.whole = read.acknowledged != WHEN_UNKNOWN;
	if (result == 0 && !read.host)
		result = err_set(e, ERR_CORRUPT, "it has no host");
	if (result < 0) {
		incident_done(&read);
		return err_wrap(e, "incident %s", id);
	}
	*incident = read;
	return 0;
}

/* ---- the last close ---- */

void incident_closed_encode(struct str *out, int64_t instant)
{
	rec_begin(out, CLOSED_VERSION);
	rec_int(out, 1, instant);
	rec_end(out);
}

int incident_closed_decode(const struct bytes *bytes, int64_t *instant, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;
	unsigned field;
	unsigned version;
	int result;

	if (rec_open(&reader, bytes->data, bytes->length, CLOSED_VERSION, &version, e) < 0)
		return e->code;
	while ((result = rec_next(&reader, &field, &value, e)) == 1)
		if (field == 1)
			return rec_as_int(&value, instant, e);
	return result < 0 ? result : err_set(e, ERR_CORRUPT, "no instant in the last close");
}
