/* roll_find.c - which VM a person means. The indices are hints: each is held against the records of the instant. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "roll_read.h"
#include "str.h"

/* ---- what is wanted ---- */

enum wanted_kind { WANTED_UUID, WANTED_NAME, WANTED_MAC, WANTED_NAME_PREFIX, WANTED_UUID_PREFIX };

struct wanted {
	enum wanted_kind kind;
	const char *text;
	size_t length; /* of text; WANTED_UUID_PREFIX: digits */
	unsigned char uuid[VM_UUID_SIZE];
	unsigned char mac[VM_MAC_SIZE];
	const char *host; /* or NULL: any */
};

static bool starts_uuid(const unsigned char *uuid, const struct wanted *wanted)
{
	size_t whole = wanted->length / 2;

	if (memcmp(uuid, wanted->uuid, whole) != 0)
		return false;
	return wanted->length % 2 == 0 || (uuid[whole] & 0xF0) == wanted->uuid[whole];
}

static bool fits(const struct wanted *wanted, const struct vm *vm)
{
	switch (wanted->kind) {
	case WANTED_UUID:
		return memcmp(vm->uuid, wanted->uuid, VM_UUID_SIZE) == 0;
	case WANTED_NAME:
		return vm->name && strlen(vm->name) == wanted->length &&
		       memcmp(vm->name, wanted->text, wanted->length) == 0;
	case WANTED_MAC:
		return vm_has_mac(vm, wanted->mac);
	case WANTED_NAME_PREFIX:
		return vm->name && strncmp(vm->name, wanted->text, wanted->length) == 0;
	default:
		return starts_uuid(vm->uuid, wanted);
	}
}

/* Where the hints of the wanted begin. */
static struct key *hint_key(const struct wanted *wanted, struct key *key)
{
	size_t cut = wanted->length < KEY_NAME_MAX ? wanted->length : KEY_NAME_MAX;

	switch (wanted->kind) {
	case WANTED_UUID:
		return key_add_uuid(key_begin(key, KEY_BY_UUID), wanted->uuid);
	case WANTED_NAME:
		return key_add(key_add(key_begin(key, KEY_BY_NAME), wanted->text, cut), "", 1);
	case WANTED_MAC:
		return key_add(key_begin(key, KEY_BY_MAC), wanted->mac, VM_MAC_SIZE);
	case WANTED_NAME_PREFIX:
		return key_add(key_begin(key, KEY_BY_NAME), wanted->text, cut);
	default:
		return key_add(key_begin(key, KEY_BY_UUID), wanted->uuid, wanted->length / 2);
	}
}

/* The VM that a hint speaks of; NULL if the key is malformed. */
static const unsigned char *hint_vm(const struct store_item *item)
{
	static const size_t prefix = sizeof KEY_BY_UUID - 1;

	if (memcmp(item->key, KEY_BY_UUID, prefix) == 0)
		return item->key_length == prefix + 2 * VM_UUID_SIZE ? item->key + prefix : NULL;
	return key_last_uuid(item);
}

/* ---- the search ---- */

struct search;
/* Looks at one VM that a hint speaks of. 1 if it fits (then it is remembered), 0, negative. */
typedef int look_at_vm(struct search *search, const unsigned char *uuid, const struct wanted *wanted,
		       struct err *e);

struct uuid {
	unsigned char bytes[VM_UUID_SIZE];
};

struct search {
	struct store_view *view;
	struct roll *roll; /* NULL: at any time */
	look_at_vm *look;
	VEC(struct roll_vm) found; /* with a roll */
	VEC(struct uuid) seen;     /* VMs looked at that fit, each once */
	size_t limit;              /* as many different VMs are enough */
};

static void search_done(struct search *search)
{
	vec_foreach(&search->found, vm)
		roll_vm_done(vm);
	vec_done(&search->found);
	vec_done(&search->seen);
}

static bool was_seen(const struct search *search, const unsigned char *uuid)
{
	for (size_t i = search->seen.count; i > 0; i--)
		if (memcmp(search->seen.items[i - 1].bytes, uuid, VM_UUID_SIZE) == 0)
			return true;
	return false;
}

static int walk_hints(struct search *search, const struct wanted *wanted, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	hint_key(wanted, &key);
	int result = store_cursor_open(&cursor, search->view, key.bytes, key.length, false, e);
	while (result >= 0 && search->seen.count < search->limit &&
	       (result = store_cursor_next(cursor, &item, e)) > 0) {
		const unsigned char *hint = hint_vm(&item);
		struct uuid uuid;
		if (!hint)
			return err_set(e, ERR_CORRUPT, "store: ix/: bad key");
		memcpy(uuid.bytes, hint, VM_UUID_SIZE);
		if (was_seen(search, uuid.bytes))
			continue;
		result = search->look(search, uuid.bytes, wanted, e);
		if (result > 0)
			vec_push(&search->seen, uuid);
	}
	return result < 0 ? result : 0;
}

