/* test_roll_hostile.c - records with a right checksum that no writer of ours wrote: an error or an answer, never a signal, never a hang. */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys.h"
#include "mem.h"
#include "roll_kit.h"
#include "vec.h"
#include "when.h"

#define T0 INT64_C(1763600000000)

/* A child costs ten times as much with the sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
enum { TRIALS = 80 };
#else
enum { TRIALS = 800 };
#endif

enum { SECONDS_MAX = 60, STATUS_UNEXPLAINED = 99 };

static uint64_t random_state;

static unsigned pick(unsigned below)
{
	/* xorshift64*: the same records in every run. */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545F4914F6CDD1D) >> 33) % below;
}

/* ---- a store with a record of every kind ---- */

static void fill(struct kit *kit)
{
	struct err e = {0};
	uint64_t session;

	roll_kit_snap(kit, T0, "h1=a,b- h2=c h3=d h5=off");
	roll_kit_snap(kit, T0 + 10 * MINUTE, "h1=a,b h2=c/2,a h3=! h5=off");
	assert_ok(roll_rename(kit->store, "h3", "h4", &e), &e);
	roll_kit_snap(kit, T0 + 20 * MINUTE, "h1=b h2=c h4=d");
	roll_kit_follow(kit, "h1", T0 + 21 * MINUTE, T0 + 25 * MINUTE);
	assert_ok(roll_follow_open(kit->store, T0 + 21 * MINUTE, &session, &e), &e);
	assert_ok(roll_follow_begin(kit->store, session, roll_kit_host_uuid("h2"), T0 + 21 * MINUTE, &e), &e);
	assert_ok(roll_follow_end(kit->store, session, roll_kit_host_uuid("h2"), T0 + 22 * MINUTE, "lost", &e),
		  &e);
	assert_true(roll_kit_event(kit, "h1", "e", T0 + 22 * MINUTE));
	assert_ok(roll_forget(kit->store, "h4", T0 + 30 * MINUTE, &e), &e);
	roll_kit_snap(kit, T0 + 40 * MINUTE, "h1=b h2=! h4=d");
	roll_kit_unfinished(kit, T0 + 50 * MINUTE, "h1=b,c h2=! h4=d");
	/* What a killed writer of a large list leaves. */
	struct key key, number;
	key_add_uuid(key_begin(&key, KEY_PENDING), roll_kit_host_uuid("h2"));
	key_add_u64(key_begin(&number, ""), 5);
	assert_ok(store_put(kit->store, key.bytes, key.length, number.bytes, number.length, &e), &e);
}

/* ---- what all readers and writers make of it; whatever they return ---- */

/* A failure has a message. */
static int told(int result, const struct err *e)
{
	if (result < 0 && !e->text[0])
		_exit(STATUS_UNEXPLAINED);
	return result;
}

static void read_roll(struct store_view *view, int64_t at)
{
	cleanup(cleanup_roll) struct roll *roll = NULL;
	cleanup(cleanup_roll_cursor) struct roll_cursor *cursor = NULL;
	static const char *const wanted[] = {"a", "c@h2", "52:54", "5", "none", "d"};
	struct err e = {0};
	struct roll_vm vm;

	if (told(roll_open(&roll, view, at, &e), &e) < 0)
		return;
	for (size_t i = 0; i < roll_host_count(roll); i++) {
		cleanup(roll_list_done) struct roll_list list = {0};
		told(roll_host_at(roll, i, &list, &e), &e);
	}
	if (told(roll_vms(&cursor, roll, SIZE_MAX, &e), &e) == 0)
		while (told(roll_vms_next(cursor, &vm, &e), &e) > 0)
			roll_vm_done(&vm);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		struct roll_vm *vms = NULL;
		size_t count = 0;
		told(roll_find_vms(roll, wanted[i], &vms, &count, &e), &e);
		for (size_t j = 0; j < count; j++)
			roll_vm_done(&vms[j]);
		free(vms);
	}
}

