/* roll_record.c - how the values of the roll are written. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "rec.h"
#include "roll_private.h"
#include "when.h"

static int read_each(struct rec_reader *reader, roll_field *field, void *context, struct err *e)
{
	struct rec_value value;
	unsigned key = 0;
	int result;

	while ((result = rec_next(reader, &key, &value, e)) > 0) {
		result = field(key, &value, context, e);
		if (result < 0)
			return result;
	}
	return result;
}

int roll_read_map(const struct rec_value *map, roll_field *field, void *context, struct err *e)
{
	struct rec_reader reader;

	if (map->type != REC_MAP)
		return err_set(e, ERR_CORRUPT, "not the map that belongs here");
	rec_enter(&reader, map);
	return read_each(&reader, field, context, e);
}

int roll_read(const void *data, size_t length, roll_field *field, void *context, struct err *e)
{
	struct rec_reader reader;
	unsigned version;

	int result = rec_open(&reader, data, length, ROLL_RECORD_VERSION, &version, e);
	return result < 0 ? result : read_each(&reader, field, context, e);
}

void roll_put_instant(struct str *out, unsigned key, int64_t instant)
{
	if (instant != WHEN_UNKNOWN)
		rec_int(out, key, instant);
}

void roll_put_number(struct str *out, unsigned key, uint64_t number)
{
	if (number)
		rec_uint(out, key, number);
}

int roll_take_text(const struct rec_value *value, char **text, struct err *e)
{
	free(*text);
	*text = NULL;
	return rec_as_text(value, text, e);
}

/* ---- counters ---- */

enum { COUNTER_CHANGE = 1, COUNTER_SNAPSHOT, COUNTER_SESSION };

void roll_counters_encode(const struct roll_counters *counters, struct str *out)
{
	rec_begin(out, ROLL_RECORD_VERSION);
	rec_uint(out, COUNTER_CHANGE, counters->change);
	rec_uint(out, COUNTER_SNAPSHOT, counters->snapshot);
	rec_uint(out, COUNTER_SESSION, counters->session);
	rec_end(out);
}

static int counters_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	struct roll_counters *counters = context;

	switch (key) {
	case COUNTER_CHANGE:
		return rec_as_uint(value, &counters->change, e);
	case COUNTER_SNAPSHOT:
		return rec_as_uint(value, &counters->snapshot, e);
	case COUNTER_SESSION:
		return rec_as_uint(value, &counters->session, e);
	default:
		return 0;
	}
}

int roll_counters_decode(const void *data, size_t length, struct roll_counters *counters, struct err *e)
{
	*counters = (struct roll_counters){0};
	return roll_read(data, length, counters_field, counters, e);
}

/* ---- entries ---- */

enum { ENTRY_KIND = 1, ENTRY_AT, ENTRY_SNAPSHOT, ENTRY_LIFE };

void roll_entry_encode(const struct roll_entry *entry, struct str *out)
{
	rec_begin(out, ROLL_RECORD_VERSION);
	roll_put_number(out, ENTRY_KIND, entry->kind);
	rec_int(out, ENTRY_AT, entry->at);
	roll_put_number(out, ENTRY_SNAPSHOT, entry->snapshot);
	rec_uint(out, ENTRY_LIFE, entry->life);
	rec_end(out);
}

static int entry_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	struct roll_entry *entry = context;
	uint64_t kind;
	int result;

	switch (key) {
	case ENTRY_KIND:
		result = rec_as_uint(value, &kind, e);
		if (result == 0 && kind > ROLL_ENTRY_END)
			return err_set(e, ERR_CORRUPT, "a change of unknown kind");
		if (result == 0)
			entry->kind = (enum roll_entry_kind)kind;
		return result;
	case ENTRY_AT:
		return rec_as_int(value, &entry->at, e);
	case ENTRY_SNAPSHOT:
		return rec_as_uint(value, &entry->snapshot, e);
	case ENTRY_LIFE:
		return rec_as_uint(value, &entry->life, e);
	default:
		return 0;
	}
}

