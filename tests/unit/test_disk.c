/* test_disk.c - a copy is the same bytes, its holes are all there are, and progress can stop it. */
#include "config.h"

#include "unit.h"

#include "disk.h"
#include "disk_kit.h"
#include "mem.h"
#include "when.h"

enum { ROUNDS = 60, LENGTH_MAX = 40 * DISK_BLOCK };

/* Blocks of BYTES that hold something, the last perhaps a short one. */
static uint64_t bytes_of_data(const unsigned char *bytes, size_t length)
{
	uint64_t data = 0;

	for (size_t at = 0; at < length; at += DISK_BLOCK) {
		size_t part = length - at < DISK_BLOCK ? length - at : DISK_BLOCK;
		data += disk_is_zero(bytes + at, part) ? 0 : part;
	}
	return data;
}

static void add_number(struct digest *digest, uint64_t number)
{
	for (int shift = 56; shift >= 0; shift -= 8) {
		unsigned char byte = (unsigned char)(number >> shift);
		digest_add(digest, &byte, 1);
	}
}

static void digest_data(const unsigned char *bytes, size_t length, unsigned char *sha256)
{
	cleanup(cleanup_digest) struct digest *digest = digest_new();
	struct err e = {0};

	for (size_t at = 0; at < length; at += DISK_BLOCK) {
		size_t part = length - at < DISK_BLOCK ? length - at : DISK_BLOCK;
		if (disk_is_zero(bytes + at, part))
			continue;
		add_number(digest, at / DISK_BLOCK);
		digest_add(digest, bytes + at, part);
	}
	add_number(digest, length);
	assert_ok(digest_end(digest, sha256, &e), &e);
}

static void check_copy(const unsigned char *bytes, size_t length, uint64_t seed)
{
	cleanup(disk_kit_sink_done) struct disk_kit_sink sink;
	struct disk_kit_source source;
	unsigned char sha256[DIGEST_SIZE];
	struct disk_copied copied;
	struct err e = {0};

	disk_kit_source(&source, bytes, length, seed);
	disk_kit_sink(&sink);
	assert_ok(disk_copy_digests(&source.reader, &sink.writer, NULL, DISK_DIGEST_WHOLE | DISK_DIGEST_DATA,
				    &copied, &e),
		  &e);
	assert_true(sink.finished);
	assert_int_equal(sink.content.length, length);
	if (length)
		assert_memory_equal(sink.content.data, bytes, length);
	assert_int_equal(copied.size_bytes, length);
	assert_int_equal(copied.data_bytes, bytes_of_data(bytes, length));
	assert_int_equal(sink.hole_bytes, length - copied.data_bytes);
	assert_ok(digest_of(bytes, length, sha256, &e), &e);
	assert_memory_equal(copied.sha256, sha256, DIGEST_SIZE);
	digest_data(bytes, length, sha256);
	assert_memory_equal(copied.data_sha256, sha256, DIGEST_SIZE);
}

static void whatever_the_chunks_it_is_the_same(void **state)
{
	(void)state;
	struct disk_kit_random random = {20261120};
	cleanup(cleanup_mem) unsigned char *bytes = mem_alloc(LENGTH_MAX);

	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t length = (size_t)disk_kit_below(&random, LENGTH_MAX);
		if (round % 3 == 0)
			length -= length % DISK_BLOCK;
		disk_kit_fill(&random, bytes, length);
		check_copy(bytes, length, round);
	}
}

static void ends_of_all_lengths(void **state)
{
	(void)state;
	static const size_t lengths[] = {0, 1, 511, DISK_BLOCK - 1, DISK_BLOCK, DISK_BLOCK + 1};
	cleanup(cleanup_mem) unsigned char *bytes = mem_zalloc(1, 2 * DISK_BLOCK);

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		check_copy(bytes, lengths[i], i);
		if (!lengths[i])
			continue;
		bytes[lengths[i] - 1] = 1;
		check_copy(bytes, lengths[i], i);
		bytes[lengths[i] - 1] = 0;
	}
}

