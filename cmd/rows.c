/* rows.c - one table of columns feeds the aligned table, raw output and JSON Lines. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "rows.h"
#include "str.h"
#include "table.h"
#include "vec.h"
#include "when.h"

struct cell {
	bool known;
	uint64_t number;
	int64_t signed_number;
	struct str text;
	VEC(char *) list;
	struct str json; /* stands for all else in JSON, unless empty */
	/* Rows that follow each other often share an instant: its text is kept. */
	int64_t shown_instant;
	char shown_text[WHEN_TEXT_SIZE];
};

struct rows {
	const struct column *columns;
	size_t count;
	enum rows_format format;
	unsigned schema;
	FILE *out;
	VEC(size_t) shown;  /* indices of columns, in output order */
	bool *wanted;       /* by column */
	struct cell *cells; /* by column */
	struct table *table;
	struct str line;
};

static int unknown_column(const struct rows *rows, const char *name, size_t length, struct err *e)
{
	cleanup(str_done) struct str known = {0};
	cleanup(str_done) struct str asked = {0};

	for (size_t i = 0; i < rows->count; i++)
		if (!rows->columns[i].json_only)
			str_addf(&known, " %s", rows->columns[i].name);
	str_add_escaped(&asked, name, length);
	return err_set(e, ERR_USAGE, "-o: no column '%s': there are%s", str_text(&asked), str_text(&known));
}

/* A column may be named twice, a key of an object may not. */
static void show_column(struct rows *rows, size_t column)
{
	vec_foreach(&rows->shown, shown)
		if (rows->format == ROWS_JSON && *shown == column)
			return;
	vec_push(&rows->shown, column);
}

static int select_column(struct rows *rows, const char *name, size_t length, struct err *e)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct column *column = &rows->columns[i];
		if (column->json_only || strlen(column->name) != length ||
		    strncasecmp(column->name, name, length) != 0)
			continue;
		show_column(rows, i);
		return 0;
	}
	return unknown_column(rows, name, length, e);
}

static int select_columns(struct rows *rows, const char *selection, struct err *e)
{
	while (*selection) {
		size_t length = strcspn(selection, ",");
		int result = select_column(rows, selection, length, e);
		if (result < 0)
			return result;
		selection += length + (selection[length] == ',');
	}
	return rows->shown.count ? 0 : err_set(e, ERR_USAGE, "-o: no column named");
}

static void select_default(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		bool hidden = rows->columns[i].hidden || rows->columns[i].json_only;
		if (rows->format == ROWS_JSON || !hidden)
			vec_push(&rows->shown, i);
	}
}

static bool is_numeric(enum rows_kind kind)
{
	return kind == ROWS_NUMBER || kind == ROWS_BYTES || kind == ROWS_RTT || kind == ROWS_PERCENT;
}

static void start_table(struct rows *rows, bool no_headings)
{
	VEC(struct table_heading) headings = {0};

	vec_foreach(&rows->shown, i)
		vec_push(&headings,
			 (struct table_heading){rows->columns[*i].name, is_numeric(rows->columns[*i].kind)});
	rows->table = table_new(headings.items, headings.count, no_headings);
	vec_done(&headings);
}

int rows_new(struct rows **out, const struct column *columns, size_t count, enum rows_format format,
	     const char *selection, bool no_headings, unsigned schema, FILE *stream, struct err *e)
{
	struct rows *rows = mem_zalloc(1, sizeof *rows);

	rows->columns = columns;
	rows->count = count;
	rows->format = format;
	rows->schema = schema;
	rows->out = stream;
	rows->cells = mem_zalloc(count, sizeof *rows->cells);
	rows->wanted = mem_zalloc(count, sizeof *rows->wanted);
	for (size_t i = 0; i < count; i++)
		rows->cells[i].shown_instant = WHEN_UNKNOWN;
	if (selection) {
		int result = select_columns(rows, selection, e);
		if (result < 0) {
			rows_free(rows);
			return result;
		}
	} else {
		select_default(rows);
	}
	vec_foreach(&rows->shown, i)
		rows->wanted[*i] = true;
	if (format == ROWS_TABLE)
		start_table(rows, no_headings);
	*out = rows;
	return 0;
}

