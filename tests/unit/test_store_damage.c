/* test_store_damage.c - a damaged store is an error, or changes no answer: never a signal, never a hang, never a wrong answer. */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "store.h"
#include "store_kit.h"

/* A child costs ten times as much with the sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
enum { RARER = 8 };
#else
enum { RARER = 1 };
#endif

enum { RECORDS = 1200, SECONDS_MAX = 60, STATUS_OTHER = 99 };

/* What a child found: how it ended, and a digest of all it read. */
struct outcome {
	int status; /* of waitpid */
	uint64_t digest;
};

static uint64_t add_digest(uint64_t digest, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		digest = (digest ^ byte[i]) * 0x100000001B3; /* FNV-1a */
	return (digest ^ length) * 0x100000001B3;
}

static int digest_walk(struct store_view *view, bool reverse, uint64_t *digest, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int found = store_cursor_open(&cursor, view, "", 0, reverse, e);

	if (found < 0)
		return found;
	while ((found = store_cursor_next(cursor, &item, e)) == 1) {
		*digest = add_digest(*digest, item.key, item.key_length);
		*digest = add_digest(*digest, item.value, item.value_length);
	}
	return found;
}

/* Every key there may be, present or not, each through a view of its own or this one. */
static int digest_gets(struct store_view *view, uint64_t *digest, struct err *e)
{
	for (unsigned i = 0; i < RECORDS + 10; i++) {
		struct bytes value = {0};
		char key[32];
		snprintf(key, sizeof key, i % 3 ? "k/%08u" : "k/%08u+", i);
		int found = store_view_get(view, key, strlen(key), &value, e);
		if (found < 0)
			return found;
		*digest = found ? add_digest(*digest, value.data, value.length) : add_digest(*digest, "-", 1);
		bytes_done(&value);
	}
	return 0;
}

static int digest_prefixes(struct store_view *view, uint64_t *digest, struct err *e)
{
	for (unsigned i = 0; i < RECORDS; i += 10) {
		cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
		struct store_item item;
		char prefix[32];
		snprintf(prefix, sizeof prefix, "k/%07u", i / 10);
		int found = store_cursor_open(&cursor, view, prefix, strlen(prefix), i % 20, e);
		while (found >= 0 && (found = store_cursor_next(cursor, &item, e)) == 1)
			*digest = add_digest(*digest, item.key, item.key_length);
		if (found < 0)
			return found;
	}
	return 0;
}

static int read_everything(struct store *store, uint64_t *digest, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	uint64_t size = 0;

	int result = store_view_open(&view, store, e);
	if (result == 0)
		result = digest_gets(view, digest, e);
	if (result == 0)
		result = digest_prefixes(view, digest, e);
	if (result == 0)
		result = digest_walk(view, false, digest, e);
	if (result == 0)
		result = digest_walk(view, true, digest, e);
	if (result == 0)
		result = store_size(store, &size, e);
	*digest = add_digest(*digest, &size, sizeof size);
	return result;
}

static int only_read(const char *uri, uint64_t *digest, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;

	int result = store_open(&store, uri, STORE_READ, e);
	return result < 0 ? result : read_everything(store, digest, e);
}

/* Changes, adds and removes, so that pages split, merge, are freed and are used again. */
static int write_much(struct store *store, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	for (unsigned i = 0; i < 600; i++) {
		char key[32], value[900];
		unsigned number = i * 7 % RECORDS;
		memset(value, 'a' + (int)(i % 26), sizeof value);
		snprintf(key, sizeof key, "k/%08u%s", number, i % 4 == 3 ? "+" : "");
		if (i % 4 == 0)
			store_batch_delete(batch, key, strlen(key));
		else
			store_batch_put(batch, key, strlen(key), value, (i * 13) % sizeof value);
		int result = i % 100 == 99 ? store_batch_commit(batch, e) : 0;
		if (result < 0)
			return result;
	}
	return 0;
}

static int write_and_read(const char *uri, uint64_t *digest, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;

	int result = store_open(&store, uri, STORE_WRITE, e);
	if (result == 0)
		result = write_much(store, e);
	return result < 0 ? result : read_everything(store, digest, e);
}

typedef int store_act(const char *uri, uint64_t *digest, struct err *e);

