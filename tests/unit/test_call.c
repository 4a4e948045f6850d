/* test_call.c - which addresses are called, and that a call never gets lost, whatever becomes of the process. */
#include "config.h"

#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call_private.h"
#include "call_process.h"
#include "mem.h"
#include "speech.h"
#include "when.h"

enum { WAIT_MS = 20000 };

/* ---- addresses ---- */

static const char exchange[] = "sip:%s@10.0.0.5";

static void assert_uri(const char *via, const char *to, const char *expected)
{
	cleanup(cleanup_mem) char *uri = NULL;
	struct err e = {0};

	assert_ok(call_uri(via, to, &uri, &e), &e);
	assert_string_equal(uri, expected);
}

static void a_number_goes_through_the_exchange(void **state)
{
	(void)state;
	assert_uri(exchange, "123", "sip:123@10.0.0.5");
	assert_uri(exchange, "+81312345678", "sip:+81312345678@10.0.0.5");
	assert_uri(exchange, "*72#9", "sip:*72%239@10.0.0.5");
	assert_uri("sip:0%s@pbx.example.org:5070;transport=tcp", "7",
		   "sip:07@pbx.example.org:5070;transport=tcp");
}

static void a_uri_is_called_as_it_is(void **state)
{
	(void)state;
	assert_uri(exchange, "sip:ito@10.1.2.3", "sip:ito@10.1.2.3");
	assert_uri(NULL, "sip:ito@10.1.2.3:5070;transport=tcp", "sip:ito@10.1.2.3:5070;transport=tcp");
}

static void what_is_neither_is_not_called(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		" 123",
		"123 ",
		"12-34",
		"123@evil.example",
		"123;phone-context=x",
		"12\r\nVia: x",
		"%s",
		"%23",
		"tel:+123",
		"sips:ito@10.1.2.3",
		"mailto:ito@example.org",
		"11111111111111111111111111111111111111111",
		"sip:",
		"sip:ito@10.1.2.3?Replaces=x",
		"sip:ito@10.1.2.3;maddr=10.9.9.9",
		"sip:ito@10.1.2.3\r\nVia: x",
		"sip:it%0do@10.1.2.3",
		"sip:ito:secret@10.1.2.3",
		"sip:%2523@10.1.2.3",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *uri = NULL;
		struct err e = {0};
		if (call_uri(exchange, bad[i], &uri, &e) != ERR_USAGE)
			fail_msg("'%s' became %s", bad[i], uri);
		assert_null(uri);
		assert_false(str_has_control(e.text));
	}
}

static void an_exchange_has_one_place_for_a_number(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"sip:10.0.0.5", "sip:%s%s@10.0.0.5",  "sip:%d@10.0.0.5", "sip:%s@10.0.0.5%n",
		"%s",           "http://%s@10.0.0.5", "sip:%s@10.0.0.5%"};
	char *uri = NULL;
	struct err e = {0};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_error(call_uri(bad[i], "123", &uri, &e), ERR_USAGE, &e, "sip.exchange");
	assert_error(call_uri(NULL, "123", &uri, &e), ERR_USAGE, &e, "sip.exchange");
}

/* ---- frames ---- */

static const struct call_order order = {
	.to = "123", .lang = "en-gb", .message = "web one is down", .thanks = "thank you", .answer = true};

static void an_order_arrives_as_it_was_sent(void **state)
{
	(void)state;
	cleanup(str_done) struct str bytes = {0};
	cleanup(call_job_done) struct call_job job = {0};
	struct err e = {0};

	call_order_encode(7, "sip:123@10.0.0.5", &order, &bytes);
	struct frame frame = {.kind = CALL_FRAME_ORDER, .bytes = bytes.data, .length = bytes.length};
	assert_ok(call_order_decode(&frame, &job, &e), &e);
	assert_int_equal(job.tag, 7);
	assert_true(job.answer);
	assert_string_equal(job.uri, "sip:123@10.0.0.5");
	assert_string_equal(job.lang, "en-gb");
	assert_string_equal(job.texts[CALL_TEXT_MESSAGE], "web one is down");
	assert_string_equal(job.texts[CALL_TEXT_PROMPT], "");
	assert_string_equal(job.texts[CALL_TEXT_ALL], "");
	assert_string_equal(job.texts[CALL_TEXT_THANKS], "thank you");
	assert_string_equal(job.texts[CALL_TEXT_PASSED], "");
}

