/* vm.c - one virtual machine as one host reports it, and how it is named. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "vm.h"

static void nic_done(struct vm_nic *nic)
{
	free(nic->mac);
	free(nic->network);
	free(nic->model);
}

void vm_done(struct vm *vm)
{
	free(vm->name);
	free(vm->os);
	free(vm->os_id);
	for (size_t i = 0; i < vm->nic_count; i++)
		nic_done(&vm->nics[i]);
	free(vm->nics);
	*vm = (struct vm){0};
}

void vm_copy_xml(struct vm *to, const struct vm *from)
{
	to->os = mem_string(from->os);
	to->os_id = mem_string(from->os_id);
	to->nic_count = from->nic_count;
	to->nics = from->nic_count ? mem_zalloc(from->nic_count, sizeof *to->nics) : NULL;
	for (size_t i = 0; i < from->nic_count; i++) {
		to->nics[i].mac = mem_string(from->nics[i].mac);
		to->nics[i].network = mem_string(from->nics[i].network);
		to->nics[i].model = mem_string(from->nics[i].model);
		to->nics[i].rate_bps = from->nics[i].rate_bps;
	}
	to->xml_known = from->xml_known;
	to->xml_read = from->xml_read;
}

void vm_copy(struct vm *to, const struct vm *from)
{
	*to = *from;
	to->name = mem_string(from->name);
	vm_copy_xml(to, from);
}

static bool nics_same(const struct vm *a, const struct vm *b)
{
	if (a->nic_count != b->nic_count)
		return false;
	for (size_t i = 0; i < a->nic_count; i++) {
		const struct vm_nic *x = &a->nics[i], *y = &b->nics[i];
		if (!str_equal(x->mac, y->mac) || !str_equal(x->network, y->network) ||
		    !str_equal(x->model, y->model) || x->rate_bps != y->rate_bps)
			return false;
	}
	return true;
}

bool vm_same(const struct vm *a, const struct vm *b)
{
	return memcmp(a->uuid, b->uuid, VM_UUID_SIZE) == 0 && a->state == b->state && a->reason == b->reason &&
	       a->domain_id == b->domain_id && a->vcpus == b->vcpus && a->memory_bytes == b->memory_bytes &&
	       a->disk_bytes == b->disk_bytes && a->xml_known == b->xml_known && str_equal(a->name, b->name) &&
	       str_equal(a->os, b->os) && str_equal(a->os_id, b->os_id) && nics_same(a, b);
}

bool vm_is_active(const struct vm *vm)
{
	switch (vm->state) {
	case VM_RUNNING:
	case VM_BLOCKED:
	case VM_PAUSED:
	case VM_SHUTDOWN:
	case VM_PMSUSPENDED:
		return true;
	default:
		return false;
	}
}

/* The words are those of virsh(1). */
const char *vm_state_name(enum vm_state state)
{
	static const char *const names[] = {
		[VM_NO_STATE] = "no state", [VM_RUNNING] = "running",       [VM_BLOCKED] = "idle",
		[VM_PAUSED] = "paused",     [VM_SHUTDOWN] = "in shutdown",  [VM_SHUTOFF] = "shut off",
		[VM_CRASHED] = "crashed",   [VM_PMSUSPENDED] = "suspended",
	};

	if (state == VM_GONE)
		return "gone";
	return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

const char *vm_reason_name(enum vm_state state, int reason)
{
	enum { REASONS = 14 };
	static const char *const names[][REASONS] = {
		[VM_RUNNING] = {NULL, "booted", "migrated", "restored", "from snapshot", "unpaused",
				"migration canceled", "save canceled", "wakeup", "crashed", "post-copy",
				"post-copy failed"},
		[VM_PAUSED] = {NULL, "user", "migrating", "saving", "dumping", "I/O error", "watchdog",
			       "from snapshot", "shutting down", "creating snapshot", "crashed",
			       "starting up", "post-copy", "post-copy failed"},
		[VM_SHUTDOWN] = {NULL, "user"},
		[VM_SHUTOFF] = {NULL, "shutdown", "destroyed", "crashed", "migrated", "saved", "failed",
				"from snapshot", "daemon"},
		[VM_CRASHED] = {NULL, "panicked"},
		[VM_PMSUSPENDED] = {NULL},
	};

	if ((size_t)state >= sizeof names / sizeof names[0] || reason < 0 || reason >= REASONS)
		return NULL;
	return names[state][reason];
}

const char *vm_uuid_format(const unsigned char *uuid, char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *out = text;

	for (size_t i = 0; i < VM_UUID_SIZE; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[uuid[i] >> 4];
		*out++ = digits[uuid[i] & 0xF];
	}
	*out = '\0';
	return text;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

size_t vm_uuid_parse_prefix(const char *text, unsigned char *uuid)
{
	size_t digits = 0;
	bool hyphens = strlen(text) > 8 && text[8] == '-';

	memset(uuid, 0, VM_UUID_SIZE);
	for (; *text; text++) {
		if (*text == '-') {
			bool fits = digits == 8 || digits == 12 || digits == 16 || digits == 20;
			if (!hyphens || !fits || text[-1] == '-')
				return 0;
			continue;
		}
		bool due = hyphens && (digits == 8 || digits == 12 || digits == 16 || digits == 20);
		if (!isxdigit((unsigned char)*text) || digits == 2 * (size_t)VM_UUID_SIZE ||
		    (due && text[-1] != '-'))
			return 0;
		uuid[digits / 2] |= (unsigned char)(hex_digit(*text) << (digits % 2 ? 0 : 4));
		digits++;
	}
	return digits;
}

int vm_uuid_parse(const char *text, unsigned char *uuid, struct err *e)
{
	unsigned char parsed[VM_UUID_SIZE];

	if (vm_uuid_parse_prefix(text, parsed) != 2 * (size_t)VM_UUID_SIZE)
		return err_set(e, ERR_USAGE, "'%s' is not a UUID", text);
	memcpy(uuid, parsed, sizeof parsed);
	return 0;
}

void vm_uuid_swap(const unsigned char *uuid, unsigned char *swapped)
{
	static const unsigned char from[VM_UUID_SIZE] = {3, 2, 1,  0,  5,  4,  7,  6,
							 8, 9, 10, 11, 12, 13, 14, 15};
	unsigned char result[VM_UUID_SIZE];

	for (size_t i = 0; i < VM_UUID_SIZE; i++)
		result[i] = uuid[from[i]];
	memcpy(swapped, result, sizeof result);
}

void vm_uuid_from_name(const char *name, unsigned char *uuid)
{
	static const char namespace[] = "vmroll host ";
	const unsigned __int128 prime = (unsigned __int128)1 << 88 | 0x13B;
	unsigned __int128 hash = (unsigned __int128)0x6C62272E07BB0142ULL << 64 | 0x62B821756295C58DULL;

	for (const char *c = namespace; *c; c++)
		hash = (hash ^ (unsigned char)*c) * prime;
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * prime;
	for (size_t i = 0; i < VM_UUID_SIZE; i++)
		uuid[i] = (unsigned char)(hash >> (8 * (VM_UUID_SIZE - 1 - i)));
	uuid[6] = (unsigned char)((uuid[6] & 0x0F) | 0x80);
	uuid[8] = (unsigned char)((uuid[8] & 0x3F) | 0x80);
}

bool vm_mac_parse(const char *text, unsigned char *mac)
{
	unsigned char parsed[VM_MAC_SIZE] = {0};

	for (size_t i = 0; i < VM_MAC_SIZE; i++, text += 2) {
		if (i > 0 && *text != ':' && *text != '-')
			return false;
		text += i > 0;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		parsed[i] = (unsigned char)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	}
	if (*text)
		return false;
	memcpy(mac, parsed, sizeof parsed);
	return true;
}

const char *vm_mac_format(const unsigned char *mac, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < VM_MAC_SIZE; i++) {
		text[3 * i] = digits[mac[i] >> 4];
		text[3 * i + 1] = digits[mac[i] & 0xF];
		text[3 * i + 2] = i + 1 < VM_MAC_SIZE ? ':' : '\0';
	}
	return text;
}

bool vm_has_mac(const struct vm *vm, const unsigned char *mac)
{
	unsigned char own[VM_MAC_SIZE];

	for (size_t i = 0; i < vm->nic_count; i++)
		if (vm->nics[i].mac && vm_mac_parse(vm->nics[i].mac, own) && memcmp(own, mac, sizeof own) == 0)
			return true;
	return false;
}
