/* keys.c - building and taking apart the keys of the store. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"

struct key *key_begin(struct key *key, const char *prefix)
{
	key->length = 0;
	return key_add_text(key, prefix);
}

struct key *key_add(struct key *key, const void *bytes, size_t length)
{
	if (length > sizeof key->bytes - key->length)
		abort();
	memcpy(key->bytes + key->length, bytes, length);
	key->length += length;
	return key;
}

struct key *key_add_text(struct key *key, const char *text)
{
	return key_add(key, text, strlen(text));
}

struct key *key_add_uuid(struct key *key, const unsigned char *uuid)
{
	return key_add(key, uuid, VM_UUID_SIZE);
}

struct key *key_add_u16(struct key *key, uint16_t number)
{
	unsigned char bytes[2] = {(unsigned char)(number >> 8), (unsigned char)number};

	return key_add(key, bytes, sizeof bytes);
}

struct key *key_add_u64(struct key *key, uint64_t number)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(number >> (56 - 8 * i));
	return key_add(key, bytes, sizeof bytes);
}

static const uint64_t sign_bit = UINT64_C(1) << 63;

struct key *key_add_instant(struct key *key, int64_t instant)
{
	return key_add_u64(key, (uint64_t)instant ^ sign_bit);
}

struct key *key_add_name(struct key *key, const char *name)
{
	return key_add(key, name, strnlen(name, KEY_NAME_MAX));
}

uint64_t key_read_u64(const unsigned char *bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

int64_t key_read_instant(const unsigned char *bytes)
{
	return (int64_t)(key_read_u64(bytes) ^ sign_bit);
}

struct key *key_vm(struct key *key, const unsigned char *host, const unsigned char *vm, uint64_t change)
{
	return key_add_u64(key_add_uuid(key_add_uuid(key_begin(key, KEY_VM), host), vm), change);
}

struct key *key_host_change(struct key *key, const char *prefix, const unsigned char *host, uint64_t change)
{
	return key_add_u64(key_add_uuid(key_begin(key, prefix), host), change);
}

struct key *key_by_uuid(struct key *key, const unsigned char *vm, const unsigned char *host)
{
	return key_add_uuid(key_add_uuid(key_begin(key, KEY_BY_UUID), vm), host);
}

struct key *key_by_name(struct key *key, const char *name, const unsigned char *vm)
{
	return key_add_uuid(key_add(key_add_name(key_begin(key, KEY_BY_NAME), name), "", 1), vm);
}

struct key *key_by_mac(struct key *key, const unsigned char *mac, const unsigned char *vm)
{
	return key_add_uuid(key_add(key_begin(key, KEY_BY_MAC), mac, VM_MAC_SIZE), vm);
}

bool key_parse_vm(const struct store_item *item, struct key_vm_parts *parts)
{
	static const size_t prefix = sizeof KEY_VM - 1;

	if (item->key_length != prefix + 2 * VM_UUID_SIZE + 8)
		return false;
	parts->host = item->key + prefix;
	parts->vm = parts->host + VM_UUID_SIZE;
	parts->change = key_read_u64(parts->vm + VM_UUID_SIZE);
	return true;
}

bool key_parse_host_change(const struct store_item *item, const char *prefix, const unsigned char **host,
			   uint64_t *change)
{
	size_t start = strlen(prefix);

	if (item->key_length != start + VM_UUID_SIZE + 8)
		return false;
	*host = item->key + start;
	*change = key_read_u64(item->key + start + VM_UUID_SIZE);
	return true;
}

bool key_parse_u64(const struct store_item *item, const char *prefix, uint64_t *number)
{
	size_t start = strlen(prefix);

	if (item->key_length < start + 8)
		return false;
	*number = key_read_u64(item->key + start);
	return true;
}

const unsigned char *key_last_uuid(const struct store_item *item)
{
	return item->key_length < VM_UUID_SIZE ? NULL : item->key + item->key_length - VM_UUID_SIZE;
}
