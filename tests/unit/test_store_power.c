/*
 * test_store_power.c - the power fails while the store is written: what was acknowledged is there, and nothing is half there.
 *
 * The calls with which LMDB writes its file are recorded. A disk keeps what was synced, and of what was
 * not, in any order, any sectors.
 */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "store_kit.h"
#include "str.h"
#include "vec.h"

/* A child costs ten times as much with the sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
enum { CUTS = 60 };
#else
enum { CUTS = 400 };
#endif

enum { BATCHES = 150, SECTOR = 512, SECONDS_MAX = 60 };

/* ---- recording ---- */

enum event_kind { WRITTEN, SYNCED, ACKNOWLEDGED };

struct event {
	enum event_kind kind;
	unsigned number;    /* ACKNOWLEDGED */
	bool durable;       /* WRITTEN through a file that syncs each write */
	size_t at, length;  /* in the file */
	size_t bytes_start; /* in journal.bytes */
};

static struct {
	bool on;
	VEC(struct event) events;
	struct str bytes;
} journal;

static void record_write(int fd, const void *bytes, size_t length, off_t at)
{
	struct event event = {
		.kind = WRITTEN, .at = (size_t)at, .length = length, .bytes_start = journal.bytes.length};

	if (!journal.on)
		return;
	event.durable = fcntl(fd, F_GETFL) & O_DSYNC;
	str_add_n(&journal.bytes, bytes, length);
	vec_push(&journal.events, event);
}

/* In place of libc's, under its names, for LMDB too. Only LMDB writes while the journal is on. */
/* What is built here is hidden from libraries otherwise. */
#define SEEN_BY_LMDB __attribute__((visibility("default")))
ssize_t recorded_pwrite(int fd, const void *bytes, size_t length, off_t at) __asm__("pwrite") SEEN_BY_LMDB;
ssize_t recorded_writev(int fd, const struct iovec *parts, int count) __asm__("writev") SEEN_BY_LMDB;
int recorded_fdatasync(int fd) __asm__("fdatasync") SEEN_BY_LMDB;

ssize_t recorded_pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	record_write(fd, bytes, length, at);
	return syscall(SYS_pwrite64, fd, bytes, length, at);
}

ssize_t recorded_writev(int fd, const struct iovec *parts, int count)
{
	off_t at = journal.on ? lseek(fd, 0, SEEK_CUR) : 0;

	for (int i = 0; i < count; i++) {
		record_write(fd, parts[i].iov_base, parts[i].iov_len, at);
		at += (off_t)parts[i].iov_len;
	}
	return syscall(SYS_writev, fd, parts, count);
}

int recorded_fdatasync(int fd)
{
	if (journal.on)
		vec_push(&journal.events, (struct event){.kind = SYNCED});
	return (int)syscall(SYS_fdatasync, fd);
}

/* ---- the disk after the power failed ---- */

struct disk {
	unsigned char *bytes;
	size_t length, capacity;
};

static void disk_put(struct disk *disk, size_t at, const void *bytes, size_t length)
{
	assert_true(at + length <= disk->capacity);
	memcpy(disk->bytes + at, bytes, length);
	if (disk->length < at + length)
		disk->length = at + length;
}

static uint64_t random_state = 20261125;

static unsigned pick(unsigned below)
{
	/* xorshift64*: the same cuts in every run. */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545F4914F6CDD1D) >> 33) % below;
}

/* Some sectors of a write that was not synced; rarely all, or none. */
static void put_some(struct disk *disk, const struct event *event)
{
	unsigned most = pick(4);

	for (size_t done = 0, length; done < event->length; done += length) {
		length = SECTOR - (event->at + done) % SECTOR;
		if (length > event->length - done)
			length = event->length - done;
		if (pick(3) < most)
			disk_put(disk, event->at + done, journal.bytes.data + event->bytes_start + done, length);
	}
}

/* What is on DISK when the power fails after COUNT events. HONEST: what was synced is. The last number acknowledged. */
static unsigned fail_after(struct disk *disk, size_t count, bool honest)
{
	size_t last_sync = 0;
	unsigned acknowledged = 0;

	for (size_t i = 0; i < count; i++)
		if (journal.events.items[i].kind == SYNCED && honest)
			last_sync = i;
	for (size_t i = 0; i < count; i++) {
		const struct event *event = &journal.events.items[i];
		if (event->kind == ACKNOWLEDGED)
			acknowledged = event->number;
		else if (event->kind == WRITTEN && (i < last_sync || event->durable))
			disk_put(disk, event->at, journal.bytes.data + event->bytes_start, event->length);
		else if (event->kind == WRITTEN)
			put_some(disk, event);
	}
	return acknowledged;
}

