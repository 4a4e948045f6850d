/* vm_record.c - the record of a virtual machine. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "rec.h"
#include "vec.h"
#include "vm.h"
#include "when.h"

enum { VM_RECORD_VERSION = 1 };

/* Keys of the record below VM_FIELD_FIRST belong to whoever embeds it. */
enum {
	FIELD_UUID = VM_FIELD_FIRST,
	FIELD_NAME,
	FIELD_STATE,
	FIELD_REASON,
	FIELD_DOMAIN_ID,
	FIELD_OS,
	FIELD_OS_ID,
	FIELD_VCPUS,
	FIELD_MEMORY,
	FIELD_DISK,
	FIELD_NICS,
	FIELD_XML_KNOWN,
	FIELD_XML_READ,
	FIELD_DISKS_MARK
};

enum { NIC_MAC = 1, NIC_NETWORK, NIC_MODEL, NIC_RATE };

static void encode_known(struct str *out, unsigned key, uint64_t number)
{
	if (number != VM_UNKNOWN)
		rec_uint(out, key, number);
}

/* Six bytes where its text comes back the same, which is nearly always. */
static void encode_mac(struct str *out, const char *text)
{
	unsigned char mac[VM_MAC_SIZE];
	char again[VM_MAC_TEXT_SIZE];

	if (text && vm_mac_parse(text, mac) && strcmp(vm_mac_format(mac, again), text) == 0)
		rec_bytes(out, NIC_MAC, mac, sizeof mac);
	else
		rec_text(out, NIC_MAC, text);
}

static void encode_nics(struct str *out, const struct vm *vm)
{
	if (vm->nic_count == 0)
		return;
	rec_array(out, FIELD_NICS);
	for (size_t i = 0; i < vm->nic_count; i++) {
		rec_open_map(out);
		encode_mac(out, vm->nics[i].mac);
		rec_text(out, NIC_NETWORK, vm->nics[i].network);
		rec_text(out, NIC_MODEL, vm->nics[i].model);
		encode_known(out, NIC_RATE, vm->nics[i].rate_bps);
		rec_close(out);
	}
	rec_close(out);
}

void vm_encode_fields(const struct vm *vm, struct str *out)
{
	rec_text(out, FIELD_NAME, vm->name);
	rec_uint(out, FIELD_STATE, vm->state);
	if (vm->reason)
		rec_int(out, FIELD_REASON, vm->reason);
	if (vm->domain_id != -1)
		rec_int(out, FIELD_DOMAIN_ID, vm->domain_id);
	rec_text(out, FIELD_OS, vm->os);
	rec_text(out, FIELD_OS_ID, vm->os_id);
	encode_known(out, FIELD_VCPUS, vm->vcpus);
	encode_known(out, FIELD_MEMORY, vm->memory_bytes);
	encode_known(out, FIELD_DISK, vm->disk_bytes);
	encode_nics(out, vm);
	if (vm->xml_known)
		rec_bool(out, FIELD_XML_KNOWN, true);
}

void vm_encode(const struct vm *vm, struct str *out)
{
	rec_begin(out, VM_RECORD_VERSION);
	rec_bytes(out, FIELD_UUID, vm->uuid, sizeof vm->uuid);
	vm_encode_fields(vm, out);
	if (vm->xml_read != WHEN_UNKNOWN)
		rec_int(out, FIELD_XML_READ, vm->xml_read);
	if (vm->disks_mark)
		rec_uint(out, FIELD_DISKS_MARK, vm->disks_mark);
	rec_end(out);
}

static int decode_int(const struct rec_value *value, int *number, struct err *e)
{
	int64_t wide;

	int result = rec_as_int(value, &wide, e);
	if (result < 0)
		return result;
	if (wide < INT32_MIN || wide > INT32_MAX)
		return err_set(e, ERR_CORRUPT, "number out of range");
	*number = (int)wide;
	return 0;
}

static int decode_state(const struct rec_value *value, enum vm_state *state, struct err *e)
{
	uint64_t number;

	int result = rec_as_uint(value, &number, e);
	if (result < 0)
		return result;
	if (number > VM_GONE)
		return err_set(e, ERR_CORRUPT, "state out of range");
	*state = (enum vm_state)number;
	return 0;
}

static int decode_text(const struct rec_value *value, char **text, struct err *e)
{
	free(*text);
	*text = NULL;
	return rec_as_text(value, text, e);
}

