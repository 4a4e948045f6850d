/* roll_visible.c - which records of the roll count at an instant. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_private.h"
#include "when.h"

const struct roll_moment roll_now = {.at = WHEN_UNKNOWN, .confirmed = UINT64_MAX, .ceiling = UINT64_MAX};

/* Names the record in a message of decoding. */
static int wrap(int result, const char *kind, struct err *e)
{
	return result < 0 ? err_wrap(e, "store: %s", kind) : result;
}

int roll_get_counters(struct store_view *view, struct roll_counters *counters, struct bytes *raw, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct key key;

	key_begin(&key, KEY_COUNTERS);
	int result = store_view_get(view, key.bytes, key.length, &value, e);
	*counters = (struct roll_counters){0};
	if (result <= 0)
		return result;
	result = roll_counters_decode(value.data, value.length, counters, e);
	if (result < 0)
		return wrap(result, KEY_COUNTERS, e);
	if (raw) {
		*raw = value;
		value = (struct bytes){0};
	}
	return 1;
}

int roll_get_header(struct store_view *view, uint64_t id, struct roll_header *header, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct key key;

	key_add_u64(key_begin(&key, KEY_SNAPSHOT), id);
	int result = store_view_get(view, key.bytes, key.length, &value, e);
	if (result <= 0)
		return result;
	result = roll_header_decode(value.data, value.length, header, e);
	header->snapshot.id = id;
	return result < 0 ? err_wrap(e, "store: snapshot %llu", (unsigned long long)id) : 1;
}

int roll_get_pending(struct store_view *view, const unsigned char *host, uint64_t *change, struct err *e)
{
	cleanup(bytes_done) struct bytes value = {0};
	struct key key;

	key_add_uuid(key_begin(&key, KEY_PENDING), host);
	*change = 0;
	int result = store_view_get(view, key.bytes, key.length, &value, e);
	if (result <= 0)
		return result;
	if (value.length != sizeof *change)
		return err_set(e, ERR_CORRUPT, "store: %s: bad length", KEY_PENDING);
	*change = key_read_u64(value.data);
	return 1;
}

typedef int decode_chunk(const void *data, size_t length, void *context, struct err *e);

static int get_chunks(struct store_view *view, const char *prefix, uint64_t number, uint64_t chunks,
		      decode_chunk *decode, void *context, struct err *e)
{
	for (uint64_t i = 0; i < chunks; i++) {
		cleanup(bytes_done) struct bytes value = {0};
		struct key key;

		key_add_u16(key_add_u64(key_begin(&key, prefix), number), (uint16_t)i);
		int result = store_view_get(view, key.bytes, key.length, &value, e);
		if (result == 0)
			result = err_set(e, ERR_CORRUPT, "chunk %llu is missing", (unsigned long long)i);
		if (result > 0)
			result = decode(value.data, value.length, context, e);
		if (result < 0)
			return err_wrap(e, "store: %s%llu", prefix, (unsigned long long)number);
	}
	return 0;
}

static int decode_members(const void *data, size_t length, void *context, struct err *e)
{
	return roll_members_decode(data, length, context, e);
}

/* Names are searched by halving. */
static int check_order(const struct roll_set *set, struct err *e)
{
	for (size_t i = 1; i < set->members.count; i++)
		if (strcmp(set->members.items[i - 1].name, set->members.items[i].name) >= 0)
			return err_set(e, ERR_CORRUPT, "store: %s: hosts out of order", KEY_SET);
	return 0;
}

int roll_get_set(struct store_view *view, const struct roll_header *header, struct roll_set *set, struct err *e)
{
	struct roll_set read = {0};

	int result = get_chunks(view, KEY_SET, header->set, header->set_chunks, decode_members, &read, e);
	if (result == 0)
		result = check_order(&read, e);
	if (result < 0)
		roll_set_done(&read);
	else
		*set = read;
	return result;
}

struct results_context {
	const struct roll_snapshot *snapshot;
	struct roll_results *results;
};

