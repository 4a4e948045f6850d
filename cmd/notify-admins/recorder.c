/* recorder.c - writes to the store from a process of its own, in order. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "mem.h"
#include "rec.h"
#include "recorder.h"
#include "store.h"
#include "vec.h"
#include "when.h"

enum { RETRY_MS = 5000, WIRE_VERSION = 1 };

enum field { FIELD_TASK = 1, FIELD_ID, FIELD_INCIDENT, FIELD_CELLS, FIELD_NOW, FIELD_RESULT, FIELD_ERROR };

struct queue {
	struct record *first, **last;
};

struct recorder {
	char *uri;
	char *owner;
	struct ledger_limits limits;
	struct child child;
	struct queue deliveries, incidents; /* what a message waits for goes first; else all stays in order */
	struct queue *under_way;            /* its first was handed to the child */
	bool told;                          /* that it cannot be written */
	int64_t retry;                      /* CLOCK_MONOTONIC: not before */
	size_t pending;
};

struct record *record_new(enum record_task task)
{
	struct record *record = mem_zalloc(1, sizeof *record);

	record->task = task;
	return record;
}

void record_free(struct record *record)
{
	if (!record)
		return;
	incident_done(&record->incident);
	ledger_done(&record->cells);
	free(record);
}

/* ---- over the wire ---- */

static void encode(const struct record *record, const struct err *error, struct str *out)
{
	cleanup(str_done) struct str bytes = {0};

	rec_begin(out, WIRE_VERSION);
	rec_uint(out, FIELD_TASK, record->task);
	rec_int(out, FIELD_NOW, record->now);
	rec_int(out, FIELD_RESULT, record->result);
	if (error && error->code)
		rec_text(out, FIELD_ERROR, error->text);
	if (record->incident.host) {
		rec_text(out, FIELD_ID, record->incident.id);
		incident_encode(&record->incident, &bytes);
		rec_bytes(out, FIELD_INCIDENT, bytes.data, bytes.length);
	}
	rec_array(out, FIELD_CELLS);
	vec_foreach(&record->cells, cell) {
		str_reset(&bytes);
		delivery_encode(cell, &bytes);
		rec_item_bytes(out, bytes.data, bytes.length);
	}
	rec_close(out);
	rec_end(out);
}

static int decode_cells(const struct rec_value *value, struct ledger *cells, struct err *e)
{
	struct rec_reader reader;
	struct rec_value item;
	int result;

	rec_enter(&reader, value);
	while ((result = rec_next(&reader, NULL, &item, e)) == 1) {
		struct delivery cell;
		if (delivery_decode(item.data, item.length, &cell, e) < 0)
			return e->code;
		vec_push(cells, cell);
	}
	return result;
}

static int decode_field(struct record *record, char **id, char **error, unsigned field,
			const struct rec_value *value, struct err *e)
{
	uint64_t number;
	int64_t wide;

	switch (field) {
	case FIELD_TASK:
		if (rec_as_uint(value, &number, e) < 0)
			return e->code;
		record->task = (enum record_task)number;
		return 0;
	case FIELD_ID:
		return rec_as_text(value, id, e);
	case FIELD_INCIDENT:
		return incident_decode(*id ? *id : "", value->data, value->length, &record->incident, e);
	case FIELD_CELLS:
		return decode_cells(value, &record->cells, e);
	case FIELD_NOW:
		return rec_as_int(value, &record->now, e);
	case FIELD_RESULT:
		if (rec_as_int(value, &wide, e) < 0)
			return e->code;
		record->result = (int)wide;
		return 0;
	case FIELD_ERROR:
		return rec_as_text(value, error, e);
	default:
		return 0;
	}
}

/* *ERROR is the message of a negative result; the caller frees it. */
static int decode(const struct frame *frame, struct record *record, char **error, struct err *e)
{
	cleanup(cleanup_mem) char *id = NULL;
	struct rec_reader reader;
	struct rec_value value;
	unsigned field;
	unsigned version;
	int result;

	if (rec_open(&reader, frame->bytes, frame->length, WIRE_VERSION, &version, e) < 0)
		return e->code;
	while ((result = rec_next(&reader, &field, &value, e)) == 1)
		if (decode_field(record, &id, error, field, &value, e) < 0)
			return e->code;
	return result;
}