static void without_a_writer_there_is_a_digest(void **state)
{
	(void)state;
	struct disk_kit_source source;
	unsigned char sha256[DIGEST_SIZE];
	struct disk_copied copied;
	struct err e = {0};

	disk_kit_source(&source, (const unsigned char *)"abc", 3, 1);
	assert_ok(disk_copy(&source.reader, NULL, NULL, &copied, &e), &e);
	assert_ok(digest_of("abc", 3, sha256, &e), &e);
	assert_memory_equal(copied.sha256, sha256, DIGEST_SIZE);
}

static void only_what_is_wanted_is_computed(void **state)
{
	(void)state;
	struct disk_kit_source source;
	unsigned char whole[DIGEST_SIZE];
	unsigned char data[DIGEST_SIZE];
	struct disk_copied copied;
	struct err e = {0};

	assert_ok(digest_of("abc", 3, whole, &e), &e);
	digest_data((const unsigned char *)"abc", 3, data);
	for (unsigned digests = 0; digests <= (DISK_DIGEST_WHOLE | DISK_DIGEST_DATA); digests++) {
		disk_kit_source(&source, (const unsigned char *)"abc", 3, 1);
		assert_ok(disk_copy_digests(&source.reader, NULL, NULL, digests, &copied, &e), &e);
		assert_int_equal(digest_is_known(copied.sha256), (digests & DISK_DIGEST_WHOLE) != 0);
		assert_int_equal(digest_is_known(copied.data_sha256), (digests & DISK_DIGEST_DATA) != 0);
		if (digests & DISK_DIGEST_WHOLE)
			assert_memory_equal(copied.sha256, whole, DIGEST_SIZE);
		if (digests & DISK_DIGEST_DATA)
			assert_memory_equal(copied.data_sha256, data, DIGEST_SIZE);
	}
}

/* Disks of zeros that differ in nothing but their size. */
static void a_longer_hole_is_another_content(void **state)
{
	(void)state;
	cleanup(cleanup_mem) unsigned char *zeros = mem_zalloc(1, 3 * DISK_BLOCK);
	unsigned char shorter[DIGEST_SIZE];
	struct disk_kit_source source;
	struct disk_copied copied;
	struct err e = {0};

	disk_kit_source(&source, zeros, 2 * DISK_BLOCK, 1);
	assert_ok(disk_copy_digests(&source.reader, NULL, NULL, DISK_DIGEST_DATA, &copied, &e), &e);
	memcpy(shorter, copied.data_sha256, DIGEST_SIZE);
	disk_kit_source(&source, zeros, 3 * DISK_BLOCK, 1);
	assert_ok(disk_copy_digests(&source.reader, NULL, NULL, DISK_DIGEST_DATA, &copied, &e), &e);
	assert_memory_not_equal(copied.data_sha256, shorter, DIGEST_SIZE);
}

static void failures_of_either_end_are_told(void **state)
{
	(void)state;
	cleanup(disk_kit_sink_done) struct disk_kit_sink sink;
	struct disk_kit_source source;
	struct disk_copied copied = {.size_bytes = 77};
	struct err e = {0};

	disk_kit_source(&source, (const unsigned char *)"abc", 3, 1);
	source.chunk_max = 1;
	source.fail_at = 2;
	disk_kit_sink(&sink);
	assert_error(disk_copy(&source.reader, &sink.writer, NULL, &copied, &e), ERR_NET, &e,
		     "the source is gone");
	assert_false(sink.finished);
	disk_kit_source(&source, (const unsigned char *)"abc", 3, 1);
	sink.fail = ERR_FULL;
	assert_error(disk_copy(&source.reader, &sink.writer, NULL, &copied, &e), ERR_FULL, &e,
		     "the sink is full");
	assert_int_equal(copied.size_bytes, 77);
}

