/* call_agent.c - the process that calls: orders come in, telephones ring, outcomes go out. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "call_private.h"
#include "call_voices.h"
#include "mem.h"
#include "vec.h"

struct agent {
	struct channel *channel;
	struct sip *sip;
	struct voices *voices;
	struct sip_timer *alive;
	size_t calls;
	bool ending;
};

struct call {
	struct agent *agent;
	struct call_job job;
	struct call_rules rules;
	struct sip_call *sip;
	struct sip_timer *wait, *longest;
	enum call_text saying;
	bool playing;
	struct err failure; /* of synthesis */
};

/* ---- to the parent ---- */

/* Without the parent nobody waits for outcomes, and nobody should be called. */
static void end(struct agent *agent)
{
	if (agent->ending)
		return;
	agent->ending = true;
	sip_stop(agent->sip);
}

static void tell(struct agent *agent, enum call_frame kind, const struct str *bytes)
{
	if (channel_send(agent->channel, (unsigned char)kind, bytes ? bytes->data : NULL,
			 bytes ? bytes->length : 0, NULL) < 0)
		end(agent);
}

static void send_trouble(struct agent *agent, enum call_frame kind, const struct err *trouble)
{
	cleanup(str_done) struct str bytes = {0};

	call_trouble_encode(trouble, &bytes);
	tell(agent, kind, &bytes);
}

static void send_outcome(struct agent *agent, uint64_t tag, const struct delivery_outcome *outcome)
{
	cleanup(str_done) struct str bytes = {0};

	call_outcome_encode(tag, outcome, &bytes);
	tell(agent, CALL_FRAME_OUTCOME, &bytes);
}

static void say_alive(void *context)
{
	struct agent *agent = context;

	agent->alive = NULL;
	if (agent->calls == 0 || agent->ending)
		return;
	tell(agent, CALL_FRAME_ALIVE, NULL);
	agent->alive = sip_after(agent->sip, CALL_ALIVE_MS, say_alive, agent);
}

/* ---- one call ---- */

static void do_act(struct call *call, struct call_act act);

static void stop_timer(struct sip_timer **timer)
{
	sip_timer_cancel(*timer);
	*timer = NULL;
}

static void call_free(struct call *call)
{
	stop_timer(&call->wait);
	stop_timer(&call->longest);
	voices_forget(call->agent->voices, call);
	call_job_done(&call->job);
	free(call);
}

static void waited(void *context)
{
	struct call *call = context;

	call->wait = NULL;
	do_act(call, call_rules_waited(&call->rules));
}

static void talked_too_long(void *context)
{
	struct call *call = context;

	call->longest = NULL;
	do_act(call, (struct call_act){.what = CALL_ACT_HANG_UP});
}

static void cannot_say(struct call *call, enum call_text text, const struct err *failure)
{
	call->failure = *failure;
	do_act(call, call_rules_unsayable(&call->rules, text));
}

static void say(void *context, const struct speech *speech, const struct err *failure)
{
	struct call *call = context;

	if (!speech) {
		cannot_say(call, call->saying, failure);
		return;
	}
	call->playing = speech->count > 0;
	if (call->playing)
		sip_call_play(call->sip, speech->items, speech->count);
	else
		do_act(call, call_rules_said(&call->rules));
}

/* While it rings: whoever answers should not have to wait, and nobody is called for nothing. */
static void is_prepared(void *context, const struct speech *speech, const struct err *failure)
{
	if (!speech)
		cannot_say(context, CALL_TEXT_MESSAGE, failure);
}

static void start_saying(struct call *call, enum call_text text)
{
	struct agent *agent = call->agent;

	call->saying = text;
	voices_want(agent->voices, call->job.lang, call->job.texts[text], say, call);
}

static void do_act(struct call *call, struct call_act act)
{
	if (act.what == CALL_ACT_NONE)
		return;
	stop_timer(&call->wait);
	voices_forget(call->agent->voices, call);
	call->playing = false;
	switch (act.what) {
	case CALL_ACT_SAY:
		sip_call_play(call->sip, NULL, 0);
		start_saying(call, act.text);
		break;
	case CALL_ACT_WAIT:
		call->wait = sip_after(call->agent->sip, act.wait_ms, waited, call);
		break;
	case CALL_ACT_HANG_UP:
		sip_call_hang_up(call->sip);
		break;
	case CALL_ACT_NONE:
		break;
	}
}

static void answered(void *context)
{
	struct call *call = context;

	call->longest = sip_after(call->agent->sip, CALL_LONGEST_MS, talked_too_long, call);
	do_act(call, call_rules_answered(&call->rules));
}

static void key_pressed(void *context, char key)
{
	struct call *call = context;

	do_act(call, call_rules_key(&call->rules, key));
}

static void played(void *context)
{
	struct call *call = context;

	if (call->playing)
		do_act(call, call_rules_said(&call->rules));
}

/* ---- how it ended ---- */

static void explain(struct err *e, enum call_end outcome, const char *text)
{
	switch (outcome) {
	case CALL_NO_KEY:
		err_set(e, ERR_TEMPORARY, "answered, but no key was pressed");
		break;
	case CALL_NO_AUDIO:
		err_set(e, ERR_TEMPORARY, "answered, but no sound came from there");
		break;
	case CALL_EARLY_BYE:
		err_set(e, ERR_TEMPORARY, "answered, but hung up before a key was pressed");
		break;
	case CALL_REFUSED:
		err_set(e, ERR_PERMANENT, "%s", text);
		break;
	case CALL_NONE:
	case CALL_KEY:
		break;
	case CALL_BUSY:
	case CALL_NO_ANSWER:
	case CALL_DECLINED:
	case CALL_UNREACHABLE:
		err_set(e, ERR_TEMPORARY, "%s", text);
		break;
	}
}

