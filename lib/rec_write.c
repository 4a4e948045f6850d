/* rec_write.c - writes records with libcbor's encoder. */
#include "config.h"

#include <string.h>

#include <cbor/encoding.h>

#include "rec.h"

enum { HEAD_SIZE = 9 };

static void add_uint(struct str *out, uint64_t value)
{
	unsigned char head[HEAD_SIZE];

	str_add_n(out, head, cbor_encode_uint(value, head, sizeof head));
}

static void add_int(struct str *out, int64_t value)
{
	unsigned char head[HEAD_SIZE];

	if (value >= 0)
		add_uint(out, (uint64_t)value);
	else
		str_add_n(out, head, cbor_encode_negint((uint64_t)(-1 - value), head, sizeof head));
}

static void add_bytes(struct str *out, const void *bytes, size_t length)
{
	unsigned char head[HEAD_SIZE];

	str_add_n(out, head, cbor_encode_bytestring_start(length, head, sizeof head));
	str_add_n(out, bytes, length);
}

static void add_text(struct str *out, const char *text)
{
	unsigned char head[HEAD_SIZE];
	size_t length = strlen(text);

	if (!str_is_utf8(text, length)) {
		add_bytes(out, text, length);
		return;
	}
	str_add_n(out, head, cbor_encode_string_start(length, head, sizeof head));
	str_add_n(out, text, length);
}

static void add_head(struct str *out, size_t (*encode)(unsigned char *, size_t))
{
	unsigned char head[HEAD_SIZE];

	str_add_n(out, head, encode(head, sizeof head));
}

void rec_begin(struct str *out, unsigned version)
{
	add_head(out, cbor_encode_indef_map_start);
	rec_uint(out, 0, version);
}

void rec_end(struct str *out)
{
	rec_close(out);
}

void rec_uint(struct str *out, unsigned key, uint64_t value)
{
	add_uint(out, key);
	add_uint(out, value);
}

void rec_int(struct str *out, unsigned key, int64_t value)
{
	add_uint(out, key);
	add_int(out, value);
}

void rec_bool(struct str *out, unsigned key, bool value)
{
	unsigned char head[HEAD_SIZE];

	add_uint(out, key);
	str_add_n(out, head, cbor_encode_bool(value, head, sizeof head));
}

void rec_text(struct str *out, unsigned key, const char *text)
{
	if (!text)
		return;
	add_uint(out, key);
	add_text(out, text);
}

void rec_bytes(struct str *out, unsigned key, const void *bytes, size_t length)
{
	add_uint(out, key);
	add_bytes(out, bytes, length);
}

void rec_array(struct str *out, unsigned key)
{
	add_uint(out, key);
	add_head(out, cbor_encode_indef_array_start);
}

void rec_item_uint(struct str *out, uint64_t value)
{
	add_uint(out, value);
}

void rec_item_int(struct str *out, int64_t value)
{
	add_int(out, value);
}

void rec_item_text(struct str *out, const char *text)
{
	if (text)
		add_text(out, text);
	else
		add_head(out, cbor_encode_null);
}

void rec_item_bytes(struct str *out, const void *bytes, size_t length)
{
	add_bytes(out, bytes, length);
}

void rec_open_map(struct str *out)
{
	add_head(out, cbor_encode_indef_map_start);
}

void rec_map(struct str *out, unsigned key)
{
	add_uint(out, key);
	add_head(out, cbor_encode_indef_map_start);
}

void rec_close(struct str *out)
{
	add_head(out, cbor_encode_break);
}
