/* test_speech.c - what is said can be heard, is loud, is the text, and nothing that a text holds does harm. */
#include "config.h"

#include "unit.h"

#ifdef HAVE_SPEECH

#include <glob.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "speech_private.h"

/* Each text in a process of its own, as it is in use. */
static int say(const char *lang, const char *text, struct speech *speech, struct err *e)
{
	struct child worker;

	assert_ok(speech_start(&worker, e), e);
	assert_ok(speech_ask(&worker, lang, text, e), e);
	int result;
	while ((result = speech_take(&worker, speech, e)) == 0) {
		struct pollfd event = {.fd = worker.channel.fd, .events = POLLIN};
		assert_int_equal(poll(&event, 1, SPEECH_WAIT_MS), 1);
	}
	child_kill(&worker);
	return result;
}

static void say_well(const char *lang, const char *text, struct speech *speech)
{
	struct err e = {0};

	assert_ok(say(lang, text, speech, &e), &e);
}

static int peak_of(const struct speech *speech)
{
	int peak = 0;

	for (size_t i = 0; i < speech->count; i++)
		peak = abs(speech->items[i]) > peak ? abs(speech->items[i]) : peak;
	return peak;
}

/* Energy of SPEECH at HZ (Goertzel's algorithm), as a share of all. */
static double share_at(const struct speech *speech, double hz)
{
	double c = 2 * cos(2 * M_PI * hz / SPEECH_RATE), s1 = 0, s2 = 0, all = 0;

	for (size_t i = 0; i < speech->count; i++) {
		double s = speech->items[i] + c * s1 - s2;
		s2 = s1;
		s1 = s;
		all += (double)speech->items[i] * speech->items[i];
	}
	return 2 * (s1 * s1 + s2 * s2 - c * s1 * s2) / ((double)speech->count * all);
}

static bool is_same(const struct speech *a, const struct speech *b)
{
	return a->count == b->count && memcmp(a->items, b->items, a->count * sizeof *a->items) == 0;
}

/* ---- the telephone's band ---- */

static void tone(double hz, int level, size_t count, int16_t *samples)
{
	for (size_t i = 0; i < count; i++)
		samples[i] = (int16_t)lrint(level * sin(2 * M_PI * hz * (double)i / 22050));
}

static void a_tone_stays_what_it_is(void **state)
{
	(void)state;
	static int16_t samples[22050];
	struct speech speech = {0};
	struct err e = {0};

	tone(1000, 3000, 22050, samples);
	assert_ok(speech_to_telephone(samples, 22050, 22050, &speech, &e), &e);
	assert_in_range(speech.count, SPEECH_RATE - 8, SPEECH_RATE + 8);
	assert_true(share_at(&speech, 1000) > 0.95);
	assert_in_range(peak_of(&speech), 28000, 29500);
	speech_done(&speech);
}

/* 6 kHz would come back as 2 kHz; 50 Hz is hum. Beside a tone that a telephone carries they are gone. */
static void what_a_telephone_does_not_carry_is_gone(void **state)
{
	(void)state;
	static const double outside[] = {50, 4500, 6000, 9000};
	static int16_t samples[22050], other[22050];

	for (size_t t = 0; t < sizeof outside / sizeof *outside; t++) {
		struct speech speech = {0};
		struct err e = {0};
		tone(1000, 8000, 22050, samples);
		tone(outside[t], 8000, 22050, other);
		for (size_t i = 0; i < 22050; i++)
			samples[i] = (int16_t)(samples[i] + other[i]);
		assert_ok(speech_to_telephone(samples, 22050, 22050, &speech, &e), &e);
		assert_true(share_at(&speech, 1000) > 0.95);
		speech_done(&speech);
	}
}

static void the_loudest_is_not_clipped_and_the_quietest_not_blown_up(void **state)
{
	(void)state;
	static int16_t samples[22050];
	struct speech loud = {0}, quiet = {0}, none = {0};
	struct err e = {0};

	for (size_t i = 0; i < 22050; i++)
		samples[i] = i / 11 % 2 ? INT16_MAX : INT16_MIN;
	assert_ok(speech_to_telephone(samples, 22050, 22050, &loud, &e), &e);
	assert_in_range(peak_of(&loud), 28000, 29500);
	tone(1000, 20, 22050, samples);
	assert_ok(speech_to_telephone(samples, 22050, 22050, &quiet, &e), &e);
	assert_in_range(peak_of(&quiet), 1, 25);
	assert_ok(speech_to_telephone(samples, 0, 22050, &none, &e), &e);
	assert_int_equal(peak_of(&none), 0);
	assert_error(speech_to_telephone(samples, 1, 0, &none, &e), ERR_ENV, &e, "0 Hz");
	speech_done(&loud);
	speech_done(&quiet);
	speech_done(&none);
}

