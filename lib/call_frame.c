/* call_frame.c - orders and outcomes on their way between the two processes. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "call_private.h"
#include "mem.h"
#include "rec.h"

enum { RECORD_VERSION = 1 };
enum { ORDER_TAG = 1, ORDER_URI, ORDER_LANG, ORDER_ANSWER, ORDER_TEXTS };
enum { OUTCOME_TAG = 1, OUTCOME_CODE, OUTCOME_TEXT, OUTCOME_CALL, OUTCOME_KEY };

void call_job_done(struct call_job *job)
{
	free(job->uri);
	free(job->lang);
	for (size_t i = 0; i < CALL_TEXT_COUNT; i++)
		free(job->texts[i]);
	*job = (struct call_job){0};
}

/* ---- orders ---- */

static void add_text(struct str *out, const char *text)
{
	size_t length = text ? strnlen(text, CALL_TEXT_MAX) : 0;

	rec_item_bytes(out, text ? text : "", length);
}

void call_order_encode(uint64_t tag, const char *uri, const struct call_order *order, struct str *out)
{
	const char *const texts[CALL_TEXT_COUNT] = {[CALL_TEXT_MESSAGE] = order->message,
						    [CALL_TEXT_PROMPT] = order->prompt,
						    [CALL_TEXT_ALL] = order->all,
						    [CALL_TEXT_THANKS] = order->thanks,
						    [CALL_TEXT_PASSED] = order->passed};

	rec_begin(out, RECORD_VERSION);
	rec_uint(out, ORDER_TAG, tag);
	rec_text(out, ORDER_URI, uri);
	rec_text(out, ORDER_LANG, order->lang);
	rec_bool(out, ORDER_ANSWER, order->answer);
	rec_array(out, ORDER_TEXTS);
	for (size_t i = 0; i < CALL_TEXT_COUNT; i++)
		add_text(out, texts[i]);
	rec_close(out);
	rec_end(out);
}

static int decode_texts(const struct rec_value *array, struct call_job *job, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;

	if (array->type != REC_ARRAY)
		return err_set(e, ERR_CORRUPT, "an order without texts");
	rec_enter(&reader, array);
	for (size_t i = 0; i < CALL_TEXT_COUNT; i++) {
		if (rec_next(&reader, NULL, &value, e) != 1 || value.type != REC_BYTES)
			return err_set(e, ERR_CORRUPT, "an order with too few texts");
		free(job->texts[i]);
		job->texts[i] = mem_string_n(value.data, value.length);
	}
	return 0;
}

static int decode_order_field(unsigned key, const struct rec_value *value, struct call_job *job, struct err *e)
{
	switch (key) {
	case ORDER_TAG:
		return rec_as_uint(value, &job->tag, e);
	case ORDER_URI:
		free(job->uri);
		return rec_as_text(value, &job->uri, e);
	case ORDER_LANG:
		free(job->lang);
		return rec_as_text(value, &job->lang, e);
	case ORDER_ANSWER:
		return rec_as_bool(value, &job->answer, e);
	case ORDER_TEXTS:
		return decode_texts(value, job, e);
	default:
		return 0;
	}
}

int call_order_decode(const struct frame *frame, struct call_job *job, struct err *e)
{
	cleanup(call_job_done) struct call_job read = {0};
	struct rec_reader reader;
	struct rec_value value;
	unsigned version, key;
	int result = rec_open(&reader, frame->bytes, frame->length, RECORD_VERSION, &version, e);

	while (result >= 0 && (result = rec_next(&reader, &key, &value, e)) == 1)
		result = decode_order_field(key, &value, &read, e);
	if (result < 0)
		return result;
	if (!read.uri || !read.lang || !read.texts[CALL_TEXT_COUNT - 1])
		return err_set(e, ERR_CORRUPT, "an order that is cut short");
	*job = read;
	read = (struct call_job){0};
	return 0;
}

/* ---- outcomes and trouble ---- */

void call_outcome_encode(uint64_t tag, const struct delivery_outcome *outcome, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, OUTCOME_TAG, tag);
	rec_int(out, OUTCOME_CODE, outcome->err.code);
	rec_text(out, OUTCOME_TEXT, outcome->err.text);
	rec_uint(out, OUTCOME_CALL, outcome->call);
	rec_uint(out, OUTCOME_KEY, (unsigned char)outcome->key);
	rec_end(out);
}

void call_trouble_encode(const struct err *trouble, struct str *out)
{
	call_outcome_encode(0, &(struct delivery_outcome){.err = *trouble}, out);
}

static int take_number(const struct rec_value *value, int64_t minimum, int64_t maximum, int64_t *number,
		       struct err *e)
{
	if (rec_as_int(value, number, e) < 0)
		return e->code;
	if (*number < minimum || *number > maximum)
		return err_set(e, ERR_CORRUPT, "an outcome with %lld", (long long)*number);
	return 0;
}

static int decode_outcome_field(unsigned key, const struct rec_value *value, uint64_t *tag,
				struct delivery_outcome *outcome, struct err *e)
{
	cleanup(cleanup_mem) char *text = NULL;
	int64_t number = 0;
	int result = 0;

	switch (key) {
	case OUTCOME_TAG:
		return rec_as_uint(value, tag, e);
	case OUTCOME_CODE:
		result = take_number(value, ERR_TOO_LARGE, 0, &number, e);
		outcome->err.code = (int)number;
		return result;
	case OUTCOME_TEXT:
		if (rec_as_text(value, &text, e) < 0)
			return e->code;
		snprintf(outcome->err.text, sizeof outcome->err.text, "%s", text ? text : "");
		return 0;
	case OUTCOME_CALL:
		result = take_number(value, CALL_NONE, CALL_REFUSED, &number, e);
		outcome->call = (enum call_end)number;
		return result;
	case OUTCOME_KEY:
		result = take_number(value, 0, 127, &number, e);
		outcome->key = (char)number;
		return result;
	default:
		return 0;
	}
}

int call_outcome_decode(const struct frame *frame, uint64_t *tag, struct delivery_outcome *outcome, struct err *e)
{
	struct delivery_outcome read = {0};
	uint64_t read_tag = 0;
	struct rec_reader reader;
	struct rec_value value;
	unsigned version, key;
	int result = rec_open(&reader, frame->bytes, frame->length, RECORD_VERSION, &version, e);

	while (result >= 0 && (result = rec_next(&reader, &key, &value, e)) == 1)
		result = decode_outcome_field(key, &value, &read_tag, &read, e);
	if (result < 0)
		return result;
	*tag = read_tag;
	*outcome = read;
	return 0;
}

int call_trouble_decode(const struct frame *frame, struct err *trouble, struct err *e)
{
	struct delivery_outcome outcome;
	uint64_t tag;

	if (call_outcome_decode(frame, &tag, &outcome, e) < 0)
		return e->code;
	*trouble = outcome.err;
	return 0;
}
