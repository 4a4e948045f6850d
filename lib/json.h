/* json.h - JSON by jansson, of which this is the only user. Text that is not UTF-8 is escaped as in str.h and marked by the caller. */
#ifndef VMROLL_JSON_H
#define VMROLL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "str.h"

struct json; /* a value; json_t inside */

struct json *json_object_new(void);
struct json *json_array_new(void);
struct json *json_null_new(void);
void json_free(struct json *value); /* NULL-safe */
void cleanup_json(struct json **value);

/* Set a member of an object; NULL text and the null function give null. */
void json_set_text(struct json *object, const char *key, const char *text);
void json_set_text_n(struct json *object, const char *key, const char *bytes, size_t length);
void json_set_int(struct json *object, const char *key, int64_t number);
void json_set_real(struct json *object, const char *key, double number);
void json_set_bool(struct json *object, const char *key, bool truth);
void json_set_null(struct json *object, const char *key);
void json_set(struct json *object, const char *key, struct json *value); /* takes ownership */
void json_append(struct json *array, struct json *value);                /* takes ownership */
void json_append_text(struct json *array, const char *text);

/* One line without newline appended to OUT. */
void json_print(const struct json *value, struct str *out);

/* Reading hostile text: one value of at most LENGTH bytes, depth bounded by jansson, duplicate keys refused. ERR_USAGE. The caller frees. */
int json_parse(const char *text, size_t length, struct json **value, struct err *e);
/* Borrowed member of an object, NULL if absent or not an object. */
const struct json *json_get(const struct json *object, const char *key);
/* Borrowed text, NULL if VALUE is NULL or no string. */
const char *json_text(const struct json *value);
/* Whether VALUE is an integer; then *NUMBER. */
bool json_int(const struct json *value, int64_t *number);
size_t json_count(const struct json *array);
const struct json *json_at(const struct json *array, size_t index);

#endif