/* Each host that ever had the VM, from its hints. 1 with *HOST. */
struct bearers {
	struct store_cursor *cursor;
};

static int bearers_open(struct bearers *bearers, struct store_view *view, const unsigned char *vm, struct err *e)
{
	struct key key;

	key_add_uuid(key_begin(&key, KEY_BY_UUID), vm);
	return store_cursor_open(&bearers->cursor, view, key.bytes, key.length, false, e);
}

static void bearers_done(struct bearers *bearers)
{
	store_cursor_close(bearers->cursor);
}

static int bearers_next(struct bearers *bearers, unsigned char *host, struct err *e)
{
	struct store_item item;

	int result = store_cursor_next(bearers->cursor, &item, e);
	if (result <= 0)
		return result;
	if (!hint_vm(&item))
		return err_set(e, ERR_CORRUPT, "store: %s: bad key", KEY_BY_UUID);
	memcpy(host, key_last_uuid(&item), VM_UUID_SIZE);
	return 1;
}

static int look_on_host(struct search *search, size_t index, const unsigned char *uuid,
			const struct wanted *wanted, struct err *e)
{
	const struct roll_member *member = &search->roll->set.members.items[index];
	struct roll_record record;
	struct roll_seat *seat;
	struct roll_vm vm;

	if (wanted->host && strcmp(wanted->host, member->name) != 0)
		return 0;
	int result = roll_seat(search->roll, index, &seat, e);
	if (result < 0 || !seat->listed)
		return result;
	result = roll_get_vm(search->view, member->uuid, uuid, &seat->bounds, &record, e);
	if (result <= 0)
		return result;
	if (!fits(wanted, &record.vm)) {
		roll_record_done(&record);
		return 0;
	}
	roll_seat_vm(seat, index, &record, &vm);
	vec_push(&search->found, vm);
	return 1;
}

static int look_at_instant(struct search *search, const unsigned char *uuid, const struct wanted *wanted,
			   struct err *e)
{
	cleanup(bearers_done) struct bearers bearers = {0};
	unsigned char host[VM_UUID_SIZE];
	bool any = false;

	int result = bearers_open(&bearers, search->view, uuid, e);
	while (result >= 0 && (result = bearers_next(&bearers, host, e)) > 0) {
		size_t index = roll_set_find_uuid(&search->roll->set, host);
		if (index == SIZE_MAX)
			continue;
		result = look_on_host(search, index, uuid, wanted, e);
		any |= result > 0;
	}
	return result < 0 ? result : any;
}

/* Whether the host was ever called NAME. 1/0/negative. */
static int bore_name(struct search *search, const unsigned char *host, const char *name, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	key_add_uuid(key_begin(&key, KEY_HOST), host);
	int result = store_cursor_open(&cursor, search->view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		cleanup(roll_host_done) struct roll_host attributes = {0};
		result = roll_host_decode(item.value, item.value_length, &attributes, e);
		if (result < 0)
			return err_wrap(e, "store: %s", KEY_HOST);
		if (str_equal(attributes.name, name))
			return 1;
	}
	return result;
}

static int ever_on_host(struct search *search, const unsigned char *host, const unsigned char *uuid,
			const struct wanted *wanted, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;

	int result = wanted->host ? bore_name(search, host, wanted->host, e) : 1;
	if (result <= 0)
		return result;
	key_add_uuid(key_add_uuid(key_begin(&key, KEY_VM), host), uuid);
	result = store_cursor_open(&cursor, search->view, key.bytes, key.length, false, e);
	while (result >= 0 && (result = store_cursor_next(cursor, &item, e)) > 0) {
		cleanup(roll_record_done) struct roll_record record = {0};
		result = roll_record_decode(item.value, item.value_length, &record, e);
		if (result < 0)
			return err_wrap(e, "store: %s", KEY_VM);
		memcpy(record.vm.uuid, uuid, VM_UUID_SIZE);
		if (fits(wanted, &record.vm))
			return 1;
	}
	return result;
}