static void judge(const struct call *call, enum sip_end how, const char *text, struct delivery_outcome *outcome)
{
	bool has_audio = call->sip && sip_call_received(call->sip) > 0;

	outcome->call = call_rules_outcome(&call->rules, how, has_audio, &outcome->key);
	if (outcome->call == CALL_UNREACHABLE && call->rules.unsayable) {
		/* A language that does not exist will not come to exist. */
		if (call->failure.code == ERR_USAGE)
			outcome->call = CALL_REFUSED;
		text = call->failure.text;
	}
	explain(&outcome->err, outcome->call, text);
}

/* What ails every call until somebody mends it is said apart from what ails this one. */
static void look_for_trouble(struct agent *agent, enum sip_end how, const char *text)
{
	struct err trouble = {0};

	if (how != SIP_END_UNREACHABLE || !str_starts(text, "registration at "))
		return;
	err_set(&trouble, ERR_NET, "%s: nobody can be called", text);
	send_trouble(agent, CALL_FRAME_TROUBLE, &trouble);
}

static void ended(void *context, enum sip_end how, const char *text)
{
	struct call *call = context;
	struct agent *agent = call->agent;
	struct delivery_outcome outcome = {0};

	judge(call, how, text, &outcome);
	look_for_trouble(agent, how, text);
	send_outcome(agent, call->job.tag, &outcome);
	agent->calls--;
	call_free(call);
}

static const struct sip_handlers handlers = {
	.answered = answered,
	.key = key_pressed,
	.played = played,
	.ended = ended,
};

/* ---- orders ---- */

static void begin(struct agent *agent, struct call_job *job)
{
	struct call *call = mem_zalloc(1, sizeof *call);
	struct err e = {0};

	call->agent = agent;
	call->job = *job;
	*job = (struct call_job){0};
	call_rules_begin(&call->rules, call->job.answer, call->job.texts);
	if (sip_call(agent->sip, call->job.uri, &handlers, call, &call->sip, &e) < 0) {
		struct delivery_outcome outcome = {.call = CALL_REFUSED};
		err_set(&outcome.err, ERR_PERMANENT, "%s", e.text);
		send_outcome(agent, call->job.tag, &outcome);
		call_free(call);
		return;
	}
	agent->calls++;
	if (!agent->alive)
		agent->alive = sip_after(agent->sip, CALL_ALIVE_MS, say_alive, agent);
	voices_want(agent->voices, call->job.lang, call->job.texts[CALL_TEXT_MESSAGE], is_prepared, call);
}

static int take_frame(struct agent *agent, const struct frame *frame)
{
	cleanup(call_job_done) struct call_job job = {0};
	struct err e;

	if (frame->kind != CALL_FRAME_ORDER || call_order_decode(frame, &job, &e) < 0)
		return ERR_CORRUPT;
	tell(agent, CALL_FRAME_TAKEN, NULL);
	begin(agent, &job);
	return 0;
}

static void take_orders(void *context)
{
	struct agent *agent = context;
	struct frame frame;
	struct err e;
	int result = channel_fill(agent->channel, &e);

	while (result >= 0 && (result = channel_next(agent->channel, &frame, &e)) == 1)
		if (take_frame(agent, &frame) < 0)
			break;
	if (result == 0)
		return;
	(void)sip_watch(agent->sip, agent->channel->fd, NULL, NULL, NULL);
	end(agent);
}

/* ---- the process ---- */

/* 0 if FROM names none. */
static unsigned wanted_port(const char *from)
{
	const char *host = strchr(from, '@');
	const char *bracket = strchr(from, ']');
	const char *colon = strchr(bracket ? bracket : host ? host : from + strlen("sip:"), ':');

	return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

static void compare_port(struct agent *agent, const char *from)
{
	struct err trouble = {0};
	unsigned wanted = wanted_port(from), got = sip_port(agent->sip);

	if (wanted == 0 || wanted == got)
		return;
	err_set(&trouble, ERR_ENV, "sip.from: port %u is taken, so calls come from port %u", wanted, got);
	send_trouble(agent, CALL_FRAME_TROUBLE, &trouble);
}

static int open_agent(struct agent *agent, struct call_settings *settings, struct err *e)
{
	int result = sip_new(&agent->sip, &settings->sip, e);

	if (settings->password)
		explicit_bzero(settings->password, strlen(settings->password));
	if (result < 0)
		return result;
	agent->voices = voices_new(agent->sip);
	compare_port(agent, settings->sip.from);
	return sip_watch(agent->sip, agent->channel->fd, take_orders, agent, e);
}

int call_agent(struct channel *channel, void *context)
{
	struct agent agent = {.channel = channel};
	struct err e = {0};

	/* The end of the channel tells of the parent's as well, and leaves time to hang up. */
	prctl(PR_SET_PDEATHSIG, 0);
	if (open_agent(&agent, context, &e) < 0 || sip_loop(agent.sip, &e) < 0)
		send_trouble(&agent, CALL_FRAME_BROKEN, &e);
	sip_timer_cancel(agent.alive);
	voices_free(agent.voices);
	sip_free(agent.sip);
	return e.code ? 4 : 0;
}
