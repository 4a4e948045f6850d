/* test_http.c - mail to a real SMTP server that fails at every point; fetching is bounded in size and time. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "http.h"
#include "mem.h"
#include "server_kit.h"
#include "str.h"
#include "when.h"

enum { TAGS_MAX = 64 };

/* Starts the server with these options. */
static void start(const char *scheme, const char *const *options)
{
	server_start("smtp-server", scheme, options);
}

static struct smtp *connect_relay(struct smtp_relay relay)
{
	struct smtp *smtp;
	struct err e = {0};

	relay.url = server.url;
	if (relay.timeout_ms == 0)
		relay.timeout_ms = WAIT_MS;
	assert_ok(smtp_new(&smtp, &relay, &e), &e);
	return smtp;
}

static void submit(struct smtp *smtp, uint64_t tag, const char *to)
{
	static const char message[] = "Subject: x\r\n\r\nbody\r\n.\r\nend\r\n";
	struct err e = {0};

	assert_ok(smtp_submit(smtp, tag, "from@example.org", to, message, sizeof message - 1, &e), &e);
}

/* Runs until COUNT transactions are finished; outcomes by tag. */
static void run_until(struct smtp *smtp, size_t count, struct err *outcomes)
{
	struct err outcome;
	uint64_t tag;

	for (int64_t end = when_monotonic() + WAIT_MS; count > 0 && when_monotonic() < end;) {
		struct pollfd event = {.fd = smtp_fd(smtp), .events = POLLIN};
		poll(&event, 1, 1000);
		while (smtp_finished(smtp, &tag, &outcome)) {
			assert_true(tag < TAGS_MAX);
			outcomes[tag] = outcome;
			count--;
		}
	}
	assert_int_equal(count, 0);
}

static struct err send_one(struct smtp_relay relay)
{
	struct err outcomes[TAGS_MAX] = {0};
	cleanup(cleanup_smtp) struct smtp *smtp = connect_relay(relay);

	submit(smtp, 0, "one@example.org");
	run_until(smtp, 1, outcomes);
	return outcomes[0];
}

static size_t events(const char *what)
{
	return server_count("events", what);
}

static void connections_are_few_and_reused(void **state)
{
	(void)state;
	struct err outcomes[TAGS_MAX] = {0};
	start("smtp", NULL);
	cleanup(cleanup_smtp) struct smtp *smtp = connect_relay((struct smtp_relay){.tls = SMTP_TLS_NONE});

	for (uint64_t i = 0; i < 40; i++)
		submit(smtp, i, "one@example.org");
	assert_int_equal(smtp_pending(smtp), 40);
	run_until(smtp, 40, outcomes);
	assert_int_equal(smtp_pending(smtp), 0);
	for (size_t i = 0; i < 40; i++)
		if (outcomes[i].code)
			fail_msg("%s", outcomes[i].text);
	assert_int_equal(events("\"mail\""), 40);
	assert_in_range(events("\"connect\""), 1, 4);
}

static void a_message_arrives_byte_for_byte(void **state)
{
	(void)state;
	start("smtp", NULL);
	struct err outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_NONE});
	assert_int_equal(outcome.code, 0);
	cleanup(cleanup_mem) char *message = server_read("new/000001.eml");
	assert_string_equal(message, "Subject: x\r\n\r\nbody\r\n.\r\nend\r\n");
}

