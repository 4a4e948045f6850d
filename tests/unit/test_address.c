/* test_address.c - what can be called and what only looks like it; the host of a URI. */
#include "config.h"

#include "unit.h"

#include "address.h"
#include "mem.h"
#include "str.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

static void numbers_and_plain_uris_can_be_called(void **state)
{
	(void)state;
	static const char *const phones[] = {"0",
					     "+81312345678",
					     "*21#0312345678",
					     TEN TEN TEN "12",
					     "sip:ito@pbx.example.org",
					     "sip:ito@10.0.0.5:5061",
					     "sip:ito@[2001:db8::5]:5060",
					     "sip:ito@[2001:db8::5]",
					     "sip:pbx_2.example.org",
					     "sip:10.0.0.7",
					     "sip:+81312345678@10.0.0.5;transport=tcp",
					     "sip:1@h.example;user=phone;transport=udp",
					     "sip:a-b_c.d!e~f*g'h(i)+j@h.example"};
	struct err e = {0};

	for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++)
		assert_ok(address_check_phone(phones[i], &e), &e);
}

static void what_leads_elsewhere_cannot(void **state)
{
	(void)state;
	static const char *const phones[] = {
		"",
		" 112",
		"112 ",
		"03-1234",
		"(03)1234",
		"+81,,1234",
		"0x10",
		"112;ext=1",
		"tel:112",
		TEN TEN TEN "123",
		"\xEF\xBC\x91\xEF\xBC\x91\xEF\xBC\x92", /* full width digits */
		"sip:",
		"sip:@h.example",
		"sip:a@",
		"sip:a@b@c.example",
		"SIP:a@h.example",
		"sips:a@h.example",
		"sip:a:secret@h.example",
		"sip:a b@h.example",
		"sip:a\t@h.example",
		"sip:a\r\nVia: x@h.example",
		"sip:a@h.example\r\nTo: x",
		"sip:a@h.example ",
		"sip:a@h.example?Subject=x",
		"sip:a@h.example?Replaces=1",
		"sip:a?b@h.example",
		"sip:a;b=c@h.example",
		"sip:a@h.example;maddr=10.6.6.6",
		"sip:a@h.example;transport=udp;maddr=10.6.6.6",
		"sip:a@h.example;method=BYE",
		"sip:a@h.example;transport=tls",
		"sip:a@h.example;transport=udp?x=y",
		"sip:a@h.example;transport",
		"sip:a@h.example;TRANSPORT=udp",
		"sip:a@h.example;lr",
		"sip:a@h.example;",
		"sip:a@h.example;;transport=udp",
		"sip:%61@h.example",
		"sip:a%0d%0ab@h.example",
		"sip:a%40b@h.example",
		"sip:*21%23@h.example",
		"sip:#1@h.example",
		"sip:a@h%2eexample",
		"sip:a@[fe80::1%25eth0]",
		"sip:a@fe80::1",
		"sip:a@[fe80::1",
		"sip:a@[10.0.0.5]",
		"sip:a@[]",
		"sip:a@[",
		"sip:a@10.0.0.300",
		"sip:a@h.example:",
		"sip:a@h.example:0",
		"sip:a@h.example:65536",
		"sip:a@h.example:5060x",
		"sip:a@h.example:5060:5061",
		"sip:a@:5060",
		"sip:a@-h.example",
		"sip:a@h..example",
		"sip:a,sip:b@h.example",
		"sip:a@h.example,sip:b@h.example",
		"sip:<a@h.example>",
		"<sip:a@h.example>",
		"\"A\" <sip:a@h.example>",
		"sip:sip:a@h.example",
		"sip:a/b@h.example",
		"sip:a&b=c@h.example",
		"sip:\xC3\xA4@h.example",
		"sip:" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "@h.example",
	};

	for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++) {
		struct err e = {0};
		if (address_check_phone(phones[i], &e) != ERR_USAGE)
			fail_msg("accepted: %s", phones[i]);
	}
}

static void expect_at(const char *uri, const char *wanted, int line)
{
	cleanup(cleanup_mem) char *host = address_uri_host(uri);

	if (!str_equal(host, wanted))
		fail_msg("line %d: '%s' gives '%s', not '%s'", line, uri, host ? host : "none",
			 wanted ? wanted : "none");
}
#define expect(uri, wanted) expect_at(uri, wanted, __LINE__)

static void the_host_of_a_url(void **state)
{
	(void)state;

	expect("smtp://mail", "mail");
	expect("smtp://mail.example.org:587", "mail.example.org");
	expect("smtps://10.0.0.5:465/station.example.org", "10.0.0.5");
	expect("smtp://[fd00::5]:25", "fd00::5");
	expect("smtp://me:a@b@mail.example.org:25/x@y", "mail.example.org");
	expect("smtp://mail/?a@b", "mail");
}

static void the_host_of_a_sip_uri(void **state)
{
	(void)state;

	expect("sip:10.0.0.5", "10.0.0.5");
	expect("sip:%s@10.0.0.5", "10.0.0.5");
	expect("sip:vmroll@pbx.example.org:5060;transport=tcp", "pbx.example.org");
	expect("sips:pbx.example.org;lr?subject=x", "pbx.example.org");
	expect("sip:[fd00::5]:5061", "fd00::5");
	/* RFC 3261, 25.1: user-unreserved has ; ? and / */
	expect("sip:+81;phone-context=a/b?c@pbx", "pbx");
}

static void what_has_no_host_gives_none(void **state)
{
	(void)state;

	expect("", NULL);
	expect("mail", NULL);
	expect(":", NULL);
	expect("smtp://", NULL);
	expect("smtp://me@", NULL);
	expect("smtp://:25", NULL);
	expect("sip:", NULL);
	expect("sip:a@;lr", NULL);
	expect("smtp://[", NULL);
	expect("smtp://[]", NULL);
	expect("smtp://[fd00::5", "fd00::5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_plain_uris_can_be_called),
		cmocka_unit_test(what_leads_elsewhere_cannot),
		cmocka_unit_test(the_host_of_a_url),
		cmocka_unit_test(the_host_of_a_sip_uri),
		cmocka_unit_test(what_has_no_host_gives_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