/* ---- what is said ---- */

static void a_word_is_heard_and_another_language_says_it_otherwise(void **state)
{
	(void)state;
	struct speech english = {0}, again = {0}, japanese = {0}, other = {0};

	say_well("en-gb", "web1", &english);
	say_well("en-gb", "web1", &again);
	say_well("ja", "web1", &japanese);
	say_well("en-gb", "db7", &other);
	assert_in_range(english.count, SPEECH_RATE / 2, SPEECH_RATE * 4);
	assert_in_range(peak_of(&english), 28000, 29500);
	assert_in_range(peak_of(&japanese), 28000, 29500);
	assert_true(is_same(&english, &again));
	assert_false(is_same(&english, &japanese));
	assert_false(is_same(&english, &other));
	speech_done(&english);
	speech_done(&again);
	speech_done(&japanese);
	speech_done(&other);
}

static void a_voice_has_many_names(void **state)
{
	(void)state;
	struct speech a = {0}, b = {0}, c = {0}, variant = {0};

	say_well("en-gb", "web1", &a);
	say_well("EN-GB", "web1", &b);
	say_well("en", "web1", &c);
	say_well("en-gb+f3", "web1", &variant);
	assert_true(is_same(&a, &b));
	assert_true(is_same(&a, &c));
	assert_false(is_same(&a, &variant));
	speech_done(&a);
	speech_done(&b);
	speech_done(&c);
	speech_done(&variant);
}

/* Read out: markup that were obeyed would be silence, or a voice that shouts. */
static void markup_is_read_out(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"<break time=\"1s\"/>",
		"<speak><prosody rate=\"x-slow\">web</prosody></speak>",
		"[[w'Eb]]",
		"web &lt; one",
	};
	struct speech plain = {0};

	say_well("en-gb", "web", &plain);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct speech speech = {0};
		say_well("en-gb", texts[i], &speech);
		assert_true(speech.count > plain.count);
		assert_in_range(peak_of(&speech), 28000, 29500);
		speech_done(&speech);
	}
	speech_done(&plain);
}

static void assert_cleaned(const char *text, const char *expected)
{
	cleanup(str_done) struct str clean = {0};

	speech_clean(text, &clean);
	assert_string_equal(str_text(&clean), expected);
}

static void what_espeak_would_take_for_commands_is_blank(void **state)
{
	(void)state;
	struct speech plain = {0}, hostile = {0};

	assert_cleaned("a\tb\nc\001r200 d\177", "a b c r200 d ");
	assert_cleaned("a\xc2\x85z", "a z");
	assert_cleaned("a\xee\x80\x81z", "a z");
	assert_cleaned("\xff\xc0\x80z\xe3\x82", "   z  ");
	assert_cleaned("\xe5\xa4\xa7\xe9\x98\xaa", "\xe5\xa4\xa7\xe9\x98\xaa");
	assert_cleaned("", "");
	/* 1 and "80S" would set the rate. */
	say_well("en-gb", "one  80S two", &plain);
	say_well("en-gb", "one \00180S two", &hostile);
	assert_true(is_same(&plain, &hostile));
	speech_done(&plain);
	speech_done(&hostile);
}

static void a_text_is_cut_before_the_word_that_is_too_much(void **state)
{
	(void)state;
	cleanup(str_done) struct str text = {0}, clean = {0}, kana = {0}, cut = {0};

	for (int i = 0; i < 100 * 1024 / 8; i++)
		str_add(&text, "host1234 ");
	speech_clean(text.data, &clean);
	assert_in_range(clean.length, SPEECH_TEXT_MAX - 9, SPEECH_TEXT_MAX);
	assert_string_equal(clean.data + clean.length - 9, " host1234");
	for (int i = 0; i < 5000; i++)
		str_add(&kana, "\xe3\x81\x82");
	speech_clean(kana.data, &cut);
	assert_in_range(cut.length, SPEECH_TEXT_MAX - 3, SPEECH_TEXT_MAX);
	assert_true(str_is_utf8(cut.data, cut.length));
}

