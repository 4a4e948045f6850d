/*
 * json.h - JSON by jansson, of which this is the only user.
 *
 * Writing appends straight to a string: a tree for each of 100,000 rows took longer than all else together.
 * Text of printable ASCII is copied; whatever has to be escaped or checked is jansson's, so that what comes out
 * is Unicode always. Text that is not UTF-8 is escaped as in str.h before, rather than dropped.
 */
#ifndef VMROLL_JSON_H
#define VMROLL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/* ---- writing: appends to OUT, which holds JSON alone; commas come by themselves ---- */

void json_open_object(struct str *out);
void json_close_object(struct str *out);
void json_open_array(struct str *out);
void json_close_array(struct str *out);
/* The value that follows is the member KEY. */
void json_add_key(struct str *out, const char *key);
void json_add_text(struct str *out, const char *text); /* NULL: null */
void json_add_text_n(struct str *out, const char *bytes, size_t length);
void json_add_number(struct str *out, uint64_t number);
void json_add_real(struct str *out, double number); /* not finite: null */
void json_add_bool(struct str *out, bool truth);
void json_add_null(struct str *out);
/* JSON that was written as above, as a value. */
void json_add_json(struct str *out, const struct str *value);

/* ---- reading ---- */

struct json; /* a value; json_t inside */

/* Reading hostile text: one value of at most LENGTH bytes, depth bounded by jansson, duplicate keys refused. ERR_USAGE. The caller frees. */
int json_parse(const char *text, size_t length, struct json **value, struct err *e);
void json_free(struct json *value); /* NULL-safe */
void cleanup_json(struct json **value);
/* Borrowed member of an object, NULL if absent or not an object. */
const struct json *json_get(const struct json *object, const char *key);
/* Borrowed text, NULL if VALUE is NULL or no string. */
const char *json_text(const struct json *value);
/* Whether VALUE is an integer; then *NUMBER. */
bool json_int(const struct json *value, int64_t *number);
/* False for NULL, null, false, 0, "", [] and {}. */
bool json_holds(const struct json *value);
size_t json_count(const struct json *array); /* 0 for what is no array */
/* Borrowed item, NULL beyond the last. */
const struct json *json_at(const struct json *array, size_t index);

#endif
