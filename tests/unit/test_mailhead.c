/* test_mailhead.c - the header of a hostile mail: what it says is read, what a machine wrote is known for that, nothing else happens. */
#include "config.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "mailhead.h"
#include "mem.h"
#include "str.h"

static void parse(struct mailhead *head, const char *text)
{
	struct err e = {0};

	assert_ok(mailhead_parse(head, text, strlen(text), &e), &e);
}

static const char *value_of(const struct mailhead *head, const char *name)
{
	size_t place = 0;

	return mailhead_next(head, name, &place);
}

static void fields_are_unfolded_with_either_line_end(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"To: a@b,\n\tc@d\nSubject:  Re: x \nTO : second\n\nX-Body: no\n",
		"To: a@b,\r\n\tc@d\r\nSubject:  Re: x \r\nTO : second\r\n\r\nX-Body: no\r\n",
		"From sato@b Fri Nov 20 12:40:00 2026\nTo: a@b,\n\tc@d\nSubject:  Re: x \n>From y\n z\nno "
		"field\nTO : second\n\nX-Body: no\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cleanup(mailhead_done) struct mailhead head = {0};
		size_t place = 0;
		parse(&head, texts[i]);
		assert_string_equal(mailhead_next(&head, "to", &place), "a@b,\tc@d");
		assert_string_equal(mailhead_next(&head, "to", &place), "second");
		assert_null(mailhead_next(&head, "to", &place));
		assert_string_equal(value_of(&head, "subject"), "Re: x");
		assert_null(value_of(&head, "x-body"));
		assert_int_equal(head.count, 3);
		if (i == 2)
			assert_string_equal(head.envelope, "sato@b");
		else
			assert_null(head.envelope);
	}
}

static void a_header_without_end_or_fields_is_one(void **state)
{
	(void)state;
	static const char *const texts[] = {"",    "\n", "To: a", "To:", " folded onto nothing\n",
					    ":\n", "\r", "From "};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cleanup(mailhead_done) struct mailhead head = {0};
		parse(&head, texts[i]);
		assert_int_equal(head.count, strncmp(texts[i], "To", 2) == 0);
	}
}

static void a_header_is_bounded_and_has_no_nul(void **state)
{
	(void)state;
	cleanup(str_done) struct str text = {0};
	cleanup(mailhead_done) struct mailhead head = {0};
	struct err e = {0};

	str_add(&text, "X: ");
	while (text.length < MAILHEAD_MAX - 2)
		str_add_char(&text, 'x');
	str_add(&text, "\n\n");
	for (int i = 0; i < MAILHEAD_MAX; i++)
		str_add(&text, "the body\n");
	assert_ok(mailhead_parse(&head, text.data, text.length, &e), &e);
	assert_int_equal(head.count, 1);
	text.data[10] = '\n';
	text.data[MAILHEAD_MAX - 2] = text.data[MAILHEAD_MAX - 1] = 'x';
	assert_error(mailhead_parse(&head, text.data, text.length, &e), ERR_TOO_LARGE, &e,
		     "longer than 65536 bytes");
	assert_error(mailhead_parse(&head, "To: a\0b\n\n", 10, &e), ERR_USAGE, &e, "NUL");
	assert_error(mailhead_parse(&head, "\0\n\n", 3, &e), ERR_USAGE, &e, "NUL");
	/* In the body it is nobody's business. */
	mailhead_done(&head);
	assert_ok(mailhead_parse(&head, "To: a\n\n\0", 8, &e), &e);
}

static void encoded_words_are_decoded(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"=?utf-8?q?a=5F_b?=", "a_ b"},
		{"=?UTF-8?Q?[7K3F-0123?= \t=?utf-8?q?456=37]?= x", "[7K3F-01234567] x"},
		{"=?UTF-8?B?UmU6IOS9kOiXpA==?=", "Re: \xE4\xBD\x90\xE8\x97\xA4"},
		{"x =?utf-8?b?YQ==?= =?utf-8?b?Yg?= y", "x ab y"},
		{"=?utf-8*en?q?a?=", "a"},
		{"=?iso-8859-1?q?R=E9p=3A_[7K3F]?=", "R?p: [7K3F]"},
		{"=?utf-8?q?with blank?=", "with blank"},
		{"=?utf-8?q?=zz=4?=", "=zz=4"},
		{"=?utf-8?x?a?= =?utf-8?q?a? =?q?a?= =?=?= =?",
		 "=?utf-8?x?a?= =?utf-8?q?a? =?q?a?= =?=?= =?"},
		{"=?utf-8?q?a=00b=0Ac?=", "a b c"},
		{"a\tb\rc\x7F", "a b c "},
		{"\xFF\xE4\xBD", "???"},
		{"=?utf-8?b?/////?=", "???"},
		{"=?utf-8?b?"
		 "?=",
		 ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(cleanup_mem) char *text = mailhead_decode(cases[i][0]);
		assert_string_equal(text, cases[i][1]);
	}
}

