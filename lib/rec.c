/* rec.c - reads records with libcbor's streaming decoder. */
#include "config.h"

#include <limits.h>
#include <string.h>

#include <cbor/callbacks.h>
#include <cbor/streaming.h>

#include "mem.h"
#include "rec.h"

enum { DEPTH_MAX = 16 };

/* One token of CBOR at a time, caught by libcbor's callbacks. */

enum token_kind {
	TOKEN_OTHER, /* floats, tags, undefined, chunked strings: never written by us */
	TOKEN_SCALAR,
	TOKEN_OPEN,       /* of a known number of items */
	TOKEN_OPEN_ENDED, /* until a break */
	TOKEN_BREAK
};

struct token {
	enum token_kind kind;
	struct rec_value value;
	uint64_t items; /* TOKEN_OPEN: how many follow, keys and values counted apart */
};

static void take_number(void *context, uint64_t number)
{
	struct token *token = context;

	token->kind = TOKEN_SCALAR;
	token->value.type = REC_UINT;
	token->value.number = number;
}

static void take_uint8(void *context, uint8_t number)
{
	take_number(context, number);
}

static void take_uint16(void *context, uint16_t number)
{
	take_number(context, number);
}

static void take_uint32(void *context, uint32_t number)
{
	take_number(context, number);
}

static void take_negative(void *context, uint64_t number)
{
	struct token *token = context;

	if (number > INT64_MAX)
		return;
	token->kind = TOKEN_SCALAR;
	token->value.type = REC_INT;
	token->value.signed_number = -1 - (int64_t)number;
}

static void take_negative8(void *context, uint8_t number)
{
	take_negative(context, number);
}

static void take_negative16(void *context, uint16_t number)
{
	take_negative(context, number);
}

static void take_negative32(void *context, uint32_t number)
{
	take_negative(context, number);
}

static void take_string(struct token *token, enum rec_type type, cbor_data data, size_t length)
{
	token->kind = TOKEN_SCALAR;
	token->value.type = type;
	token->value.data = (const char *)data;
	token->value.length = length;
}

static void take_text(void *context, cbor_data data, size_t length)
{
	take_string(context, REC_TEXT, data, length);
}

static void take_bytes(void *context, cbor_data data, size_t length)
{
	take_string(context, REC_BYTES, data, length);
}

static void take_bool(void *context, bool truth)
{
	struct token *token = context;

	token->kind = TOKEN_SCALAR;
	token->value.type = REC_BOOL;
	token->value.number = truth;
}

static void take_null(void *context)
{
	struct token *token = context;

	token->kind = TOKEN_SCALAR;
	token->value.type = REC_NULL;
}

static void take_open(struct token *token, enum rec_type type, enum token_kind kind, uint64_t items)
{
	token->kind = kind;
	token->value.type = type;
	token->items = items;
}

static void take_array(void *context, size_t items)
{
	take_open(context, REC_ARRAY, TOKEN_OPEN, items);
}

static void take_open_array(void *context)
{
	take_open(context, REC_ARRAY, TOKEN_OPEN_ENDED, 0);
}

static void take_map(void *context, size_t pairs)
{
	if (pairs <= UINT64_MAX / 2)
		take_open(context, REC_MAP, TOKEN_OPEN, 2 * (uint64_t)pairs);
}

static void take_open_map(void *context)
{
	take_open(context, REC_MAP, TOKEN_OPEN_ENDED, 0);
}

static void take_break(void *context)
{
	((struct token *)context)->kind = TOKEN_BREAK;
}

