/* test_spoken.c - what is said on the telephone can be heard, says who and how many, and is short whatever its names are. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "notice_kit.h"
#include "spoken.h"
#include "str.h"
#include "when.h"

static const struct wording english = {.lang = "en-gb"};
static const struct wording japanese = {.lang = "ja"};

#define PROMPT                                                                                               \
	"Press 1 to acknowledge, 2 to repeat, 3 to pass it on, 4 for every virtual machine and its process."

static void assert_name(const char *name, const char *wanted)
{
	cleanup(str_done) struct str out = {0};

	spoken_add_name(&out, name, strlen(name));
	assert_string_equal(str_text(&out), wanted);
}

static void names_can_be_heard(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"web1", "web 1"},
		{"db-prod-03", "D B, prod, 0 3"},
		{"DB1", "D B 1"},
		{"host12.example.org", "host 12, example, org"},
		{"sql_srv", "S Q L, S R V"},
		{"httpd", "H T T P D"},
		{"webServer", "web server"},
		{"WEB", "web"},
		{"x", "X"},
		{"vm-1024", "V M, 1024"},
		{"build-20261120", "build, 2 0 2 6 1 1 2 0"},
		{"a.b", "A, B"},
		{"nightly billing run", "nightly billing run"},
		{"0", "0"},
		{"00", "0 0"},
		{"--web--", "web"},
		{"Sato 佐藤", "sato"},
		{"さとう", "さとう"},
		{"サーバー1", "サーバー 1"},
		{"Zoë", "Z O ë"},
		{"сервер1", "сервер 1"},
		{"", ""},
		{"佐藤", ""},
		{"<>&[]|", ""},
		{"ito@example.org", "ito, example, org"},
		{"+819012345678", "8 1 9 0 1 2 3 4 5 6 7 8"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_name(cases[i][0], cases[i][1]);
}

static void long_names_are_cut_and_keep_their_end(void **state)
{
	(void)state;
	char letters[1001];
	cleanup(str_done) struct str out = {0};

	assert_name("f47ac10b-58cc-4372-a567-0e02b2c3d479", "F 47 A C 10 B, 58, C 3 D 479");
	memset(letters, 'a', sizeof letters - 1);
	letters[sizeof letters - 1] = '\0';
	assert_name(letters, "aaaaaaaaaaaa");
	memset(letters, 'k', sizeof letters - 1);
	assert_name(letters, "K K K K K K K, K K K K");
	for (int i = 0; i < 500; i++)
		str_add(&out, "é");
	cleanup(str_done) struct str spoken = {0};
	spoken_add_name(&spoken, out.data, out.length);
	assert_true(spoken.length < 200 && str_is_utf8(spoken.data, spoken.length));
}

/* Whether a text is such as may go to a voice. */
static void assert_clean(const char *text)
{
	size_t length = strlen(text);

	assert_true(str_is_utf8(text, length));
	assert_true(length <= SPOKEN_TEXT_MAX + 1);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x80 &&
		    !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:?!'", text[i]))
			fail_msg("'%c' in: %s", text[i], text);
	cleanup(cleanup_mem) char *escaped = str_escape(text);
	assert_string_equal(escaped, text);
}

static struct spoken said_to(const char *person, enum delivery_kind kind, const struct wording *wording)
{
	struct spoken spoken = {0};
	struct err e = {0};

	assert_int_equal(spoken_write(&spoken, kind, &world.notices, of(person), wording, &e), 0);
	assert_clean(spoken.message);
	assert_clean(spoken.all);
	assert_clean(spoken.thanks);
	assert_clean(spoken.passed);
	return spoken;
}

static void add_vms(struct affected *affected, size_t count)
{
	for (size_t i = 1; i <= count; i++) {
		cleanup(cleanup_mem) char *name = mem_format("web%zu", i);
		add_vm(affected, name, AFFECTED_NOT_SEEN);
	}
}

static void a_death(size_t vms)
{
	cleanup(str_done) struct str csv = {0};

	str_add(&csv, "vm,admin,email,phone,process\n");
	for (size_t i = 1; i <= vms; i++)
		str_addf(&csv, "web%zu,Sato,s@x,+8190,%s\n", i, i == 2 ? "" : "httpd");
	add_vms(add_host("host1", died - 201000), vms);
	list(str_text(&csv));
	build();
}

