/* test_call_rules.c - what is said in a call and what a key does, along every path. */
#include "config.h"

#include "unit.h"

#include "call_rules.h"

static char message[] = "m", prompt[] = "p", all[] = "a", thanks[] = "t", passed[] = "s", none[] = "";

static struct call_rules begin(bool answer)
{
	char *const texts[CALL_TEXT_COUNT] = {message, prompt, all, thanks, passed};
	struct call_rules rules;

	call_rules_begin(&rules, answer, texts);
	return rules;
}

static struct call_rules begin_bare(bool answer)
{
	char *const texts[CALL_TEXT_COUNT] = {message, none, none, NULL, none};
	struct call_rules rules;

	call_rules_begin(&rules, answer, texts);
	return rules;
}

#define assert_says(act, expected_text)                                                                      \
	do {                                                                                                 \
		struct call_act act_ = (act);                                                                \
		assert_int_equal(act_.what, CALL_ACT_SAY);                                                   \
		assert_int_equal(act_.text, (expected_text));                                                \
	} while (0)

#define assert_waits(act, expected_ms)                                                                       \
	do {                                                                                                 \
		struct call_act act_ = (act);                                                                \
		assert_int_equal(act_.what, CALL_ACT_WAIT);                                                  \
		assert_int_equal(act_.wait_ms, (expected_ms));                                               \
	} while (0)

#define assert_hangs_up(act) assert_int_equal((act).what, CALL_ACT_HANG_UP)
#define assert_does_nothing(act) assert_int_equal((act).what, CALL_ACT_NONE)

static void assert_outcome(const struct call_rules *rules, enum sip_end end, bool has_audio,
			   enum call_end outcome, char key)
{
	char pressed = 'x';

	assert_int_equal(call_rules_outcome(rules, end, has_audio, &pressed), outcome);
	assert_int_equal(pressed, key);
}

static struct call_rules begin_saying(void)
{
	struct call_rules rules = begin(true);

	assert_waits(call_rules_answered(&rules), CALL_LEAD_MS);
	assert_says(call_rules_waited(&rules), CALL_TEXT_MESSAGE);
	return rules;
}

static void run_out(struct call_rules *rules)
{
	for (int i = 1; i < CALL_TIMES; i++) {
		assert_waits(call_rules_said(rules), CALL_PAUSE_MS);
		assert_says(call_rules_waited(rules), CALL_TEXT_MESSAGE);
	}
	assert_waits(call_rules_said(rules), CALL_LAST_MS);
	assert_hangs_up(call_rules_waited(rules));
}

/* ---- without a key ---- */

static void the_message_is_said_three_times_and_no_more(void **state)
{
	(void)state;
	struct call_rules rules = begin_saying();

	run_out(&rules);
	assert_outcome(&rules, SIP_END_HUNG_UP, true, CALL_NO_KEY, 0);
	assert_outcome(&rules, SIP_END_HUNG_UP, false, CALL_NO_AUDIO, 0);
	assert_does_nothing(call_rules_said(&rules));
	assert_does_nothing(call_rules_waited(&rules));
	assert_does_nothing(call_rules_answered(&rules));
	assert_does_nothing(call_rules_key(&rules, '1'));
}

static void who_hangs_up_before_the_end_did_so_early(void **state)
{
	(void)state;
	struct call_rules rules = begin(true);

	call_rules_answered(&rules);
	assert_outcome(&rules, SIP_END_BYE, false, CALL_EARLY_BYE, 0);
	call_rules_waited(&rules);
	assert_outcome(&rules, SIP_END_BYE, true, CALL_EARLY_BYE, 0);
	call_rules_said(&rules);
	assert_outcome(&rules, SIP_END_BYE, true, CALL_EARLY_BYE, 0);
}