/* A hole of LENGTH bytes, at once. */
struct hole {
	struct disk_reader reader;
	uint64_t length;
};

static int next_hole(struct disk_reader *reader, struct disk_chunk *chunk, struct err *e)
{
	struct hole *hole = (struct hole *)reader;

	(void)e;
	*chunk = (struct disk_chunk){NULL, hole->length};
	hole->length = 0;
	return chunk->length > 0;
}

struct told {
	unsigned times;
	uint64_t last_bytes;
	int answer;
};

static int hear(void *context, uint64_t done_bytes, struct err *e)
{
	struct told *told = context;

	assert_true(told->times == 0 || done_bytes >= told->last_bytes);
	told->times++;
	told->last_bytes = done_bytes;
	return told->answer ? err_set(e, told->answer, "enough") : 0;
}

static void progress_is_told_within_a_hole(void **state)
{
	(void)state;
	struct hole hole = {{next_hole, NULL}, UINT64_C(2) << 30};
	struct told told = {0};
	const struct disk_progress progress = {hear, &told};
	struct disk_copied copied;
	struct err e = {0};

	int64_t begun_ms = when_monotonic();
	assert_ok(disk_copy(&hole.reader, NULL, &progress, &copied, &e), &e);
	/* Hashing it takes a second on a fast processor; on any, ten times a second is the most. */
	assert_in_range(told.times, 2, (when_monotonic() - begun_ms) / 100 + 1);
	assert_int_equal(told.last_bytes, copied.size_bytes);
	assert_int_equal(copied.size_bytes, UINT64_C(2) << 30);
}

struct hole_sink {
	struct disk_writer writer;
	uint64_t longest_bytes, bytes;
};

static int take_hole(struct disk_writer *writer, const struct disk_chunk *chunk, struct err *e)
{
	struct hole_sink *sink = (struct hole_sink *)writer;

	(void)e;
	assert_null(chunk->bytes);
	assert_int_equal(chunk->length % DISK_BLOCK, 0);
	sink->bytes += chunk->length;
	if (chunk->length > sink->longest_bytes)
		sink->longest_bytes = chunk->length;
	return 0;
}

static int finish_holes(struct disk_writer *writer, struct err *e)
{
	(void)writer, (void)e;
	return 0;
}

static void long_holes_are_given_in_parts(void **state)
{
	(void)state;
	struct hole hole = {{next_hole, NULL}, UINT64_C(5) << 29};
	struct hole_sink sink = {.writer = {take_hole, finish_holes, NULL}};
	struct disk_copied copied;
	struct err e = {0};

	assert_ok(disk_copy(&hole.reader, &sink.writer, NULL, &copied, &e), &e);
	assert_int_equal(sink.bytes, UINT64_C(5) << 29);
	assert_int_equal(sink.longest_bytes, 1 << 30);
}

static void progress_can_stop_it(void **state)
{
	(void)state;
	struct hole hole = {{next_hole, NULL}, UINT64_C(1) << 60};
	struct told told = {.answer = ERR_DEADLINE};
	const struct disk_progress progress = {hear, &told};
	struct disk_copied copied;
	struct err e = {0};

	assert_error(disk_copy(&hole.reader, NULL, &progress, &copied, &e), ERR_DEADLINE, &e, "enough");
	assert_int_equal(told.times, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_the_chunks_it_is_the_same),
		cmocka_unit_test(ends_of_all_lengths),
		cmocka_unit_test(without_a_writer_there_is_a_digest),
		cmocka_unit_test(only_what_is_wanted_is_computed),
		cmocka_unit_test(a_longer_hole_is_another_content),
		cmocka_unit_test(failures_of_either_end_are_told),
		cmocka_unit_test(progress_is_told_within_a_hole),
		cmocka_unit_test(long_holes_are_given_in_parts),
		cmocka_unit_test(progress_can_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
