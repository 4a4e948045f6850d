/* admins_parse.c - admins(5): reading a list, or naming each of its bad lines. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "admins.h"
#include "admins_private.h"
#include "csv.h"
#include "map.h"
#include "mem.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { FIELD_MAX_BYTES = 2048 };

enum column {
	COLUMN_VM,
	COLUMN_ADMIN,
	COLUMN_EMAIL,
	COLUMN_PHONE,
	COLUMN_PROCESS,
	COLUMN_OPTIONAL, /* this one and those behind it */
	COLUMN_VOICE_LANG = COLUMN_OPTIONAL,
	COLUMN_POLICY,
	COLUMN_GROUP,
	COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {"vm",      "admin",      "email",  "phone",
						       "process", "voice_lang", "policy", "group"};

/* What is one for each person, in whichever of their rows it stands. */
struct facts {
	const char *name;
	const char *(*value_in)(const struct admin *admin); /* or NULL */
	struct map *rows; /* person: the number, from 1, of the first row that says it */
	VEC(char *) persons;
};

/* One reading of a list. */
struct import {
	struct csv csv;
	size_t columns[COLUMN_COUNT]; /* where each stands; SIZE_MAX: nowhere */
	size_t width;
	VEC(struct admin) rows;
	struct map *seen; /* VM, NUL, person: the row's line */
	VEC(char *) seen_keys;
	struct facts policies, voices;
	const char *source;
	admins_bad_line *bad;
	void *context;
	size_t bad_count;
	char first_bad[ERR_TEXT_SIZE];
};

static void facts_done(struct facts *facts)
{
	map_free(facts->rows);
	vec_foreach(&facts->persons, person)
		free(*person);
	vec_done(&facts->persons);
}

static void import_done(struct import *import)
{
	facts_done(&import->policies);
	facts_done(&import->voices);
	csv_done(&import->csv);
	vec_foreach(&import->rows, admin)
		admin_done(admin);
	vec_done(&import->rows);
	map_free(import->seen);
	vec_foreach(&import->seen_keys, key)
		free(*key);
	vec_done(&import->seen_keys);
}

static void report(struct import *import, unsigned line, const char *text)
{
	if (import->bad_count++ == 0)
		snprintf(import->first_bad, sizeof import->first_bad, "%s:%u: %s", import->source, line, text);
	if (import->bad)
		import->bad(import->context, import->source, line, text);
}

static int find_column(struct import *import, enum column column, struct err *e)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < csv_count(&import->csv); i++) {
		if (strcasecmp(csv_field(&import->csv, i, NULL), column_names[column]) != 0)
			continue;
		if (found != SIZE_MAX)
			return err_set(e, ERR_USAGE, "column %s stands there twice", column_names[column]);
		found = i;
	}
	if (found == SIZE_MAX && column < COLUMN_OPTIONAL)
		return err_set(e, ERR_USAGE, "no column %s; the first row must name vm,admin,email,phone,process",
			       column_names[column]);
	import->columns[column] = found;
	return 0;
}

static int check_header(struct import *import, struct err *e)
{
	int result = 0;

	import->width = csv_count(&import->csv);
	for (enum column column = 0; column < COLUMN_COUNT && result == 0; column++)
		result = find_column(import, column, e);
	return result;
}

static const char *value_of(const struct import *import, enum column column)
{
	size_t index = import->columns[column];

	return index == SIZE_MAX ? "" : csv_field(&import->csv, index, NULL);
}

static bool is_ours(const struct import *import, size_t index)
{
	for (enum column column = 0; column < COLUMN_COUNT; column++)
		if (import->columns[column] == index)
			return true;
	return false;
}

/* Columns that are not ours may hold line breaks and tabs: notes often do. */
static int check_characters(const struct import *import, size_t index, struct err *e)
{
	size_t length;
	const char *text = csv_field(&import->csv, index, &length);
	bool ours = is_ours(import, index);

	for (size_t i = 0; i < length;) {
		uint32_t codepoint;
		size_t bytes = str_utf8_character(text + i, length - i, &codepoint);
		if (bytes == 0)
			return err_set(e, ERR_USAGE, "field %zu: byte 0x%02X is not UTF-8", index + 1,
				       (unsigned char)text[i]);
		bool layout = codepoint == '\n' || codepoint == '\r' || codepoint == '\t';
		bool control = codepoint < 0x20 || (codepoint >= 0x7F && codepoint < 0xA0);
		if (control && (ours || !layout))
			return err_set(e, ERR_USAGE, "field %zu: control character 0x%02X", index + 1,
				       (unsigned)codepoint);
		i += bytes;
	}
	if (ours && length > FIELD_MAX_BYTES)
		return err_set(e, ERR_USAGE, "field %zu: longer than %d bytes", index + 1, FIELD_MAX_BYTES);
	return 0;
}