static void however_long_a_text_is_what_is_said_of_it_ends(void **state)
{
	(void)state;
	static const char *const words[] = {"web one is down. ", "99999999999999999999 ",
					    "aaaaaaaaaaaaaaaaaaaaaaa", "%%%%%&&&&& "};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		cleanup(str_done) struct str text = {0};
		struct speech speech = {0};
		while (text.length < 100 * 1024)
			str_add(&text, words[i]);
		say_well("en-gb", text.data, &speech);
		assert_in_range(speech.count, SPEECH_RATE * 30, SPEECH_RATE * (SPEECH_SECONDS_MAX + 1));
		speech_done(&speech);
	}
}

static void nothing_to_say_is_no_failure(void **state)
{
	(void)state;
	struct speech none = {0}, blank = {0};

	say_well("en-gb", "", &none);
	say_well("ja", " \t ", &blank);
	assert_int_equal(peak_of(&none), 0);
	assert_int_equal(peak_of(&blank), 0);
	speech_done(&none);
	speech_done(&blank);
}

/* Random bytes and the corners of Unicode: it answers, whatever it says. */
static void no_text_is_the_end_of_it(void **state)
{
	(void)state;
	unsigned seed = 1;

	for (int round = 0; round < 20; round++) {
		char text[400] = {0};
		struct speech speech = {0};
		for (size_t i = 0; i + 1 < sizeof text; i++)
			text[i] = (char)(1 + rand_r(&seed) % 255);
		say_well(round % 2 ? "en-gb" : "ja", text, &speech);
		speech_done(&speech);
	}
	struct speech corners = {0};
	say_well("en-gb", "\xf4\x8f\xbf\xbf \xef\xbf\xbf \xe2\x80\xae \xcc\x81\xcc\x81\xcc\x81 \xf0\x9f\x92\xa9",
		 &corners);
	speech_done(&corners);
}

/* ---- languages ---- */