/* A voicemail that is full after the third time. */
static void who_hangs_up_when_all_is_said_has_had_it_all(void **state)
{
	(void)state;
	struct call_rules rules = begin_saying();

	for (int i = 1; i < CALL_TIMES; i++) {
		call_rules_said(&rules);
		call_rules_waited(&rules);
	}
	assert_outcome(&rules, SIP_END_BYE, true, CALL_EARLY_BYE, 0);
	call_rules_said(&rules);
	assert_outcome(&rules, SIP_END_BYE, true, CALL_NO_KEY, 0);
	assert_outcome(&rules, SIP_END_BYE, false, CALL_NO_AUDIO, 0);
}

static void what_was_never_answered_ends_as_it_ended(void **state)
{
	(void)state;
	struct call_rules rules = begin(true);

	assert_outcome(&rules, SIP_END_BUSY, false, CALL_BUSY, 0);
	assert_outcome(&rules, SIP_END_NO_ANSWER, false, CALL_NO_ANSWER, 0);
	assert_outcome(&rules, SIP_END_DECLINED, false, CALL_DECLINED, 0);
	assert_outcome(&rules, SIP_END_UNREACHABLE, false, CALL_UNREACHABLE, 0);
	assert_outcome(&rules, SIP_END_REFUSED, false, CALL_REFUSED, 0);
	assert_does_nothing(call_rules_key(&rules, '1'));
	assert_does_nothing(call_rules_said(&rules));
	assert_does_nothing(call_rules_waited(&rules));
	assert_outcome(&rules, SIP_END_BUSY, false, CALL_BUSY, 0);
}

/* ---- keys ---- */

static void one_acknowledges_and_three_passes_on(void **state)
{
	(void)state;
	static const struct {
		char key;
		enum call_text text;
	} cases[] = {{'1', CALL_TEXT_THANKS}, {'3', CALL_TEXT_PASSED}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct call_rules rules = begin_saying();
		assert_says(call_rules_key(&rules, cases[i].key), cases[i].text);
		/* What is pressed while that is said changes nothing. */
		assert_does_nothing(call_rules_key(&rules, '5'));
		assert_does_nothing(call_rules_key(&rules, cases[i].key == '1' ? '3' : '1'));
		assert_outcome(&rules, SIP_END_BYE, true, CALL_KEY, cases[i].key);
		assert_hangs_up(call_rules_said(&rules));
		assert_outcome(&rules, SIP_END_HUNG_UP, false, CALL_KEY, cases[i].key);
		assert_outcome(&rules, SIP_END_UNREACHABLE, false, CALL_KEY, cases[i].key);
	}
}

static void without_thanks_it_is_hung_up_at_once(void **state)
{
	(void)state;
	struct call_rules one = begin_bare(true), three = begin_bare(true);

	call_rules_answered(&one);
	call_rules_answered(&three);
	assert_hangs_up(call_rules_key(&one, '1'));
	assert_hangs_up(call_rules_key(&three, '3'));
	assert_outcome(&one, SIP_END_HUNG_UP, true, CALL_KEY, '1');
	assert_outcome(&three, SIP_END_HUNG_UP, true, CALL_KEY, '3');
}

static void two_says_it_again_at_once_and_counts_anew(void **state)
{
	(void)state;
	struct call_rules rules = begin_saying();

	assert_waits(call_rules_said(&rules), CALL_PAUSE_MS);
	assert_says(call_rules_waited(&rules), CALL_TEXT_MESSAGE);
	assert_says(call_rules_key(&rules, '2'), CALL_TEXT_MESSAGE);
	run_out(&rules);
	assert_outcome(&rules, SIP_END_HUNG_UP, true, CALL_KEY, '2');
}

static void four_says_every_vm_and_asks_again(void **state)
{
	(void)state;
	struct call_rules rules = begin_saying();

	assert_says(call_rules_key(&rules, '4'), CALL_TEXT_ALL);
	assert_does_nothing(call_rules_waited(&rules));
	assert_says(call_rules_said(&rules), CALL_TEXT_PROMPT);
	run_out(&rules);
	assert_outcome(&rules, SIP_END_HUNG_UP, true, CALL_KEY, '4');
}