static void read_history(struct store_view *view)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct err e = {0};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct roll_interval *intervals = NULL;
		unsigned char *uuids = NULL;
		size_t count = 0, ever = 0;
		told(roll_history(view, roll_kit_vm_uuid(names[i]), &intervals, &count, &e), &e);
		for (size_t j = 0; j < count; j++)
			roll_interval_done(&intervals[j]);
		free(intervals);
		told(roll_find_ever(view, names[i], &uuids, &ever, &e), &e);
		free(uuids);
	}
}

static void list_snapshots(struct store_view *view)
{
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot snapshot;
	struct err e = {0};

	if (told(roll_snapshots_open(&list, view, &e), &e) == 0)
		while (told(roll_snapshots_next(list, &snapshot, &e), &e) > 0)
			continue;
}

static void read_all(struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, store, &e), &e);
	list_snapshots(view);
	for (int minute = -1; minute < 60; minute += 7)
		read_roll(view, T0 + minute * MINUTE);
	read_roll(view, WHEN_UNKNOWN);
	read_history(view);
}

static void put_list(struct roll_writer *writer, const char *name, const char *vm)
{
	struct roll_host host = {.name = (char *)name, .cpus = 8, .mhz = VM_UNKNOWN, .memory_bytes = VM_UNKNOWN};
	cleanup(vm_done) struct vm listed;
	struct err e = {0};

	memcpy(host.uuid, roll_kit_host_uuid(name), VM_UUID_SIZE);
	roll_kit_vm(vm, &listed);
	listed.xml_known = false;
	told(roll_put_list(writer, &host, &listed, 1, T0 + 60 * MINUTE, NULL, &e), &e);
}

static void take_snapshot(struct store *store)
{
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
	struct host items[] = {{.name = (char *)"h1"}, {.name = (char *)"h2"}, {.name = (char *)"h6"}};
	struct hosts hosts = {.items = items, .count = 3};
	struct vm *vms = NULL;
	struct err e = {0};
	size_t count = 0;

	told(roll_current(store, roll_kit_host_uuid("h1"), &vms, &count, &e), &e);
	for (size_t i = 0; i < count; i++)
		vm_done(&vms[i]);
	free(vms);
	if (told(roll_begin(&writer, store, &hosts, T0 + 60 * MINUTE, &e), &e) < 0)
		return;
	roll_failed_last_time(writer, "h2");
	put_list(writer, "h1", "a");
	put_list(writer, "h2", "c");
	told(roll_put_failure(writer, "h6", ERR_NET, "no route", &e), &e);
	told(roll_finish(writer, T0 + 61 * MINUTE, &e), &e);
}

static void write_all(struct store *store)
{
	cleanup(vm_done) struct vm vm;
	struct err e = {0};
	uint64_t removed;
	bool changed;

	roll_kit_vm("e-", &vm);
	told(roll_put_event(store, roll_kit_host_uuid("h1"), &vm, T0 + 55 * MINUTE, &changed, &e), &e);
	told(roll_follow_end(store, 1, roll_kit_host_uuid("h1"), T0 + 55 * MINUTE, "why", &e), &e);
	take_snapshot(store);
	told(roll_prune(store, T0 + 15 * MINUTE, &removed, &e), &e);
	told(roll_rename(store, "h6", "h7", &e), &e);
	told(roll_forget(store, "h2", T0 + 62 * MINUTE, &e), &e);
	told(roll_prune(store, T0 + 100 * MINUTE, &removed, &e), &e);
}

/* ---- forging ---- */

struct record {
	struct key key;
	struct str value;
};

struct records {
	VEC(struct record) items;
};

static void records_done(struct records *records)
{
	vec_foreach(&records->items, record)
		str_done(&record->value);
	vec_done(&records->items);
}

static void read_records(struct store *store, struct records *records)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct err e = {0};

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, "", 0, false, &e), &e);
	while (store_cursor_next(cursor, &item, &e) == 1) {
		struct record *record = vec_push_zero(&records->items);
		key_add(key_begin(&record->key, ""), item.key, item.key_length);
		str_add_n(&record->value, item.value, item.value_length);
	}
}