static int decode_results(const void *data, size_t length, void *context, struct err *e)
{
	struct results_context *c = context;

	return roll_results_decode(data, length, c->snapshot, c->results, e);
}

int roll_get_results(struct store_view *view, const struct roll_header *header, struct roll_results *results,
		     struct err *e)
{
	struct roll_results read = {0};
	struct results_context context = {&header->snapshot, &read};

	int result = get_chunks(view, KEY_RESULTS, header->snapshot.id, header->result_chunks, decode_results,
				&context, e);
	if (result < 0)
		roll_results_done(&read);
	else
		*results = read;
	return result;
}

/* The newest header with an id below BELOW. 1/0. */
static int header_below(struct store_view *view, uint64_t below, struct roll_header *header, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct roll_header read;
	struct key key;

	if (below == 0)
		return 0;
	key_begin(&key, KEY_SNAPSHOT);
	int result = store_cursor_open(&cursor, view, key.bytes, key.length, true, e);
	key_add_u64(&key, below - 1);
	if (result == 0)
		result = store_cursor_seek(cursor, key.bytes, key.length, e);
	if (result == 0)
		result = store_cursor_next(cursor, &item, e);
	if (result <= 0)
		return result;
	result = roll_header_decode(item.value, item.value_length, &read, e);
	if (result == 0 && !key_parse_u64(&item, KEY_SNAPSHOT, &read.snapshot.id))
		result = err_set(e, ERR_CORRUPT, "bad key");
	if (result < 0)
		return wrap(result, KEY_SNAPSHOT, e);
	*header = read;
	return 1;
}

/* Among those from FIRST up to below BELOW, which are in order, the newest that began at or before AT. 1/0. */
static int header_by_halving(struct store_view *view, uint64_t first, uint64_t below, int64_t at,
			     struct roll_header *header, struct err *e)
{
	struct roll_header read;
	int found = 0;

	while (first < below) {
		uint64_t middle = first + (below - first) / 2;
		int result = header_below(view, middle + 1, &read, e);
		if (result < 0)
			return result;
		bool later = result > 0 && read.snapshot.id >= first && read.snapshot.begun > at;
		if (result > 0 && read.snapshot.id >= first && !later) {
			*header = read;
			found = 1;
		}
		if (later)
			below = read.snapshot.id;
		else
			first = middle + 1;
	}
	return found;
}

int roll_newest_header(struct store_view *view, uint64_t below, int64_t at, struct roll_header *header,
		       struct err *e)
{
	struct roll_header read;
	int result;

	while ((result = header_below(view, below, &read, e)) > 0) {
		if (at == WHEN_UNKNOWN || read.snapshot.begun <= at) {
			*header = read;
			return 1;
		}
		below = read.snapshot.id;
		if (read.ordered == 0 || read.ordered >= below)
			continue;
		result = header_by_halving(view, read.ordered, below, at, header, e);
		if (result != 0)
			return result;
		below = read.ordered;
	}
	return result;
}

static int compare_member(const void *name, const void *member)
{
	return strcmp(name, ((const struct roll_member *)member)->name);
}

size_t roll_set_find(const struct roll_set *set, const char *name)
{
	const struct roll_member *found = set->members.count
						  ? bsearch(name, set->members.items, set->members.count,
							    sizeof *set->members.items, compare_member)
						  : NULL;

	return found ? (size_t)(found - set->members.items) : SIZE_MAX;
}

size_t roll_set_find_uuid(const struct roll_set *set, const unsigned char *uuid)
{
	for (size_t i = 0; i < set->members.count; i++) {
		const struct roll_member *member = &set->members.items[i];
		if (member->known && memcmp(member->uuid, uuid, VM_UUID_SIZE) == 0)
			return i;
	}
	return SIZE_MAX;
}

bool roll_visible(const struct roll_bounds *bounds, uint64_t change)
{
	return change <= bounds->position && change >= bounds->life && change != bounds->pending;
}