static void what_is_said_of_a_death(void **state)
{
	(void)state;
	a_death(5);
	struct spoken spoken = said_to("s@x", DELIVERY_FIRST, &english);
	assert_string_equal(spoken.message,
			    "This is vmroll. host 1 is down since 12 33. "
			    "Please check 5 virtual machines: web 1; web 2; web 3; and 2 more. " PROMPT);
	assert_string_equal(spoken.all, "web 1, runs H T T P D. web 2. web 3, runs H T T P D. "
					"web 4, runs H T T P D. web 5, runs H T T P D.");
	assert_string_equal(spoken.thanks, "Thank you. You have acknowledged it.");
	assert_string_equal(spoken.passed, "It is passed on. Good bye.");
	spoken_done(&spoken);

	world.incidents[0].acknowledged = died + 60000;
	world.incidents[0].acknowledged_by = mem_string("Sato <b>");
	spoken = said_to("s@x", DELIVERY_FIRST, &english);
	assert_non_null(strstr(spoken.message, "and 2 more. sato, B has acknowledged it. " PROMPT));
	spoken_done(&spoken);
}

static void key_4_says_as_many_as_one_can_listen_to(void **state)
{
	(void)state;
	a_death(34);
	struct spoken spoken = said_to("s@x", DELIVERY_FIRST, &english);

	assert_non_null(strstr(spoken.all, "web 20, runs H T T P D. And 14 more."));
	assert_null(strstr(spoken.all, "web 21"));
	spoken_done(&spoken);
}

static void one_and_none(void **state)
{
	(void)state;
	add_vms(add_host("host1", died), 1);
	add_host("host2", WHEN_UNKNOWN);
	add_host("host3", died);
	settings("notify { fallback = \"ops@x\" }");
	list("vm,admin,email,phone,process\nweb1,Sato,s@x,,\n");
	build();
	struct spoken spoken = said_to("s@x", DELIVERY_FIRST, &english);
	assert_non_null(strstr(spoken.message, "Please check 1 virtual machine: web 1. Press"));
	spoken_done(&spoken);
	spoken = said_to("ops@x", DELIVERY_FIRST, &english);
	assert_string_equal(spoken.message,
			    "This is vmroll. 2 hosts are down: host 2, host 3. "
			    "The first stopped at 12 33. There is no list of what ran there. " PROMPT);
	assert_string_equal(spoken.all, "There is no list of virtual machines.");
	spoken_done(&spoken);
}

static void the_hour(void **state)
{
	(void)state;
	static const struct {
		int64_t after;
		const char *english, *japanese;
	} cases[] = {
		{-33LL * 60000, "since 12 0 0.", "12じ 0ふん"},
		{-28LL * 60000, "since 12 0 5.", "12じ 5ふん"},
		{-3LL * 3600000 - 24LL * 60000, "since 9 0 9.", "9じ 9ふん"},
		{-12LL * 3600000 + 7LL * 60000, "since 0 40.", "0じ 40ふん"},
	};

	a_death(1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world.incidents[0].at = died + cases[i].after;
		struct spoken spoken = said_to("s@x", DELIVERY_FIRST, &english);
		assert_non_null(strstr(spoken.message, cases[i].english));
		spoken_done(&spoken);
		spoken = said_to("s@x", DELIVERY_FIRST, &japanese);
		assert_non_null(strstr(spoken.message, cases[i].japanese));
		spoken_done(&spoken);
	}
}

static void other_kinds(void **state)
{
	(void)state;
	a_death(2);
	struct spoken spoken = said_to("s@x", DELIVERY_ESCALATION, &english);
	assert_string_equal(spoken.message,
			    "This is vmroll. host 1 is down since 12 33. sato has not answered. "
			    "Please see to 2 virtual machines of theirs: web 1; web 2. " PROMPT);
	spoken_done(&spoken);
	spoken = said_to("s@x", DELIVERY_SUMMARY, &english);
	assert_string_equal(spoken.message,
			    "This is vmroll. 1 hosts are down. "
			    "You have 2 virtual machines on 1 of them: web 1; web 2. " PROMPT);
	spoken_done(&spoken);
	world.incidents[0].closed = died + 401000;
	spoken = said_to("s@x", DELIVERY_RECOVERY, &english);
	assert_string_equal(spoken.message,
			    "This is vmroll. host 1 answers again since 12 40. No answer is needed.");
	spoken_done(&spoken);
	world.incidents[0].kind = INCIDENT_HEARTBEAT;
	world.incidents[0].closed = WHEN_UNKNOWN;
	spoken = said_to("s@x", DELIVERY_FIRST, &english);
	assert_string_equal(spoken.message, "This is vmroll. Since 12 33 nobody watches the hosts: "
					    "one that dies now is not noticed. " PROMPT);
	spoken_done(&spoken);
	assert_true(spoken_asks(DELIVERY_FIRST) && spoken_asks(DELIVERY_ESCALATION) &&
		    !spoken_asks(DELIVERY_RECOVERY));

	struct spoken trial = {0};
	assert_int_equal(spoken_test(&trial, "Ito\n<speak>", &english, NULL), 0);
	assert_string_equal(
		trial.message,
		"This is a test of vmroll for ito, speak. Nothing happened. No answer is needed.");
	spoken_done(&trial);
	assert_int_equal(spoken_test(&trial, NULL, &japanese, NULL), 0);
	assert_clean(trial.message);
	spoken_done(&trial);
}

