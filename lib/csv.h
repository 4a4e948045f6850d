/* csv.h - rows of comma-separated values, RFC 4180: quoted fields, doubled quotes, line breaks inside of quotes; rows end in LF or CRLF. */
#ifndef VMROLL_CSV_H
#define VMROLL_CSV_H

#include <stddef.h>

#include "err.h"
#include "str.h"
#include "vec.h"

/* A reader over text that it borrows. */
struct csv {
	const char *next;
	const char *end;
	unsigned next_line;
	unsigned line;   /* of the current row, from 1 */
	struct str text; /* the fields of the current row, each with a NUL behind it */
	VEC(size_t) starts;
};

/* Skips a byte order mark. csv_done frees. */
void csv_open(struct csv *csv, const char *text, size_t length);
void csv_done(struct csv *csv);

/*
 * 1 with the next row (lines without anything are passed over), 0 at the end,
 * or ERR_USAGE for a row that is malformed: an unclosed quote, a quote inside of an
 * unquoted field, text behind a closing quote, no line break at the end. csv->line says where, the next call goes on
 * behind it.
 */
int csv_next(struct csv *csv, struct err *e);

/* Fields of the current row. LENGTH (may be NULL) counts NUL bytes that the text may hold. Borrowed until the next csv_next. */
size_t csv_count(const struct csv *csv);
const char *csv_field(const struct csv *csv, size_t index, size_t *length);

#endif
