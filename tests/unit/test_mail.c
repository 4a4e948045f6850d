/* test_mail.c - a mail says what was meant, in lines that nothing on the way needs to change, and no name forges a header. */
#include "config.h"

#include <ctype.h>
#include <stdbool.h>

#include "unit.h"

#include "mail.h"
#include "mem.h"
#include "str.h"
#include "when.h"

static struct mail plain_mail(void)
{
	return (struct mail){
		.from = "vmroll@example.org",
		.to = "sato@example.org",
		.subject = "[vmroll] host1 down 12:33:21: check 2 VMs",
		.date = 1795145601000,
		.message_id = "vmroll.7K3F.0123456789abcdef@example.org",
		.text = "host1 stopped answering.\n",
	};
}

static char *compose(const struct mail *mail)
{
	struct str out = {0};
	struct err e = {0};

	assert_ok(mail_compose(mail, &out, &e), &e);
	return str_take(&out);
}

static void assert_lines_fit(const char *message)
{
	while (*message) {
		const char *end = strstr(message, "\r\n");
		assert_non_null(end);
		assert_true(end - message <= 76);
		for (const char *c = message; c < end; c++) {
			assert_int_not_equal(*c, '\r');
			assert_int_not_equal(*c, '\n');
			assert_true(isascii((unsigned char)*c));
		}
		message = end + 2;
	}
}

static unsigned hex(const char *digits)
{
	char text[3] = {digits[0], digits[1], 0};

	return (unsigned)strtoul(text, NULL, 16);
}

/* The decoder of RFC 2045, 6.7, over what stands between BEGIN and END. */
static char *decode_quoted_printable(const char *begin, const char *end)
{
	struct str out = {0};

	for (const char *c = begin; c < end; c++) {
		if (*c == '=' && c[1] == '\r') {
			c += 2;
		} else if (*c == '=') {
			str_add_char(&out, (char)hex(c + 1));
			c += 2;
		} else if (*c != '\r') {
			str_add_char(&out, *c);
		}
	}
	return str_take(&out);
}

static char *decode_text_only(const char *message)
{
	const char *body = strstr(message, "\r\n\r\n");

	assert_non_null(body);
	return decode_quoted_printable(body + 4, message + strlen(message));
}

static void headers_stand_as_expected(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.to_name = "Sato \"web\"";
	mail.in_reply_to = "first@example.org";
	cleanup(cleanup_mem) char *message = compose(&mail);

	static const char *const expected[] = {
		"From: vmroll@example.org\r\n",
		"To: \"Sato \\\"web\\\"\" <sato@example.org>\r\n",
		"Subject: [vmroll] host1 down 12:33:21: check 2 VMs\r\n",
		"Message-ID: <vmroll.7K3F.0123456789abcdef@example.org>\r\n",
		"In-Reply-To: <first@example.org>\r\nReferences: <first@example.org>\r\n",
		"Auto-Submitted: auto-generated\r\n",
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
	};
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		if (!strstr(message, expected[i]))
			fail_msg("'%s' not in '%s'", expected[i], message);
	assert_lines_fit(message);
}

static void japanese_stays_whole(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.to_name = "佐藤 花子（ウェブサービス運用管理グループ・夜間当番の責任者）";
	mail.subject =
		"[vmroll] ホスト一号 12:33:21 停止: 仮想マシン二台をご確認ください。よろしくお願いします";
	mail.text = "ご確認ください:\n"
		    "  ウェブ一号機 とても長い名前のプロセスが動いています、そしてこの行は折り返されます\n";
	cleanup(cleanup_mem) char *message = compose(&mail);
	cleanup(cleanup_mem) char *text = decode_text_only(message);

	assert_lines_fit(message);
	assert_string_equal(text, mail.text);
	assert_non_null(strstr(message, "Subject: =?UTF-8?B?"));
	assert_non_null(strstr(message, "To: =?UTF-8?B?5L2Q6Jek"));
}

static void any_body_comes_back(void **state)
{
	(void)state;
	unsigned seed = 11;

	for (int round = 0; round < 500; round++) {
		char body[300];
		size_t length = (size_t)rand_r(&seed) % (sizeof body - 2);
		for (size_t i = 0; i < length; i++) {
			static const char likely[] = "= .\n\tFrom \xE6\x97\xA5\r";
			int pick = rand_r(&seed) >> 4;
			body[i] = (char)(pick % 3 ? likely[(size_t)pick % (sizeof likely - 1)] : pick % 255 + 1);
		}
		body[length] = '\n';
		body[length + 1] = '\0';
		struct mail mail = plain_mail();
		mail.text = body;
		cleanup(cleanup_mem) char *message = compose(&mail);
		cleanup(cleanup_mem) char *back = decode_text_only(message);
		assert_lines_fit(message);
		assert_string_equal(back, body);
		assert_null(strstr(message, "\r\n.\r\n"));
		assert_null(strstr(message, "\r\nFrom "));
	}
}