static void every_refusal_is_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *fault;
		int code;
		const char *text;
	} cases[] = {
		{"greeting=421", ERR_TEMPORARY, "greeting"},
		{"greeting=554", ERR_TEMPORARY, "greeting"},
		{"EHLO=550", ERR_TEMPORARY, "EHLO"},
		{"MAIL=451", ERR_TEMPORARY, "relay refuses MAIL FROM: 451"},
		{"MAIL=550", ERR_TEMPORARY, "relay refuses MAIL FROM: 550"},
		{"RCPT=450", ERR_TEMPORARY, "relay refuses RCPT TO: 450"},
		{"RCPT=550", ERR_PERMANENT, "relay refuses RCPT TO: 550 4.0.0 as the test wants"},
		{"DATA=421", ERR_TEMPORARY, "relay refuses DATA: 421"},
		{"DATA=554", ERR_PERMANENT, "relay refuses DATA: 554"},
		{"message=452", ERR_TEMPORARY, "relay refuses message: 452"},
		{"message=554", ERR_PERMANENT, "relay refuses message: 554"},
		{"greeting=drop", ERR_NET, "greeting"},
		{"EHLO=drop", ERR_NET, "EHLO"},
		{"MAIL=drop", ERR_NET, "MAIL FROM"},
		{"RCPT=drop", ERR_NET, "RCPT TO"},
		{"DATA=drop", ERR_NET, "DATA"},
		{"message=drop", ERR_NET, "message"},
		{"message=lose", ERR_NET, "message"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start("smtp", (const char *const[]){"--fault", cases[i].fault, NULL});
		struct err outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_NONE});
		if (outcome.code != cases[i].code || !strstr(outcome.text, cases[i].text))
			fail_msg("%s: %d: %s", cases[i].fault, outcome.code, outcome.text);
		server_stop(NULL);
	}
}

static void muteness_has_its_own_deadline_at_each_stage(void **state)
{
	(void)state;
	static const char *const cases[] = {"greeting=mute", "EHLO=mute", "MAIL=mute",
					    "RCPT=mute",     "DATA=mute", "message=mute"};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start("smtp", (const char *const[]){"--fault", cases[i], NULL});
		struct err outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_NONE, .timeout_ms = 300});
		assert_error(outcome.code, ERR_DEADLINE, &outcome, "no answer within 300ms");
		server_stop(NULL);
	}
}

/* curl waits for the answer to QUIT, for up to two minutes and for all: neither a refusal nor the end may fall into that. */
static void a_mute_farewell_holds_nobody(void **state)
{
	(void)state;
	struct err outcomes[TAGS_MAX] = {0};
	start("smtp",
	      (const char *const[]){"--fault", "QUIT=mute", "--fault", "RCPT=550,to=bad@example.org", NULL});
	struct smtp *smtp = connect_relay((struct smtp_relay){.tls = SMTP_TLS_NONE});

	int64_t begin = when_monotonic();
	for (uint64_t i = 0; i < 8; i++)
		submit(smtp, i, i % 2 ? "good@example.org" : "bad@example.org");
	run_until(smtp, 8, outcomes);
	smtp_free(smtp);
	assert_true(when_monotonic() - begin < WAIT_MS);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(outcomes[i].code, i % 2 ? 0 : ERR_PERMANENT);
	assert_int_equal(events("\"mail\""), 4);
}

static void one_mute_transaction_delays_nobody_else(void **state)
{
	(void)state;
	struct err outcomes[TAGS_MAX] = {0};
	start("smtp", (const char *const[]){"--fault", "message=mute,to=mute@example.org", NULL});
	cleanup(cleanup_smtp) struct smtp *smtp =
		connect_relay((struct smtp_relay){.tls = SMTP_TLS_NONE, .timeout_ms = 10 * WAIT_MS});

	for (uint64_t i = 0; i < 33; i++)
		submit(smtp, i, i == 3 ? "mute@example.org" : "good@example.org");
	run_until(smtp, 32, outcomes);
	assert_int_equal(smtp_pending(smtp), 1);
	assert_int_equal(events("\"mail\""), 32);
}

static void a_connection_that_died_idle_is_replaced(void **state)
{
	(void)state;
	struct err outcomes[TAGS_MAX] = {0};
	start("smtp", (const char *const[]){"--fault", "MAIL=drop,to=nobody", NULL});
	cleanup(cleanup_smtp) struct smtp *smtp = connect_relay((struct smtp_relay){.tls = SMTP_TLS_NONE});

	submit(smtp, 0, "one@example.org");
	run_until(smtp, 1, outcomes);
	server_write("faults", "MAIL=421,times=1\n");
	submit(smtp, 1, "two@example.org");
	run_until(smtp, 1, outcomes);
	assert_int_equal(outcomes[1].code, 0);
	assert_int_equal(events("\"fault\""), 1);
	assert_int_equal(events("\"connect\""), 2);
	assert_int_equal(events("\"mail\""), 2);
}