static void an_outcome_arrives_as_it_was_sent(void **state)
{
	(void)state;
	cleanup(str_done) struct str bytes = {0};
	struct delivery_outcome sent = {.call = CALL_BUSY}, arrived = {0};
	struct err e = {0};
	uint64_t tag = 0;

	err_set(&sent.err, ERR_TEMPORARY, "486 Busy Here");
	call_outcome_encode(9, &sent, &bytes);
	struct frame frame = {.kind = CALL_FRAME_OUTCOME, .bytes = bytes.data, .length = bytes.length};
	assert_ok(call_outcome_decode(&frame, &tag, &arrived, &e), &e);
	assert_int_equal(tag, 9);
	assert_int_equal(arrived.call, CALL_BUSY);
	assert_int_equal(arrived.err.code, ERR_TEMPORARY);
	assert_string_equal(arrived.err.text, "486 Busy Here");
	assert_int_equal(arrived.key, 0);
}

static void what_is_cut_short_is_refused(void **state)
{
	(void)state;
	cleanup(str_done) struct str bytes = {0};
	struct err e = {0};

	call_order_encode(7, "sip:123@10.0.0.5", &order, &bytes);
	for (size_t length = 0; length < bytes.length; length++) {
		struct call_job job = {0};
		struct frame frame = {.kind = CALL_FRAME_ORDER, .bytes = bytes.data, .length = length};
		assert_true(call_order_decode(&frame, &job, &e) < 0);
		assert_null(job.uri);
	}
}

/* ---- the process ---- */

static struct conf_sip settings(void)
{
	static char from[] = "sip:vmroll@127.0.0.1";
	static char via[] = "sip:%s@127.0.0.1";

	return (struct conf_sip){.from = from, .exchange = via, .ring_timeout_ms = 2000, .calls = 2};
}

/* A port where something listens that never answers: a mute exchange. */
static int open_mute(char *uri, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	snprintf(uri, size, "sip:x@127.0.0.1:%d", ntohs(address.sin_port));
	return fd;
}

static struct caller *start(const struct conf_sip *with)
{
	struct caller *caller = NULL;
	struct err e = {0};

	assert_ok(caller_start(&caller, with, NULL, &e), &e);
	return caller;
}

static void submit(struct caller *caller, uint64_t tag, const char *to)
{
	struct call_order wanted = order;
	struct err e = {0};

	wanted.to = to;
	assert_ok(caller_submit(caller, tag, &wanted, &e), &e);
}

static uint64_t wait_for_one(struct caller *caller, struct delivery_outcome *outcome)
{
	int64_t until = when_monotonic() + WAIT_MS;
	uint64_t tag = 0;

	while (!caller_finished(caller, &tag, outcome)) {
		struct pollfd event = {.fd = caller_fd(caller), .events = POLLIN};
		assert_true(when_monotonic() < until);
		poll(&event, 1, 1000);
	}
	return tag;
}

static size_t count_taken(const struct caller *caller)
{
	size_t count = 0;

	vec_foreach(&caller->orders, item)
		count += item->state == ORDER_TAKEN;
	return count;
}

static void wait_for_process(struct caller *caller)
{
	struct delivery_outcome outcome;
	uint64_t tag;
	int64_t until = when_monotonic() + WAIT_MS;

	while (count_taken(caller) == 0) {
		struct pollfd event = {.fd = caller_fd(caller), .events = POLLIN};
		assert_true(when_monotonic() < until);
		poll(&event, 1, 1000);
		assert_false(caller_finished(caller, &tag, &outcome));
	}
}

