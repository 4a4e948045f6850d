/*
 * test_roll_kill.c - a writer killed between any two of its commits leaves every answer right.
 *
 * store_batch_commit is wrapped: a child that fills the store kills itself
 * before or after one commit chosen at random. Lists are larger than a batch.
 */
#include "config.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "roll_kit.h"
#include "vec.h"
#include "when.h"

#define T0 INT64_C(1763600000000)
enum { ROUNDS = 200, HOSTS = 3, VMS = 200 };

static long commits_left = -1; /* negative: nobody dies */
static bool die_before;

int __real_store_batch_commit(struct store_batch *batch, struct err *e);
int __wrap_store_batch_commit(struct store_batch *batch, struct err *e);

int __wrap_store_batch_commit(struct store_batch *batch, struct err *e)
{
	bool last = commits_left == 0;

	if (last && die_before)
		raise(SIGKILL);
	int result = __real_store_batch_commit(batch, e);
	if (last)
		raise(SIGKILL);
	if (commits_left > 0)
		commits_left--;
	return result;
}

/* The list of a host in snapshot NUMBER: most of it differs from the one before. */
static void add_list(struct str *out, unsigned host, unsigned number)
{
	bool any = false;

	for (unsigned v = 0; v < VMS; v++) {
		if ((v + number * 7 + host) % 5 == 0)
			continue;
		str_addf(out, "%sv%03u%s", any ? "," : "", v, (v + number) % 3 ? "" : "-");
		any = true;
	}
}

static char *whole(unsigned number)
{
	struct str out = {0};

	for (unsigned h = 0; h < HOSTS; h++) {
		str_addf(&out, "%sh%u=", h ? " " : "", h);
		add_list(&out, h, number);
	}
	return str_take(&out);
}

static int64_t time_of(unsigned number)
{
	return T0 + (int64_t)number * 10 * MINUTE;
}

/* Snapshots from NUMBER on until it dies; each that is finished is acknowledged on FD. */
static void write_until_death(const char *uri, unsigned number, int fd)
{
	struct kit kit = {.uri = (char *)uri};
	char byte = '.';

	kit_reopen(&kit, STORE_WRITE);
	for (;; number++) {
		cleanup(cleanup_mem) char *text = whole(number);
		uint64_t removed;
		roll_kit_snap(&kit, time_of(number), text);
		if (number > 20 && number % 16 == 0)
			roll_prune(kit.store, time_of(number - 20), &removed, NULL);
		if (write(fd, &byte, 1) != 1)
			_exit(1);
	}
}

/* How many snapshots the child acknowledged. */
static unsigned run_child(const struct kit *kit, unsigned number, unsigned round)
{
	char bytes[256];
	unsigned count = 0;
	int fds[2], status;
	ssize_t got;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		commits_left = rand() % 41;
		die_before = round % 2 == 0;
		write_until_death(kit->uri, number, fds[1]);
	}
	close(fds[1]);
	while ((got = read(fds[0], bytes, sizeof bytes)) > 0)
		count += (unsigned)got;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return count;
}

/* Each host is whole: as in the last snapshot that was acknowledged, or as in the one that was being written. */
static void check_now(struct kit *kit, unsigned acknowledged, const char *more)
{
	cleanup(cleanup_mem) char *state = roll_kit_state(kit, WHEN_UNKNOWN);
	char *rest = state;

	for (unsigned h = 0; h < HOSTS; h++) {
		cleanup(str_done) struct str old = {0}, new = {0};
		const char *word = strsep(&rest, " ");
		str_addf(&old, "h%u=", h);
		add_list(&old, h, acknowledged);
		str_addf(&new, "h%u=", h);
		add_list(&new, h, acknowledged + 1);
		if (h == 0) {
			str_add(&old, more);
			str_add(&new, more);
		}
		if (!word || (strcmp(word, str_text(&old)) != 0 && strcmp(word, str_text(&new)) != 0))
			fail_msg("after snapshot %u: %.900s", acknowledged, word ? word : "nothing");
	}
	assert_null(rest);
}

static void check_past(struct kit *kit, unsigned number)
{
	cleanup(cleanup_mem) char *text = whole(number);

	expect_state(kit, time_of(number) + 5 * MINUTE, text);
}

static void a_killed_writer_leaves_every_answer_right(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *first = whole(0);
	unsigned next = 1, total = 0;

	srand(4711);
	roll_kit_snap(kit, time_of(0), first);
	kit_close(kit);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned acknowledged = run_child(kit, next, round);
		next += acknowledged;
		total += acknowledged;
		kit_reopen(kit, STORE_WRITE);
		check_now(kit, next - 1, "");
		/* What was left half written must stay hidden from who comes later, too. */
		if (round % 3 == 0) {
			assert_true(roll_kit_event(kit, "h0", "zz", time_of(next - 1) + 6 * MINUTE));
			check_now(kit, next - 1, ",zz");
			assert_true(roll_kit_event(kit, "h0", "-zz", time_of(next - 1) + 6 * MINUTE));
		}
		if (acknowledged)
			check_past(kit, next - 2);
		if (next > 4)
			check_past(kit, next - 1 - (unsigned)rand() % 4);
		kit_close(kit);
	}
	assert_true(total > ROUNDS / 4);
	kit_reopen(kit, STORE_WRITE);
	cleanup(cleanup_mem) char *last = whole(next);
	roll_kit_snap(kit, time_of(next), last);
	expect_state(kit, WHEN_UNKNOWN, last);
	check_past(kit, next - 1);
}

/* Events of its own VM on each host, until the pipe closes; how many is its last word. */
static void write_events(const char *uri, int fd)
{
	struct kit kit = {.uri = (char *)uri};
	char byte;

	kit_reopen(&kit, STORE_WRITE);
	for (unsigned i = 0; read(fd, &byte, 1) == 1; i++) {
		char host[8];
		snprintf(host, sizeof host, "h%u", i % HOSTS);
		for (unsigned j = 0; j < 5; j++) {
			roll_kit_event(&kit, host, "zz", T0);
			roll_kit_event(&kit, host, "-zz", T0);
		}
	}
	kit_close(&kit);
	_exit(0);
}

/* As check_past, but for the events' VM, which comes and goes. */
static void check_past_lists(struct kit *kit, unsigned number)
{
	cleanup(cleanup_mem) char *state = roll_kit_state(kit, time_of(number) + 5 * MINUTE);
	cleanup(cleanup_mem) char *wanted = whole(number);

	for (char *more; (more = strstr(state, ",zz"));)
		memmove(more, more + 3, strlen(more + 3) + 1);
	assert_string_equal(state, wanted);
}

static void writers_beside_each_other_lose_nothing(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *first = whole(0);
	int fds[2], status;
	enum { SNAPSHOTS = 30 };

	roll_kit_snap(kit, time_of(0), first);
	kit_close(kit);
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[1]);
		write_events(kit->uri, fds[0]);
	}
	close(fds[0]);
	kit_reopen(kit, STORE_WRITE);
	for (unsigned i = 1; i <= SNAPSHOTS; i++) {
		cleanup(cleanup_mem) char *text = whole(i);
		assert_int_equal(write(fds[1], "...", 3), 3);
		roll_kit_snap(kit, time_of(i), text);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (unsigned i = 0; i <= SNAPSHOTS; i++)
		check_past_lists(kit, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(a_killed_writer_leaves_every_answer_right),
		kit_test(writers_beside_each_other_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
