/* rec_read.c - a whole record, given to whoever takes its fields. */
#include "config.h"

#include <stdlib.h>

#include "rec.h"

int rec_replace_text(const struct rec_value *value, char **text, struct err *e)
{
	char *fresh;
	int result = rec_as_text(value, &fresh, e);

	if (result < 0)
		return result;
	free(*text);
	*text = fresh;
	return 0;
}

static int read_all(struct rec_reader *reader, rec_take *take, void *context, struct err *e)
{
	struct rec_value value;
	unsigned key = 0;
	int result;

	while ((result = rec_next(reader, reader->keyed ? &key : NULL, &value, e)) == 1) {
		result = take(context, key, &value, e);
		if (result < 0)
			return result;
	}
	return result;
}

int rec_read(const void *data, size_t length, unsigned highest, rec_take *take, void *context, struct err *e)
{
	struct rec_reader reader;
	unsigned version;
	int result = rec_open(&reader, data, length, highest, &version, e);

	return result < 0 ? result : read_all(&reader, take, context, e);
}

struct sought {
	unsigned key;
	bool found;
	uint64_t number;
};

static int take_sought(void *context, unsigned key, const struct rec_value *value, struct err *e)
{
	struct sought *sought = context;

	if (key != sought->key)
		return 0;
	sought->found = true;
	return rec_as_uint(value, &sought->number, e);
}

int rec_read_number(const void *data, size_t length, unsigned highest, unsigned key, uint64_t *number,
		    struct err *e)
{
	struct sought sought = {.key = key};
	int result = rec_read(data, length, highest, take_sought, &sought, e);

	if (result < 0)
		return result;
	if (!sought.found)
		return err_set(e, ERR_CORRUPT, "its number is missing");
	*number = sought.number;
	return 0;
}

static int read_inside(const struct rec_value *value, enum rec_type type, rec_take *take, void *context,
		       struct err *e)
{
	struct rec_reader reader;

	if (value->type != type)
		return err_set(e, ERR_CORRUPT, "a field has a wrong type");
	rec_enter(&reader, value);
	return read_all(&reader, take, context, e);
}

int rec_read_map(const struct rec_value *value, rec_take *take, void *context, struct err *e)
{
	return read_inside(value, REC_MAP, take, context, e);
}

int rec_read_array(const struct rec_value *value, rec_take *take, void *context, struct err *e)
{
	return read_inside(value, REC_ARRAY, take, context, e);
}