/* ---- the child ---- */

/* For everybody told later, the first who answers has it. */
static int acknowledge(struct store *store, const struct record *record, struct err *e)
{
	vec_foreach(&record->cells, cell) {
		cleanup(cleanup_mem) char *by = cell->name ? mem_format("%s <%s>", cell->name, cell->person)
							   : mem_string(cell->person);
		if (ledger_acknowledge(store, cell->incident, cell->person, record->now, cell->person, e) < 0 ||
		    incident_acknowledge(store, cell->incident, record->now, by, NULL, false, e) < 0)
			return e->code;
	}
	return 1;
}

static int perform(const struct recorder *recorder, struct store *store, struct record *record, struct err *e)
{
	struct incident *incident = &record->incident;

	switch (record->task) {
	case RECORD_OPEN:
		return incident_open(store, incident, e);
	case RECORD_CLOSE:
		return incident_close(store, incident->id, incident->closed, incident->closing,
				      incident->closed_why, incident->recovered, e);
	case RECORD_GROUP:
		return incident_set_group(store, incident->id, incident->group, e);
	case RECORD_STEP:
		return incident_set_step(store, incident->id, incident->steps, e);
	case RECORD_TOLD:
		return incident_set_told(store, incident->id, incident->listed, e);
	case RECORD_HANDED:
		return incident_set_handed(store, incident->id, incident->handed, e);
	case RECORD_SILENCE:
		return incident_set_silence(store, incident->id, incident->silence, incident->silenced_until, e);
	case RECORD_RETIRE:
		return incident_retire(store, incident->id, e);
	case RECORD_ACKNOWLEDGE:
		return acknowledge(store, record, e);
	case RECORD_CLAIM:
		return ledger_claim(store, record->cells.items, record->cells.count, recorder->owner,
				    record->now, &recorder->limits, e);
	case RECORD_PUT:
		return ledger_put(store, record->cells.items, record->cells.count, recorder->owner, e);
	}
	return err_set(e, ERR_USAGE, "no such task");
}

static int answer(const struct recorder *recorder, struct channel *channel, struct store *store,
		  const struct frame *frame, struct err *e)
{
	cleanup(str_done) struct str out = {0};
	cleanup(cleanup_mem) char *ignored = NULL;
	struct record *record = record_new(RECORD_PUT);
	struct err failure = {0};

	int result = decode(frame, record, &ignored, e);
	if (result == 0) {
		record->result = perform(recorder, store, record, &failure);
		encode(record, &failure, &out);
		result = channel_send(channel, 0, out.data, out.length, e);
	}
	record_free(record);
	return result;
}

static int serve(struct channel *channel, void *context)
{
	const struct recorder *recorder = context;
	cleanup(cleanup_store) struct store *store = NULL;
	struct frame frame;
	struct err e = {0};

	int result = store_open(&store, recorder->uri, STORE_WRITE, &e);
	while (result == 0 && channel_wait(channel, &frame, &e) == 1)
		result = answer(recorder, channel, store, &frame, &e);
	if (result < 0)
		/* Whoever reads it finds the message where an answer would be. */
		channel_send(channel, 1, e.text, strlen(e.text), NULL);
	return err_exit_status(result);
}

/* ---- the parent ---- */

int recorder_start(struct recorder **recorder, const char *uri, const char *owner,
		   const struct ledger_limits *limits, struct err *e)
{
	struct recorder *new = mem_zalloc(1, sizeof *new);

	new->uri = mem_string(uri);
	new->owner = mem_string(owner);
	new->limits = *limits;
	new->deliveries.last = &new->deliveries.first;
	new->incidents.last = &new->incidents.first;
	if (child_start(&new->child, serve, new, e) < 0) {
		recorder_free(new);
		return e->code;
	}
	*recorder = new;
	return 0;
}

static void forget_queue(struct queue *queue)
{
	while (queue->first) {
		struct record *record = queue->first;
		queue->first = record->next;
		record_free(record);
	}
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	child_kill(&recorder->child);
	forget_queue(&recorder->deliveries);
	forget_queue(&recorder->incidents);
	free(recorder->uri);
	free(recorder->owner);
	free(recorder);
}