static const struct cbor_callbacks callbacks = {
	.uint8 = take_uint8,
	.uint16 = take_uint16,
	.uint32 = take_uint32,
	.uint64 = take_number,
	.negint8 = take_negative8,
	.negint16 = take_negative16,
	.negint32 = take_negative32,
	.negint64 = take_negative,
	.byte_string_start = cbor_null_byte_string_start_callback,
	.byte_string = take_bytes,
	.string_start = cbor_null_string_start_callback,
	.string = take_text,
	.indef_array_start = take_open_array,
	.array_start = take_array,
	.indef_map_start = take_open_map,
	.map_start = take_map,
	.tag = cbor_null_tag_callback,
	.float2 = cbor_null_float2_callback,
	.float4 = cbor_null_float4_callback,
	.float8 = cbor_null_float8_callback,
	.undefined = cbor_null_undefined_callback,
	.null = take_null,
	.boolean = take_bool,
	.indef_break = take_break,
};

static int corrupt(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "record: %s", why);
}

static int next_token(struct rec_reader *reader, struct token *token, struct err *e)
{
	token->kind = TOKEN_OTHER;
	struct cbor_decoder_result result = cbor_stream_decode(reader->next, reader->left, &callbacks, token);

	if (result.status != CBOR_DECODER_FINISHED || result.read == 0 || result.read > reader->left)
		return corrupt(e, result.status == CBOR_DECODER_NEDATA ? "cut short" : "not CBOR");
	if (token->kind == TOKEN_OTHER)
		return corrupt(e, "a type that records do not have");
	reader->next += result.read;
	reader->left -= result.read;
	return 0;
}

/* What is still to come of a container that skip_inside is in. */
struct level {
	uint64_t items;
	bool ended_by_break;
	bool map;
};

static int push(struct level *levels, size_t *depth, const struct token *open, struct err *e)
{
	if (*depth == DEPTH_MAX)
		return corrupt(e, "nested too deep");
	levels[(*depth)++] =
		(struct level){open->items, open->kind == TOKEN_OPEN_ENDED, open->value.type == REC_MAP};
	return 0;
}

/* Passes what follows the token OPEN and stores the extent of the inside in its value. */
static int skip_inside(struct rec_reader *reader, struct token *open, struct err *e)
{
	struct level levels[DEPTH_MAX];
	size_t depth = 0;
	const unsigned char *inside = reader->next, *end = inside;

	if (push(levels, &depth, open, e) < 0)
		return ERR_CORRUPT;
	while (depth) {
		struct level *level = &levels[depth - 1];
		struct token token;
		if (!level->ended_by_break && level->items == 0) {
			depth--;
			continue;
		}
		end = reader->next;
		if (next_token(reader, &token, e) < 0)
			return ERR_CORRUPT;
		if (token.kind == TOKEN_BREAK) {
			if (!level->ended_by_break || (level->map && level->items % 2))
				return corrupt(e, "a break out of place");
			depth--;
			continue;
		}
		level->items = level->ended_by_break ? level->items + 1 : level->items - 1;
		if (token.kind != TOKEN_SCALAR && push(levels, &depth, &token, e) < 0)
			return ERR_CORRUPT;
	}
	open->value.data = (const char *)inside;
	open->value.length = (size_t)((open->kind == TOKEN_OPEN ? reader->next : end) - inside);
	return 0;
}

static int next_value(struct rec_reader *reader, struct rec_value *value, struct err *e)
{
	struct token token;

	if (next_token(reader, &token, e) < 0)
		return ERR_CORRUPT;
	if (token.kind == TOKEN_BREAK)
		return corrupt(e, "a break out of place");
	if (token.kind != TOKEN_SCALAR && skip_inside(reader, &token, e) < 0)
		return ERR_CORRUPT;
	*value = token.value;
	return 0;
}