static void html_is_an_alternative_that_follows_the_text(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.html = "<p>host1 = down</p>\n";
	cleanup(cleanup_mem) char *message = compose(&mail);
	const char *text_part = strstr(message, "text/plain");
	const char *html_part = strstr(message, "text/html");

	assert_non_null(strstr(message, "multipart/alternative"));
	assert_non_null(text_part);
	assert_true(html_part > text_part);
	assert_non_null(strstr(html_part, "<p>host1 =3D down</p>\r\n\r\n--=_vmroll_alternative--\r\n"));
	assert_lines_fit(message);
}

static void no_header_can_be_forged(void **state)
{
	(void)state;
	static const char *const hostile[] = {"a\nBcc: x@y", "a\rb", "a\r\n\r\nbody", "a\x1b[2J",
					      "\xC2\x85",    "\xFF", "tab\there"};

	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		struct str out = {0};
		struct err e = {0};
		struct mail mail = plain_mail();
		mail.subject = hostile[i];
		assert_error(mail_compose(&mail, &out, &e), ERR_USAGE, &e, "Subject");
		mail = plain_mail();
		mail.to_name = hostile[i];
		assert_error(mail_compose(&mail, &out, &e), ERR_USAGE, &e, "To");
		mail = plain_mail();
		mail.message_id = hostile[i];
		assert_error(mail_compose(&mail, &out, &e), ERR_USAGE, &e, "Message-ID");
		assert_int_equal(out.length, 0);
		str_done(&out);
	}
}

static void what_looks_encoded_is_encoded(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.subject = "=?UTF-8?B?aGVsbG8=?=";
	cleanup(cleanup_mem) char *message = compose(&mail);

	assert_non_null(strstr(message, "Subject: =?UTF-8?B?PT9VVEYtOD9CP2FHVnNiRzg9Pz0=?=\r\n"));
}

static void a_long_subject_is_folded(void **state)
{
	(void)state;
	char subject[400] = "";
	for (int i = 0; i < 60; i++)
		strcat(subject, i ? " host" : "host");
	struct mail mail = plain_mail();
	mail.subject = subject;
	cleanup(cleanup_mem) char *folded = compose(&mail);
	assert_lines_fit(folded);
	assert_non_null(strstr(folded, "\r\n host"));

	memset(subject, 'x', 300);
	cleanup(cleanup_mem) char *unbreakable = compose(&mail);
	assert_lines_fit(unbreakable);
}

static void addresses_are_one_plain_mailbox(void **state)
{
	(void)state;
	static const char *const good[] = {"a@b", "o'brien+x@example.org", "用户@例え.jp", "root@localhost",
					   "-x@y"};
	static const char *const bad[] = {"",           "a",       "@",       "a@",
					  "@b",         "a@b@c",   "a b@c",   "a@b\nRCPT TO:<x@y>",
					  "<a@b>",      "a@b,c@d", "\"a\"@b", "a@b\x7F",
					  "a@[1.2.3.4]"};
	struct err e = {0};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_ok(mail_check_address(good[i], &e), &e);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_error(mail_check_address(bad[i], &e), ERR_USAGE, &e, "is not a mail address");
	char long_one[400];
	memset(long_one, 'a', sizeof long_one);
	long_one[300] = '@';
	long_one[399] = '\0';
	assert_error(mail_check_address(long_one, &e), ERR_USAGE, &e, "longer than 254");
}

static void message_ids_are_stable_and_differ(void **state)
{
	(void)state;
	const char *const one[] = {"7K3F", "a@b", NULL};
	const char *const same[] = {"7K3F", "a@b", NULL};
	const char *const other[] = {"7K3Fa", "@b", NULL};
	cleanup(cleanup_mem) char *first = mail_message_id("vmroll.7K3F", one, "x@example.org");
	cleanup(cleanup_mem) char *again = mail_message_id("vmroll.7K3F", same, "x@example.org");
	cleanup(cleanup_mem) char *different = mail_message_id("vmroll.7K3F", other, "x@example.org");

	assert_string_equal(first, again);
	assert_string_not_equal(first, different);
	assert_true(str_starts(first, "vmroll.7K3F."));
	assert_non_null(strstr(first, "@example.org"));
}

static void html_shows_and_does_nothing_else(void **state)
{
	(void)state;
	cleanup(str_done) struct str out = {0};

	mail_add_html(&out, "<script>\"x\" & 'y'</script> 日本");
	assert_string_equal(str_text(&out),
			    "&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;&lt;/script&gt; 日本");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_stand_as_expected),
		cmocka_unit_test(japanese_stays_whole),
		cmocka_unit_test(any_body_comes_back),
		cmocka_unit_test(html_is_an_alternative_that_follows_the_text),
		cmocka_unit_test(no_header_can_be_forged),
		cmocka_unit_test(what_looks_encoded_is_encoded),
		cmocka_unit_test(a_long_subject_is_folded),
		cmocka_unit_test(addresses_are_one_plain_mailbox),
		cmocka_unit_test(message_ids_are_stable_and_differ),
		cmocka_unit_test(html_shows_and_does_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