/* One at a time: an answer is waited for anyway, and so the channel never fills. */
static int hand_over(struct recorder *recorder, struct err *e)
{
	cleanup(str_done) struct str out = {0};
	struct queue *queue = recorder->deliveries.first ? &recorder->deliveries : &recorder->incidents;

	if (recorder->under_way || !queue->first || recorder->retry > when_monotonic())
		return 0;
	if (recorder->child.pid == 0 && child_start(&recorder->child, serve, recorder, e) < 0)
		return e->code;
	encode(queue->first, NULL, &out);
	if (channel_send(&recorder->child.channel, 0, out.data, out.length, e) < 0)
		return e->code;
	recorder->under_way = queue;
	return 0;
}

static int put_off(struct recorder *recorder, struct err *e)
{
	bool told = recorder->told;

	recorder->under_way = NULL;
	recorder->told = true;
	recorder->retry = when_monotonic() + RETRY_MS;
	return told ? 0 : err_wrap(e, "cannot record, will try again");
}

static int lose_child(struct recorder *recorder, struct err *e)
{
	char how[64];

	child_collect(&recorder->child, how, sizeof how);
	if (!e->code)
		err_set(e, ERR_ENV, "recorder: %s", how);
	return put_off(recorder, e);
}

void recorder_add(struct recorder *recorder, struct record *record)
{
	struct err e = {0};
	bool delivery = record->task == RECORD_CLAIM || record->task == RECORD_PUT;
	struct queue *queue = delivery ? &recorder->deliveries : &recorder->incidents;

	record->next = NULL;
	*queue->last = record;
	queue->last = &record->next;
	recorder->pending++;
	/* What fails here fails again, and is told, in recorder_next. */
	hand_over(recorder, &e);
}

size_t recorder_pending(const struct recorder *recorder)
{
	return recorder->pending;
}

int recorder_fd(const struct recorder *recorder)
{
	return recorder->under_way ? recorder->child.channel.fd : -1;
}

void recorder_timeout(const struct recorder *recorder, int *timeout_ms)
{
	if (recorder->pending == 0 || recorder->under_way)
		return;
	int64_t left = recorder->retry - when_monotonic();
	left = left < 0 ? 0 : left;
	if (*timeout_ms < 0 || left < *timeout_ms)
		*timeout_ms = (int)left;
}

static struct record *take_first(struct recorder *recorder)
{
	struct queue *queue = recorder->under_way;
	struct record *record = queue->first;

	queue->first = record->next;
	if (!queue->first)
		queue->last = &queue->first;
	recorder->pending--;
	recorder->under_way = NULL;
	recorder->told = false;
	return record;
}

/* Whether the same would go well later: the record is fine, the store is not. */
static bool is_worth_a_retry(int result)
{
	return result < 0 && result != ERR_NOT_FOUND && result != ERR_USAGE && result != ERR_CONFLICT &&
	       result != ERR_TOO_LARGE;
}

static int take_answer(struct recorder *recorder, const struct frame *frame, struct record **record,
		       struct err *e)
{
	cleanup(cleanup_mem) char *error = NULL;
	struct record *answered = record_new(RECORD_PUT);

	if (decode(frame, answered, &error, e) < 0) {
		record_free(answered);
		return lose_child(recorder, e);
	}
	if (is_worth_a_retry(answered->result)) {
		err_set(e, answered->result, "%s", error ? error : "unknown");
		record_free(answered);
		return put_off(recorder, e);
	}
	struct record *asked = take_first(recorder);
	answered->tag = asked->tag;
	record_free(asked);
	*record = answered;
	return 1;
}

int recorder_next(struct recorder *recorder, struct record **record, struct err *e)
{
	struct frame frame;

	if (hand_over(recorder, e) < 0)
		return lose_child(recorder, e);
	if (!recorder->under_way)
		return 0;
	int received = channel_fill(&recorder->child.channel, e);
	int result = channel_next(&recorder->child.channel, &frame, e);
	if (result == 1 && frame.kind == 1) {
		err_set(e, ERR_ENV, "%.*s", (int)frame.length, (const char *)frame.bytes);
		return lose_child(recorder, e);
	}
	if (result == 1)
		return take_answer(recorder, &frame, record, e);
	return received < 0 || result < 0 ? lose_child(recorder, e) : 0;
}
