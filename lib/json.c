/* json.c - JSON by jansson, of which this is the only user. */
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "json.h"
#include "mem.h"

/* ---- writing ---- */

/* No string, number or name ends in one of these: whatever stands behind them is the first of its kind. */
static void add_comma(struct str *out)
{
	char last = out->length ? out->data[out->length - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		str_add_char(out, ',');
}

void json_open_object(struct str *out)
{
	add_comma(out);
	str_add_char(out, '{');
}

void json_close_object(struct str *out)
{
	str_add_char(out, '}');
}

void json_open_array(struct str *out)
{
	add_comma(out);
	str_add_char(out, '[');
}

void json_close_array(struct str *out)
{
	str_add_char(out, ']');
}

static int add_chunk(const char *buffer, size_t size, void *data)
{
	str_add_n(data, buffer, size);
	return 0;
}

/* Takes VALUE. jansson fails for want of memory only: what it is given here is valid. */
static void dump(struct str *out, json_t *value)
{
	/* 15 digits: 0.24 stays 0.24. */
	if (!value || json_dump_callback(value, add_chunk, out, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) < 0)
		mem_exhausted();
	json_decref(value);
}

static void dump_text(struct str *out, const char *bytes, size_t length)
{
	json_t *value = json_stringn(bytes, length);
	cleanup(str_done) struct str escaped = {0};

	if (!value) {
		str_add_escaped(&escaped, bytes, length);
		value = json_stringn_nocheck(escaped.data, escaped.length);
	}
	dump(out, value);
}

/* Whether it stands in JSON as it is: printable ASCII but the quote and the backslash. */
static bool is_plain(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] < 0x20 || bytes[i] >= 0x7F || bytes[i] == '"' || bytes[i] == '\\')
			return false;
	return true;
}

void json_add_text_n(struct str *out, const char *bytes, size_t length)
{
	add_comma(out);
	if (!is_plain(bytes, length)) {
		dump_text(out, bytes, length);
		return;
	}
	str_add_char(out, '"');
	str_add_n(out, bytes, length);
	str_add_char(out, '"');
}

void json_add_text(struct str *out, const char *text)
{
	if (text)
		json_add_text_n(out, text, strlen(text));
	else
		json_add_null(out);
}

void json_add_key(struct str *out, const char *key)
{
	json_add_text(out, key);
	str_add_char(out, ':');
}

void json_add_number(struct str *out, uint64_t number)
{
	add_comma(out);
	str_add_number(out, number);
}

void json_add_real(struct str *out, double number)
{
	add_comma(out);
	dump(out, isfinite(number) ? json_real(number) : json_null());
}

void json_add_bool(struct str *out, bool truth)
{
	add_comma(out);
	str_add(out, truth ? "true" : "false");
}

void json_add_null(struct str *out)
{
	add_comma(out);
	str_add(out, "null");
}

void json_add_json(struct str *out, const struct str *value)
{
	add_comma(out);
	str_add_n(out, str_text(value), value->length);
}

/* ---- reading ---- */

static json_t *unwrap(const struct json *value)
{
	return (json_t *)value;
}

void json_free(struct json *value)
{
	json_decref(unwrap(value));
}

void cleanup_json(struct json **value)
{
	json_free(*value);
}

int json_parse(const char *text, size_t length, struct json **value, struct err *e)
{
	json_error_t error;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!root)
		return err_set(e, ERR_USAGE, "not JSON: %s at byte %d", error.text, error.position);
	*value = (struct json *)root;
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

bool json_holds(const struct json *value)
{
	const json_t *v = unwrap(value);

	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return json_object_size(v) > 0;
	case JSON_ARRAY:
		return json_array_size(v) > 0;
	case JSON_STRING:
		return json_string_length(v) > 0;
	case JSON_INTEGER:
	case JSON_REAL:
		return json_number_value(v) != 0;
	case JSON_TRUE:
		return true;
	default:
		return false;
	}
}

size_t json_count(const struct json *array)
{
	return json_array_size(unwrap(array));
}

const struct json *json_at(const struct json *array, size_t index)
{
	return (const struct json *)json_array_get(unwrap(array), index);
}