static void the_list_can_be_left(void **state)
{
	(void)state;
	struct call_rules rules = begin_saying();

	assert_says(call_rules_key(&rules, '4'), CALL_TEXT_ALL);
	assert_says(call_rules_key(&rules, '1'), CALL_TEXT_THANKS);
	assert_hangs_up(call_rules_said(&rules));
	assert_outcome(&rules, SIP_END_HUNG_UP, true, CALL_KEY, '1');
}

static void any_other_key_asks_again_and_was_heard(void **state)
{
	(void)state;
	static const char others[] = "056789*#ABCD";

	for (const char *key = others; *key; key++) {
		struct call_rules rules = begin_saying();
		assert_says(call_rules_key(&rules, *key), CALL_TEXT_PROMPT);
		assert_outcome(&rules, SIP_END_BYE, true, CALL_KEY, *key);
		run_out(&rules);
		assert_outcome(&rules, SIP_END_HUNG_UP, false, CALL_KEY, *key);
	}
}

static void the_newest_key_counts_unless_it_is_over(void **state)
{
	(void)state;
	struct call_rules rules = begin_saying();

	call_rules_key(&rules, '7');
	call_rules_key(&rules, '8');
	assert_outcome(&rules, SIP_END_BYE, true, CALL_KEY, '8');
	call_rules_key(&rules, '3');
	call_rules_key(&rules, '9');
	assert_outcome(&rules, SIP_END_BYE, true, CALL_KEY, '3');
}

static void without_prompt_or_list_the_message_stands_for_them(void **state)
{
	(void)state;
	struct call_rules rules = begin_bare(true);

	call_rules_answered(&rules);
	assert_says(call_rules_key(&rules, '4'), CALL_TEXT_MESSAGE);
	assert_says(call_rules_key(&rules, '0'), CALL_TEXT_MESSAGE);
	run_out(&rules);
	assert_outcome(&rules, SIP_END_HUNG_UP, true, CALL_KEY, '0');
}

static void a_key_is_taken_in_every_silence(void **state)
{
	(void)state;
	struct call_rules leading = begin(true), pausing = begin_saying(), last = begin_saying();

	call_rules_answered(&leading);
	assert_says(call_rules_key(&leading, '1'), CALL_TEXT_THANKS);
	call_rules_said(&pausing);
	assert_says(call_rules_key(&pausing, '2'), CALL_TEXT_MESSAGE);
	for (int i = 1; i < CALL_TIMES; i++) {
		call_rules_said(&last);
		call_rules_waited(&last);
	}
	assert_waits(call_rules_said(&last), CALL_LAST_MS);
	assert_says(call_rules_key(&last, '2'), CALL_TEXT_MESSAGE);
	assert_waits(call_rules_said(&last), CALL_PAUSE_MS);
}

/* ---- where nothing is asked ---- */

static void where_nothing_is_asked_twice_is_enough(void **state)
{
	(void)state;
	struct call_rules rules = begin(false);

	call_rules_answered(&rules);
	assert_says(call_rules_waited(&rules), CALL_TEXT_MESSAGE);
	assert_waits(call_rules_said(&rules), CALL_PAUSE_MS);
	assert_says(call_rules_waited(&rules), CALL_TEXT_MESSAGE);
	assert_hangs_up(call_rules_said(&rules));
	assert_outcome(&rules, SIP_END_HUNG_UP, true, CALL_NO_KEY, 0);
	assert_outcome(&rules, SIP_END_HUNG_UP, false, CALL_NO_AUDIO, 0);
}

static void where_nothing_is_asked_any_key_ends_it(void **state)
{
	(void)state;
	for (const char *key = "12345#"; *key; key++) {
		struct call_rules rules = begin(false);
		call_rules_answered(&rules);
		call_rules_waited(&rules);
		assert_hangs_up(call_rules_key(&rules, *key));
		assert_outcome(&rules, SIP_END_HUNG_UP, true, CALL_KEY, *key);
	}
}

/* ---- what cannot be said ---- */

