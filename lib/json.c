/* json.c - JSON by jansson, of which this is the only user. */
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "json.h"
#include "mem.h"

static json_t *unwrap(const struct json *value)
{
	return (json_t *)value;
}

static struct json *wrap(json_t *value)
{
	if (!value) /* a constructor of jansson fails for want of memory only */
		mem_exhausted();
	return (struct json *)value;
}

struct json *json_object_new(void)
{
	return wrap(json_object());
}

struct json *json_array_new(void)
{
	return wrap(json_array());
}

struct json *json_null_new(void)
{
	return wrap(json_null());
}

void json_free(struct json *value)
{
	json_decref(unwrap(value));
}

void cleanup_json(struct json **value)
{
	json_free(*value);
}

/* JSON text is Unicode: bytes that are none are shown escaped rather than dropped. */
static json_t *text_value(const char *bytes, size_t length)
{
	json_t *value = json_stringn(bytes, length);

	if (value)
		return value;
	cleanup(str_done) struct str escaped = {0};
	str_add_escaped(&escaped, bytes, length);
	return json_stringn_nocheck(escaped.data, escaped.length);
}

void json_set_text(struct json *object, const char *key, const char *text)
{
	json_object_set_new_nocheck(unwrap(object), key, text ? text_value(text, strlen(text)) : json_null());
}

void json_set_text_n(struct json *object, const char *key, const char *bytes, size_t length)
{
	json_object_set_new_nocheck(unwrap(object), key, text_value(bytes, length));
}

void json_set_int(struct json *object, const char *key, int64_t number)
{
	json_object_set_new_nocheck(unwrap(object), key, json_integer(number));
}

void json_set_real(struct json *object, const char *key, double number)
{
	json_object_set_new_nocheck(unwrap(object), key, isfinite(number) ? json_real(number) : json_null());
}

void json_set_bool(struct json *object, const char *key, bool truth)
{
	json_object_set_new_nocheck(unwrap(object), key, json_boolean(truth));
}

void json_set_null(struct json *object, const char *key)
{
	json_object_set_new_nocheck(unwrap(object), key, json_null());
}

void json_set(struct json *object, const char *key, struct json *value)
{
	json_object_set_new_nocheck(unwrap(object), key, unwrap(value));
}

void json_append(struct json *array, struct json *value)
{
	json_array_append_new(unwrap(array), unwrap(value));
}

void json_append_text(struct json *array, const char *text)
{
	json_array_append_new(unwrap(array), text_value(text, strlen(text)));
}

static int add_chunk(const char *buffer, size_t size, void *data)
{
	str_add_n(data, buffer, size);
	return 0;
}

void json_print(const struct json *value, struct str *out)
{
	/* 15 digits: 0.24 stays 0.24. */
	json_dump_callback(unwrap(value), add_chunk, out,
			   JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

int json_parse(const char *text, size_t length, struct json **value, struct err *e)
{
	json_error_t error;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!root)
		return err_set(e, ERR_USAGE, "not JSON: %s at byte %d", error.text, error.position);
	*value = wrap(root);
	return 0;
}

const struct json *json_get(const struct json *object, const char *key)
{
	return (const struct json *)json_object_get(unwrap(object), key);
}

const char *json_text(const struct json *value)
{
	return json_string_value(unwrap(value));
}

bool json_int(const struct json *value, int64_t *number)
{
	if (!json_is_integer(unwrap(value)))
		return false;
	*number = json_integer_value(unwrap(value));
	return true;
}

size_t json_count(const struct json *array)
{
	return json_array_size(unwrap(array));
}

const struct json *json_at(const struct json *array, size_t index)
{
	return (const struct json *)json_array_get(unwrap(array), index);
}