static void nobody_to_call_is_no_process(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	struct caller *caller = start(&with);

	assert_int_equal(caller_pending(caller), 0);
	assert_int_equal(caller->child.pid, 0);
	caller_free(caller);
	caller_free(NULL);
}

static void settings_that_cannot_be_are_said(void **state)
{
	(void)state;
	struct conf_sip with = {0};
	struct caller *caller = NULL;
	struct err e = {0};
	char bad[] = "vmroll@10.0.0.9";

	assert_error(caller_start(&caller, &with, NULL, &e), ERR_USAGE, &e, "sip.from is not set");
	with.from = bad;
	assert_error(caller_start(&caller, &with, NULL, &e), ERR_USAGE, &e, "sip.from");
	assert_null(caller);
}

static void an_address_that_cannot_be_called_is_refused_at_once(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	struct caller *caller = start(&with);
	struct call_order wanted = order;
	struct err e = {0};

	wanted.to = "12;34";
	assert_error(caller_submit(caller, 1, &wanted, &e), ERR_USAGE, &e, "12;34");
	assert_int_equal(caller_pending(caller), 0);
	assert_int_equal(caller->child.pid, 0);
	caller_free(caller);
}

static void a_mute_exchange_is_unreachable_and_all_take_their_turn(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	struct caller *caller = start(&with);
	char uri[64];
	int mute = open_mute(uri, sizeof uri);
	unsigned seen = 0;

	for (uint64_t tag = 1; tag <= 5; tag++)
		submit(caller, tag, uri);
	assert_int_equal(caller_pending(caller), 5);
	for (int i = 0; i < 5; i++) {
		struct delivery_outcome outcome = {0};
		seen |= 1U << wait_for_one(caller, &outcome);
		assert_int_equal(outcome.call, CALL_UNREACHABLE);
		assert_int_equal(outcome.err.code, ERR_TEMPORARY);
	}
	assert_int_equal(seen, 0x3e);
	assert_int_equal(caller_pending(caller), 0);
	caller_free(caller);
	close(mute);
}

static void the_death_of_the_process_settles_what_it_had(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	struct caller *caller = start(&with);
	struct delivery_outcome outcome = {0};
	struct err trouble = {0};
	char uri[64];
	int mute = open_mute(uri, sizeof uri);

	submit(caller, 1, uri);
	wait_for_process(caller);
	pid_t first = caller->child.pid;
	kill(first, SIGKILL);
	assert_int_equal(wait_for_one(caller, &outcome), 1);
	assert_int_equal(outcome.call, CALL_UNREACHABLE);
	assert_non_null(strstr(outcome.err.text, "killed by signal 9"));
	assert_true(caller_trouble(caller, &trouble));
	assert_non_null(strstr(trouble.text, "killed by signal 9"));
	assert_false(caller_trouble(caller, &trouble));
	submit(caller, 2, uri);
	wait_for_process(caller);
	assert_int_not_equal(caller->child.pid, first);
	assert_int_equal(wait_for_one(caller, &outcome), 2);
	assert_null(strstr(outcome.err.text, "signal"));
	caller_free(caller);
	close(mute);
}

static void a_process_that_hangs_is_replaced(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	struct caller *caller = start(&with);
	struct delivery_outcome outcome = {0};
	struct err trouble = {0};
	char uri[64];
	int mute = open_mute(uri, sizeof uri);

	submit(caller, 1, uri);
	wait_for_process(caller);
	kill(caller->child.pid, SIGSTOP);
	assert_int_equal(wait_for_one(caller, &outcome), 1);
	assert_int_equal(outcome.call, CALL_UNREACHABLE);
	assert_true(caller_trouble(caller, &trouble));
	assert_non_null(strstr(trouble.text, "no sign of life"));
	assert_int_equal(caller->child.pid, 0);
	caller_free(caller);
	close(mute);
}