static int check_fields(const struct import *import, struct err *e)
{
	size_t count = csv_count(&import->csv);
	int result = 0;

	if (count != import->width)
		return err_set(e, ERR_USAGE, "%zu field%s, but the first row has %zu", count,
			       count == 1 ? "" : "s", import->width);
	for (size_t i = 0; i < count && result == 0; i++)
		result = check_characters(import, i, e);
	return result;
}

static int check_person(const struct import *import, struct err *e)
{
	const char *email = value_of(import, COLUMN_EMAIL);
	const char *phone = value_of(import, COLUMN_PHONE);
	int result = 0;

	if (*email == '\0' && *phone == '\0')
		return err_set(e, ERR_USAGE, "neither email nor phone: nobody to tell");
	if (*email)
		result = address_check_email(email, e);
	if (*phone && result == 0)
		result = address_check_phone(phone, e);
	return result;
}

static int check_optional(const struct import *import, struct err *e)
{
	const char *voice_lang = value_of(import, COLUMN_VOICE_LANG);
	const char *policy = value_of(import, COLUMN_POLICY);
	int result = 0;

	if (*voice_lang && conf_check_lang(voice_lang, e) < 0)
		result = err_wrap(e, "voice_lang");
	if (*policy && result == 0 && conf_check_name(policy, e) < 0)
		result = err_wrap(e, "policy");
	return result;
}

static int check_vm(const char *vm, struct err *e)
{
	const char *host = strrchr(vm, '@');

	if (*vm == '\0')
		return err_set(e, ERR_USAGE, "no vm");
	if (host && (host == vm || host[1] == '\0'))
		return err_set(e, ERR_USAGE, "vm \"%s\": expected a UUID, NAME or NAME@HOST", vm);
	return 0;
}

/* The same UUID may be written in several ways. */
static void add_canonical(struct str *key, const char *vm)
{
	unsigned char uuid[VM_UUID_SIZE];
	char text[VM_UUID_TEXT_SIZE];
	struct err not_uuid;

	str_add(key, vm_uuid_parse(vm, uuid, &not_uuid) == 0 ? vm_uuid_format(uuid, text) : vm);
}

/* Names between blanks and semicolons. */
static int split_groups(const char *text, struct conf_list *groups, struct err *e)
{
	static const char between[] = " ;";

	for (text += strspn(text, between); *text; text += strspn(text, between)) {
		size_t length = strcspn(text, between);
		conf_list_take(groups, mem_string_n(text, length));
		if (conf_check_name(groups->items[groups->count - 1], e) < 0)
			return err_wrap(e, "group");
		text += length;
	}
	return 0;
}

static const char *policy_in(const struct admin *admin)
{
	return admin->policy;
}

static const char *voice_in(const struct admin *admin)
{
	return admin->voice_lang;
}

/* ERR_USAGE, if PERSON, whom ADMIN is of, has another in a row before. */
static int check_fact(const struct import *import, const struct facts *facts, const char *person,
		      const struct admin *admin, struct err *e)
{
	const char *value = facts->value_in(admin);
	size_t number = (size_t)(uintptr_t)map_find(facts->rows, person, strlen(person));

	if (!value || number == 0)
		return 0;
	const struct admin *before = &import->rows.items[number - 1];
	if (str_equal(facts->value_in(before), value))
		return 0;
	return err_set(e, ERR_USAGE, "%s \"%s\" for %s, who has \"%s\" on line %u", facts->name, value,
		       person, facts->value_in(before), before->line);
}

/* Of the row that was just added. */
static void note_fact(const struct import *import, struct facts *facts, const char *person)
{
	if (!facts->value_in(&import->rows.items[import->rows.count - 1]) ||
	    map_find(facts->rows, person, strlen(person)))
		return;
	char *kept = mem_string(person);
	vec_push(&facts->persons, kept);
	map_add(facts->rows, kept, strlen(kept), (void *)(uintptr_t)import->rows.count);
}