static void clear_list(struct cell *cell)
{
	vec_foreach(&cell->list, item)
		free(*item);
	cell->list.count = 0;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	for (size_t i = 0; i < rows->count; i++) {
		clear_list(&rows->cells[i]);
		vec_done(&rows->cells[i].list);
		str_done(&rows->cells[i].json);
		str_done(&rows->cells[i].text);
	}
	vec_done(&rows->shown);
	table_free(rows->table);
	str_done(&rows->line);
	free(rows->cells);
	free(rows->wanted);
	free(rows);
}

void cleanup_rows(struct rows **rows)
{
	rows_free(*rows);
}

bool rows_wants(const struct rows *rows, size_t column)
{
	return rows->wanted[column];
}

void rows_text(struct rows *rows, size_t column, const char *text)
{
	struct cell *cell = &rows->cells[column];

	str_reset(&cell->text);
	cell->known = text != NULL;
	if (text)
		str_add(&cell->text, text);
}

void rows_number(struct rows *rows, size_t column, uint64_t number)
{
	rows->cells[column].known = number != ROWS_UNKNOWN;
	rows->cells[column].number = number;
}

void rows_time(struct rows *rows, size_t column, int64_t instant)
{
	rows->cells[column].known = instant != WHEN_UNKNOWN;
	rows->cells[column].signed_number = instant;
}

void rows_rtt(struct rows *rows, size_t column, int64_t microseconds)
{
	rows->cells[column].known = microseconds >= 0;
	rows->cells[column].signed_number = microseconds;
}

void rows_bool(struct rows *rows, size_t column, bool truth)
{
	rows->cells[column].known = true;
	rows->cells[column].number = truth;
}

void rows_list_add(struct rows *rows, size_t column, const char *text)
{
	char *copy = mem_string(text);

	vec_push(&rows->cells[column].list, copy);
}

struct str *rows_json(struct rows *rows, size_t column)
{
	return &rows->cells[column].json;
}

static const char *instant_text(const struct rows *rows, struct cell *cell)
{
	if (cell->shown_instant != cell->signed_number) {
		when_format(cell->signed_number, rows->format == ROWS_TABLE ? WHEN_LOCAL : WHEN_RFC3339,
			    cell->shown_text);
		cell->shown_instant = cell->signed_number;
	}
	return cell->shown_text;
}

/* A text that is "-" itself must not read as unknown, nor as an empty list. */
static void add_text(struct str *line, const char *text, size_t length)
{
	if (length == 1 && text[0] == '-')
		str_add(line, "\\x2d");
	else
		str_add_escaped(line, text, length);
}

/* Commas inside an item are escaped, so that a list splits where it was joined. */
static void add_list(struct str *line, const struct cell *cell)
{
	cleanup(str_done) struct str item = {0};

	for (size_t i = 0; i < cell->list.count; i++) {
		const char *text = cell->list.items[i];
		str_reset(&item);
		add_text(&item, text, strlen(text));
		if (i > 0)
			str_add_char(line, ',');
		for (const char *c = str_text(&item); *c; c++)
			if (*c == ',')
				str_add(line, "\\x2c");
			else
				str_add_char(line, *c);
	}
	if (cell->list.count == 0)
		str_add_char(line, '-');
}

static void add_cell_for_people(struct str *line, const struct cell *cell, enum rows_kind kind)
{
	char text[32];

	if (kind == ROWS_BYTES) {
		str_format_bytes(cell->number, text, sizeof text);
		str_add(line, text);
	} else if (kind == ROWS_RTT) {
		str_addf(line, "%.2f ms", (double)cell->signed_number / 1000);
	} else {
		str_addf(line, "%llu %%", (unsigned long long)cell->number);
	}
}

static void add_cell(struct rows *rows, size_t column, struct str *line)
{
	struct cell *cell = &rows->cells[column];
	enum rows_kind kind = rows->columns[column].kind;

	if (kind == ROWS_LIST) {
		add_list(line, cell);
		return;
	}
	if (!cell->known) {
		str_add_char(line, '-');
		return;
	}
	switch (kind) {
	case ROWS_TEXT:
		add_text(line, str_text(&cell->text), cell->text.length);
		return;
	case ROWS_TIME:
		str_add(line, instant_text(rows, cell));
		return;
	case ROWS_BOOL:
		str_add(line, cell->number ? "yes" : "no");
		return;
	case ROWS_BYTES:
	case ROWS_PERCENT:
	case ROWS_RTT:
		if (rows->format == ROWS_TABLE)
			add_cell_for_people(line, cell, kind);
		else if (kind == ROWS_RTT)
			str_addf(line, "%.3f", (double)cell->signed_number / 1000);
		else
			str_addf(line, "%llu", (unsigned long long)cell->number);
		return;
	default:
		str_addf(line, "%llu", (unsigned long long)cell->number);
	}
}

