/* call_rules.c - what is said in a call, and what a key does. */
#include "config.h"

#include "call_rules.h"

static const struct call_act nothing = {.what = CALL_ACT_NONE};

void call_rules_begin(struct call_rules *rules, bool answer, char *const texts[CALL_TEXT_COUNT])
{
	*rules = (struct call_rules){.answer = answer};
	for (size_t i = 0; i < CALL_TEXT_COUNT; i++)
		rules->has[i] = texts[i] && *texts[i];
	rules->has[CALL_TEXT_MESSAGE] = true;
}

static struct call_act say(struct call_rules *rules, enum call_text text)
{
	rules->state = CALL_STATE_SAYING;
	return (struct call_act){.what = CALL_ACT_SAY, .text = text};
}

static struct call_act pause_for(struct call_rules *rules, int64_t wait_ms)
{
	rules->state = CALL_STATE_PAUSING;
	return (struct call_act){.what = CALL_ACT_WAIT, .wait_ms = wait_ms};
}

static struct call_act hang_up(struct call_rules *rules)
{
	rules->state = CALL_STATE_OVER;
	return (struct call_act){.what = CALL_ACT_HANG_UP};
}

static struct call_act say_message(struct call_rules *rules)
{
	rules->times++;
	return say(rules, CALL_TEXT_MESSAGE);
}

static struct call_act ask_again(struct call_rules *rules)
{
	rules->times = 1;
	return say(rules, rules->has[CALL_TEXT_PROMPT] ? CALL_TEXT_PROMPT : CALL_TEXT_MESSAGE);
}

static struct call_act part(struct call_rules *rules, enum call_text text)
{
	if (!rules->has[text])
		return hang_up(rules);
	rules->state = CALL_STATE_PARTING;
	return (struct call_act){.what = CALL_ACT_SAY, .text = text};
}

struct call_act call_rules_answered(struct call_rules *rules)
{
	if (rules->state != CALL_STATE_RINGING)
		return nothing;
	rules->state = CALL_STATE_LEADING;
	return (struct call_act){.what = CALL_ACT_WAIT, .wait_ms = CALL_LEAD_MS};
}

static struct call_act message_said(struct call_rules *rules)
{
	unsigned times = rules->answer ? CALL_TIMES : CALL_TIMES_TOLD;

	if (rules->times < times)
		return pause_for(rules, CALL_PAUSE_MS);
	rules->ran_out = true;
	return rules->answer ? pause_for(rules, CALL_LAST_MS) : hang_up(rules);
}

struct call_act call_rules_said(struct call_rules *rules)
{
	switch (rules->state) {
	case CALL_STATE_SAYING:
		return message_said(rules);
	case CALL_STATE_LISTING:
		return ask_again(rules);
	case CALL_STATE_PARTING:
		return hang_up(rules);
	case CALL_STATE_RINGING:
	case CALL_STATE_LEADING:
	case CALL_STATE_PAUSING:
	case CALL_STATE_OVER:
		break;
	}
	return nothing;
}

struct call_act call_rules_waited(struct call_rules *rules)
{
	if (rules->state != CALL_STATE_LEADING && rules->state != CALL_STATE_PAUSING)
		return nothing;
	return rules->ran_out ? hang_up(rules) : say_message(rules);
}

/* 1 and 3 end the call, so that no later key takes their place. */
static struct call_act obey(struct call_rules *rules, char key)
{
	switch (key) {
	case '1':
		return part(rules, CALL_TEXT_THANKS);
	case '3':
		return part(rules, CALL_TEXT_PASSED);
	case '2':
		rules->times = 0;
		return say_message(rules);
	case '4':
		if (!rules->has[CALL_TEXT_ALL])
			break;
		rules->state = CALL_STATE_LISTING;
		return (struct call_act){.what = CALL_ACT_SAY, .text = CALL_TEXT_ALL};
	default:
		break;
	}
	return ask_again(rules);
}

struct call_act call_rules_key(struct call_rules *rules, char key)
{
	if (rules->state == CALL_STATE_RINGING || rules->state == CALL_STATE_PARTING ||
	    rules->state == CALL_STATE_OVER)
		return nothing;
	rules->key = key;
	rules->ran_out = false;
	return rules->answer ? obey(rules, key) : hang_up(rules);
}

struct call_act call_rules_unsayable(struct call_rules *rules, enum call_text text)
{
	if (text != CALL_TEXT_MESSAGE)
		return call_rules_said(rules);
	rules->unsayable = true;
	return hang_up(rules);
}

/* ---- what came of it ---- */

static enum call_end without_key(const struct call_rules *rules, enum sip_end end, bool has_audio)
{
	switch (end) {
	case SIP_END_BUSY:
		return CALL_BUSY;
	case SIP_END_NO_ANSWER:
		return CALL_NO_ANSWER;
	case SIP_END_DECLINED:
		return CALL_DECLINED;
	case SIP_END_UNREACHABLE:
		return CALL_UNREACHABLE;
	case SIP_END_REFUSED:
		return CALL_REFUSED;
	case SIP_END_HUNG_UP:
	case SIP_END_BYE:
		break;
	}
	if (end == SIP_END_BYE && !rules->ran_out)
		return CALL_EARLY_BYE;
	return has_audio ? CALL_NO_KEY : CALL_NO_AUDIO;
}

enum call_end call_rules_outcome(const struct call_rules *rules, enum sip_end end, bool has_audio, char *key)
{
	*key = rules->key;
	if (rules->key)
		return CALL_KEY;
	if (rules->unsayable)
		return CALL_UNREACHABLE;
	return without_key(rules, end, has_audio);
}