/* Leaves in *READER the inside of the one map that DATA has to be. */
static int open_outer(struct rec_reader *reader, const void *data, size_t length, struct err *e)
{
	struct token token;
	*reader = (struct rec_reader){data, length, true};

	if (next_token(reader, &token, e) < 0)
		return ERR_CORRUPT;
	if (token.kind == TOKEN_OPEN_ENDED && token.value.type == REC_MAP) {
		/* That this byte is the break of this map, and of no other, shows while reading. */
		if (reader->left == 0 || reader->next[reader->left - 1] != 0xFF)
			return corrupt(e, "cut short");
		reader->left--;
		return 0;
	}
	if (token.kind != TOKEN_OPEN || token.value.type != REC_MAP)
		return corrupt(e, "not a map");
	if (skip_inside(reader, &token, e) < 0)
		return ERR_CORRUPT;
	if (reader->left)
		return corrupt(e, "more than one");
	rec_enter(reader, &token.value);
	return 0;
}

int rec_open(struct rec_reader *reader, const void *data, size_t length, unsigned highest, unsigned *version,
	     struct err *e)
{
	struct rec_reader inside;
	struct rec_value value = {0};
	unsigned key = 0;

	if (open_outer(&inside, data, length, e) < 0)
		return ERR_CORRUPT;
	int found = rec_next(&inside, &key, &value, e);
	if (found < 0)
		return found;
	if (found == 0 || key != 0 || value.type != REC_UINT || value.number > UINT_MAX)
		return corrupt(e, "no version");
	if (value.number > highest)
		return err_set(e, ERR_SCHEMA, "record: version %u is newer than %u, which this program reads",
			       (unsigned)value.number, highest);
	*reader = inside;
	*version = (unsigned)value.number;
	return 0;
}

void rec_enter(struct rec_reader *reader, const struct rec_value *value)
{
	*reader = (struct rec_reader){(const unsigned char *)value->data, value->length, value->type == REC_MAP};
}

int rec_next(struct rec_reader *reader, unsigned *key, struct rec_value *value, struct err *e)
{
	while (reader->left) {
		struct rec_value name = {0}, found = {0};
		if (reader->keyed && next_value(reader, &name, e) < 0)
			return ERR_CORRUPT;
		if (next_value(reader, &found, e) < 0)
			return ERR_CORRUPT;
		if (reader->keyed && (name.type != REC_UINT || name.number > UINT_MAX))
			continue;
		if (key)
			*key = reader->keyed ? (unsigned)name.number : 0;
		*value = found;
		return 1;
	}
	return 0;
}

static int wrong_type(const char *wanted, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "record: %s expected", wanted);
}

int rec_as_uint(const struct rec_value *value, uint64_t *number, struct err *e)
{
	if (value->type != REC_UINT)
		return wrong_type("an unsigned number", e);
	*number = value->number;
	return 0;
}

int rec_as_int(const struct rec_value *value, int64_t *number, struct err *e)
{
	if (value->type == REC_INT)
		*number = value->signed_number;
	else if (value->type == REC_UINT && value->number <= INT64_MAX)
		*number = (int64_t)value->number;
	else
		return wrong_type("a number", e);
	return 0;
}

int rec_as_bool(const struct rec_value *value, bool *truth, struct err *e)
{
	if (value->type != REC_BOOL)
		return wrong_type("yes or no", e);
	*truth = value->number != 0;
	return 0;
}

int rec_as_text(const struct rec_value *value, char **text, struct err *e)
{
	if (value->type == REC_NULL) {
		*text = NULL;
		return 0;
	}
	if (value->type != REC_TEXT && value->type != REC_BYTES)
		return wrong_type("a text", e);
	if (value->length && memchr(value->data, '\0', value->length))
		return wrong_type("a text without a NUL byte", e);
	*text = mem_string_n(value->length ? value->data : "", value->length);
	return 0;
}

int rec_as_fixed(const struct rec_value *value, void *bytes, size_t length, struct err *e)
{
	if (value->type != REC_BYTES && value->type != REC_TEXT)
		return wrong_type("bytes", e);
	if (value->length != length)
		return err_set(e, ERR_CORRUPT, "record: %zu bytes where %zu are expected", value->length, length);
	if (length)
		memcpy(bytes, value->data, length);
	return 0;
}