static struct outcome in_child(store_act *act, const char *uri)
{
	struct outcome outcome = {0};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct err e = {0};
		uint64_t digest = 0xCBF29CE484222325;
		int nothing = open("/dev/null", O_WRONLY);
		dup2(nothing, STDERR_FILENO);
		alarm(SECONDS_MAX);
		int result = act(uri, &digest, &e);
		if (result < 0)
			_exit(e.text[0] ? err_exit_status(result) : STATUS_OTHER);
		_exit(write(ends[1], &digest, sizeof digest) == sizeof digest ? 0 : STATUS_OTHER);
	}
	close(ends[1]);
	if (read(ends[0], &outcome.digest, sizeof outcome.digest) < 0)
		fail();
	close(ends[0]);
	assert_int_equal(waitpid(child, &outcome.status, 0), child);
	return outcome;
}

/* The file of a store with pages of every kind: branches, overflow, free ones. */
struct sample {
	char *path;
	unsigned char *bytes;
	size_t length;
};

static void cleanup_sample(struct sample *sample)
{
	free(sample->path);
	free(sample->bytes);
}

static void take_sample(struct kit *kit, struct sample *sample)
{
	struct stat status;
	struct err e = {0};

	kit_fill(kit, 0, RECORDS);
	kit_delete_every(kit, RECORDS / 6, 2);
	assert_ok(store_delete(kit->store, "k/00001000", 10, &e), &e); /* one with overflow pages */
	kit_close(kit);
	sample->path = mem_format("%s/data.mdb", kit->folder);
	int file = open(sample->path, O_RDONLY);
	assert_true(file >= 0);
	assert_int_equal(fstat(file, &status), 0);
	sample->length = (size_t)status.st_size;
	sample->bytes = mem_alloc(sample->length);
	assert_int_equal(read(file, sample->bytes, sample->length), sample->length);
	close(file);
}

static void restore(const struct sample *sample, size_t length)
{
	int file = open(sample->path, O_WRONLY | O_TRUNC);

	assert_true(file >= 0);
	assert_int_equal(write(file, sample->bytes, length), length);
	close(file);
}

static void flip(const struct sample *sample, size_t bit)
{
	int file = open(sample->path, O_WRONLY);
	unsigned char byte = sample->bytes[bit / 8];

	byte ^= (unsigned char)(1u << bit % 8);
	assert_true(file >= 0);
	assert_int_equal(pwrite(file, &byte, 1, (off_t)(bit / 8)), 1);
	close(file);
}

static void unflip(const struct sample *sample, size_t bit)
{
	int file = open(sample->path, O_WRONLY);

	assert_true(file >= 0);
	assert_int_equal(pwrite(file, sample->bytes + bit / 8, 1, (off_t)(bit / 8)), 1);
	close(file);
}

/* 1 told, 0 no difference; fails on anything else. */
static int judge(struct outcome outcome, uint64_t right, const char *what, size_t where)
{
	if (!WIFEXITED(outcome.status))
		fail_msg("%s %zu: ended by signal %d", what, where, WTERMSIG(outcome.status));
	if (WEXITSTATUS(outcome.status) == 4)
		return 1;
	if (WEXITSTATUS(outcome.status) != 0)
		fail_msg("%s %zu: status %d", what, where, WEXITSTATUS(outcome.status));
	if (outcome.digest != right)
		fail_msg("%s %zu: a wrong answer", what, where);
	return 0;
}

static uint64_t next_random(uint64_t *state)
{
	/* xorshift64*: the same points in every run. */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1D;
}

static size_t chosen_or(const char *variable, size_t otherwise)
{
	const char *chosen = getenv(variable);

	return chosen ? strtoul(chosen, NULL, 10) : otherwise;
}

static void a_flipped_bit_is_told_or_changes_no_answer(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_sample) struct sample sample = {0};
	uint64_t random = chosen_or("STORE_FLIP_SEED", 20261120);
	size_t told = 0, trials = chosen_or("STORE_FLIPS", 1500 / RARER);

	take_sample(kit, &sample);
	struct outcome whole = in_child(only_read, kit->uri);
	assert_int_equal(whole.status, 0);
	for (size_t i = 0; i < trials; i++) {
		size_t bit = next_random(&random) % (8 * sample.length);
		flip(&sample, bit);
		told += judge(in_child(only_read, kit->uri), whole.digest, "bit", bit);
		unflip(&sample, bit);
	}
	print_message("%zu of %zu flips were told\n", told, trials);
	assert_true(told > trials / 4);
}

