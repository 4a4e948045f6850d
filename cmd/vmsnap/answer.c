/* answer.c - what one host answered, as frames between two processes. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "mem.h"
#include "rec.h"
#include "str.h"

/* A frame is one byte of these, then its record. */
enum { KIND_FACTS = 'F', KIND_VM = 'V', KIND_LISTED = 'L' };

enum { FACTS_VERSION = 1 };

enum {
	FACT_UUID = 1,
	FACT_DERIVED,
	FACT_HYPERVISOR,
	FACT_HYPERVISOR_VERSION,
	FACT_LIBVIRT_VERSION,
	FACT_OS,
	FACT_CPU_MODEL,
	FACT_CPUS,
	FACT_MHZ,
	FACT_MEMORY
};

void answer_done(struct answer *answer)
{
	roll_host_done(&answer->host);
	vec_foreach(&answer->vms, vm)
		vm_done(vm);
	vec_done(&answer->vms);
	*answer = (struct answer){0};
}

int answer_send_facts(const struct answer_sink *sink, const struct roll_host *host, struct err *e)
{
	cleanup(str_done) struct str frame = {0};

	str_add_char(&frame, KIND_FACTS);
	rec_begin(&frame, FACTS_VERSION);
	rec_bytes(&frame, FACT_UUID, host->uuid, sizeof host->uuid);
	rec_bool(&frame, FACT_DERIVED, host->uuid_derived);
	rec_text(&frame, FACT_HYPERVISOR, host->hypervisor);
	rec_text(&frame, FACT_HYPERVISOR_VERSION, host->hypervisor_version);
	rec_text(&frame, FACT_LIBVIRT_VERSION, host->libvirt_version);
	rec_text(&frame, FACT_OS, host->os);
	rec_text(&frame, FACT_CPU_MODEL, host->cpu_model);
	rec_uint(&frame, FACT_CPUS, host->cpus);
	rec_uint(&frame, FACT_MHZ, host->mhz);
	rec_uint(&frame, FACT_MEMORY, host->memory_bytes);
	rec_end(&frame);
	return sink->send(sink->context, frame.data, frame.length, e);
}

int answer_send_vm(const struct answer_sink *sink, size_t place, const struct vm *vm, struct err *e)
{
	cleanup(str_done) struct str frame = {0};
	uint32_t number = (uint32_t)place;

	str_add_char(&frame, KIND_VM);
	str_add_n(&frame, &number, sizeof number);
	vm_encode(vm, &frame);
	return sink->send(sink->context, frame.data, frame.length, e);
}

int answer_send_listed(const struct answer_sink *sink, int64_t asked, struct err *e)
{
	char frame[1 + sizeof asked] = {KIND_LISTED};

	memcpy(frame + 1, &asked, sizeof asked);
	return sink->send(sink->context, frame, sizeof frame, e);
}

static int receive_fact(struct roll_host *host, unsigned key, const struct rec_value *value, struct err *e)
{
	switch (key) {
	case FACT_UUID:
		return rec_as_fixed(value, host->uuid, sizeof host->uuid, e);
	case FACT_DERIVED:
		return rec_as_bool(value, &host->uuid_derived, e);
	case FACT_HYPERVISOR:
		return rec_as_text(value, &host->hypervisor, e);
	case FACT_HYPERVISOR_VERSION:
		return rec_as_text(value, &host->hypervisor_version, e);
	case FACT_LIBVIRT_VERSION:
		return rec_as_text(value, &host->libvirt_version, e);
	case FACT_OS:
		return rec_as_text(value, &host->os, e);
	case FACT_CPU_MODEL:
		return rec_as_text(value, &host->cpu_model, e);
	case FACT_CPUS:
		return rec_as_uint(value, &host->cpus, e);
	case FACT_MHZ:
		return rec_as_uint(value, &host->mhz, e);
	case FACT_MEMORY:
		return rec_as_uint(value, &host->memory_bytes, e);
	default:
		return 0;
	}
}

static int receive_facts(struct answer *answer, const void *bytes, size_t length, struct err *e)
{
	struct rec_reader reader;
	struct rec_value value;
	unsigned version;
	unsigned key;

	if (answer->facts || answer->vms.count > 0)
		return err_set(e, ERR_CORRUPT, "facts out of turn");
	answer->facts = true;
	int result = rec_open(&reader, bytes, length, FACTS_VERSION, &version, e);
	if (result < 0)
		return result;
	while ((result = rec_next(&reader, &key, &value, e)) > 0) {
		result = receive_fact(&answer->host, key, &value, e);
		if (result < 0)
			return result;
	}
	return result;
}

static int receive_vm(struct answer *answer, const char *bytes, size_t length, struct err *e)
{
	uint32_t place;
	struct vm vm;

	if (length < sizeof place)
		return err_set(e, ERR_CORRUPT, "short frame");
	memcpy(&place, bytes, sizeof place);
	if (place >= ANSWER_VMS_MAX)
		return err_set(e, ERR_TOO_LARGE, "more than %d VMs", ANSWER_VMS_MAX);
	/* Before the list is whole each is new, after it each was there. */
	if (answer->listed ? place >= answer->vms.count : place != answer->vms.count)
		return err_set(e, ERR_CORRUPT, "VM out of turn");
	int result = vm_decode(bytes + sizeof place, length - sizeof place, &vm, e);
	if (result < 0)
		return result;
	if (answer->listed) {
		vm_done(&answer->vms.items[place]);
		answer->vms.items[place] = vm;
	} else {
		vec_push(&answer->vms, vm);
	}
	return 0;
}

int answer_receive(struct answer *answer, const void *bytes, size_t length, struct err *e)
{
	const char *frame = bytes;

	if (length == 0)
		return err_set(e, ERR_CORRUPT, "empty frame");
	if (frame[0] == KIND_FACTS)
		return receive_facts(answer, frame + 1, length - 1, e);
	if (frame[0] == KIND_VM)
		return receive_vm(answer, frame + 1, length - 1, e);
	if (frame[0] != KIND_LISTED || length != 1 + sizeof answer->asked || answer->listed)
		return err_set(e, ERR_CORRUPT, "unknown frame");
	memcpy(&answer->asked, frame + 1, sizeof answer->asked);
	answer->listed = true;
	return 0;
}