static void what_a_machine_wrote_is_known_for_that(void **state)
{
	(void)state;
	static const char *const machines[] = {
		"Auto-Submitted: auto-replied\n\n",
		"auto-submitted: (for you)\n (no) auto-generated; x=y\n\n",
		"Auto-Submitted:\n\n",
		"Auto-Submitted: no\nAuto-Submitted: auto-replied\n\n",
		"Auto-Submitted: nobody\n\n",
		"Precedence: bulk\n\n",
		"Precedence: Junk\n\n",
		"Precedence:list\n\n",
		"Precedence: auto_reply\n\n",
		"X-Autoreply: yes\n\n",
		"X-Autorespond: Re: x\n\n",
		"Return-Path: <>\n\n",
		"Return-Path: < >\n\n",
		"Return-Path:\n\n",
		"From MAILER-DAEMON Fri Nov 20 12:40:00 2026\nTo: x\n\n",
		"From <> Fri Nov 20 12:40:00 2026\nTo: x\n\n",
		"From: Mail Delivery System <MAILER-DAEMON@example.org>\n\n",
		"From: mailer-daemon\n\n",
		"Content-Type: multipart/report; report-type=delivery-status\n\n",
		"Content-Type: Multipart/Report;\n\treport-type=disposition-notification\n\n",
	};
	static const char *const people[] = {
		"",
		"From: Sato <sato@example.org>\nSubject: x\n\n",
		"Auto-Submitted: no\n\n",
		"Auto-Submitted: (auto-replied) NO; x\n\n",
		"Precedence: first-class\n\n",
		"Return-Path: <sato@example.org>\n\n",
		"From sato@example.org Fri Nov 20 12:40:00 2026\nTo: x\n\n",
		"X-Auto-Response-Suppress: All\n\n",
		"Content-Type: multipart/alternative; boundary=report\n\n",
		"Subject: x\n\nAuto-Submitted: auto-replied\n",
	};
	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
		cleanup(mailhead_done) struct mailhead head = {0};
		parse(&head, machines[i]);
		if (!mailhead_automatic(&head))
			fail_msg("taken for a person's: %s", machines[i]);
	}
	for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
		cleanup(mailhead_done) struct mailhead head = {0};
		parse(&head, people[i]);
		if (mailhead_automatic(&head))
			fail_msg("taken for a machine's: %s: %s", people[i], mailhead_automatic(&head));
	}
}

/* Whoever writes 1 MB sees it taken, be it header or body. */
static void all_is_read(void **state)
{
	(void)state;
	enum { BYTES = 1 << 20 };

	for (int body = 0; body < 2; body++) {
		cleanup(mailhead_done) struct mailhead head = {0};
		struct err e = {0};
		int channel[2];
		int status;
		assert_int_equal(pipe(channel), 0);
		pid_t pid = fork();
		if (pid == 0) {
			signal(SIGPIPE, SIG_IGN);
			close(channel[0]);
			cleanup(cleanup_file) FILE *out = fdopen(channel[1], "w");
			bool wrote = fputs(body ? "To: a@b\n\n" : "To: a@b\nX: ", out) >= 0;
			for (int i = 0; i < BYTES; i++)
				wrote = wrote && fputc('x', out) != EOF;
			_exit(fflush(out) == 0 && wrote ? 0 : 1);
		}
		close(channel[1]);
		int result = mailhead_read(&head, channel[0], &e);
		assert_int_equal(result, body ? 0 : ERR_TOO_LARGE);
		assert_int_equal(head.count, body);
		close(channel[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	struct mailhead none;
	struct err e = {0};
	assert_error(mailhead_read(&none, -1, &e), ERR_ENV, &e, "reading the mail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_unfolded_with_either_line_end),
		cmocka_unit_test(a_header_without_end_or_fields_is_one),
		cmocka_unit_test(a_header_is_bounded_and_has_no_nul),
		cmocka_unit_test(encoded_words_are_decoded),
		cmocka_unit_test(what_a_machine_wrote_is_known_for_that),
		cmocka_unit_test(all_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
