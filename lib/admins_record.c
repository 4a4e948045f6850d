/* admins_record.c - rows of the administrators' list as a record of the store. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "admins_private.h"
#include "mem.h"
#include "rec.h"
#include "str.h"
#include "vec.h"

enum { ROWS_VERSION = 2 };

/* An array: vm, admin, email, phone, process, line of each row in turn; from version 2 on also voice_lang, policy, groups with blanks between. */
enum { ROWS_FIELDS = 1 };

/* NULL, if there is none. */
static char *join_groups(const struct conf_list *groups)
{
	struct str joined = {0};

	if (groups->count == 0)
		return NULL;
	for (size_t i = 0; i < groups->count; i++)
		str_addf(&joined, "%s%s", i > 0 ? " " : "", groups->items[i]);
	return str_take(&joined);
}

static void encode_row(const struct admin *admin, unsigned version, struct str *out)
{
	rec_item_text(out, admin->vm);
	rec_item_text(out, admin->admin);
	rec_item_text(out, admin->email);
	rec_item_text(out, admin->phone);
	rec_item_text(out, admin->process);
	rec_item_uint(out, admin->line);
	if (version < ROWS_VERSION)
		return;
	cleanup(cleanup_mem) char *groups = join_groups(&admin->groups);
	rec_item_text(out, admin->voice_lang);
	rec_item_text(out, admin->policy);
	rec_item_text(out, groups);
}

unsigned admins_rows_version(const struct admins *admins)
{
	for (size_t i = 0; i < admins->count; i++) {
		const struct admin *admin = &admins->items[i];
		if (admin->voice_lang || admin->policy || admin->groups.count > 0)
			return ROWS_VERSION;
	}
	return 1;
}

void admins_encode_rows(const struct admins *admins, unsigned version, size_t size, size_t *next, struct str *out)
{
	rec_begin(out, version);
	rec_array(out, ROWS_FIELDS);
	while (*next < admins->count && out->length < size)
		encode_row(&admins->items[(*next)++], version, out);
	rec_close(out);
	rec_end(out);
}

static void split_groups(char *text, struct conf_list *groups)
{
	for (char *next = text; next && *next;) {
		size_t length = strcspn(next, " ");
		if (length > 0)
			conf_list_take(groups, mem_string_n(next, length));
		next += length + (next[length] != '\0');
	}
}

/* Into TEXTS, in turn; NULL stands for the line of the row. */
static int decode_fields(struct rec_reader *reader, char **const *texts, size_t count, uint64_t *line,
			 struct err *e)
{
	struct rec_value value;

	for (size_t i = 0; i < count; i++) {
		int result = rec_next(reader, NULL, &value, e);
		if (result == 0 && i == 0)
			return 0;
		if (result == 0)
			return err_set(e, ERR_CORRUPT, "a row is cut short");
		if (result > 0)
			result = texts[i] ? rec_as_text(&value, texts[i], e) : rec_as_uint(&value, line, e);
		if (result < 0)
			return result;
	}
	return 1;
}

static int decode_row(struct rec_reader *reader, unsigned version, struct admin *admin, struct err *e)
{
	cleanup(cleanup_mem) char *groups = NULL;
	char **const texts[] = {&admin->vm,         &admin->admin,   &admin->email,
				&admin->phone,      &admin->process, NULL,
				&admin->voice_lang, &admin->policy,  &groups};
	size_t count = version < ROWS_VERSION ? 6 : sizeof texts / sizeof texts[0];
	uint64_t line = 0;

	int result = decode_fields(reader, texts, count, &line, e);
	if (result <= 0)
		return result;
	admin->line = (unsigned)line;
	split_groups(groups, &admin->groups);
	if (!admin->vm || !admin->admin || (!admin->email && !admin->phone))
		return err_set(e, ERR_CORRUPT, "a row without its fields");
	return 1;
}

static int decode_rows(struct admin_rows *rows, unsigned version, struct rec_reader *reader, struct err *e)
{
	for (;;) {
		struct admin admin = {0};
		int more = decode_row(reader, version, &admin, e);
		if (more <= 0) {
			admin_done(&admin);
			return more;
		}
		vec_push(rows, admin);
	}
}

int admins_decode_rows(const struct bytes *bytes, struct admin_rows *rows, struct err *e)
{
	struct rec_reader reader, inside;
	struct rec_value value;
	unsigned version, key;

	int result = rec_open(&reader, bytes->data, bytes->length, ROWS_VERSION, &version, e);
	while (result >= 0 && (result = rec_next(&reader, &key, &value, e)) > 0) {
		if (key != ROWS_FIELDS || value.type != REC_ARRAY)
			continue;
		rec_enter(&inside, &value);
		result = decode_rows(rows, version, &inside, e);
	}
	return result;
}
