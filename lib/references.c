/* references.c - who refers to whom among images, groups and deployments, held against those that look at the same time. */
#include "config.h"

#include <string.h>

#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "references.h"
#include "str.h"

enum { RECORD_VERSION = 1, FIELD_REVISION = 1 };

static void encode(uint64_t revision, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_uint(out, FIELD_REVISION, revision);
	rec_end(out);
}

static int decode(const struct bytes *raw, uint64_t *revision, struct err *e)
{
	return rec_read_number(raw->data, raw->length, RECORD_VERSION, FIELD_REVISION, revision, e);
}

int references_revision(struct store_view *view, uint64_t *revision, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};

	int result = store_view_get(view, KEY_REFERENCES, strlen(KEY_REFERENCES), &raw, e);
	if (result < 0)
		return result;
	if (result == 1)
		return decode(&raw, revision, e) < 0 ? err_wrap(e, "counter %s", KEY_REFERENCES) : 0;
	*revision = 0;
	return 0;
}

void references_hold(struct store_batch *batch, uint64_t revision)
{
	cleanup(str_done) struct str now = {0};
	cleanup(str_done) struct str next = {0};

	encode(revision, &now);
	encode(revision + 1, &next);
	store_batch_expect(batch, KEY_REFERENCES, strlen(KEY_REFERENCES), revision > 0 ? now.data : NULL,
			   revision > 0 ? now.length : 0);
	store_batch_put(batch, KEY_REFERENCES, strlen(KEY_REFERENCES), next.data, next.length);
}
