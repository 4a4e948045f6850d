/*
 * rows.h - one table of columns feeds the aligned table, raw output and JSON Lines.
 *
 * Table: aligned, for people (sizes 16 GiB, times local). Raw (-r): tab
 * separated, escaped as str_add_escaped, no headings; plain numbers; times RFC 3339. JSON (-J): one
 * object a line with "schema" first; all columns unless -o chose. Unknown is `-` in table and raw, null in JSON.
 */
#ifndef VMROLL_ROWS_H
#define VMROLL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "str.h"

enum rows_format { ROWS_TABLE, ROWS_RAW, ROWS_JSON };

enum rows_kind {
	ROWS_TEXT,
	ROWS_NUMBER,  /* unsigned */
	ROWS_BYTES,   /* 16 GiB */
	ROWS_TIME,    /* instant of when.h */
	ROWS_RTT,     /* microseconds, shown "0.21 ms", JSON and raw in ms */
	ROWS_PERCENT, /* "25 %" */
	ROWS_BOOL,    /* yes/no, true/false */
	ROWS_LIST     /* strings: joined by "," in table and raw, array in JSON */
};

struct column {
	const char *name; /* heading and -o: "MEMORY" */
	const char *json; /* key: "memory_bytes" */
	const char *help; /* for -o help */
	enum rows_kind kind;
	bool hidden;    /* not shown unless -o names it; JSON shows it all the same */
	bool json_only; /* exists in JSON only */
};

struct rows;

/*
 * COLUMNS is borrowed. SELECTION is -o's "COL,COL" in any case, or NULL.
 * ERR_USAGE names the unknown column and lists those that exist.
 */
int rows_new(struct rows **rows, const struct column *columns, size_t count, enum rows_format format,
	     const char *selection, bool no_headings, unsigned schema, FILE *out, struct err *e);
void rows_free(struct rows *rows); /* NULL-safe; prints nothing */
void cleanup_rows(struct rows **rows);

/* Whether a cell of COLUMN (index) will be shown at all: spare the work if not. */
bool rows_wants(const struct rows *rows, size_t column);

/* Fill the current row; what is not set is unknown. Text is copied. NULL text, ROWS_UNKNOWN, WHEN_UNKNOWN are unknown. */
#define ROWS_UNKNOWN UINT64_MAX
void rows_text(struct rows *rows, size_t column, const char *text);
void rows_number(struct rows *rows, size_t column, uint64_t number); /* NUMBER, BYTES, PERCENT */
void rows_time(struct rows *rows, size_t column, int64_t instant);
void rows_rtt(struct rows *rows, size_t column, int64_t microseconds); /* negative: unknown */
void rows_bool(struct rows *rows, size_t column, bool truth);
void rows_list_add(struct rows *rows, size_t column, const char *text); /* LIST: one more; none added is an empty list */
/* Where to write what the cell is in JSON, whatever its kind: one value, an array of objects, say. Borrowed; empty at the begin of a row; the other formats make nothing of it. */
struct str *rows_json(struct rows *rows, size_t column);
/* Ends the row. Raw and JSON go out at once (buffered by stdio), the table at rows_finish. */
int rows_end(struct rows *rows, struct err *e);
/* Prints the table (headings also when it is empty: no). */
int rows_finish(struct rows *rows, struct err *e);

/* Prints NAME, JSON key and help of each column: `-o help`. */
void rows_help(const struct column *columns, size_t count, FILE *out);

#endif
