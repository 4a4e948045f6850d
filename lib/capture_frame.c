/* capture_frame.c - what the two processes of a capture say to each other. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "capture_private.h"
#include "mem.h"
#include "rec.h"
#include "str.h"

enum { FRAME_VERSION = 1 };

enum { MOVED_TARGET = 1, MOVED_PHASE, MOVED_NUMBER, MOVED_COUNT, MOVED_DONE, MOVED_TOTAL };

enum { REMOTE_POOL = 1, REMOTE_VOLUME, REMOTE_BACKUP, REMOTE_THAW };

enum { RESULT_WRITTEN = 1, RESULT_IMAGE };

enum { FAILURE_CODE = 1, FAILURE_TEXT };

void capture_moved_done(struct capture_moved *moved)
{
	free(moved->target);
	free(moved->phase);
	*moved = (struct capture_moved){0};
}

void capture_remote_done(struct stage_remote *remote)
{
	free(remote->host);
	free(remote->uri);
	free(remote->pool);
	free(remote->volume);
	*remote = (struct stage_remote){0};
}

static int send_record(struct channel *channel, enum capture_frame_kind kind, struct str *record, struct err *e)
{
	rec_end(record);
	return channel_send(channel, (unsigned char)kind, record->data, record->length, e);
}

static int read_record(const struct frame *frame, rec_take *take, void *context, struct err *e)
{
	int result = rec_read(frame->bytes, frame->length, FRAME_VERSION, take, context, e);

	return result < 0 ? err_wrap(e, "bad frame from the worker") : 0;
}

/* ---- progress ---- */

int capture_send_moved(struct channel *channel, const struct capture_moved *moved, struct err *e)
{
	cleanup(str_done) struct str record = {0};

	rec_begin(&record, FRAME_VERSION);
	rec_text(&record, MOVED_TARGET, moved->target);
	rec_text(&record, MOVED_PHASE, moved->phase);
	rec_uint(&record, MOVED_NUMBER, moved->number);
	rec_uint(&record, MOVED_COUNT, moved->count);
	rec_uint(&record, MOVED_DONE, moved->done_bytes);
	rec_uint(&record, MOVED_TOTAL, moved->total_bytes);
	return send_record(channel, CAPTURE_MOVED, &record, e);
}

static int take_moved(void *context, unsigned key, const struct rec_value *value, struct err *e)
{
	struct capture_moved *moved = context;

	switch (key) {
	case MOVED_TARGET:
		return rec_replace_text(value, &moved->target, e);
	case MOVED_PHASE:
		return rec_replace_text(value, &moved->phase, e);
	case MOVED_NUMBER:
		return rec_as_uint(value, &moved->number, e);
	case MOVED_COUNT:
		return rec_as_uint(value, &moved->count, e);
	case MOVED_DONE:
		return rec_as_uint(value, &moved->done_bytes, e);
	case MOVED_TOTAL:
		return rec_as_uint(value, &moved->total_bytes, e);
	default:
		return 0;
	}
}

int capture_take_moved(const struct frame *frame, struct capture_moved *moved, struct err *e)
{
	return read_record(frame, take_moved, moved, e);
}

/* ---- what is about to be made ---- */

int capture_send_remote(struct channel *channel, const struct stage_remote *remote, struct err *e)
{
	cleanup(str_done) struct str record = {0};
	struct frame answer;

	rec_begin(&record, FRAME_VERSION);
	rec_text(&record, REMOTE_POOL, remote->pool);
	rec_text(&record, REMOTE_VOLUME, remote->volume);
	rec_bytes(&record, REMOTE_BACKUP, remote->backup_of, sizeof remote->backup_of);
	rec_bool(&record, REMOTE_THAW, remote->thaw);
	int result = send_record(channel, CAPTURE_REMOTE, &record, e);
	if (result == 0)
		result = channel_wait(channel, &answer, e);
	if (result < 0)
		return result;
	return answer.kind == CAPTURE_GO ? 0 : err_set(e, ERR_CORRUPT, "unexpected frame from the parent");
}

static int take_remote(void *context, unsigned key, const struct rec_value *value, struct err *e)
{
	struct stage_remote *remote = context;

	switch (key) {
	case REMOTE_POOL:
		return rec_replace_text(value, &remote->pool, e);
	case REMOTE_VOLUME:
		return rec_replace_text(value, &remote->volume, e);
	case REMOTE_BACKUP:
		return rec_as_fixed(value, remote->backup_of, sizeof remote->backup_of, e);
	case REMOTE_THAW:
		return rec_as_bool(value, &remote->thaw, e);
	default:
		return 0;
	}
}

int capture_take_remote(const struct frame *frame, struct stage_remote *remote, struct err *e)
{
	return read_record(frame, take_remote, remote, e);
}

/* ---- the end ---- */

int capture_send_result(struct channel *channel, const struct image *image, uint64_t written_bytes, struct err *e)
{
	cleanup(str_done) struct str encoded = {0};
	cleanup(str_done) struct str record = {0};

	image_encode(image, &encoded);
	rec_begin(&record, FRAME_VERSION);
	rec_uint(&record, RESULT_WRITTEN, written_bytes);
	rec_bytes(&record, RESULT_IMAGE, encoded.data, encoded.length);
	return send_record(channel, CAPTURE_RESULT, &record, e);
}

struct result {
	struct image *image;
	uint64_t *written_bytes;
};

static int take_result(void *context, unsigned key, const struct rec_value *value, struct err *e)
{
	const struct result *result = context;

	switch (key) {
	case RESULT_WRITTEN:
		return rec_as_uint(value, result->written_bytes, e);
	case RESULT_IMAGE:
		return image_decode(value->data, value->length, result->image, e);
	default:
		return 0;
	}
}

int capture_take_result(const struct frame *frame, struct image *image, uint64_t *written_bytes, struct err *e)
{
	struct result result = {image, written_bytes};

	return read_record(frame, take_result, &result, e);
}

int capture_send_failure(struct channel *channel, const struct err *why, struct err *e)
{
	cleanup(str_done) struct str record = {0};

	rec_begin(&record, FRAME_VERSION);
	rec_int(&record, FAILURE_CODE, why->code);
	rec_text(&record, FAILURE_TEXT, why->text);
	return send_record(channel, CAPTURE_FAILURE, &record, e);
}

struct failure {
	int64_t code;
	char *text;
};

static int take_failure(void *context, unsigned key, const struct rec_value *value, struct err *e)
{
	struct failure *failure = context;

	switch (key) {
	case FAILURE_CODE:
		return rec_as_int(value, &failure->code, e);
	case FAILURE_TEXT:
		return rec_replace_text(value, &failure->text, e);
	default:
		return 0;
	}
}

int capture_take_failure(const struct frame *frame, struct err *e)
{
	struct failure failure = {0};

	int result = read_record(frame, take_failure, &failure, e);
	cleanup(cleanup_mem) char *text = failure.text;
	if (result < 0)
		return result;
	if (failure.code >= 0 || failure.code < ERR_TOO_LARGE)
		return err_set(e, ERR_CORRUPT, "bad frame from the worker");
	return err_set(e, (int)failure.code, "%s", text ? text : "the worker gave no reason");
}
