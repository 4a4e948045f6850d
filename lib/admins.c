/* admins.c - admins(5): whom a VM has. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "admins.h"
#include "admins_private.h"
#include "map.h"
#include "mem.h"

/* The rows of one VM form a chain in the order of the list. */
struct index {
	struct map *by_uuid, *by_text;        /* to the first row of the chain */
	unsigned char (*uuids)[VM_UUID_SIZE]; /* keys of by_uuid, one a row */
	size_t *next;                         /* row to row; SIZE_MAX: the end */
	size_t *last;                         /* of the chain that begins with this row */
};

static void index_free(struct index *index)
{
	if (!index)
		return;
	map_free(index->by_uuid);
	map_free(index->by_text);
	free(index->uuids);
	free(index->next);
	free(index->last);
	free(index);
}

void admin_done(struct admin *admin)
{
	free(admin->vm);
	free(admin->admin);
	free(admin->email);
	free(admin->phone);
	free(admin->process);
	free(admin->voice_lang);
	free(admin->policy);
	conf_list_done(&admin->groups);
}

void admins_done(struct admins *admins)
{
	for (size_t i = 0; i < admins->count; i++)
		admin_done(&admins->items[i]);
	free(admins->items);
	free(admins->source);
	index_free(admins->index);
	*admins = (struct admins){0};
}

static void index_row(struct admins *admins, size_t row)
{
	struct index *index = admins->index;
	struct admin *admin = &admins->items[row];
	unsigned char *uuid = index->uuids[row];
	struct err not_uuid;
	bool is_uuid = vm_uuid_parse(admin->vm, uuid, &not_uuid) == 0;
	struct map *map = is_uuid ? index->by_uuid : index->by_text;
	const void *key = is_uuid ? (const void *)uuid : admin->vm;
	size_t length = is_uuid ? VM_UUID_SIZE : strlen(admin->vm);

	index->next[row] = SIZE_MAX;
	index->last[row] = row;
	if (map_add(map, key, length, admin))
		return;
	size_t first = (size_t)((struct admin *)map_find(map, key, length) - admins->items);
	index->next[index->last[first]] = row;
	index->last[first] = row;
}

void admins_index(struct admins *admins)
{
	struct index *index = mem_zalloc(1, sizeof *index);

	index->by_uuid = map_new();
	index->by_text = map_new();
	index->uuids = mem_zalloc(admins->count, sizeof *index->uuids);
	index->next = mem_zalloc(admins->count, sizeof *index->next);
	index->last = mem_zalloc(admins->count, sizeof *index->last);
	admins->index = index;
	for (size_t i = 0; i < admins->count; i++)
		index_row(admins, i);
}

struct result {
	const struct admin **found;
	size_t count;
	size_t maximum;
};

static void add_chain(const struct admins *admins, const struct map *map, const void *key, size_t length,
		      struct result *result)
{
	const struct index *index = admins->index;
	const struct admin *first = map_find(map, key, length);

	if (!first)
		return;
	for (size_t row = (size_t)(first - admins->items); row != SIZE_MAX; row = index->next[row]) {
		if (result->count < result->maximum)
			result->found[result->count] = &admins->items[row];
		result->count++;
	}
}

size_t admins_of(const struct admins *admins, const unsigned char *uuid, const char *name, const char *host,
		 const struct admin **found, size_t maximum)
{
	const struct index *index = admins->index;
	struct result result = {found, 0, maximum};

	if (!index)
		return 0;
	if (uuid) {
		unsigned char swapped[VM_UUID_SIZE];
		vm_uuid_swap(uuid, swapped);
		add_chain(admins, index->by_uuid, uuid, VM_UUID_SIZE, &result);
		if (memcmp(uuid, swapped, VM_UUID_SIZE) != 0)
			add_chain(admins, index->by_uuid, swapped, VM_UUID_SIZE, &result);
	}
	if (name && host) {
		cleanup(cleanup_mem) char *full = mem_format("%s@%s", name, host);
		add_chain(admins, index->by_text, full, strlen(full), &result);
	}
	if (name && !strchr(name, '@'))
		add_chain(admins, index->by_text, name, strlen(name), &result);
	return result.count;
}

char *admins_person(const struct admin *admin)
{
	char *person = mem_string(admin->email ? admin->email : admin->phone);

	for (char *c = person; admin->email && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return person;
}