/* Only kana: the Japanese voice of espeak-ng reads any other character as "Chinese letter". */
static void japanese_is_kana(void **state)
{
	(void)state;
	a_death(5);
	world.incidents[0].acknowledged = died + 60000;
	world.incidents[0].acknowledged_by = mem_string("佐藤");
	world.incidents[0].closed = died + 401000;
	for (enum delivery_kind kind = DELIVERY_FIRST; kind <= DELIVERY_SUMMARY; kind++) {
		struct spoken spoken = said_to("s@x", kind, &japanese);
		cleanup(cleanup_mem) char *all =
			mem_format("%s%s%s%s", spoken.message, spoken.all, spoken.thanks, spoken.passed);
		for (size_t at = 0; all[at];) {
			uint32_t c = 0;
			at += str_utf8_character(all + at, strlen(all + at), &c);
			if (c >= 0x80 && (c < 0x3000 || c > 0x30FF))
				fail_msg("%zu: U+%04X in %s", at, (unsigned)c, all);
		}
		spoken_done(&spoken);
	}
	struct spoken spoken = said_to("s@x", DELIVERY_FIRST, &japanese);
	assert_true(str_starts(spoken.message,
			       "ブイエムロールです。 host 1 が 12じ 33ふん から とまっています。"));
	assert_non_null(
		strstr(spoken.message, "web 1。web 2。web 3。ほか 2 だい。 だれか が ひきうけました。"));
	spoken_done(&spoken);
}

static void hostile_names_are_short_and_harmless(void **state)
{
	(void)state;
	char thousand[1001];
	struct affected *one = add_host("host1", died);
	static const char *const hostile[] = {"<speak><audio src=\"http://x\"/></speak>",
					      "a\xE2\x80\xAE\xE2\x81\xA6"
					      "b\x1b[2J\x07",
					      "${each vms}${end}",
					      "[[h@'loU]]",
					      "\xF0\x9F\x92\xA9\xEF\xBC\x9C\xEF\xBC\x9E",
					      "\xFF\xC3"};

	memset(thousand, '#', sizeof thousand - 1);
	thousand[1000] = '\0';
	thousand[500] = 'x';
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
		add_vm(one, hostile[i], AFFECTED_NOT_SEEN);
	add_vm(one, thousand, AFFECTED_NOT_SEEN);
	settings("notify { fallback = \"s@x\" }");
	list("vm,admin,email,phone,process\n");
	build();
	struct spoken spoken = said_to("s@x", DELIVERY_FIRST, &english);
	assert_non_null(
		strstr(spoken.message,
		       "Please check 7 virtual machines: speak, audio S R C, H T T P, X, speak; A, B, 2 J; "
		       "each V M S, end; and 4 more. "));
	assert_string_equal(strstr(spoken.all, "one without a name"), "one without a name. X F F, X C 3. X.");
	assert_true(strlen(spoken.message) < 400);
	spoken_done(&spoken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(names_can_be_heard),
		KIT_TEST(long_names_are_cut_and_keep_their_end),
		KIT_TEST(what_is_said_of_a_death),
		KIT_TEST(key_4_says_as_many_as_one_can_listen_to),
		KIT_TEST(one_and_none),
		KIT_TEST(the_hour),
		KIT_TEST(other_kinds),
		KIT_TEST(japanese_is_kana),
		KIT_TEST(hostile_names_are_short_and_harmless),
	};
	return cmocka_run_group_tests(tests, kit_open, kit_close);
}