int roll_entry_decode(const void *data, size_t length, struct roll_entry *entry, struct err *e)
{
	*entry = (struct roll_entry){0};
	return roll_read(data, length, entry_field, entry, e);
}

/* ---- hosts ---- */

enum {
	HOST_UUID = 1,
	HOST_DERIVED,
	HOST_NAME,
	HOST_ADDRESS,
	HOST_CLUSTER,
	HOST_MANAGER,
	HOST_HYPERVISOR,
	HOST_HYPERVISOR_VERSION,
	HOST_LIBVIRT_VERSION,
	HOST_OS,
	HOST_CPU_MODEL,
	HOST_CPUS,
	HOST_MHZ,
	HOST_MEMORY
};

void roll_host_done(struct roll_host *host)
{
	free(host->name);
	free(host->address);
	free(host->cluster);
	free(host->manager);
	free(host->hypervisor);
	free(host->hypervisor_version);
	free(host->libvirt_version);
	free(host->os);
	free(host->cpu_model);
	*host = (struct roll_host){0};
}

static void put_known(struct str *out, unsigned key, uint64_t number)
{
	if (number != VM_UNKNOWN)
		rec_uint(out, key, number);
}

void roll_host_encode(const struct roll_host *host, struct str *out)
{
	rec_begin(out, ROLL_RECORD_VERSION);
	rec_bytes(out, HOST_UUID, host->uuid, VM_UUID_SIZE);
	if (host->uuid_derived)
		rec_bool(out, HOST_DERIVED, true);
	rec_text(out, HOST_NAME, host->name);
	rec_text(out, HOST_ADDRESS, host->address);
	rec_text(out, HOST_CLUSTER, host->cluster);
	rec_text(out, HOST_MANAGER, host->manager);
	rec_text(out, HOST_HYPERVISOR, host->hypervisor);
	rec_text(out, HOST_HYPERVISOR_VERSION, host->hypervisor_version);
	rec_text(out, HOST_LIBVIRT_VERSION, host->libvirt_version);
	rec_text(out, HOST_OS, host->os);
	rec_text(out, HOST_CPU_MODEL, host->cpu_model);
	put_known(out, HOST_CPUS, host->cpus);
	put_known(out, HOST_MHZ, host->mhz);
	put_known(out, HOST_MEMORY, host->memory_bytes);
	rec_end(out);
}

static int host_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	struct roll_host *host = context;
	char **const texts[] = {
		[HOST_NAME] = &host->name,
		[HOST_ADDRESS] = &host->address,
		[HOST_CLUSTER] = &host->cluster,
		[HOST_MANAGER] = &host->manager,
		[HOST_HYPERVISOR] = &host->hypervisor,
		[HOST_HYPERVISOR_VERSION] = &host->hypervisor_version,
		[HOST_LIBVIRT_VERSION] = &host->libvirt_version,
		[HOST_OS] = &host->os,
		[HOST_CPU_MODEL] = &host->cpu_model,
	};

	switch (key) {
	case HOST_UUID:
		return rec_as_fixed(value, host->uuid, VM_UUID_SIZE, e);
	case HOST_DERIVED:
		return rec_as_bool(value, &host->uuid_derived, e);
	case HOST_CPUS:
		return rec_as_uint(value, &host->cpus, e);
	case HOST_MHZ:
		return rec_as_uint(value, &host->mhz, e);
	case HOST_MEMORY:
		return rec_as_uint(value, &host->memory_bytes, e);
	default:
		return key < sizeof texts / sizeof texts[0] && texts[key] ? roll_take_text(value, texts[key], e)
									  : 0;
	}
}

int roll_host_decode(const void *data, size_t length, struct roll_host *host, struct err *e)
{
	*host = (struct roll_host){.cpus = VM_UNKNOWN, .mhz = VM_UNKNOWN, .memory_bytes = VM_UNKNOWN};
	int result = roll_read(data, length, host_field, host, e);
	if (result == 0 && !host->name)
		result = err_set(e, ERR_CORRUPT, "a host without a name");
	if (result < 0)
		roll_host_done(host);
	return result;
}

