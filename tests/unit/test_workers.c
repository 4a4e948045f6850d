/* test_workers.c - jobs that answer, hang, die, lie and flood; real processes throughout. */
#include "config.h"

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "mem.h"
#include "when.h"
#include "workers.h"

enum { JOBS_MAX = 64, SLOW_STEPS = 15, SLOW_STEP_MS = 200 };

struct run {
	/* What each job does, by its letter; see work(). */
	const char *script;
	volatile sig_atomic_t stop;
	size_t stop_after;
	char frames[JOBS_MAX][64];
	int codes[JOBS_MAX];
	bool asked[JOBS_MAX];
	char texts[JOBS_MAX][128];
	int64_t elapsed_ms[JOBS_MAX];
	size_t finished;
};

static void hang(void)
{
	for (;;)
		pause();
}

static int flood(struct worker *worker, struct err *e)
{
	size_t size = 1 << 20;
	cleanup(cleanup_mem) char *bytes = mem_zalloc(size, 1);

	for (;;)
		if (worker_send(worker, bytes, size, e) < 0)
			return e->code;
}

static int write_to_nobody(struct err *e)
{
	int ends[2];

	if (pipe(ends) < 0)
		return err_set_errno(e, ERR_ENV, errno, "pipe");
	close(ends[0]);
	ssize_t written = write(ends[1], "x", 1);
	int result = written < 0 ? err_set_errno(e, ERR_NET, errno, "write") : 0;
	close(ends[1]);
	return result;
}

static int work(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct run *run = context;
	char text[64];

	snprintf(text, sizeof text, "%d", (int)getpid());
	switch (run->script[job]) {
	case 'a': /* answers */
		return worker_send(worker, text, strlen(text), e);
	case 'e': /* says what is wrong */
		return err_set(e, ERR_AUTH, "authentication failed");
	case 'h': /* hangs, deaf to polite signals */
		signal(SIGTERM, SIG_IGN);
		hang();
		break;
	case 'p': /* answers in part, then hangs */
		worker_send(worker, text, strlen(text), e);
		hang();
		break;
	case 's': /* slow: says now and then that something moves */
		for (int i = 0; i < SLOW_STEPS; i++) {
			poll(NULL, 0, SLOW_STEP_MS);
			worker_send(worker, text, strlen(text), e);
		}
		return 0;
	case 't': /* done, then hangs in tidying up */
		worker_send(worker, text, strlen(text), e);
		worker_finish(worker, e);
		hang();
		break;
	case 'x': /* leaves */
		_exit(7);
	case 'k': /* crashes */
		kill(getpid(), SIGKILL);
		break;
	case 'w': /* writes to a peer that is gone */
		return write_to_nobody(e);
	case 'f': /* floods */
		return flood(worker, e);
	case 'b': /* a frame that received() refuses */
		return worker_send(worker, "bad", 3, e);
	default:
		break;
	}
	return 0;
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct run *run = context;

	if (length == 3 && memcmp(bytes, "bad", 3) == 0)
		return err_set(e, ERR_CORRUPT, "refused");
	if (length >= sizeof run->frames[job])
		return 0;
	memcpy(run->frames[job], bytes, length);
	run->frames[job][length] = '\0';
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct run *run = context;

	(void)e;
	run->codes[job] = outcome->code;
	run->asked[job] = outcome->asked;
	run->elapsed_ms[job] = outcome->elapsed_ms;
	snprintf(run->texts[job], sizeof run->texts[job], "%s", outcome->text);
	run->finished++;
	if (run->stop_after && run->finished == run->stop_after)
		run->stop = 1;
	return 0;
}

static int go_within(struct run *run, const struct workers_limits *limits, struct err *e)
{
	const struct workers_job job = {run, work, received, finished};
	size_t jobs = strlen(run->script);

	int result = workers_run(&job, jobs, limits, &run->stop, e);
	assert_int_equal(run->finished, jobs);
	/* No worker is left, not even as a zombie. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return result;
}

static int go(struct run *run, unsigned parallel, int64_t job_ms, int64_t run_ms, struct err *e)
{
	const struct workers_limits limits = {
		.parallel = parallel, .job_deadline_ms = job_ms, .run_deadline_ms = run_ms};

	return go_within(run, &limits, e);
}

enum { LONG = 60000 };

static void reuses_workers(void **state)
{
	struct run run = {.script = "aaaaaaaaaaaa"};
	struct err e = {0};

	(void)state;
	assert_ok(go(&run, 1, LONG, LONG, &e), &e);
	for (size_t i = 0; i < 12; i++) {
		assert_int_equal(run.codes[i], 0);
		assert_true(run.asked[i]);
		assert_string_equal(run.frames[i], run.frames[0]);
	}
}

static void reports_each_failure_alone(void **state)
{
	struct run run = {.script = "aexkbaeaw"};
	struct err e = {0};

	(void)state;
	assert_ok(go(&run, 2, LONG, LONG, &e), &e);
	assert_int_equal(run.codes[0], 0);
	assert_int_equal(run.codes[1], ERR_AUTH);
	assert_string_equal(run.texts[1], "authentication failed");
	assert_int_equal(run.codes[2], ERR_ENV);
	assert_non_null(strstr(run.texts[2], "exit status 7"));
	assert_int_equal(run.codes[3], ERR_ENV);
	assert_non_null(strstr(run.texts[3], "signal 9"));
	assert_int_equal(run.codes[4], ERR_CORRUPT);
	assert_string_equal(run.texts[4], "refused");
	assert_int_equal(run.codes[5], 0);
	assert_int_equal(run.codes[7], 0);
	assert_int_equal(run.codes[8], ERR_NET);
}

static void kills_what_is_late(void **state)
{
	struct run run = {.script = "hpataha"};
	struct err e = {0};

	(void)state;
	assert_ok(go(&run, 3, 2000, LONG, &e), &e);
	assert_int_equal(run.codes[0], ERR_DEADLINE);
	assert_string_equal(run.texts[0], "no answer within 2s");
	assert_true(run.asked[0]);
	/* What came before the deadline was received. */
	assert_int_equal(run.codes[1], ERR_DEADLINE);
	assert_true(run.frames[1][0] != '\0');
	/* Tidying up is not the job. */
	assert_int_equal(run.codes[3], 0);
	for (size_t i = 2; i < 7; i += 2)
		assert_int_equal(run.codes[i], 0);
}