/* Both meta pages, where every bit counts, and the heads of all others. */
static void a_flipped_bit_in_the_heads_of_pages(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_sample) struct sample sample = {0};
	enum { PAGE = 4096, META = 168, HEAD = 18 };
	uint64_t random = 7;

	take_sample(kit, &sample);
	struct outcome whole = in_child(only_read, kit->uri);
	assert_int_equal(whole.status, 0);
	for (size_t page = 0; page < sample.length / PAGE; page++) {
		for (size_t i = 0; i < (page < 2 ? META : HEAD) * 8; i++) {
			size_t bit = page * PAGE * 8 + i;
			if (next_random(&random) % (page > 1 ? 40 * RARER : RARER))
				continue;
			flip(&sample, bit);
			judge(in_child(only_read, kit->uri), whole.digest, "bit", bit);
			unflip(&sample, bit);
		}
	}
}

static size_t get16(const unsigned char *at)
{
	uint16_t number;

	memcpy(&number, at, sizeof number);
	return number;
}

/* The other page is sound, and was met in its own place just before. */
static void a_flipped_bit_that_leads_to_another_page(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_sample) struct sample sample = {0};
	enum { PAGE = 4096, BRANCH = 1 };
	size_t told = 0, trials = 0;

	take_sample(kit, &sample);
	struct outcome whole = in_child(only_read, kit->uri);
	assert_int_equal(whole.status, 0);
	for (size_t at = 2 * PAGE; at < sample.length; at += PAGE) {
		const unsigned char *page = sample.bytes + at;
		for (size_t node = 16; get16(page + 10) == BRANCH && node < get16(page + 12); node += 2) {
			for (size_t i = 0; i < 7; i += RARER, trials++) {
				size_t bit = 8 * (at + get16(page + node)) + i;
				flip(&sample, bit);
				told += judge(in_child(only_read, kit->uri), whole.digest, "bit", bit);
				unflip(&sample, bit);
			}
		}
	}
	print_message("%zu of %zu flips were told\n", told, trials);
	assert_true(told > 300 / RARER);
}

static void writing_into_a_damaged_store(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_sample) struct sample sample = {0};
	uint64_t random = chosen_or("STORE_FLIP_SEED", 4711);
	size_t trials = chosen_or("STORE_FLIPS", 1500 / RARER) / 3;

	take_sample(kit, &sample);
	struct outcome whole = in_child(write_and_read, kit->uri);
	assert_int_equal(whole.status, 0);
	for (size_t i = 0; i < trials; i++) {
		size_t bit = next_random(&random) % (8 * sample.length);
		if (i % 8 == 0)
			bit %= 8 * 2 * 4096;
		restore(&sample, sample.length);
		flip(&sample, bit);
		judge(in_child(write_and_read, kit->uri), whole.digest, "write after bit", bit);
	}
}

static void a_truncated_store_is_told_or_has_lost_nothing(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_sample) struct sample sample = {0};

	take_sample(kit, &sample);
	struct outcome whole = in_child(only_read, kit->uri);
	assert_int_equal(whole.status, 0);
	for (size_t length = 0; length < sample.length; length += length < 10000 ? 997 : 2048) {
		restore(&sample, length);
		int told = judge(in_child(only_read, kit->uri), whole.digest, "cut at", length);
		if (length < sample.length / 2)
			assert_int_equal(told, 1);
	}
	for (size_t length = 0; length < sample.length; length += 20011) {
		restore(&sample, length);
		struct outcome outcome = in_child(write_and_read, kit->uri);
		assert_true(WIFEXITED(outcome.status));
		if (length < sample.length / 2)
			assert_int_equal(WEXITSTATUS(outcome.status), 4);
	}
}

static void what_is_no_store_at_all(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_sample) struct sample sample = {0};
	uint64_t random = 1;

	take_sample(kit, &sample);
	for (size_t i = 0; i < sample.length; i++)
		sample.bytes[i] = (unsigned char)next_random(&random);
	restore(&sample, sample.length);
	assert_int_equal(judge(in_child(only_read, kit->uri), 0, "random", 0), 1);
	assert_int_equal(judge(in_child(write_and_read, kit->uri), 0, "random", 0), 1);
	memset(sample.bytes, 0, sample.length);
	restore(&sample, sample.length);
	assert_int_equal(judge(in_child(only_read, kit->uri), 0, "zeros", 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(a_flipped_bit_is_told_or_changes_no_answer),
		kit_test(a_flipped_bit_in_the_heads_of_pages),
		kit_test(a_flipped_bit_that_leads_to_another_page),
		kit_test(writing_into_a_damaged_store),
		kit_test(a_truncated_store_is_told_or_has_lost_nothing),
		kit_test(what_is_no_store_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
