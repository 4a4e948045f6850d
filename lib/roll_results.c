/* roll_results.c - the records of a snapshot: header, set of hosts, and what each of them answered. */
#include "config.h"

#include <stdlib.h>

#include "mem.h"
#include "rec.h"
#include "roll_private.h"
#include "when.h"

/* ---- headers ---- */

enum {
	HEADER_BEGUN = 1,
	HEADER_ENDED,
	HEADER_BASE,
	HEADER_SET,
	HEADER_SET_CHUNKS,
	HEADER_RESULT_CHUNKS,
	HEADER_HOSTS,
	HEADER_ANSWERED,
	HEADER_FAILED,
	HEADER_NOT_ASKED,
	HEADER_VMS,
	HEADER_ORDERED
};

void roll_header_encode(const struct roll_header *header, struct str *out)
{
	const struct roll_snapshot *snapshot = &header->snapshot;

	rec_begin(out, ROLL_RECORD_VERSION);
	rec_int(out, HEADER_BEGUN, snapshot->begun);
	rec_int(out, HEADER_ENDED, snapshot->ended);
	rec_uint(out, HEADER_BASE, header->base);
	rec_uint(out, HEADER_SET, header->set);
	rec_uint(out, HEADER_SET_CHUNKS, header->set_chunks);
	rec_uint(out, HEADER_RESULT_CHUNKS, header->result_chunks);
	roll_put_number(out, HEADER_HOSTS, snapshot->hosts);
	roll_put_number(out, HEADER_ANSWERED, snapshot->answered);
	roll_put_number(out, HEADER_FAILED, snapshot->failed);
	roll_put_number(out, HEADER_NOT_ASKED, snapshot->not_asked);
	roll_put_number(out, HEADER_VMS, snapshot->vms);
	roll_put_number(out, HEADER_ORDERED, header->ordered);
	rec_end(out);
}

static int header_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	struct roll_header *header = context;
	uint64_t *const numbers[] = {
		[HEADER_BASE] = &header->base,
		[HEADER_SET] = &header->set,
		[HEADER_SET_CHUNKS] = &header->set_chunks,
		[HEADER_RESULT_CHUNKS] = &header->result_chunks,
		[HEADER_HOSTS] = &header->snapshot.hosts,
		[HEADER_ANSWERED] = &header->snapshot.answered,
		[HEADER_FAILED] = &header->snapshot.failed,
		[HEADER_NOT_ASKED] = &header->snapshot.not_asked,
		[HEADER_VMS] = &header->snapshot.vms,
		[HEADER_ORDERED] = &header->ordered,
	};

	if (key == HEADER_BEGUN)
		return rec_as_int(value, &header->snapshot.begun, e);
	if (key == HEADER_ENDED)
		return rec_as_int(value, &header->snapshot.ended, e);
	if (key < sizeof numbers / sizeof numbers[0] && numbers[key])
		return rec_as_uint(value, numbers[key], e);
	return 0;
}

int roll_header_decode(const void *data, size_t length, struct roll_header *header, struct err *e)
{
	*header = (struct roll_header){.snapshot = {.begun = WHEN_UNKNOWN, .ended = WHEN_UNKNOWN}};
	int result = roll_read(data, length, header_field, header, e);
	if (result == 0 && (header->snapshot.begun == WHEN_UNKNOWN || header->snapshot.ended == WHEN_UNKNOWN))
		return err_set(e, ERR_CORRUPT, "a snapshot without times");
	return result;
}

/* ---- sets ---- */

enum { MEMBER_NAME = 1, MEMBER_UUID, MEMBER_OFF };

void roll_set_done(struct roll_set *set)
{
	vec_foreach(&set->members, member)
		free(member->name);
	vec_done(&set->members);
}

void roll_member_encode(const struct roll_member *member, struct str *out)
{
	rec_open_map(out);
	rec_text(out, MEMBER_NAME, member->name);
	if (member->known)
		rec_bytes(out, MEMBER_UUID, member->uuid, VM_UUID_SIZE);
	if (member->off)
		rec_bool(out, MEMBER_OFF, true);
	rec_close(out);
}

static int member_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	struct roll_member *member = context;

	switch (key) {
	case MEMBER_NAME:
		return roll_take_text(value, &member->name, e);
	case MEMBER_UUID:
		member->known = true;
		return rec_as_fixed(value, member->uuid, VM_UUID_SIZE, e);
	case MEMBER_OFF:
		return rec_as_bool(value, &member->off, e);
	default:
		return 0;
	}
}

/* Walks the items of a chunk, appending what ITEM reads of each. */
typedef int read_item(const struct rec_value *value, void *context, struct err *e);

struct chunk {
	read_item *item;
	void *context;
};