/* ---- the test ---- */

static void read_file(const char *path, struct disk *disk)
{
	struct stat status;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(file >= 0 && fstat(file, &status) == 0);
	disk->length = (size_t)status.st_size;
	assert_true(disk->length <= disk->capacity);
	assert_int_equal(read(file, disk->bytes, disk->length), disk->length);
	close(file);
}

static void write_file(const char *path, const struct disk *disk)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	assert_int_equal(write(file, disk->bytes, disk->length), disk->length);
	close(file);
}

static void record_batches(struct kit *kit)
{
	struct err e = {0};

	journal.on = true;
	for (unsigned number = 1; number <= BATCHES; number++) {
		assert_ok(kit_write_number(kit->store, number, &e), &e);
		vec_push(&journal.events, (struct event){.kind = ACKNOWLEDGED, .number = number});
	}
	journal.on = false;
}

/* Opens it as the next run would: what it found, and then goes on. */
static int go_on(const char *uri, unsigned acknowledged, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	unsigned found = 0, again = 0;

	int result = store_open(&store, uri, STORE_WRITE, e);
	if (result == 0)
		result = kit_read_number(store, &found, e);
	if (result == 0 && found != acknowledged && found != acknowledged + 1)
		result = err_set(e, ERR_CONFLICT, "%u was acknowledged, %u is there", acknowledged, found);
	for (unsigned i = 1; result == 0 && i <= 3; i++)
		result = kit_write_number(store, found + i, e);
	if (result == 0)
		result = kit_read_number(store, &again, e);
	if (result == 0 && again != found + 3)
		result = err_set(e, ERR_CONFLICT, "%u after %u", again, found);
	return result;
}

/* In a child, which a store that is beyond repair may end. */
static bool survives(const char *uri, unsigned acknowledged)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct err e = {0};
		alarm(SECONDS_MAX);
		int result = go_on(uri, acknowledged, &e);
		if (result < 0)
			fprintf(stderr, "%s\n", e.text);
		_exit(result < 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status == 0;
}

struct bench {
	char *data, *folder, *uri, *failed;
	struct disk before, disk;
};

static void bench_done(struct bench *bench)
{
	free(bench->data);
	free(bench->folder);
	free(bench->uri);
	free(bench->failed);
	free(bench->before.bytes);
	free(bench->disk.bytes);
	vec_done(&journal.events);
	str_done(&journal.bytes);
}

static void prepare(struct kit *kit, struct bench *bench)
{
	enum { CAPACITY = 4 << 20 };

	bench->data = mem_format("%s/data.mdb", kit->folder);
	bench->folder = mem_format("%s/after", kit->folder);
	bench->failed = mem_format("%s/data.mdb", bench->folder);
	bench->uri = mem_format("lmdb:%s", bench->folder);
	bench->before = (struct disk){mem_zalloc(1, CAPACITY), 0, CAPACITY};
	bench->disk = (struct disk){mem_zalloc(1, CAPACITY), 0, CAPACITY};
	assert_int_equal(mkdir(bench->folder, 0700), 0);
	read_file(bench->data, &bench->before);
	record_batches(kit);
	kit_close(kit);
}

static bool cut_power(struct bench *bench, size_t count, bool honest)
{
	memcpy(bench->disk.bytes, bench->before.bytes, bench->before.length);
	bench->disk.length = bench->before.length;
	unsigned acknowledged = fail_after(&bench->disk, count, honest);
	write_file(bench->failed, &bench->disk);
	return survives(bench->uri, acknowledged);
}

static void what_was_acknowledged_outlives_the_power(void **state)
{
	cleanup(bench_done) struct bench bench = {0};

	prepare(*state, &bench);
	assert_true(journal.events.count > 4 * BATCHES);
	for (unsigned i = 0; i < CUTS; i++) {
		size_t count = pick((unsigned)journal.events.count + 1);
		if (!cut_power(&bench, count, true))
			fail_msg("power cut after %zu of %zu events", count, journal.events.count);
	}
}

/* Or else the test above shows nothing. */
static void a_disk_that_lies_about_it_is_found_out(void **state)
{
	cleanup(bench_done) struct bench bench = {0};
	unsigned lost = 0;

	prepare(*state, &bench);
	for (unsigned i = 0; i < 20; i++)
		lost += !cut_power(&bench, journal.events.count, false);
	assert_true(lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(what_was_acknowledged_outlives_the_power),
		kit_test(a_disk_that_lies_about_it_is_found_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