static void add_json_list(struct str *line, const struct cell *cell)
{
	json_open_array(line);
	vec_foreach(&cell->list, item)
		json_add_text(line, *item);
	json_close_array(line);
}

static void add_json_known(struct rows *rows, struct cell *cell, enum rows_kind kind)
{
	switch (kind) {
	case ROWS_TEXT:
		json_add_text_n(&rows->line, str_text(&cell->text), cell->text.length);
		return;
	case ROWS_TIME:
		json_add_text(&rows->line, instant_text(rows, cell));
		return;
	case ROWS_BOOL:
		json_add_bool(&rows->line, cell->number != 0);
		return;
	case ROWS_RTT:
		json_add_real(&rows->line, (double)cell->signed_number / 1000);
		return;
	default:
		json_add_number(&rows->line, cell->number);
	}
}

static void add_json_value(struct rows *rows, size_t column)
{
	struct cell *cell = &rows->cells[column];
	enum rows_kind kind = rows->columns[column].kind;

	if (cell->json.length)
		json_add_json(&rows->line, &cell->json);
	else if (kind == ROWS_LIST)
		add_json_list(&rows->line, cell);
	else if (cell->known)
		add_json_known(rows, cell, kind);
	else
		json_add_null(&rows->line);
}

static void build_json(struct rows *rows)
{
	json_open_object(&rows->line);
	json_add_key(&rows->line, "schema");
	json_add_number(&rows->line, rows->schema);
	vec_foreach(&rows->shown, column) {
		json_add_key(&rows->line, rows->columns[*column].json);
		add_json_value(rows, *column);
	}
	json_close_object(&rows->line);
}

static void build_raw(struct rows *rows)
{
	for (size_t i = 0; i < rows->shown.count; i++) {
		if (i > 0)
			str_add_char(&rows->line, '\t');
		add_cell(rows, rows->shown.items[i], &rows->line);
	}
}

static void add_to_table(struct rows *rows)
{
	VEC(size_t) starts = {0};
	VEC(const char *) cells = {0};

	/* All cells lie behind each other in one line, which moves as it grows: offsets first, pointers after. */
	vec_foreach(&rows->shown, column) {
		vec_push(&starts, rows->line.length);
		add_cell(rows, *column, &rows->line);
		str_add_char(&rows->line, '\0');
	}
	vec_foreach(&starts, start)
		vec_push(&cells, rows->line.data + *start);
	table_add(rows->table, cells.items);
	vec_done(&starts);
	vec_done(&cells);
}

static void clear_row(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		rows->cells[i].known = false;
		clear_list(&rows->cells[i]);
		str_reset(&rows->cells[i].json);
	}
	str_reset(&rows->line);
}

int rows_end(struct rows *rows, struct err *e)
{
	int result = 0;

	if (rows->format == ROWS_TABLE) {
		add_to_table(rows);
		clear_row(rows);
		return 0;
	}
	if (rows->format == ROWS_JSON)
		build_json(rows);
	else
		build_raw(rows);
	str_add_char(&rows->line, '\n');
	if (fwrite(rows->line.data, 1, rows->line.length, rows->out) != rows->line.length)
		result = err_set_errno(e, ERR_ENV, errno, "standard output");
	clear_row(rows);
	return result;
}

int rows_finish(struct rows *rows, struct err *e)
{
	return rows->table ? table_print(rows->table, rows->out, e) : 0;
}

void rows_help(const struct column *columns, size_t count, FILE *out)
{
	static const struct table_heading headings[] = {{"COLUMN", false}, {"JSON", false}, {"", false}};
	struct table *table = table_new(headings, 3, false);

	for (size_t i = 0; i < count; i++) {
		const char *cells[] = {columns[i].json_only ? "-" : columns[i].name, columns[i].json,
				       columns[i].help};
		table_add(table, cells);
	}
	table_print(table, out, NULL);
	table_free(table);
}