/* Opens a cursor over PREFIX HOST that walks back from CEILING. */
static int open_back(struct store_cursor **cursor, struct store_view *view, struct key *key, uint64_t ceiling,
		     struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *opened = NULL;

	int result = store_cursor_open(&opened, view, key->bytes, key->length, true, e);
	if (result == 0 && ceiling != UINT64_MAX) {
		key_add_u64(key, ceiling);
		result = store_cursor_seek(opened, key->bytes, key->length, e);
	}
	if (result < 0)
		return result;
	*cursor = opened;
	opened = NULL;
	return 0;
}

static int read_entry(const struct store_item *item, struct roll_entry *entry, struct err *e)
{
	const unsigned char *host;
	uint64_t change;

	int result = roll_entry_decode(item->value, item->value_length, entry, e);
	if (result == 0 && !key_parse_host_change(item, KEY_LIST, &host, &change))
		result = err_set(e, ERR_CORRUPT, "bad key");
	/* Who walks back from life to life relies on it. */
	if (result == 0 && (entry->life == 0 || entry->life > change))
		result = err_set(e, ERR_CORRUPT, "a life that begins after its change");
	if (result < 0)
		return wrap(result, KEY_LIST, e);
	entry->change = change;
	return 0;
}

static bool sees(const struct roll_moment *moment, const struct roll_entry *entry)
{
	return moment->at == WHEN_UNKNOWN || entry->change <= moment->confirmed || entry->at <= moment->at;
}

int roll_get_entry(struct store_view *view, const unsigned char *host, const struct roll_moment *moment,
		   struct roll_entry *entry, struct roll_bounds *bounds, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct roll_entry read = {0};
	struct store_item item;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_LIST), host);
	int result = open_back(&cursor, view, &key, moment->ceiling, e);
	do {
		if (result == 0)
			result = store_cursor_next(cursor, &item, e);
		if (result <= 0)
			return result;
		result = read_entry(&item, &read, e);
		if (result < 0)
			return result;
	} while (!sees(moment, &read));

	uint64_t pending;
	result = roll_get_pending(view, host, &pending, e);
	if (result < 0)
		return result;
	*entry = read;
	*bounds = (struct roll_bounds){.position = read.change, .life = read.life, .pending = pending};
	return 1;
}

int roll_get_host(struct store_view *view, const unsigned char *host, const struct roll_bounds *bounds,
		  struct roll_host *attributes, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	const unsigned char *uuid;
	struct store_item item;
	uint64_t change;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_HOST), host);
	int result = open_back(&cursor, view, &key, bounds->position, e);
	if (result < 0)
		return result;
	while ((result = store_cursor_next(cursor, &item, e)) > 0) {
		if (!key_parse_host_change(&item, KEY_HOST, &uuid, &change))
			return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_HOST);
		if (change == bounds->pending)
			continue;
		result = roll_host_decode(item.value, item.value_length, attributes, e);
		return result < 0 ? wrap(result, KEY_HOST, e) : 1;
	}
	return result;
}

static int wrap_vm(const unsigned char *host, const unsigned char *vm, struct err *e)
{
	char host_text[VM_UUID_TEXT_SIZE], vm_text[VM_UUID_TEXT_SIZE];

	return err_wrap(e, "store: %s%s/%s", KEY_VM, vm_uuid_format(host, host_text),
			vm_uuid_format(vm, vm_text));
}

