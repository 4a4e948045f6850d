/* test_http_post.c - posting to a real web server that fails at every point: each end is told apart, and no secret comes back. */
#include "config.h"

#include <poll.h>

#include "unit.h"

#include "http.h"
#include "mem.h"
#include "server_kit.h"
#include "str.h"
#include "when.h"

enum { TAGS_MAX = 64 };

static void start(const char *scheme, const char *const *options)
{
	server_start("webhook-server", scheme, options);
}

static struct poster *open_poster(struct post_target target)
{
	struct poster *poster;
	struct err e = {0};

	target.url = target.url ? target.url : server.url;
	target.timeout_ms = target.timeout_ms ? target.timeout_ms : WAIT_MS;
	assert_ok(poster_new(&poster, &target, &e), &e);
	return poster;
}

static void submit(struct poster *poster, uint64_t tag, const char *const *headers)
{
	struct err e = {0};
	struct post_content content = {
		.bytes = "{\"a\":1}", .length = 7, .type = "application/json", .headers = headers};

	assert_ok(poster_submit(poster, tag, &content, &e), &e);
}

/* Runs until COUNT requests are finished; outcomes by tag. */
static void run_until(struct poster *poster, size_t count, struct err *outcomes)
{
	struct err outcome;
	uint64_t tag;

	for (int64_t end = when_monotonic() + WAIT_MS; count > 0 && when_monotonic() < end;) {
		struct pollfd event = {.fd = poster_fd(poster), .events = POLLIN};
		poll(&event, 1, 1000);
		while (poster_finished(poster, &tag, &outcome)) {
			assert_true(tag < TAGS_MAX);
			outcomes[tag] = outcome;
			count--;
		}
	}
	assert_int_equal(count, 0);
}

static struct err post_one(struct post_target target)
{
	struct err outcomes[TAGS_MAX] = {0};
	cleanup(cleanup_poster) struct poster *poster = open_poster(target);

	submit(poster, 0, NULL);
	run_until(poster, 1, outcomes);
	return outcomes[0];
}

static size_t requests(const char *what)
{
	return server_count("requests", what);
}

static void a_request_arrives_as_it_was_meant(void **state)
{
	(void)state;
	struct err outcomes[TAGS_MAX] = {0};
	start("http", NULL);
	cleanup(cleanup_mem) char *url = mem_format("%s/a/path?q=1", server.url);
	cleanup(cleanup_poster) struct poster *poster = open_poster(
		(struct post_target){.url = url, .headers = (const char *const[]){"X-All: of them", NULL}});

	submit(poster, 0, (const char *const[]){"Idempotency-Key: k1", NULL});
	run_until(poster, 1, outcomes);
	assert_int_equal(outcomes[0].code, 0);
	assert_int_equal(requests("\"POST\", \"path\": \"/a/path?q=1\""), 1);
	assert_int_equal(requests("\"body\": \"{\\\"a\\\":1}\""), 1);
	assert_int_equal(requests("[\"X-All\", \"of them\"], [\"Idempotency-Key\", \"k1\"], "
				  "[\"Content-Type\", \"application/json\"]"),
			 1);
	assert_int_equal(requests("vmroll/"), 1);
	assert_int_equal(requests("Expect"), 0);
}

static void connections_are_few_and_reused(void **state)
{
	(void)state;
	struct err outcomes[TAGS_MAX] = {0};
	start("http", NULL);
	cleanup(cleanup_poster) struct poster *poster = open_poster((struct post_target){0});

	for (uint64_t i = 0; i < 40; i++)
		submit(poster, i, NULL);
	assert_int_equal(poster_pending(poster), 40);
	run_until(poster, 40, outcomes);
	assert_int_equal(poster_pending(poster), 0);
	for (size_t i = 0; i < 40; i++)
		if (outcomes[i].code)
			fail_msg("%s", outcomes[i].text);
	assert_int_equal(requests("\"POST\""), 40);
	assert_int_equal(requests("\"connection\": 5"), 0);
}