static void a_message_that_cannot_be_said_ends_the_call(void **state)
{
	(void)state;
	struct call_rules ringing = begin(true), up = begin_saying();

	assert_hangs_up(call_rules_unsayable(&ringing, CALL_TEXT_MESSAGE));
	assert_outcome(&ringing, SIP_END_HUNG_UP, false, CALL_UNREACHABLE, 0);
	assert_hangs_up(call_rules_unsayable(&up, CALL_TEXT_MESSAGE));
	assert_outcome(&up, SIP_END_HUNG_UP, true, CALL_UNREACHABLE, 0);
}

static void another_text_that_cannot_be_said_is_left_out(void **state)
{
	(void)state;
	struct call_rules thanked = begin_saying(), listing = begin_saying(), asked = begin_saying();

	call_rules_key(&thanked, '1');
	assert_hangs_up(call_rules_unsayable(&thanked, CALL_TEXT_THANKS));
	assert_outcome(&thanked, SIP_END_HUNG_UP, true, CALL_KEY, '1');
	call_rules_key(&listing, '4');
	assert_says(call_rules_unsayable(&listing, CALL_TEXT_ALL), CALL_TEXT_PROMPT);
	call_rules_key(&asked, '0');
	assert_waits(call_rules_unsayable(&asked, CALL_TEXT_PROMPT), CALL_PAUSE_MS);
}

/* ---- whatever comes ---- */

/* In any order of events it ends once, and a key that was pressed is never forgotten. */
static void no_order_of_events_confuses_it(void **state)
{
	(void)state;
	unsigned seed = 3;

	for (int round = 0; round < 2000; round++) {
		struct call_rules rules = round % 2 ? begin(round % 4 == 1) : begin_bare(round % 4 == 0);
		bool over = false, pressed = false;
		for (int step = 0; step < 40; step++) {
			struct call_act act;
			char key = "0123456789*#"[rand_r(&seed) % 12];
			switch (rand_r(&seed) % 4) {
			case 0:
				act = call_rules_answered(&rules);
				break;
			case 1:
				act = call_rules_said(&rules);
				break;
			case 2:
				act = call_rules_waited(&rules);
				break;
			default:
				act = call_rules_key(&rules, key);
				pressed = pressed || act.what != CALL_ACT_NONE;
			}
			assert_false(over && act.what != CALL_ACT_NONE);
			over = over || act.what == CALL_ACT_HANG_UP;
		}
		char key = 0;
		enum call_end outcome = call_rules_outcome(&rules, SIP_END_HUNG_UP, true, &key);
		assert_int_equal(outcome, pressed ? CALL_KEY : CALL_NO_KEY);
		assert_int_equal(key != 0, pressed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_message_is_said_three_times_and_no_more),
		cmocka_unit_test(who_hangs_up_before_the_end_did_so_early),
		cmocka_unit_test(who_hangs_up_when_all_is_said_has_had_it_all),
		cmocka_unit_test(what_was_never_answered_ends_as_it_ended),
		cmocka_unit_test(one_acknowledges_and_three_passes_on),
		cmocka_unit_test(without_thanks_it_is_hung_up_at_once),
		cmocka_unit_test(two_says_it_again_at_once_and_counts_anew),
		cmocka_unit_test(four_says_every_vm_and_asks_again),
		cmocka_unit_test(the_list_can_be_left),
		cmocka_unit_test(any_other_key_asks_again_and_was_heard),
		cmocka_unit_test(the_newest_key_counts_unless_it_is_over),
		cmocka_unit_test(without_prompt_or_list_the_message_stands_for_them),
		cmocka_unit_test(a_key_is_taken_in_every_silence),
		cmocka_unit_test(where_nothing_is_asked_twice_is_enough),
		cmocka_unit_test(where_nothing_is_asked_any_key_ends_it),
		cmocka_unit_test(a_message_that_cannot_be_said_ends_the_call),
		cmocka_unit_test(another_text_that_cannot_be_said_is_left_out),
		cmocka_unit_test(no_order_of_events_confuses_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
