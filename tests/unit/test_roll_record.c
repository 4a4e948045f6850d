/* test_roll_record.c - the roll's records come back as they were; damaged ones are corrupt, never a crash. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "rec.h"
#include "roll_private.h"
#include "when.h"

typedef int decode(const void *data, size_t length, struct err *e);

/* Every cut, and every bit turned. */
static void damage(const struct str *record, decode *read)
{
	struct err e = {0};

	assert_ok(read(record->data, record->length, &e), &e);
	for (size_t cut = 0; cut < record->length; cut++) {
		char *copy = mem_copy(record->data, cut);
		assert_int_equal(read(copy, cut, &e), ERR_CORRUPT);
		free(copy);
	}
	for (size_t bit = 0; bit < record->length * 8; bit++) {
		char *copy = mem_copy(record->data, record->length);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		read(copy, record->length, &e);
		free(copy);
	}
}

static const struct roll_snapshot snapshot = {.id = 7, .begun = 1763600000000};

static int read_header(const void *data, size_t length, struct err *e)
{
	struct roll_header header;

	return roll_header_decode(data, length, &header, e);
}

static int read_counters(const void *data, size_t length, struct err *e)
{
	struct roll_counters counters;

	return roll_counters_decode(data, length, &counters, e);
}

static int read_set(const void *data, size_t length, struct err *e)
{
	cleanup(roll_set_done) struct roll_set set = {0};

	return roll_members_decode(data, length, &set, e);
}

static int read_results(const void *data, size_t length, struct err *e)
{
	cleanup(roll_results_done) struct roll_results results = {0};

	return roll_results_decode(data, length, &snapshot, &results, e);
}

static int read_entry(const void *data, size_t length, struct err *e)
{
	struct roll_entry entry;

	return roll_entry_decode(data, length, &entry, e);
}

static int read_host(const void *data, size_t length, struct err *e)
{
	cleanup(roll_host_done) struct roll_host host = {0};

	return roll_host_decode(data, length, &host, e);
}

static int read_record(const void *data, size_t length, struct err *e)
{
	cleanup(roll_record_done) struct roll_record record = {0};

	return roll_record_decode(data, length, &record, e);
}

static int read_live(const void *data, size_t length, struct err *e)
{
	cleanup(roll_live_done) struct roll_live live = {0};

	return roll_live_decode(data, length, &live, e);
}

static void headers_and_counters(void **state)
{
	(void)state;
	cleanup(str_done) struct str record = {0};
	const struct roll_header header = {.snapshot = {.begun = 1763600000000,
							.ended = 1763600002500,
							.hosts = 5,
							.answered = 3,
							.failed = 1,
							.not_asked = 1,
							.vms = 300},
					   .base = 70000,
					   .set = 3,
					   .set_chunks = 1,
					   .result_chunks = 2,
					   .ordered = 4};
	struct roll_header read;
	struct err e = {0};

	roll_header_encode(&header, &record);
	assert_ok(roll_header_decode(record.data, record.length, &read, &e), &e);
	assert_memory_equal(&header, &read, sizeof read);
	damage(&record, read_header);
	str_reset(&record);
	roll_counters_encode(&(struct roll_counters){1, UINT64_MAX, 0}, &record);
	damage(&record, read_counters);
}

static void chunk(struct str *record, const struct str *items)
{
	rec_begin(record, ROLL_RECORD_VERSION);
	rec_array(record, ROLL_CHUNK_ITEMS);
	str_add_n(record, items->data, items->length);
	rec_close(record);
	rec_end(record);
}

static void sets_and_results(void **state)
{
	(void)state;
	cleanup(str_done) struct str items = {0}, record = {0};
	cleanup(roll_results_done) struct roll_results results = {0};
	static const struct roll_result wanted[] = {
		{.outcome = ROLL_ANSWERED, .answered = 1763600000000 + 1234, .snapshot = 7},
		{.outcome = ROLL_ANSWERED, .answered = 1763600000000 - 5, .snapshot = 7, .change = 99},
		{.outcome = ROLL_FAILED,
		 .answered = 1763500000000,
		 .snapshot = 5,
		 .code = ERR_AUTH,
		 .why = (char *)"refused\n\xFF"},
		{.outcome = ROLL_NOT_ASKED, .answered = WHEN_UNKNOWN},
		{.outcome = ROLL_OFF, .answered = 1, .snapshot = 1},
	};
	struct err e = {0};

	for (size_t i = 0; i < 5; i++)
		roll_result_encode(&wanted[i], snapshot.begun, &items);
	chunk(&record, &items);
	assert_ok(roll_results_decode(record.data, record.length, &snapshot, &results, &e), &e);
	assert_int_equal(results.items.count, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct roll_result *read = &results.items.items[i];
		assert_int_equal(read->outcome, wanted[i].outcome);
		assert_int_equal(read->answered, wanted[i].answered);
		assert_int_equal(read->snapshot, wanted[i].snapshot);
		assert_int_equal(read->change, wanted[i].change);
		assert_int_equal(read->code, wanted[i].code);
		assert_true(str_equal(read->why, wanted[i].why));
	}
	damage(&record, read_results);

	str_reset(&items);
	str_reset(&record);
	roll_member_encode(&(struct roll_member){.name = (char *)"h1", .uuid = {1, 2}, .known = true}, &items);
	roll_member_encode(&(struct roll_member){.name = (char *)"h2", .off = true}, &items);
	chunk(&record, &items);
	damage(&record, read_set);
}

static void changes_of_hosts(void **state)
{
	(void)state;
	cleanup(str_done) struct str record = {0};

	roll_entry_encode(&(struct roll_entry){.kind = ROLL_ENTRY_END, .at = -1, .snapshot = 3, .life = 1 << 20},
			  &record);
	damage(&record, read_entry);
	str_reset(&record);
	roll_host_encode(&(struct roll_host){.uuid = {9},
					     .uuid_derived = true,
					     .name = (char *)"h",
					     .os = (char *)"x",
					     .cpus = 64,
					     .mhz = VM_UNKNOWN,
					     .memory_bytes = UINT64_C(1) << 40},
			 &record);
	damage(&record, read_host);
	str_reset(&record);
	roll_live_encode(&(struct roll_live){.session = 1, .from = 2, .to = 3, .why = (char *)"lost"}, &record);
	damage(&record, read_live);
}

static void machines(void **state)
{
	(void)state;
	cleanup(str_done) struct str record = {0}, fields = {0};
	struct vm_nic nic = {.mac = (char *)"52:54:00:00:00:01", .rate_bps = VM_UNKNOWN};
	struct roll_record wanted = {.at = 1763600000000, .since = 1763500000000};

	vm_decode_begin(&wanted.vm);
	wanted.vm.name = (char *)"web";
	wanted.vm.state = VM_RUNNING;
	wanted.vm.nics = &nic;
	wanted.vm.nic_count = 1;
	roll_record_encode(&wanted, &record);
	damage(&record, read_record);

	vm_encode_fields(&wanted.vm, &fields);
	assert_true(roll_record_says(&record, &fields));
	wanted.vm.vcpus = 3;
	str_reset(&fields);
	vm_encode_fields(&wanted.vm, &fields);
	assert_false(roll_record_says(&record, &fields));
	/* What is longer than the whole record is not inside. */
	while (fields.length <= record.length)
		str_add_char(&fields, 'x');
	assert_false(roll_record_says(&record, &fields));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_and_counters),
		cmocka_unit_test(sets_and_results),
		cmocka_unit_test(changes_of_hosts),
		cmocka_unit_test(machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