static void every_end_is_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *fault;
		int code;
		const char *text;
	} cases[] = {
		{"200", 0, ""},
		{"201", 0, ""},
		{"204", 0, ""},
		{"huge", 0, ""},
		{"endless", 0, ""},
		{"400", ERR_PERMANENT, "answers 400: as the test wants"},
		{"404,body=no_service\\nsecond line", ERR_PERMANENT, "answers 404: no_service"},
		{"410", ERR_PERMANENT, "answers 410"},
		{"401", ERR_AUTH, "answers 401, refuses our credentials: as"},
		{"403", ERR_AUTH, "answers 403"},
		{"408", ERR_TEMPORARY, "answers 408"},
		{"425", ERR_TEMPORARY, "answers 425"},
		{"429,retry=90", ERR_TEMPORARY, "answers 429, asks to be tried again after 1m30s: as"},
		{"500", ERR_TEMPORARY, "answers 500"},
		{"503,retry=a while", ERR_TEMPORARY, "answers 503: as"},
		{"503,retry=7", ERR_TEMPORARY, "after 7s"},
		{"301", ERR_PERMANENT, "answers 301, sends us elsewhere"},
		{"redirect", ERR_PERMANENT, "answers 302, sends us elsewhere"},
		{"400,body=", ERR_PERMANENT, "answers 400"},
		{"400,body=\\n\\n \x1b[31mred \xff", ERR_PERMANENT, "400: \\x1b[31mred \\xff"},
		{"drop", ERR_NET, "127.0.0.1"},
		{"early", ERR_NET, "127.0.0.1"},
		{"flood", ERR_TEMPORARY, "more than 64 KB of headers"},
		{"garbage", ERR_NET, "127.0.0.1"},
	};
	start("http", NULL);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		server_write("faults", cases[i].fault);
		struct err outcome = post_one((struct post_target){0});
		if (outcome.code != cases[i].code || !strstr(outcome.text, cases[i].text))
			fail_msg("%s: %d: %s", cases[i].fault, outcome.code, outcome.text);
		assert_true(strlen(outcome.text) < 400);
	}
	assert_int_equal(requests("/elsewhere"), 0);
}

static void muteness_has_a_deadline(void **state)
{
	(void)state;
	start("http", (const char *const[]){"--fault", "hang", NULL});
	struct err outcome = post_one((struct post_target){.timeout_ms = 300});

	assert_error(outcome.code, ERR_DEADLINE, &outcome, "no answer within 300ms");
	/* It has said that it took it. */
	server_write("faults", "stall");
	outcome = post_one((struct post_target){.timeout_ms = 300});
	assert_int_equal(outcome.code, 0);
}

static void one_mute_request_delays_nobody_else(void **state)
{
	(void)state;
	struct err outcomes[TAGS_MAX] = {0};
	start("http", (const char *const[]){"--fault", "hang,times=1", NULL});
	struct poster *poster = open_poster((struct post_target){.timeout_ms = 100 * WAIT_MS});
	int64_t begin = when_monotonic();

	for (uint64_t i = 0; i < 20; i++)
		submit(poster, i, NULL);
	run_until(poster, 19, outcomes);
	assert_int_equal(poster_pending(poster), 1);
	poster_free(poster);
	assert_true(when_monotonic() - begin < WAIT_MS);
}

static void certificates_are_checked(void **state)
{
	(void)state;
	start("https", (const char *const[]){"--cert", certificate_file, "--key", certificate_key, NULL});
	struct err outcome = post_one((struct post_target){.ca_file = certificate_file});
	if (outcome.code)
		fail_msg("%s", outcome.text);
	outcome = post_one((struct post_target){0});
	assert_error(outcome.code, ERR_NET, &outcome, "certificate");
	outcome = post_one((struct post_target){.ca_file = "/nonexistent"});
	assert_int_equal(outcome.code, ERR_NET);
	assert_int_equal(requests("\"POST\""), 1);
}