/* Takes ownership of ADMIN's fields, if it succeeds. */
static int add_row(struct import *import, const struct admin *admin, struct err *e)
{
	cleanup(cleanup_mem) char *person = admins_person(admin);
	struct str key = {0};

	add_canonical(&key, admin->vm);
	str_add_char(&key, '\0');
	str_add(&key, person);
	size_t length = key.length;
	vec_push(&import->seen_keys, str_take(&key));
	char *kept = import->seen_keys.items[import->seen_keys.count - 1];
	/* The line itself serves as the value: it is never 0. */
	if (!map_add(import->seen, kept, length, (void *)(uintptr_t)admin->line))
		return err_set(e, ERR_USAGE, "%s has %s on line %lu already", admin->vm, person,
			       (unsigned long)(uintptr_t)map_find(import->seen, kept, length));
	if (check_fact(import, &import->policies, person, admin, e) < 0 ||
	    check_fact(import, &import->voices, person, admin, e) < 0)
		return ERR_USAGE;
	vec_push(&import->rows, *admin);
	note_fact(import, &import->policies, person);
	note_fact(import, &import->voices, person);
	return 0;
}

static char *optional(const char *text)
{
	return *text ? mem_string(text) : NULL;
}

static int take_row(struct import *import, struct err *e)
{
	int result = check_fields(import, e);

	if (result == 0)
		result = check_vm(value_of(import, COLUMN_VM), e);
	if (result == 0)
		result = check_person(import, e);
	if (result == 0)
		result = check_optional(import, e);
	if (result < 0)
		return result;
	struct admin admin = {
		.vm = mem_string(value_of(import, COLUMN_VM)),
		.admin = mem_string(value_of(import, COLUMN_ADMIN)),
		.email = optional(value_of(import, COLUMN_EMAIL)),
		.phone = optional(value_of(import, COLUMN_PHONE)),
		.process = optional(value_of(import, COLUMN_PROCESS)),
		.voice_lang = optional(value_of(import, COLUMN_VOICE_LANG)),
		.policy = optional(value_of(import, COLUMN_POLICY)),
		.line = import->csv.line,
	};
	result = split_groups(value_of(import, COLUMN_GROUP), &admin.groups, e);
	if (result == 0)
		result = add_row(import, &admin, e);
	if (result < 0)
		admin_done(&admin);
	return result;
}

static void take_rows(struct import *import)
{
	struct err e;
	int more;

	while ((more = csv_next(&import->csv, &e)) != 0)
		if (more < 0 || take_row(import, &e) < 0)
			report(import, import->csv.line, e.text);
}

/* Without a sound header nothing can be said about the rows. */
static void take_all(struct import *import)
{
	struct err e;
	int more = csv_next(&import->csv, &e);

	if (more > 0)
		more = check_header(import, &e) < 0 ? -1 : 1;
	if (more < 0)
		report(import, import->csv.line, e.text);
	else if (more > 0)
		take_rows(import);
}

int admins_parse(struct admins *admins, const char *csv, size_t length, const char *source,
		 admins_bad_line *bad, void *context, struct err *e)
{
	cleanup(import_done) struct import import = {.seen = map_new(),
						     .policies = {"policy", policy_in, map_new(), {0}},
						     .voices = {"voice_lang", voice_in, map_new(), {0}},
						     .source = source,
						     .bad = bad,
						     .context = context};

	csv_open(&import.csv, csv, length);
	take_all(&import);
	if (import.bad_count > 0 && bad)
		return err_set(e, ERR_USAGE, "%s: %zu bad line%s", source, import.bad_count,
			       import.bad_count == 1 ? "" : "s");
	if (import.bad_count > 0)
		return err_set(e, ERR_USAGE, "%s (%zu bad line%s)", import.first_bad, import.bad_count,
			       import.bad_count == 1 ? "" : "s");
	*admins = (struct admins){.items = import.rows.items,
				  .count = import.rows.count,
				  .source = mem_string(source),
				  .imported = when_now()};
	import.rows.items = NULL;
	import.rows.count = 0;
	admins_index(admins);
	return 0;
}
