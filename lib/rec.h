/*
 * rec.h - records: CBOR (RFC 8949) maps from small integers to values.
 *
 * The only user of libcbor. A record is one CBOR map; key 0 is always the
 * record's version (unsigned). Unknown keys are skipped on reading, so that a
 * newer minor writer can add fields. Values: unsigned, signed, text (any
 * bytes: written as text string if UTF-8, else as byte string), bytes, bool,
 * arrays of these, nested maps. Readers never trust lengths: whatever is
 * malformed is ERR_CORRUPT.
 */
#ifndef VMROLL_REC_H
#define VMROLL_REC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/* Writing: indefinite-length containers appended to a struct str that the caller owns. */
void rec_begin(struct str *out, unsigned version); /* opens the map, writes key 0 */
void rec_end(struct str *out);                     /* closes it */
void rec_uint(struct str *out, unsigned key, uint64_t value);
void rec_int(struct str *out, unsigned key, int64_t value);
void rec_bool(struct str *out, unsigned key, bool value);
void rec_text(struct str *out, unsigned key, const char *text); /* NULL: nothing is written (unknown) */
void rec_bytes(struct str *out, unsigned key, const void *bytes, size_t length);
/* Array under KEY; between the two, rec_item_* and rec_open_map. */
void rec_array(struct str *out, unsigned key);
void rec_item_uint(struct str *out, uint64_t value);
void rec_item_int(struct str *out, int64_t value);
void rec_item_text(struct str *out, const char *text); /* NULL: written as null */
void rec_item_bytes(struct str *out, const void *bytes, size_t length);
void rec_open_map(struct str *out);          /* a map as array item; keyed values follow */
void rec_map(struct str *out, unsigned key); /* a map under KEY */
void rec_close(struct str *out);             /* closes the innermost array or map */

enum rec_type { REC_UINT, REC_INT, REC_BOOL, REC_TEXT, REC_BYTES, REC_ARRAY, REC_MAP, REC_NULL };

/* One value, borrowed from the input. REC_INT stands for a negative integer only; rec_as_int reads both. */
struct rec_value {
	enum rec_type type;
	uint64_t number;       /* REC_UINT, REC_BOOL */
	int64_t signed_number; /* REC_INT */
	const char *data; /* REC_TEXT, REC_BYTES: not NUL-terminated; REC_ARRAY, REC_MAP: the encoded inside */
	size_t length;
};

/* A reader over a record, an array's or a map's inside. Lives on the stack; borrows the input. */
struct rec_reader {
	const unsigned char *next;
	size_t left;
	bool keyed; /* a map: each value is preceded by its key */
};

/* Opens the record in DATA and reads its version. ERR_CORRUPT; ERR_SCHEMA if the version is above HIGHEST. */
int rec_open(struct rec_reader *reader, const void *data, size_t length, unsigned highest, unsigned *version,
	     struct err *e);
/* Opens a REC_ARRAY or REC_MAP value. */
void rec_enter(struct rec_reader *reader, const struct rec_value *value);
/* 1 and the next value (in a map with its KEY; KEY may be NULL in an array), 0 at the end, ERR_CORRUPT. Map keys that are not small unsigned integers are skipped. */
int rec_next(struct rec_reader *reader, unsigned *key, struct rec_value *value, struct err *e);

/* Conversions: 0, or ERR_CORRUPT if the type does not fit. rec_as_text copies; the caller frees; REC_NULL gives NULL. */
int rec_as_uint(const struct rec_value *value, uint64_t *number, struct err *e);
int rec_as_int(const struct rec_value *value, int64_t *number, struct err *e);
int rec_as_bool(const struct rec_value *value, bool *truth, struct err *e);
int rec_as_text(const struct rec_value *value, char **text, struct err *e);
int rec_as_fixed(const struct rec_value *value, void *bytes, size_t length, struct err *e); /* exactly LENGTH bytes */

/* rec_as_text in the place of *TEXT, which is freed. */
int rec_replace_text(const struct rec_value *value, char **text, struct err *e);

/* ---- a whole record, field by field ---- */

/* Takes one field or item (its KEY is 0 then); negative ends the reading. What it does not know it passes over. */
typedef int rec_take(void *context, unsigned key, const struct rec_value *value, struct err *e);

/* Gives TAKE each field of the record in DATA, whose version is at most HIGHEST. Errors as rec_open, or of TAKE. */
int rec_read(const void *data, size_t length, unsigned highest, rec_take *take, void *context, struct err *e);
/* The unsigned number under KEY. ERR_CORRUPT where there is none. */
int rec_read_number(const void *data, size_t length, unsigned highest, unsigned key, uint64_t *number,
		    struct err *e);
/* Each field of a map, and each item of an array; ERR_CORRUPT if VALUE is none. */
int rec_read_map(const struct rec_value *value, rec_take *take, void *context, struct err *e);
int rec_read_array(const struct rec_value *value, rec_take *take, void *context, struct err *e);

#endif
