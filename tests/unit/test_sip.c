/* test_sip.c - which addresses are called, what responses mean, and that a key counts once. Calls are made in tests/cli/sip.bats. */
#include "config.h"

#include "unit.h"

#ifdef HAVE_SIP

#include "sip_private.h"

static void addresses_that_are_called(void **state)
{
	(void)state;
	static const char *const GOOD[] = {
		"sip:bob@10.0.0.5",
		"sip:10.0.0.5",
		"sip:+81312345678@pbx.example.org:5061",
		"sip:*43#@10.0.0.5",
		"sip:bob@[2001:db8::5]:5060",
		"sip:bob@10.0.0.5;transport=tcp",
		"sip:0312345678@10.0.0.5;user=phone;transport=udp",
	};
	struct err e = {0};

	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
		assert_ok(sip_check_uri(GOOD[i], &e), &e);
}

static void addresses_that_are_not(void **state)
{
	(void)state;
	static const char *const BAD[] = {
		"",
		"sip:",
		"bob@10.0.0.5",
		"sips:bob@10.0.0.5",
		"tel:0312345678",
		"sip:@10.0.0.5",
		"sip:bob@",
		"sip:bob@10.0.0.5:0",
		"sip:bob@10.0.0.5:65536",
		"sip:bob@10.0.0.5:",
		"sip:bob@10.0.0.5:5060x",
		"sip:bob:secret@10.0.0.5",
		"sip:b%6Fb@10.0.0.5",
		"sip:bob@10.0.0.5%0d%0aVia",
		"sip:bob@fe80::1%25eth0",
		"sip:bob@10.0.0.5\r\nX: y",
		"sip:bob@10.0.0.5\n",
		"sip:bob @10.0.0.5",
		"sip:bob@10.0.0.5>",
		"sip:bob@10.0.0.5;maddr=6.6.6.6",
		"sip:bob@10.0.0.5;method=REGISTER",
		"sip:bob@10.0.0.5;transport=tls",
		"sip:bob@10.0.0.5;lr",
		"sip:bob@10.0.0.5?Subject=x",
		"sip:bob?Route=x@10.0.0.5",
		"sip:bob;x@10.0.0.5",
		"sip:bob@10.0.0.5/path",
		"sip:bob@[2001:db8::5",
		"sip:bob@[10.0.0.5]x",
		"sip:b\303\266b@10.0.0.5",
		"sip:bob@evil@10.0.0.5",
		"sip:\"bob\"@10.0.0.5",
	};
	char longest[300];
	struct err e = {0};

	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		if (sip_check_uri(BAD[i], &e) == 0)
			fail_msg("taken: %s", BAD[i]);
		assert_false(strpbrk(e.text, "\r\n"));
	}
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "sip:bob@", strlen("sip:bob@"));
	longest[sizeof longest - 1] = '\0';
	assert_error(sip_check_uri(longest, &e), ERR_USAGE, &e, "longer than");
}

static void parts_of_an_address(void **state)
{
	(void)state;
	struct sip_uri uri = {0};
	struct err e = {0};
	char *hostport;

	assert_ok(sip_uri_parse("sip:vmroll@[2001:db8::5]:5070;transport=tcp", &uri, &e), &e);
	assert_string_equal(uri.user, "vmroll");
	assert_string_equal(uri.host, "2001:db8::5");
	assert_int_equal(uri.port, 5070);
	assert_true(uri.is_tcp);
	hostport = sip_uri_hostport(&uri);
	assert_string_equal(hostport, "[2001:db8::5]:5070");
	free(hostport);
	sip_uri_done(&uri);
}

static void what_responses_mean(void **state)
{
	(void)state;
	static const struct {
		unsigned status;
		bool rang;
		enum sip_end end;
	} CASES[] = {
		{302, false, SIP_END_REFUSED},     {400, false, SIP_END_REFUSED},
		{401, false, SIP_END_REFUSED},     {403, true, SIP_END_REFUSED},
		{404, false, SIP_END_REFUSED},     {407, false, SIP_END_REFUSED},
		{408, false, SIP_END_UNREACHABLE}, {408, true, SIP_END_NO_ANSWER},
		{410, false, SIP_END_REFUSED},     {414, false, SIP_END_REFUSED},
		{416, false, SIP_END_REFUSED},     {480, false, SIP_END_NO_ANSWER},
		{483, false, SIP_END_UNREACHABLE}, {484, false, SIP_END_REFUSED},
		{485, false, SIP_END_REFUSED},     {486, true, SIP_END_BUSY},
		{487, true, SIP_END_NO_ANSWER},    {488, false, SIP_END_REFUSED},
		{500, false, SIP_END_UNREACHABLE}, {503, false, SIP_END_UNREACHABLE},
		{599, false, SIP_END_UNREACHABLE}, {600, true, SIP_END_BUSY},
		{603, true, SIP_END_DECLINED},     {604, false, SIP_END_REFUSED},
		{606, false, SIP_END_REFUSED},     {607, true, SIP_END_DECLINED},
		{699, false, SIP_END_REFUSED},
	};

	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
		if (sip_end_of_response(CASES[i].status, CASES[i].rang) != CASES[i].end)
			fail_msg("%u", CASES[i].status);
}

/* ---- keys: packets of RFC 4733 in whatever order, and what was heard ---- */

