/* test_capture_parts.c - what the processes of a capture say to each other, and who holds a transient pool. */
#include "config.h"

#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "capture_private.h"
#include "mem.h"
#include "store_kit.h"
#include "str.h"

struct line {
	struct channel worker, parent;
};

static void line_open(struct line *line)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	*line = (struct line){{.fd = ends[0]}, {.fd = ends[1]}};
}

static void line_close(struct line *line)
{
	close(line->worker.fd);
	close(line->parent.fd);
	str_done(&line->worker.in);
	str_done(&line->parent.in);
}

static void take(struct line *line, struct frame *frame, enum capture_frame_kind kind)
{
	struct err e = {0};

	assert_ok(channel_wait(&line->parent, frame, &e), &e);
	assert_int_equal(frame->kind, kind);
}

static void progress_comes_through(void **state)
{
	cleanup(line_close) struct line line;
	cleanup(capture_moved_done) struct capture_moved taken = {0};
	const struct capture_moved moved = {(char *)"vda", (char *)"reading", 1, 2, 3, UINT64_MAX};
	struct frame frame;
	struct err e = {0};

	(void)state;
	line_open(&line);
	assert_ok(capture_send_moved(&line.worker, &moved, &e), &e);
	take(&line, &frame, CAPTURE_MOVED);
	assert_ok(capture_take_moved(&frame, &taken, &e), &e);
	assert_string_equal(taken.target, "vda");
	assert_string_equal(taken.phase, "reading");
	assert_int_equal(taken.number, 1);
	assert_int_equal(taken.count, 2);
	assert_int_equal(taken.done_bytes, 3);
	assert_true(taken.total_bytes == UINT64_MAX);
}

static void nothing_is_made_before_it_is_recorded(void **state)
{
	cleanup(line_close) struct line line;
	cleanup(capture_remote_done) struct stage_remote taken = {0};
	const struct stage_remote remote = {
		.pool = (char *)"default", .volume = (char *)"copy", .backup_of = {1, 2, 3}};
	struct frame frame;
	struct err e = {0};

	(void)state;
	line_open(&line);
	assert_ok(channel_send(&line.parent, CAPTURE_GO, NULL, 0, &e), &e);
	assert_ok(capture_send_remote(&line.worker, &remote, &e), &e);
	take(&line, &frame, CAPTURE_REMOTE);
	assert_ok(capture_take_remote(&frame, &taken, &e), &e);
	assert_string_equal(taken.pool, "default");
	assert_string_equal(taken.volume, "copy");
	assert_memory_equal(taken.backup_of, remote.backup_of, sizeof remote.backup_of);
	/* Any other answer, or none, is no leave. */
	assert_ok(channel_send(&line.parent, CAPTURE_MOVED, NULL, 0, &e), &e);
	assert_error(capture_send_remote(&line.worker, &remote, &e), ERR_CORRUPT, &e, "unexpected frame");
	shutdown(line.parent.fd, SHUT_RDWR);
	assert_int_equal(capture_send_remote(&line.worker, &remote, &e), ERR_NET);
}

static void a_failure_keeps_its_code_and_text(void **state)
{
	cleanup(line_close) struct line line;
	struct frame frame;
	struct err why = {0};
	struct err e = {0};

	(void)state;
	line_open(&line);
	err_set(&why, ERR_FULL, "no room");
	assert_ok(capture_send_failure(&line.worker, &why, &e), &e);
	take(&line, &frame, CAPTURE_FAILURE);
	assert_error(capture_take_failure(&frame, &e), ERR_FULL, &e, "no room");
	why.code = 7;
	assert_ok(capture_send_failure(&line.worker, &why, &e), &e);
	take(&line, &frame, CAPTURE_FAILURE);
	assert_error(capture_take_failure(&frame, &e), ERR_CORRUPT, &e, "bad frame");
}

static void garbage_is_no_frame(void **state)
{
	static const char garbage[] = "\xff\xff\xff\xff";
	const struct frame frame = {CAPTURE_RESULT, garbage, sizeof garbage - 1};
	cleanup(capture_moved_done) struct capture_moved moved = {0};
	cleanup(capture_remote_done) struct stage_remote remote = {0};
	struct image image = {0};
	uint64_t written;
	struct err e = {0};

	(void)state;
	assert_int_equal(capture_take_moved(&frame, &moved, &e), ERR_CORRUPT);
	assert_int_equal(capture_take_remote(&frame, &remote, &e), ERR_CORRUPT);
	assert_int_equal(capture_take_result(&frame, &image, &written, &e), ERR_CORRUPT);
	assert_int_equal(capture_take_failure(&frame, &e), ERR_CORRUPT);
}

/* ---- transient pools ---- */

static void who_is_last_removes_a_pool(void **state)
{
	const struct kit *kit = *state;
	cleanup(capture_pools_done) struct capture_pools one = {0}, two = {0}, last = {0};
	const char *host = "qemu+tcp://host1/system";
	struct err e = {0};

	assert_ok(capture_pools_hold(&one, kit->uri, host, "vmroll-a", 0, &e), &e);
	assert_ok(capture_pools_hold(&two, kit->uri, host, "vmroll-a", 0, &e), &e);
	assert_int_equal(capture_pools_claim(&last, kit->uri, host, "vmroll-a", &e), 0);
	/* Another pool, or another host, is another matter. */
	assert_int_equal(capture_pools_claim(&last, kit->uri, host, "vmroll-b", &e), 1);
	assert_int_equal(capture_pools_claim(&last, kit->uri, "qemu+tcp://host2/system", "vmroll-a", &e), 1);
	capture_pools_done(&one);
	assert_int_equal(capture_pools_claim(&last, kit->uri, host, "vmroll-a", &e), 0);
	capture_pools_done(&two);
	assert_int_equal(capture_pools_claim(&last, kit->uri, host, "vmroll-a", &e), 1);
	/* Being removed, it is not to be had. */
	assert_int_equal(capture_pools_hold(&one, kit->uri, host, "vmroll-a", 0, &e), ERR_LOCKED);
	capture_pools_done(&last);
	assert_ok(capture_pools_hold(&one, kit->uri, host, "vmroll-a", 0, &e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(progress_comes_through),
		cmocka_unit_test(nothing_is_made_before_it_is_recorded),
		cmocka_unit_test(a_failure_keeps_its_code_and_text),
		cmocka_unit_test(garbage_is_no_frame),
		kit_test(who_is_last_removes_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