static int look_ever(struct search *search, const unsigned char *uuid, const struct wanted *wanted, struct err *e)
{
	cleanup(bearers_done) struct bearers bearers = {0};
	unsigned char host[VM_UUID_SIZE];

	int result = bearers_open(&bearers, search->view, uuid, e);
	while (result >= 0 && (result = bearers_next(&bearers, host, e)) > 0) {
		result = ever_on_host(search, host, uuid, wanted, e);
		if (result > 0)
			return 1;
	}
	return result;
}

static int search_uuid(struct search *search, struct wanted *wanted, struct err *e)
{
	if (vm_uuid_parse(wanted->text, wanted->uuid, NULL) < 0)
		return 0;
	wanted->kind = WANTED_UUID;
	int result = walk_hints(search, wanted, e);
	vm_uuid_swap(wanted->uuid, wanted->uuid);
	return result < 0 ? result : walk_hints(search, wanted, e);
}

static int search_at_host(struct search *search, const struct wanted *wanted, struct err *e)
{
	const char *at = strrchr(wanted->text, '@');
	struct wanted part = *wanted;

	if (!at)
		return 0;
	part.length = (size_t)(at - wanted->text);
	part.host = at + 1;
	return walk_hints(search, &part, e);
}

static int search_exact(struct search *search, const char *text, struct err *e)
{
	struct wanted wanted = {.text = text, .length = strlen(text)};

	int result = search_uuid(search, &wanted, e);
	wanted.kind = WANTED_NAME;
	if (result == 0)
		result = walk_hints(search, &wanted, e);
	if (result == 0 && search->seen.count == 0)
		result = search_at_host(search, &wanted, e);
	if (result == 0 && vm_mac_parse(text, wanted.mac)) {
		wanted.kind = WANTED_MAC;
		result = walk_hints(search, &wanted, e);
	}
	return result;
}

static int search_prefix(struct search *search, const char *text, struct err *e)
{
	struct wanted wanted = {.kind = WANTED_NAME_PREFIX, .text = text, .length = strlen(text)};

	int result = walk_hints(search, &wanted, e);
	wanted.kind = WANTED_UUID_PREFIX;
	wanted.length = vm_uuid_parse_prefix(text, wanted.uuid);
	return result == 0 && wanted.length ? walk_hints(search, &wanted, e) : result;
}

/* ---- ambiguity ---- */

enum { CANDIDATES = 8 };

static int ambiguous(const struct search *search, const char *text, struct err *e)
{
	cleanup(str_done) struct str list = {0};

	for (size_t i = 0; i < search->seen.count && i < CANDIDATES; i++) {
		char uuid[VM_UUID_TEXT_SIZE];
		vm_uuid_format(search->seen.items[i].bytes, uuid);
		str_add(&list, i ? ", " : "");
		for (size_t j = 0; j < search->found.count; j++) {
			const struct vm *vm = &search->found.items[j].vm;
			if (memcmp(vm->uuid, search->seen.items[i].bytes, VM_UUID_SIZE) != 0)
				continue;
			str_add_escaped(&list, vm->name, strnlen(vm->name, 40));
			str_add_char(&list, ' ');
			break;
		}
		str_add(&list, uuid);
	}
	if (search->seen.count > CANDIDATES)
		str_add(&list, ", and others");
	return err_set(e, ERR_AMBIGUOUS, "'%s' fits several VMs: %s", text, str_text(&list));
}

static int find(struct search *search, const char *text, struct err *e)
{
	if (!*text)
		return err_set(e, ERR_USAGE, "a VM's name is empty");
	search->limit = SIZE_MAX;
	int result = search_exact(search, text, e);
	if (result < 0 || search->seen.count > 0)
		return result;
	search->limit = CANDIDATES + 1;
	result = search_prefix(search, text, e);
	if (result < 0)
		return result;
	return search->seen.count > 1 ? ambiguous(search, text, e) : 0;
}

int roll_find_vms(struct roll *roll, const char *text, struct roll_vm **vms, size_t *count, struct err *e)
{
	cleanup(search_done) struct search search = {.view = roll->view, .roll = roll, .look = look_at_instant};

	int result = find(&search, text, e);
	if (result < 0)
		return result;
	*vms = search.found.items;
	*count = search.found.count;
	search.found.items = NULL;
	search.found.count = 0;
	return 0;
}

int roll_find_ever(struct store_view *view, const char *text, unsigned char **uuids, size_t *count, struct err *e)
{
	cleanup(search_done) struct search search = {.view = view, .look = look_ever};

	int result = find(&search, text, e);
	if (result < 0)
		return result;
	*uuids = mem_copy(search.seen.items, search.seen.count * sizeof *search.seen.items);
	*count = search.seen.count;
	return 0;
}