/* The slow one takes longer in all than any may be silent. */
static void kills_what_stalls(void **state)
{
	const struct workers_limits limits = {.parallel = 4, .run_deadline_ms = LONG, .stall_ms = 2000};
	struct run run = {.script = "shpta"};
	struct err e = {0};

	(void)state;
	assert_ok(go_within(&run, &limits, &e), &e);
	assert_int_equal(run.codes[0], 0);
	assert_true(run.elapsed_ms[0] > limits.stall_ms);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(run.codes[i], ERR_DEADLINE);
		assert_string_equal(run.texts[i], "nothing moved for 2s");
		assert_true(run.asked[i]);
	}
	assert_true(run.frames[2][0] != '\0');
	assert_int_equal(run.codes[3], 0);
	assert_int_equal(run.codes[4], 0);
}

static void hangs_in_tidying_up_end_too(void **state)
{
	const struct workers_limits limits = {.parallel = 1, .run_deadline_ms = LONG, .stall_ms = 300};
	struct run run = {.script = "ta"};
	struct err e = {0};

	(void)state;
	assert_ok(go_within(&run, &limits, &e), &e);
	assert_int_equal(run.codes[0], 0);
	assert_int_equal(run.codes[1], 0);
	assert_string_not_equal(run.frames[0], run.frames[1]);
}

static void whichever_limit_is_first_is_named(void **state)
{
	const struct workers_limits limits = {.parallel = 2, .job_deadline_ms = 1000, .stall_ms = LONG};
	struct run run = {.script = "hs"};
	struct err e = {0};

	(void)state;
	assert_ok(go_within(&run, &limits, &e), &e);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(run.codes[i], ERR_DEADLINE);
		assert_string_equal(run.texts[i], "no answer within 1s");
	}
}

static void ends_with_the_run(void **state)
{
	struct run run = {.script = "hhhaa"};
	struct err e = {0};
	int64_t begun = when_monotonic();

	(void)state;
	assert_error(go(&run, 2, LONG, 300, &e), ERR_DEADLINE, &e, "deadline");
	assert_in_range(when_monotonic() - begun, 300, LONG / 2);
	assert_true(run.asked[0]);
	assert_int_equal(run.codes[0], ERR_DEADLINE);
	for (size_t i = 2; i < 5; i++) {
		assert_false(run.asked[i]);
		assert_string_equal(run.texts[i], "not asked");
	}
}

static void stops_when_told(void **state)
{
	struct run run = {.script = "ahhhh", .stop_after = 1};
	struct err e = {0};
	int64_t begun = when_monotonic();

	(void)state;
	assert_ok(go(&run, 2, LONG, LONG, &e), &e);
	assert_in_range(when_monotonic() - begun, 0, LONG / 2);
	assert_int_equal(run.codes[0], 0);
	assert_false(run.asked[4]);
}

static void bounds_a_flood(void **state)
{
	struct run run = {.script = "fa"};
	struct err e = {0};

	(void)state;
	assert_ok(go(&run, 1, LONG, LONG, &e), &e);
	assert_int_equal(run.codes[0], ERR_TOO_LARGE);
	assert_int_equal(run.codes[1], 0);
}

static void no_jobs_is_done(void **state)
{
	struct run run = {.script = ""};
	struct err e = {0};

	(void)state;
	assert_ok(go(&run, 4, LONG, LONG, &e), &e);
}

/* ---- the process itself ---- */

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 3; /* ".", "..", and the folder's own */
}

/* Says how many descriptors it has, whether SIGINT is at its default, and whether it has a session of its own. */
static int introspect(struct channel *channel, void *context)
{
	struct err e;
	struct sigaction action;
	unsigned char answer[3];

	(void)context;
	sigaction(SIGINT, NULL, &action);
	answer[0] = (unsigned char)open_descriptors();
	answer[1] = action.sa_handler == SIG_DFL;
	answer[2] = getsid(0) == getpid();
	return channel_send(channel, 0, answer, sizeof answer, &e) < 0;
}