static void tls_is_what_was_asked_for(void **state)
{
	(void)state;
	struct err outcome;

	start("smtp", NULL);
	outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_REQUIRED});
	assert_error(outcome.code, ERR_AUTH, &outcome, "no TLS");
	assert_int_equal(events("\"mail\""), 0);
	outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_OPPORTUNISTIC});
	assert_int_equal(outcome.code, 0);
	server_stop(NULL);

	start("smtp", (const char *const[]){"--cert", certificate_file, "--key", certificate_key, NULL});
	outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_REQUIRED, .ca_file = certificate_file});
	if (outcome.code)
		fail_msg("%s", outcome.text);
	outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_REQUIRED});
	assert_error(outcome.code, ERR_AUTH, &outcome, "TLS");
	outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_OPPORTUNISTIC});
	assert_int_equal(outcome.code, 0);
	assert_int_equal(events("\"mail\""), 2);
}

static void credentials_are_used_and_never_shown(void **state)
{
	(void)state;
	struct err outcome;
	struct smtp_relay relay = {
		.tls = SMTP_TLS_REQUIRED, .ca_file = certificate_file, .user = "roll", .password = "s3cret"};

	start("smtp", (const char *const[]){"--cert", certificate_file, "--key", certificate_key, "--user",
					    "roll", "--password", "s3cret", NULL});
	outcome = send_one(relay);
	if (outcome.code)
		fail_msg("%s", outcome.text);
	relay.password = "wr0ng";
	outcome = send_one(relay);
	assert_error(outcome.code, ERR_AUTH, &outcome, "credentials");
	assert_null(strstr(outcome.text, "wr0ng"));
	relay.user = NULL;
	outcome = send_one(relay);
	assert_int_not_equal(outcome.code, 0);
	assert_int_equal(events("\"mail\""), 1);
}

/* None of them is the person's fault, and none lets anything go in clear. */
static void what_goes_wrong_before_the_envelope_gives_nobody_up(void **state)
{
	(void)state;
	static const struct {
		const char *fault;
		int code;
		const char *text;
	} cases[] = {
		{"STARTTLS=454", ERR_AUTH, "no TLS"},
		{"STARTTLS=502", ERR_AUTH, "no TLS"},
		{"STARTTLS=drop", ERR_NET, "STARTTLS"},
		{"STARTTLS=mute", ERR_DEADLINE, "no answer"},
		{"AUTH=454", ERR_AUTH, "credentials: 454"},
		{"AUTH=535", ERR_AUTH, "credentials: 535"},
		{"AUTH=drop", ERR_NET, "AUTH"},
		{"AUTH=mute", ERR_DEADLINE, "no answer"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start("smtp",
		      (const char *const[]){"--fault", cases[i].fault, "--cert", certificate_file, "--key",
					    certificate_key, "--user", "roll", "--password", "s3cret", NULL});
		struct err outcome = send_one((struct smtp_relay){
			.tls = SMTP_TLS_REQUIRED,
			.ca_file = certificate_file,
			.user = "roll",
			.password = "s3cret",
			.timeout_ms = cases[i].code == ERR_DEADLINE ? 2000 : WAIT_MS,
		});
		if (outcome.code != cases[i].code || !strstr(outcome.text, cases[i].text))
			fail_msg("%s: %d: %s", cases[i].fault, outcome.code, outcome.text);
		assert_int_equal(events("\"mail\""), 0);
		server_stop(NULL);
	}
}

static void envelopes_and_urls_are_checked(void **state)
{
	(void)state;
	struct err e = {0};
	struct smtp *smtp;
	static const char *const bad[] = {"http://mail", "mail:25 x", "smtp://user:pw@mail", "smtpx://mail", ""};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct smtp_relay relay = {.url = bad[i], .timeout_ms = 1};
		assert_error(smtp_new(&smtp, &relay, &e), ERR_USAGE, &e, "is not a relay");
		assert_null(strstr(e.text, "pw"));
	}
	struct smtp_relay relay = {.url = "smtp://127.0.0.1:1", .timeout_ms = 1};
	assert_ok(smtp_new(&smtp, &relay, &e), &e);
	assert_error(smtp_submit(smtp, 1, "a@b", "c@d>\r\nRCPT TO:<x@y", "", 0, &e), ERR_USAGE, &e,
		     "is not a mail address");
	assert_error(smtp_submit(smtp, 1, "a b", "c@d", "", 0, &e), ERR_USAGE, &e, "is not a mail address");
	assert_int_equal(smtp_pending(smtp), 0);
	smtp_free(smtp);
}