static void a_language_that_it_has_not_is_named(void **state)
{
	(void)state;
	static const char *const unknown[] = {"zz", "en-gbx", "en-gb+nobody", "variant", "default"};
	static const char *const malformed[] = {
		"",
		"../../etc/passwd",
		"en gb",
		"en-gb;x",
		"gmw/en",
		"en+f1+f2",
		"+f1",
		"en+",
		"mb/mb-en1",
		"en\ngb",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct err e = {0};

	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		assert_error(speech_check_lang(unknown[i], &e), ERR_USAGE, &e, unknown[i]);
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
		assert_error(speech_check_lang(malformed[i], &e), ERR_USAGE, &e, "no language");
	assert_error(speech_check_lang("mb-en1", &e), ERR_USAGE, &e, "mb-en1");
	struct speech speech = {0};
	assert_error(say("zz", "web1", &speech, &e), ERR_USAGE, &e, "zz");
}

static void a_language_that_it_has_is_fine(void **state)
{
	(void)state;
	static const char *const known[] = {"en-gb", "ja",       "en-us",          "de",
					    "pt-br", "en-gb+f3", "EN-GB-scotland", "en-gb"};
	struct err e = {0};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		assert_ok(speech_check_lang(known[i], &e), &e);
}

/* ---- its data ---- */

static char data_folder[] = "/tmp/vmroll-test-XXXXXX";
static char data_path[64];

static int data_open(void **state)
{
	(void)state;
	memcpy(data_folder + sizeof data_folder - 7, "XXXXXX", 6);
	if (!mkdtemp(data_folder))
		return -1;
	snprintf(data_path, sizeof data_path, "%s/espeak-ng-data", data_folder);
	setenv("ESPEAK_DATA_PATH", data_folder, 1);
	return mkdir(data_path, 0700);
}

static int data_close(void **state)
{
	(void)state;
	glob_t links = {0};
	cleanup(cleanup_mem) char *all = mem_format("%s/*", data_path);

	unsetenv("ESPEAK_DATA_PATH");
	if (glob(all, 0, NULL, &links) == 0)
		for (size_t i = 0; i < links.gl_pathc; i++)
			unlink(links.gl_pathv[i]);
	globfree(&links);
	return rmdir(data_path) < 0 ? -1 : rmdir(data_folder);
}

/* Links to the real data, but for the file MISSING. */
static void link_data_without(const char *missing)
{
	glob_t files = {0};

	assert_int_equal(glob("/usr/lib/*/espeak-ng-data/*", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		const char *name = strrchr(files.gl_pathv[i], '/') + 1;
		cleanup(cleanup_mem) char *link = mem_format("%s/%s", data_path, name);
		if (strcmp(name, missing) != 0)
			assert_int_equal(symlink(files.gl_pathv[i], link), 0);
	}
	globfree(&files);
}

static void missing_data_are_said(void **state)
{
	(void)state;
	struct err e = {0};
	struct speech speech = {0};

	assert_error(say("en-gb", "web1", &speech, &e), ERR_ENV, &e, data_path);
	assert_non_null(strstr(e.text, "package espeak-ng-data"));
}

static void a_voice_without_its_dictionary_is_said(void **state)
{
	(void)state;
	struct err e = {0};
	struct speech speech = {0};

	link_data_without("ja_dict");
	assert_error(say("ja", "web1", &speech, &e), ERR_ENV, &e, "ja_dict");
	say_well("en-gb", "web1", &speech);
	speech_done(&speech);
}

/* ---- the process ---- */

static void one_that_dies_is_noticed(void **state)
{
	(void)state;
	struct child worker;
	struct speech speech = {0};
	struct err e = {0};

	assert_ok(speech_start(&worker, &e), &e);
	assert_ok(speech_ask(&worker, "en-gb", "web1", &e), &e);
	kill(worker.pid, SIGKILL);
	waitid(P_PID, (id_t)worker.pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	int result;
	while ((result = speech_take(&worker, &speech, &e)) == 1)
		speech_done(&speech);
	assert_error(result, ERR_NET, &e, "gone");
	child_kill(&worker);
}

static void ask_one(struct child *worker, const char *lang, const char *text, int expected, struct speech *speech)
{
	struct err e = {0};
	int result;

	assert_ok(speech_ask(worker, lang, text, &e), &e);
	while ((result = speech_take(worker, speech, &e)) == 0) {
		struct pollfd event = {.fd = worker->channel.fd, .events = POLLIN};
		poll(&event, 1, -1);
	}
	assert_int_equal(result, expected);
}

/* And the same text is the same sound, whatever was said before. */
static void one_process_says_many_texts(void **state)
{
	(void)state;
	struct child worker;
	struct err e = {0};
	struct speech first = {0}, other = {0}, none = {0}, again = {0};

	assert_ok(speech_start(&worker, &e), &e);
	ask_one(&worker, "en-gb", "web1 is down", 1, &first);
	ask_one(&worker, "ja", "ohayou", 1, &other);
	ask_one(&worker, "zz", "web1", ERR_USAGE, &none);
	ask_one(&worker, "en-gb", "web1 is down", 1, &again);
	assert_true(is_same(&first, &again));
	assert_false(is_same(&first, &other));
	child_kill(&worker);
	speech_done(&first);
	speech_done(&other);
	speech_done(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tone_stays_what_it_is),
		cmocka_unit_test(what_a_telephone_does_not_carry_is_gone),
		cmocka_unit_test(the_loudest_is_not_clipped_and_the_quietest_not_blown_up),
		cmocka_unit_test(a_word_is_heard_and_another_language_says_it_otherwise),
		cmocka_unit_test(a_voice_has_many_names),
		cmocka_unit_test(markup_is_read_out),
		cmocka_unit_test(what_espeak_would_take_for_commands_is_blank),
		cmocka_unit_test(a_text_is_cut_before_the_word_that_is_too_much),
		cmocka_unit_test(however_long_a_text_is_what_is_said_of_it_ends),
		cmocka_unit_test(nothing_to_say_is_no_failure),
		cmocka_unit_test(no_text_is_the_end_of_it),
		cmocka_unit_test(a_language_that_it_has_not_is_named),
		cmocka_unit_test(a_language_that_it_has_is_fine),
		cmocka_unit_test_setup_teardown(missing_data_are_said, data_open, data_close),
		cmocka_unit_test_setup_teardown(a_voice_without_its_dictionary_is_said, data_open, data_close),
		cmocka_unit_test(one_that_dies_is_noticed),
		cmocka_unit_test(one_process_says_many_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include "speech.h"

static void without_espeak_it_says_so(void **state)
{
	(void)state;
	struct child worker;
	struct speech none = {0};
	struct err e = {0};
	int result;

	assert_false(speech_is_built());
	/* The settings of a machine that calls can still be read on one that does not. */
	assert_ok(speech_check_lang("en-gb", &e), &e);
	assert_ok(speech_start(&worker, &e), &e);
	assert_ok(speech_ask(&worker, "en-gb", "web1 is down", &e), &e);
	while ((result = speech_take(&worker, &none, &e)) == 0)
		continue;
	assert_error(result, ERR_ENV, &e, "built without espeak-ng");
	child_kill(&worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(without_espeak_it_says_so)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