static void on_signal(int number)
{
	(void)number;
}

static void a_child_inherits_nothing(void **state)
{
	struct child child = {0};
	struct frame frame;
	struct err e = {0};
	char lock[] = "/tmp/test_workers.XXXXXX";
	int held = mkstemp(lock);
	char how[64];

	(void)state;
	assert_int_equal(flock(held, LOCK_EX), 0);
	signal(SIGINT, on_signal);
	assert_ok(child_start(&child, introspect, NULL, &e), &e);
	assert_int_equal(channel_wait(&child.channel, &frame, &e), 1);
	const unsigned char *answer = frame.bytes;
	assert_int_equal(answer[0], 4); /* 0, 1, 2 and its channel */
	assert_true(answer[1]);
	assert_true(answer[2]);
	assert_int_equal(channel_wait(&child.channel, &frame, &e), ERR_NET);
	child_collect(&child, how, sizeof how);
	assert_string_equal(how, "exit status 0");
	signal(SIGINT, SIG_DFL);
	unlink(lock);
	close(held);
}

static int wait_for_ever(struct channel *channel, void *context)
{
	struct err e;
	pid_t self = getpid();

	(void)context;
	channel_send(channel, 0, &self, sizeof self, &e);
	hang();
	return 0;
}

/* In a process of its own: starts a child, tells its pid through the pipe, and dies without a word. */
static void die_with_a_child(int out)
{
	struct child child = {0};
	struct frame frame;
	struct err e;

	if (child_start(&child, wait_for_ever, NULL, &e) < 0 || channel_wait(&child.channel, &frame, &e) != 1 ||
	    write(out, frame.bytes, sizeof(pid_t)) != sizeof(pid_t))
		_exit(1);
	kill(getpid(), SIGKILL);
}

static void a_child_dies_with_its_parent(void **state)
{
	int ends[2];
	pid_t orphan;
	char path[64];
	int64_t begun = when_monotonic();

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t parent = fork();
	if (parent == 0)
		die_with_a_child(ends[1]);
	assert_int_equal(read(ends[0], &orphan, sizeof orphan), sizeof orphan);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)orphan);
	/* A zombie that init has not collected yet has an empty command line. */
	for (;;) {
		cleanup(cleanup_fd) int fd = open(path, O_RDONLY);
		char byte;
		if (fd < 0 || read(fd, &byte, 1) <= 0)
			break;
		assert_in_range(when_monotonic() - begun, 0, LONG);
		poll(NULL, 0, 1);
	}
	close(ends[0]);
	close(ends[1]);
}

static void refuses_a_frame_that_lies(void **state)
{
	int ends[2];
	struct channel channel = {0};
	struct frame frame;
	struct err e = {0};
	const unsigned char huge[] = {0xFF, 0xFF, 0xFF, 0x7F, 1};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	channel.fd = ends[0];
	assert_int_equal(channel_fill(&channel, &e), 0);
	assert_int_equal(write(ends[1], huge, 3), 3);
	assert_int_equal(channel_fill(&channel, &e), 1);
	assert_int_equal(channel_next(&channel, &frame, &e), 0);
	assert_int_equal(write(ends[1], huge + 3, 2), 2);
	assert_error(channel_wait(&channel, &frame, &e), ERR_CORRUPT, &e, "frame of");
	assert_error(channel_send(&channel, 0, NULL, CHANNEL_FRAME_MAX + 1, &e), ERR_TOO_LARGE, &e, "frame");
	str_done(&channel.in);
	close(ends[0]);
	close(ends[1]);
}

static void a_frame_cut_short_is_an_error(void **state)
{
	int ends[2];
	struct channel channel = {0};
	struct frame frame;
	struct err e = {0};
	const unsigned char cut[] = {4, 0, 0, 0, 1, 'x'};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	channel.fd = ends[0];
	assert_int_equal(write(ends[1], cut, sizeof cut), sizeof cut);
	close(ends[1]);
	assert_error(channel_wait(&channel, &frame, &e), ERR_NET, &e, "gone");
	assert_error(channel_send(&channel, 0, "x", 1, &e), ERR_NET, &e, "gone");
	str_done(&channel.in);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reuses_workers),
		cmocka_unit_test(reports_each_failure_alone),
		cmocka_unit_test(kills_what_is_late),
		cmocka_unit_test(kills_what_stalls),
		cmocka_unit_test(hangs_in_tidying_up_end_too),
		cmocka_unit_test(whichever_limit_is_first_is_named),
		cmocka_unit_test(ends_with_the_run),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(bounds_a_flood),
		cmocka_unit_test(no_jobs_is_done),
		cmocka_unit_test(a_child_inherits_nothing),
		cmocka_unit_test(a_child_dies_with_its_parent),
		cmocka_unit_test(refuses_a_frame_that_lies),
		cmocka_unit_test(a_frame_cut_short_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