int roll_get_vm(struct store_view *view, const unsigned char *host, const unsigned char *vm,
		const struct roll_bounds *bounds, struct roll_record *record, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct key_vm_parts parts;
	struct roll_record read;
	struct store_item item;
	struct key key;

	key_add_uuid(key_add_uuid(key_begin(&key, KEY_VM), host), vm);
	int result = open_back(&cursor, view, &key, bounds->position, e);
	if (result < 0)
		return result;
	do {
		result = store_cursor_next(cursor, &item, e);
		if (result <= 0)
			return result;
		if (!key_parse_vm(&item, &parts))
			return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_VM);
	} while (!roll_visible(bounds, parts.change));

	result = roll_record_decode(item.value, item.value_length, &read, e);
	if (result < 0)
		return wrap_vm(host, vm, e);
	if (read.vm.state == VM_GONE) {
		roll_record_done(&read);
		return 0;
	}
	read.change = parts.change;
	memcpy(read.vm.uuid, vm, VM_UUID_SIZE);
	*record = read;
	return 1;
}

struct roll_walk {
	struct store_cursor *cursor;
	struct roll_bounds bounds;
	unsigned char host[VM_UUID_SIZE];
	struct roll_candidate next, ready;
};

int roll_walk_open(struct roll_walk **walk, struct store_view *view, const unsigned char *host,
		   const struct roll_bounds *bounds, struct err *e)
{
	cleanup(cleanup_roll_walk) struct roll_walk *opened = mem_zalloc(1, sizeof *opened);
	struct key key;

	opened->bounds = *bounds;
	memcpy(opened->host, host, VM_UUID_SIZE);
	key_add_uuid(key_begin(&key, KEY_VM), host);
	int result = store_cursor_open(&opened->cursor, view, key.bytes, key.length, false, e);
	if (result < 0)
		return result;
	*walk = opened;
	opened = NULL;
	return 0;
}

void roll_walk_close(struct roll_walk *walk)
{
	if (!walk)
		return;
	store_cursor_close(walk->cursor);
	str_done(&walk->next.value);
	str_done(&walk->ready.value);
	free(walk);
}

void cleanup_roll_walk(struct roll_walk **walk)
{
	roll_walk_close(*walk);
}

/* Whether the candidate is complete: the item is of another VM. Then it is moved to ready. */
static bool take_item(struct roll_walk *walk, const struct key_vm_parts *parts, const struct store_item *item)
{
	struct roll_candidate *next = &walk->next;
	bool other = next->change && memcmp(next->vm, parts->vm, VM_UUID_SIZE) != 0;

	if (other) {
		struct roll_candidate spare = walk->ready;
		walk->ready = *next;
		*next = spare;
	}
	memcpy(next->vm, parts->vm, VM_UUID_SIZE);
	next->change = parts->change;
	str_reset(&next->value);
	str_add_n(&next->value, item->value, item->value_length);
	return other;
}

int roll_walk_step(struct roll_walk *walk, const struct roll_candidate **candidate, struct err *e)
{
	struct key_vm_parts parts;
	struct store_item item;
	int result;

	while ((result = store_cursor_next(walk->cursor, &item, e)) > 0) {
		if (!key_parse_vm(&item, &parts))
			return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_VM);
		if (roll_visible(&walk->bounds, parts.change) && take_item(walk, &parts, &item)) {
			*candidate = &walk->ready;
			return 1;
		}
	}
	if (result < 0 || !walk->next.change)
		return result;
	struct roll_candidate last = walk->next;
	walk->next = walk->ready;
	walk->next.change = 0;
	walk->ready = last;
	*candidate = &walk->ready;
	return 1;
}

int roll_walk_decode(const struct roll_walk *walk, const struct roll_candidate *candidate,
		     struct roll_record *record, struct err *e)
{
	int result = roll_record_decode(candidate->value.data, candidate->value.length, record, e);
	if (result < 0)
		return wrap_vm(walk->host, candidate->vm, e);
	record->change = candidate->change;
	memcpy(record->vm.uuid, candidate->vm, VM_UUID_SIZE);
	return 0;
}

int roll_walk_next(struct roll_walk *walk, struct roll_record *record, struct err *e)
{
	const struct roll_candidate *candidate;

	int result = roll_walk_step(walk, &candidate, e);
	if (result <= 0)
		return result;
	result = roll_walk_decode(walk, candidate, record, e);
	return result < 0 ? result : 1;
}