static void an_absent_relay_is_the_network(void **state)
{
	(void)state;
	server.url = mem_string("smtp://127.0.0.1:1");
	struct err outcome = send_one((struct smtp_relay){.tls = SMTP_TLS_NONE});

	assert_int_equal(outcome.code, ERR_NET);
}

static void fetching_is_bounded(void **state)
{
	(void)state;
	struct err e = {0};
	cleanup(str_done) struct str body = {0};
	cleanup(cleanup_mem) char *url = mem_format("file://%s", certificate_file);
	cleanup(cleanup_mem) char *expected = server_read(certificate_file);

	assert_ok(http_fetch(url, 1 << 20, WAIT_MS, &body, &e), &e);
	assert_string_equal(str_text(&body), expected);
	assert_error(http_fetch(url, 10, WAIT_MS, &body, &e), ERR_TOO_LARGE, &e, "larger than 10 bytes");
	assert_string_equal(str_text(&body), expected);
	assert_error(http_fetch("file:///nonexistent", 10, WAIT_MS, &body, &e), ERR_ENV, &e, "nonexistent");
	assert_int_equal(http_fetch("gopher://x/", 10, WAIT_MS, &body, &e), ERR_USAGE);
	assert_int_equal(http_fetch("http://127.0.0.1:1/", 10, WAIT_MS, &body, &e), ERR_NET);
}

static void a_mute_server_costs_the_deadline_only(void **state)
{
	(void)state;
	struct err e = {0};
	cleanup(str_done) struct str body = {0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	cleanup(cleanup_fd) int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	cleanup(cleanup_mem) char *url =
		mem_format("http://u:hidden@127.0.0.1:%d/x?token=hidden", ntohs(address.sin_port));
	assert_error(http_fetch(url, 10, 200, &body, &e), ERR_DEADLINE, &e, "/x?...");
	assert_null(strstr(e.text, "hidden"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(connections_are_few_and_reused, server_stop),
		cmocka_unit_test_teardown(a_message_arrives_byte_for_byte, server_stop),
		cmocka_unit_test_teardown(every_refusal_is_told_apart, server_stop),
		cmocka_unit_test_teardown(muteness_has_its_own_deadline_at_each_stage, server_stop),
		cmocka_unit_test_teardown(a_mute_farewell_holds_nobody, server_stop),
		cmocka_unit_test_teardown(one_mute_transaction_delays_nobody_else, server_stop),
		cmocka_unit_test_teardown(a_connection_that_died_idle_is_replaced, server_stop),
		cmocka_unit_test_teardown(tls_is_what_was_asked_for, server_stop),
		cmocka_unit_test_teardown(credentials_are_used_and_never_shown, server_stop),
		cmocka_unit_test_teardown(what_goes_wrong_before_the_envelope_gives_nobody_up, server_stop),
		cmocka_unit_test(envelopes_and_urls_are_checked),
		cmocka_unit_test_teardown(an_absent_relay_is_the_network, server_stop),
		cmocka_unit_test(fetching_is_bounded),
		cmocka_unit_test(a_mute_server_costs_the_deadline_only),
	};
	return cmocka_run_group_tests(tests, certificate_make, certificate_remove);
}