static int chunk_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	const struct chunk *chunk = context;
	struct rec_reader reader;
	struct rec_value item;
	int result;

	if (key != ROLL_CHUNK_ITEMS)
		return 0;
	if (value->type != REC_ARRAY)
		return err_set(e, ERR_CORRUPT, "a chunk without items");
	rec_enter(&reader, value);
	while ((result = rec_next(&reader, NULL, &item, e)) > 0) {
		result = chunk->item(&item, chunk->context, e);
		if (result < 0)
			return result;
	}
	return result;
}

static int member_item(const struct rec_value *value, void *context, struct err *e)
{
	struct roll_set *set = context;
	struct roll_member *member = vec_push_zero(&set->members);

	int result = roll_read_map(value, member_field, member, e);
	if (result == 0 && !member->name)
		return err_set(e, ERR_CORRUPT, "a host without a name");
	return result;
}

int roll_members_decode(const void *data, size_t length, struct roll_set *set, struct err *e)
{
	struct chunk chunk = {member_item, set};

	return roll_read(data, length, chunk_field, &chunk, e);
}

/* ---- results ---- */

/* A plain number is "answered that many milliseconds after the snapshot began, list as before": a thousand hosts fit a page. */
enum {
	RESULT_DELAY = 1,
	RESULT_CHANGE,
	RESULT_OUTCOME,
	RESULT_CODE,
	RESULT_WHY,
	RESULT_ANSWERED,
	RESULT_SNAPSHOT
};

void roll_results_done(struct roll_results *results)
{
	vec_foreach(&results->items, result)
		free(result->why);
	vec_done(&results->items);
}

void roll_result_encode(const struct roll_result *result, int64_t begun, struct str *out)
{
	if (result->outcome == ROLL_ANSWERED && !result->change) {
		rec_item_int(out, result->answered - begun);
		return;
	}
	rec_open_map(out);
	if (result->outcome == ROLL_ANSWERED) {
		rec_int(out, RESULT_DELAY, result->answered - begun);
		rec_uint(out, RESULT_CHANGE, result->change);
	} else {
		rec_uint(out, RESULT_OUTCOME, result->outcome);
		if (result->code)
			rec_int(out, RESULT_CODE, result->code);
		rec_text(out, RESULT_WHY, result->why);
		roll_put_instant(out, RESULT_ANSWERED, result->answered);
		roll_put_number(out, RESULT_SNAPSHOT, result->snapshot);
	}
	rec_close(out);
}

struct results_context {
	const struct roll_snapshot *snapshot;
	struct roll_results *results;
	struct roll_result *result;
};

static int take_delay(const struct rec_value *value, const struct results_context *context, struct err *e)
{
	int64_t delay;

	int result = rec_as_int(value, &delay, e);
	if (result < 0)
		return result;
	if (__builtin_add_overflow(context->snapshot->begun, delay, &context->result->answered))
		return err_set(e, ERR_CORRUPT, "an instant out of range");
	context->result->snapshot = context->snapshot->id;
	return 0;
}

static int take_code(const struct rec_value *value, int *code, struct err *e)
{
	int64_t number;

	int result = rec_as_int(value, &number, e);
	if (result < 0)
		return result;
	*code = number < 0 && number >= ERR_TOO_LARGE ? (int)number : ERR_ENV;
	return 0;
}

static int take_outcome(const struct rec_value *value, enum roll_outcome *outcome, struct err *e)
{
	uint64_t number;

	int result = rec_as_uint(value, &number, e);
	if (result < 0)
		return result;
	if (number > ROLL_OFF)
		return err_set(e, ERR_CORRUPT, "an outcome out of range");
	*outcome = (enum roll_outcome)number;
	return 0;
}

static int result_field(unsigned key, const struct rec_value *value, void *data, struct err *e)
{
	struct results_context *context = data;
	struct roll_result *result = context->result;

	switch (key) {
	case RESULT_DELAY:
		return take_delay(value, context, e);
	case RESULT_CHANGE:
		return rec_as_uint(value, &result->change, e);
	case RESULT_OUTCOME:
		return take_outcome(value, &result->outcome, e);
	case RESULT_CODE:
		return take_code(value, &result->code, e);
	case RESULT_WHY:
		return roll_take_text(value, &result->why, e);
	case RESULT_ANSWERED:
		return rec_as_int(value, &result->answered, e);
	case RESULT_SNAPSHOT:
		return rec_as_uint(value, &result->snapshot, e);
	default:
		return 0;
	}
}

static int result_item(const struct rec_value *value, void *data, struct err *e)
{
	struct results_context *context = data;

	context->result = vec_push_zero(&context->results->items);
	context->result->answered = WHEN_UNKNOWN;
	if (value->type != REC_MAP)
		return take_delay(value, context, e);
	return roll_read_map(value, result_field, context, e);
}

int roll_results_decode(const void *data, size_t length, const struct roll_snapshot *snapshot,
			struct roll_results *results, struct err *e)
{
	struct results_context context = {.snapshot = snapshot, .results = results};
	struct chunk chunk = {result_item, &context};

	return roll_read(data, length, chunk_field, &chunk, e);
}