/* A number of CBOR where there may have been another. */
static void replace_number(struct str *value)
{
	static const char *const numbers[] = {"\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
					      "\x3B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "\x01", "\x18\xFF",
					      "\x1B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"};
	const char *number = numbers[pick(5)];
	size_t at = value->length ? pick((unsigned)value->length) : 0, length = strlen(number);
	static const size_t skips[] = {1, 2, 3, 5, 9};
	size_t skip = skips[pick(5)];
	struct str forged = {0};

	if (skip > value->length - at)
		skip = value->length - at;
	str_add_n(&forged, value->data, at);
	str_add_n(&forged, number, length);
	str_add_n(&forged, value->data + at + skip, value->length - at - skip);
	str_done(value);
	*value = forged;
}

static void forge_value(const struct records *records, struct str *value)
{
	const struct record *other = &records->items.items[pick((unsigned)records->items.count)];

	switch (pick(5)) {
	case 0: /* a byte */
		if (value->length)
			value->data[pick((unsigned)value->length)] = (char)pick(256);
		break;
	case 1: /* a bit */
		if (value->length)
			value->data[pick((unsigned)value->length)] ^= (char)(1 << pick(8));
		break;
	case 2: /* another's */
		str_reset(value);
		str_add_n(value, other->value.data, other->value.length);
		break;
	case 3: /* cut short */
		value->length = value->length ? pick((unsigned)value->length) : 0;
		break;
	default:
		replace_number(value);
	}
}

/* Sometimes under another number, or cut, so that keys are odd too. */
static void forge_key(struct key *key)
{
	switch (pick(6)) {
	case 0:
		key->bytes[key->length - 1] = (unsigned char)pick(256);
		break;
	case 1:
		key->length -= pick(8) < key->length - 1 ? pick(8) : 0;
		break;
	case 2:
		key_add(key, "\xFF", 1);
		break;
	default:
		break;
	}
}

static void forge(struct store *store, const struct records *records)
{
	cleanup(str_done) struct str value = {0};
	const struct record *record = &records->items.items[pick((unsigned)records->items.count)];
	struct key key = record->key;
	struct err e = {0};

	if (pick(12) == 0) {
		assert_ok(store_delete(store, key.bytes, key.length, &e), &e);
		return;
	}
	str_add_n(&value, record->value.data, record->value.length);
	if (pick(10))
		forge_value(records, &value);
	forge_key(&key);
	assert_ok(store_put(store, key.bytes, key.length, value.data, value.length, &e), &e);
}

/* ---- trials ---- */

static void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	ssize_t got;
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(in >= 0 && out >= 0);
	while ((got = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(out, bytes, (size_t)got), got);
	close(in);
	close(out);
}

static void run_trial(const char *uri, const struct records *records)
{
	struct store *store = NULL;
	struct err e = {0};

	alarm(SECONDS_MAX);
	assert_ok(store_open(&store, uri, STORE_WRITE, &e), &e);
	for (unsigned i = pick(2); i < 2; i++)
		forge(store, records);
	read_all(store);
	write_all(store);
	read_all(store);
	store_close(store);
}

static unsigned chosen_or(const char *variable, unsigned otherwise)
{
	const char *chosen = getenv(variable);

	return chosen ? (unsigned)strtoul(chosen, NULL, 10) : otherwise;
}

static void forged_records_are_errors_or_answers(void **state)
{
	struct kit *kit = *state;
	cleanup(records_done) struct records records = {0};
	cleanup(cleanup_mem) char *data = mem_format("%s/data.mdb", kit->folder);
	cleanup(cleanup_mem) char *folder = mem_format("%s/forged", kit->folder);
	cleanup(cleanup_mem) char *forged = mem_format("%s/data.mdb", folder);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", folder);

	fill(kit);
	read_records(kit->store, &records);
	kit_close(kit);
	assert_int_equal(mkdir(folder, 0700), 0);
	for (unsigned trial = chosen_or("ROLL_FORGERY", 1); trial <= chosen_or("ROLL_FORGERIES", TRIALS);
	     trial++) {
		int status;
		copy_file(data, forged);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			random_state = trial * UINT64_C(0x9E3779B97F4A7C15);
			run_trial(uri, &records);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status != 0)
			fail_msg("ROLL_FORGERY=%u: status %x", trial, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(forged_records_are_errors_or_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