static void what_ails_all_calls_is_said_once(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	char elsewhere[] = "sip:vmroll@192.0.2.7";
	struct delivery_outcome outcome = {0};
	struct err trouble = {0};

	with.from = elsewhere;
	struct caller *caller = start(&with);
	for (uint64_t round = 0; round < 2; round++) {
		for (uint64_t tag = 1; tag <= 3; tag++)
			submit(caller, tag, "sip:x@127.0.0.1:9");
		for (int i = 0; i < 3; i++) {
			wait_for_one(caller, &outcome);
			assert_int_equal(outcome.call, CALL_UNREACHABLE);
			assert_non_null(strstr(outcome.err.text, "192.0.2.7"));
		}
		assert_int_equal(caller_trouble(caller, &trouble), round == 0);
	}
	assert_non_null(strstr(trouble.text, "192.0.2.7"));
	caller_free(caller);
}

static void an_unknown_language_rings_nobody_for_long(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	struct caller *caller = start(&with);
	struct call_order wanted = order;
	struct delivery_outcome outcome = {0};
	struct err e = {0};
	char uri[64];
	int mute = open_mute(uri, sizeof uri);

	wanted.to = uri;
	wanted.lang = "zz";
	assert_ok(caller_submit(caller, 1, &wanted, &e), &e);
	wait_for_one(caller, &outcome);
	assert_int_equal(outcome.call, CALL_REFUSED);
	assert_int_equal(outcome.err.code, ERR_PERMANENT);
	assert_non_null(strstr(outcome.err.text, "zz"));
	caller_free(caller);
	close(mute);
}

static void the_end_waits_for_no_call(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	char uri[64];
	int mute = open_mute(uri, sizeof uri);

	with.ring_timeout_ms = 60000;
	struct caller *caller = start(&with);
	for (uint64_t tag = 1; tag <= 4; tag++)
		submit(caller, tag, uri);
	wait_for_process(caller);
	pid_t pid = caller->child.pid;
	caller_free(caller);
	assert_int_equal(kill(pid, 0), -1);
	close(mute);
}

static void a_build_that_cannot_call_says_so(void **state)
{
	(void)state;
	struct conf_sip with = settings();
	struct caller *caller = NULL;
	struct err e = {0};

	assert_error(caller_start(&caller, &with, NULL, &e), ERR_USAGE, &e, "built without");
	assert_null(caller);
}

/* The rest needs something that calls. */
static int run_without(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_neither_is_not_called),
		cmocka_unit_test(an_exchange_has_one_place_for_a_number),
		cmocka_unit_test(an_order_arrives_as_it_was_sent),
		cmocka_unit_test(an_outcome_arrives_as_it_was_sent),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(a_build_that_cannot_call_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	if (!sip_is_built() || !speech_is_built())
		return run_without();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_goes_through_the_exchange),
		cmocka_unit_test(a_uri_is_called_as_it_is),
		cmocka_unit_test(what_is_neither_is_not_called),
		cmocka_unit_test(an_exchange_has_one_place_for_a_number),
		cmocka_unit_test(an_order_arrives_as_it_was_sent),
		cmocka_unit_test(an_outcome_arrives_as_it_was_sent),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(nobody_to_call_is_no_process),
		cmocka_unit_test(settings_that_cannot_be_are_said),
		cmocka_unit_test(an_address_that_cannot_be_called_is_refused_at_once),
		cmocka_unit_test(a_mute_exchange_is_unreachable_and_all_take_their_turn),
		cmocka_unit_test(the_death_of_the_process_settles_what_it_had),
		cmocka_unit_test(a_process_that_hangs_is_replaced),
		cmocka_unit_test(what_ails_all_calls_is_said_once),
		cmocka_unit_test(an_unknown_language_rings_nobody_for_long),
		cmocka_unit_test(the_end_waits_for_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