static int decode_mac(const struct rec_value *value, char **text, struct err *e)
{
	unsigned char mac[VM_MAC_SIZE];

	if (value->type != REC_BYTES || value->length != VM_MAC_SIZE)
		return decode_text(value, text, e);
	memcpy(mac, value->data, sizeof mac);
	free(*text);
	*text = mem_alloc(VM_MAC_TEXT_SIZE);
	vm_mac_format(mac, *text);
	return 0;
}

static int decode_nic(const struct rec_value *map, struct vm_nic *nic, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;
	unsigned key;
	int result;

	nic->rate_bps = VM_UNKNOWN;
	rec_enter(&reader, map);
	while ((result = rec_next(&reader, &key, &value, e)) > 0) {
		if (key == NIC_MAC)
			result = decode_mac(&value, &nic->mac, e);
		else if (key == NIC_NETWORK)
			result = decode_text(&value, &nic->network, e);
		else if (key == NIC_MODEL)
			result = decode_text(&value, &nic->model, e);
		else if (key == NIC_RATE)
			result = rec_as_uint(&value, &nic->rate_bps, e);
		if (result < 0)
			return result;
	}
	return result;
}

static int decode_nics(const struct rec_value *array, struct vm *vm, struct err *e)
{
	VEC(struct vm_nic) nics = {0};
	struct rec_reader reader;
	struct rec_value value;
	int result;

	if (array->type != REC_ARRAY || vm->nics)
		return err_set(e, ERR_CORRUPT, "bad network cards");
	rec_enter(&reader, array);
	while ((result = rec_next(&reader, NULL, &value, e)) > 0) {
		if (value.type != REC_MAP) {
			result = err_set(e, ERR_CORRUPT, "bad network card");
			break;
		}
		result = decode_nic(&value, vec_push_zero(&nics), e);
		if (result < 0)
			break;
	}
	vm->nics = nics.items;
	vm->nic_count = nics.count;
	return result;
}

void vm_decode_begin(struct vm *vm)
{
	*vm = (struct vm){
		.domain_id = -1,
		.vcpus = VM_UNKNOWN,
		.memory_bytes = VM_UNKNOWN,
		.disk_bytes = VM_UNKNOWN,
		.xml_read = WHEN_UNKNOWN,
	};
}

int vm_decode_field(unsigned key, const struct rec_value *value, struct vm *vm, struct err *e)
{
	switch (key) {
	case FIELD_UUID:
		return rec_as_fixed(value, vm->uuid, sizeof vm->uuid, e);
	case FIELD_NAME:
		return decode_text(value, &vm->name, e);
	case FIELD_STATE:
		return decode_state(value, &vm->state, e);
	case FIELD_REASON:
		return decode_int(value, &vm->reason, e);
	case FIELD_DOMAIN_ID:
		return decode_int(value, &vm->domain_id, e);
	case FIELD_OS:
		return decode_text(value, &vm->os, e);
	case FIELD_OS_ID:
		return decode_text(value, &vm->os_id, e);
	case FIELD_VCPUS:
		return rec_as_uint(value, &vm->vcpus, e);
	case FIELD_MEMORY:
		return rec_as_uint(value, &vm->memory_bytes, e);
	case FIELD_DISK:
		return rec_as_uint(value, &vm->disk_bytes, e);
	case FIELD_NICS:
		return decode_nics(value, vm, e);
	case FIELD_XML_KNOWN:
		return rec_as_bool(value, &vm->xml_known, e);
	case FIELD_XML_READ:
		return rec_as_int(value, &vm->xml_read, e);
	case FIELD_DISKS_MARK:
		return rec_as_uint(value, &vm->disks_mark, e);
	default:
		return 0;
	}
}

int vm_decode(const void *data, size_t length, struct vm *vm, struct err *e)
{
	cleanup(vm_done) struct vm read;
	struct rec_reader reader;
	struct rec_value value;
	unsigned version, key;

	vm_decode_begin(&read);
	int result = rec_open(&reader, data, length, VM_RECORD_VERSION, &version, e);
	if (result < 0)
		return result;
	while ((result = rec_next(&reader, &key, &value, e)) > 0) {
		result = vm_decode_field(key, &value, &read, e);
		if (result < 0)
			return result;
	}
	if (result == 0) {
		*vm = read;
		read = (struct vm){0};
	}
	return result;
}