static char heard[32];

static void hear(void *context, char key)
{
	(void)context;
	strncat(heard, &(const char[2]){key, '\0'}[0], sizeof heard - strlen(heard) - 1);
}

static const struct sip_handlers HEARING = {.key = hear};

struct press {
	uint32_t timestamp;
	uint8_t event;
	bool is_end;
	bool is_marked;
	uint32_t source;
};

static const char *heard_of(const struct press *packets, size_t count)
{
	struct sip_call call = {.handlers = &HEARING, .state = SIP_UP};

	heard[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		struct rtp_header header = {
			.m = packets[i].is_marked, .ts = packets[i].timestamp, .ssrc = packets[i].source};
		uint8_t bytes[] = {packets[i].event, (uint8_t)(packets[i].is_end ? 0x8A : 0x0A), 0, 160};
		struct mbuf payload = {.buf = bytes, .size = sizeof bytes, .end = sizeof bytes};
		sip_keys_rtp(&call, &header, &payload);
	}
	return heard;
}

#define HEARD(expected, ...)                                                                                 \
	do {                                                                                                 \
		const struct press packets_[] = {__VA_ARGS__};                                               \
		assert_string_equal(heard_of(packets_, sizeof packets_ / sizeof *packets_), (expected));     \
	} while (0)

static void a_press_counts_once(void **state)
{
	(void)state;
	HEARD("1", {100, 1, false, true, 0}, {100, 1, false, false, 0}, {100, 1, true, false, 0},
	      {100, 1, true, false, 0}, {100, 1, true, false, 0});
	/* Only what came of it. */
	HEARD("1", {100, 1, true, false, 0});
	HEARD("1", {100, 1, false, true, 0});
	HEARD("1", {100, 1, false, false, 0}, {100, 1, true, false, 0});
	/* Twice, with the ends of the first or the start of the second lost. */
	HEARD("11", {100, 1, false, true, 0}, {4100, 1, false, true, 0}, {4100, 1, true, false, 0});
	HEARD("11", {100, 1, true, false, 0}, {4100, 1, true, false, 0});
	HEARD("12", {100, 1, true, false, 0}, {4100, 2, false, true, 0});
	/* An end of the first that was under way for longer. */
	HEARD("12", {100, 1, false, true, 0}, {4100, 2, false, true, 0}, {100, 1, true, false, 0},
	      {4100, 2, true, false, 0});
	HEARD("*#ABCD", {0, 10, true, false, 0}, {9000, 11, true, false, 0}, {18000, 12, true, false, 0},
	      {27000, 13, true, false, 0}, {36000, 14, true, false, 0}, {45000, 15, true, false, 0});
}

static void timestamps_of_phones_that_err(void **state)
{
	(void)state;
	/* One that lets the timestamp grow within an event. */
	HEARD("5", {160, 5, false, true, 0}, {320, 5, false, false, 0}, {480, 5, false, false, 0},
	      {640, 5, true, false, 0}, {640, 5, true, false, 0});
	/* A key that is held for longer than an event can be, RFC 4733, 2.5.1.3. */
	HEARD("5", {160, 5, false, true, 0}, {160 + 0xFFFF, 5, false, false, 0},
	      {160 + 0xFFFF, 5, true, false, 0});
	/* The clock runs over. */
	HEARD("55", {0xFFFFFF00, 5, true, false, 0}, {4000, 5, true, false, 0}, {0xFFFFFF00, 5, true, false, 0});
	/* A new source has a clock of its own. */
	HEARD("55", {900000, 5, true, false, 7}, {100, 5, true, false, 8});
}

static void what_is_no_key(void **state)
{
	(void)state;
	struct sip_call call = {.handlers = &HEARING, .state = SIP_UP};
	struct rtp_header header = {0};
	uint8_t bytes[] = {1, 0x8A, 0};
	struct mbuf cut = {.buf = bytes, .size = sizeof bytes, .end = sizeof bytes};

	HEARD("", {100, 16, true, false, 0}, {200, 255, true, false, 0}); /* flash, and what is no event of telephones */
	heard[0] = '\0';
	sip_keys_rtp(&call, &header, &cut);
	assert_string_equal(heard, "");
	call.state = SIP_RINGING;
	cut.end = cut.size;
	sip_call_key(&call, '1');
	assert_string_equal(heard, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_that_are_called),
		cmocka_unit_test(addresses_that_are_not),
		cmocka_unit_test(parts_of_an_address),
		cmocka_unit_test(what_responses_mean),
		cmocka_unit_test(a_press_counts_once),
		cmocka_unit_test(timestamps_of_phones_that_err),
		cmocka_unit_test(what_is_no_key),
	};

	return cmocka_run_group_tests_name("sip", tests, NULL, NULL);
}

#else

#include "sip.h"

static void without_libre_it_says_so(void **state)
{
	(void)state;
	struct sip_settings settings = {.from = "sip:vmroll@127.0.0.1"};
	struct sip *sip;
	struct err e = {0};

	assert_false(sip_is_built());
	assert_error(sip_new(&sip, &settings, &e), ERR_USAGE, &e, "built without libre");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(without_libre_it_says_so)};

	return cmocka_run_group_tests_name("sip", tests, NULL, NULL);
}

#endif
