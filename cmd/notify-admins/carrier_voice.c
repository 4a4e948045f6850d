/* carrier_voice.c - a telephone call as a way to reach people. */
#include "config.h"

#include <stdlib.h>

#include "carrier.h"
#include "exchange.h"
#include "log.h"
#include "mem.h"
#include "spoken.h"
#include "told.h"
#include "vec.h"

struct ordered {
	uint64_t tag;
	bool asks;
};

struct voice {
	struct caller *caller; /* NULL: nobody can be called, FAILURE says why */
	struct err failure;
	VEC(struct ordered) orders;
};

/* Whatever is wrong with calls, mail must go out: it is said, and each call fails with it. */
static int voice_open(void **self, const struct conf *conf, struct err *e)
{
	(void)e;
	if (!conf->sip.from || conf->notify.redirect) {
		*self = NULL;
		return 0;
	}
	struct voice *voice = mem_zalloc(1, sizeof *voice);
	if (exchange_open(&voice->caller, conf, &voice->failure) < 0) {
		err_wrap(&voice->failure, "nobody can be called");
		log_err(&voice->failure);
	}
	*self = voice;
	return 0;
}

static void voice_close(void *self)
{
	struct voice *voice = self;

	if (!voice)
		return;
	caller_free(voice->caller);
	vec_done(&voice->orders);
	free(voice);
}

/* ---- what is said ---- */

static void complain_of_template(struct state *state, int result, const struct err *e)
{
	if (result > 0 && state_say_once(state, e->text))
		log_warning("%s: the built-in text is used", e->text);
}

static const char *lang_of(const struct state *state, const struct wording *wording)
{
	return wording->lang ? wording->lang : state->conf->sip.voice_lang;
}

/* *LANG is borrowed as what told_find gives. */
static int write_spoken(struct state *state, struct plans *plans, struct ledger *cells, struct spoken *spoken,
			const char **lang, struct err *e)
{
	const struct delivery *first = &cells->items[0];
	cleanup(told_done) struct told told = {0};

	if (told_find(&told, state, plans, cells, e) < 0)
		return e->code;
	const struct notices *notices = &told.plan->notices;
	const struct wording wording = told_wording(&told, state, first);
	const struct notice *notice =
		told.kind == DELIVERY_UNDELIVERED ? notices_find(notices, first->person) : &told.notice;
	if (!notice)
		return err_set(e, ERR_PERMANENT, "%s is not concerned any more", first->person);
	int result = spoken_write(spoken, told.kind, notices, notice, &wording, e);
	complain_of_template(state, result, e);
	*lang = lang_of(state, &wording);
	return result < 0 ? result : 0;
}

void carrier_voice_describe(struct str *text, const char *name, const char *address, const char *lang,
			    const struct spoken *spoken, bool asks)
{
	cleanup(cleanup_mem) char *shown = name ? str_escape(name) : NULL;

	str_addf(text, "Call: %s%s%s%s (%s)\n\n%s\n", shown ? shown : "", shown ? " <" : "", address,
		 shown ? ">" : "", lang, spoken->message);
	if (asks)
		str_addf(text, "\n[4] %s\n", spoken->all);
	str_add(text, "\n");
}

static int voice_show(struct state *state, struct plans *plans, struct ledger *cells, struct str *text,
		      struct err *e)
{
	const struct delivery *first = &cells->items[0];
	cleanup(spoken_done) struct spoken spoken = {0};
	const char *lang;

	if (write_spoken(state, plans, cells, &spoken, &lang, e) < 0)
		return e->code;
	carrier_voice_describe(text, first->name, first->address, lang, &spoken, spoken_asks(first->kind));
	return 0;
}

/* ---- calls ---- */

static int check(const struct voice *voice, const struct conf *conf, struct err *e)
{
	/* Who set it did so to try things out: nobody is to be woken, and the mail that goes there says all. */
	if (conf->notify.redirect)
		return err_set(e, ERR_NOT_FOUND, "notify.redirect is set: nobody is called");
	if (!voice)
		return err_set(e, ERR_PERMANENT, "sip.from is not set");
	if (voice->caller)
		return 0;
	*e = voice->failure;
	return e->code;
}

static int voice_submit(void *self, struct state *state, struct plans *plans, uint64_t tag,
			struct ledger *cells, struct err *e)
{
	struct voice *voice = self;
	const struct delivery *first = &cells->items[0];
	cleanup(spoken_done) struct spoken spoken = {0};
	bool asks = spoken_asks(first->kind);
	const char *lang;

	if (check(voice, state->conf, e) < 0 || write_spoken(state, plans, cells, &spoken, &lang, e) < 0)
		return e->code;
	struct call_order order = {.to = first->address,
				   .lang = lang,
				   .message = spoken.message,
				   .all = spoken.all,
				   .thanks = spoken.thanks,
				   .passed = spoken.passed,
				   .answer = asks};
	if (caller_submit(voice->caller, tag, &order, e) < 0)
		return e->code;
	vec_push(&voice->orders, (struct ordered){.tag = tag, .asks = asks});
	return 0;
}

static bool take_asks(struct voice *voice, uint64_t tag)
{
	vec_foreach(&voice->orders, order)
		if (order->tag == tag) {
			bool asks = order->asks;
			*order = voice->orders.items[--voice->orders.count];
			return asks;
		}
	return true;
}

/* Where nothing was asked, a key acknowledges nothing, and having been said is enough. */
static void take_for_said(struct delivery_outcome *outcome)
{
	if (outcome->call == CALL_KEY)
		outcome->key = 0;
	if (outcome->call == CALL_NO_KEY)
		*outcome = (struct delivery_outcome){.call = CALL_NONE};
}

static bool voice_finished(void *self, uint64_t *tag, struct delivery_outcome *outcome)
{
	struct voice *voice = self;
	struct err trouble;

	if (!voice || !voice->caller)
		return false;
	while (caller_trouble(voice->caller, &trouble))
		log_warning("%s", trouble.text);
	if (!caller_finished(voice->caller, tag, outcome))
		return false;
	if (!take_asks(voice, *tag))
		take_for_said(outcome);
	return true;
}

static int voice_fd(const void *self)
{
	const struct voice *voice = self;

	return voice && voice->caller ? caller_fd(voice->caller) : -1;
}

static const char *voice_address(const struct state *state, const struct delivery *cell)
{
	(void)state;
	return cell->address;
}

const struct carrier carrier_voice = {
	.open = voice_open,
	.close = voice_close,
	.submit = voice_submit,
	.finished = voice_finished,
	.fd = voice_fd,
	.show = voice_show,
	.address = voice_address,
};