static void what_a_server_quotes_of_us_is_not_shown(void **state)
{
	(void)state;
	static const char *const headers[] = {"Authorization: Bearer t0pS3cret", "X-Token: an0therOne", NULL};
	start("http", (const char *const[]){"--fault", "echo", NULL});
	cleanup(cleanup_mem) char *url = mem_format("http://us3r:passw0rd@%s/services/T0/h1dden?token=h1dd3n",
						    server.url + strlen("http://"));
	struct err outcome = post_one((struct post_target){.url = url, .headers = headers});

	assert_error(outcome.code, ERR_PERMANENT, &outcome, "Cannot POST ...");
	static const char *const secrets[] = {"t0pS3cret", "an0therOne", "us3r",
					      "passw0rd",  "h1dden",     "h1dd3n"};
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
		if (strstr(outcome.text, secrets[i]))
			fail_msg("%s", outcome.text);
	assert_int_equal(requests("Bearer t0pS3cret"), 1);
	server_stop(NULL);
	server.url = mem_string("http://us3r:passw0rd@127.0.0.1:1/h1dden");
	outcome = post_one((struct post_target){0});
	assert_error(outcome.code, ERR_NET, &outcome, "http://127.0.0.1:1: ");
	assert_null(strstr(outcome.text, "passw0rd"));
	assert_null(strstr(outcome.text, "h1dden"));
}

static void headers_can_be_changed(void **state)
{
	(void)state;
	struct err e = {0};
	struct err outcomes[TAGS_MAX] = {0};
	start("http", (const char *const[]){"--demand", "X-Key: second", NULL});
	cleanup(cleanup_poster) struct poster *poster =
		open_poster((struct post_target){.headers = (const char *const[]){"X-Key: first", NULL}});

	submit(poster, 0, NULL);
	run_until(poster, 1, outcomes);
	assert_int_equal(outcomes[0].code, ERR_AUTH);
	assert_ok(poster_set_headers(poster, (const char *const[]){"X-Key: second", NULL}, &e), &e);
	submit(poster, 1, NULL);
	run_until(poster, 1, outcomes);
	assert_int_equal(outcomes[1].code, 0);
}

static void bad_header_lines_are_refused(void **state)
{
	(void)state;
	struct err e = {0};
	struct poster *poster;
	static const char *const bad[] = {
		"",
		"no colon",
		": value",
		"Na me: s3cret",
		"X: s3cret\r\nY: z",
		"X: s3cret\n",
		"X: s3\tcret",
		"X:",
		"X: ",
		"X: s3cret\xff",
		"X: s3cret\x7f",
		"X: s3cret\xc2\x85",
		"Content-Length: 3",
		"content-length: 3",
		"Transfer-Encoding: s3cret",
		"Content-Type: s3cret",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(http_check_header(bad[i], &e), ERR_USAGE);
		assert_null(strstr(e.text, "s3"));
		struct post_target target = {.url = "http://127.0.0.1:1",
					     .timeout_ms = 1,
					     .headers = (const char *const[]){bad[i], NULL}};
		assert_int_equal(poster_new(&poster, &target, &e), ERR_USAGE);
	}
	assert_ok(http_check_header("X-Name: value of \xc3\xa9 words: and more", &e), &e);
}

static void urls_are_checked(void **state)
{
	(void)state;
	struct err e = {0};
	struct poster *poster;
	static const char *const bad[] = {"",        "ftp://x/", "file:///etc/passwd",   "smtp://x",
					  "http://", "x y",      "gopher://u:passw0rd@x"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct post_target target = {.url = bad[i], .timeout_ms = 1};
		assert_error(poster_new(&poster, &target, &e), ERR_USAGE, &e, "is not a URL");
		assert_null(strstr(e.text, "passw0rd"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_request_arrives_as_it_was_meant, server_stop),
		cmocka_unit_test_teardown(connections_are_few_and_reused, server_stop),
		cmocka_unit_test_teardown(every_end_is_told_apart, server_stop),
		cmocka_unit_test_teardown(muteness_has_a_deadline, server_stop),
		cmocka_unit_test_teardown(one_mute_request_delays_nobody_else, server_stop),
		cmocka_unit_test_teardown(certificates_are_checked, server_stop),
		cmocka_unit_test_teardown(what_a_server_quotes_of_us_is_not_shown, server_stop),
		cmocka_unit_test_teardown(headers_can_be_changed, server_stop),
		cmocka_unit_test(bad_header_lines_are_refused),
		cmocka_unit_test(urls_are_checked),
	};
	return cmocka_run_group_tests(tests, certificate_make, certificate_remove);
}