/* ---- VMs ---- */

enum { RECORD_AT = 1, RECORD_SINCE };

void roll_record_done(struct roll_record *record)
{
	vm_done(&record->vm);
}

void roll_record_encode(const struct roll_record *record, struct str *out)
{
	rec_begin(out, ROLL_RECORD_VERSION);
	rec_int(out, RECORD_AT, record->at);
	if (record->since != record->at)
		rec_int(out, RECORD_SINCE, record->since);
	vm_encode_fields(&record->vm, out);
	rec_end(out);
}

bool roll_record_says(const struct str *record, const struct str *fields)
{
	/* Opening, version, two instants at most; and the end. */
	enum { BEFORE_MAX = 1 + 2 + 10 + 10, AFTER = 1 };
	size_t before = record->length - fields->length - AFTER;

	return record->length > fields->length + AFTER && before <= BEFORE_MAX &&
	       memcmp(record->data + before, fields->data, fields->length) == 0;
}

static int record_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	struct roll_record *record = context;

	switch (key) {
	case RECORD_AT:
		return rec_as_int(value, &record->at, e);
	case RECORD_SINCE:
		return rec_as_int(value, &record->since, e);
	default:
		return vm_decode_field(key, value, &record->vm, e);
	}
}

int roll_record_decode(const void *data, size_t length, struct roll_record *record, struct err *e)
{
	*record = (struct roll_record){.at = WHEN_UNKNOWN, .since = WHEN_UNKNOWN};
	vm_decode_begin(&record->vm);
	int result = roll_read(data, length, record_field, record, e);
	if (result == 0 && (record->at == WHEN_UNKNOWN || (!record->vm.name && record->vm.state != VM_GONE)))
		result = err_set(e, ERR_CORRUPT, "a VM without a name or time");
	if (result < 0)
		roll_record_done(record);
	else if (record->since == WHEN_UNKNOWN)
		record->since = record->at;
	return result;
}

/* ---- being followed ---- */

enum { LIVE_SESSION = 1, LIVE_FROM, LIVE_TO, LIVE_WHY };

void roll_live_done(struct roll_live *live)
{
	free(live->why);
	live->why = NULL;
}

void roll_live_encode(const struct roll_live *live, struct str *out)
{
	rec_begin(out, ROLL_RECORD_VERSION);
	rec_uint(out, LIVE_SESSION, live->session);
	rec_int(out, LIVE_FROM, live->from);
	roll_put_instant(out, LIVE_TO, live->to);
	rec_text(out, LIVE_WHY, live->why);
	rec_end(out);
}

static int live_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	struct roll_live *live = context;

	switch (key) {
	case LIVE_SESSION:
		return rec_as_uint(value, &live->session, e);
	case LIVE_FROM:
		return rec_as_int(value, &live->from, e);
	case LIVE_TO:
		return rec_as_int(value, &live->to, e);
	case LIVE_WHY:
		return roll_take_text(value, &live->why, e);
	default:
		return 0;
	}
}

int roll_live_decode(const void *data, size_t length, struct roll_live *live, struct err *e)
{
	*live = (struct roll_live){.to = WHEN_UNKNOWN};
	int result = roll_read(data, length, live_field, live, e);
	if (result < 0)
		roll_live_done(live);
	return result;
}

enum { INSTANT_AT = 1 };

void roll_instant_encode(int64_t at, struct str *out)
{
	rec_begin(out, ROLL_RECORD_VERSION);
	rec_int(out, INSTANT_AT, at);
	rec_end(out);
}

static int instant_field(unsigned key, const struct rec_value *value, void *context, struct err *e)
{
	return key == INSTANT_AT ? rec_as_int(value, context, e) : 0;
}

int roll_instant_decode(const void *data, size_t length, int64_t *at, struct err *e)
{
	*at = WHEN_UNKNOWN;
	return roll_read(data, length, instant_field, at, e);
}
