/* compose.c - the message that a person gets: what concerns them, as it is now. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "letter.h"
#include "mail.h"
#include "mem.h"
#include "reply.h"
#include "told.h"
#include "when.h"

const char *compose_recipient(const struct state *state, const struct delivery *cell)
{
	return state->conf->notify.redirect ? state->conf->notify.redirect : cell->address;
}

static int write_letter(struct state *state, struct plans *plans, struct ledger *cells,
			const struct reply *reply, struct letter *letter, struct err *e)
{
	cleanup(told_done) struct told told = {0};

	if (told_find(&told, state, plans, cells, e) < 0)
		return e->code;
	const struct notices *notices = &told.plan->notices;
	struct wording wording = told_wording(&told, state, &cells->items[0]);
	wording.reply = reply->address;
	wording.reply_token = reply->token;
	if (told.kind == DELIVERY_UNDELIVERED)
		return letter_undelivered(letter, notices, told.failed.items, told.failed.count, &wording, e);
	return letter_write(letter, told.kind, notices, &told.notice, &wording, e);
}

/* While trying vmroll out, one mailbox gets everything, and must see whose each message is. */
static void add_redirection(const struct state *state, const struct delivery *cell, struct letter *letter)
{
	if (!state->conf->notify.redirect)
		return;
	cleanup(str_done) struct str html = {0};
	char *text = mem_format("(for %s; redirected to you)\n\n%s", cell->address, letter->text);
	const char *body = strstr(letter->html, "<body>\n");

	if (body) {
		body += strlen("<body>\n");
		str_add_n(&html, letter->html, (size_t)(body - letter->html));
		str_add(&html, "<p>(for ");
		mail_add_html(&html, cell->address);
		str_addf(&html, "; redirected to you)</p>\n%s", body);
		free(letter->html);
		letter->html = str_take(&html);
	}
	free(letter->text);
	letter->text = text;
}

/* The mail that the others about the incident answer: the first that the person had of it. */
static const char *thread_of(struct state *state, const struct delivery *cell)
{
	struct cell_walk walk = cells_walk(&state->cells, cell->incident, cell->person);
	const struct delivery *told;

	if (cell->kind == DELIVERY_FIRST)
		return NULL;
	while ((told = cells_step(&walk)))
		if (told->kind == DELIVERY_FIRST && told->channel == DELIVERY_MAIL)
			return told->message_id;
	return NULL;
}

/* As a mail without its encodings: for the eye. */
static void show(const struct mail *mail, struct str *out)
{
	str_addf(out, "To: %s%s%s%s\nSubject: %s\n\n%s\n", mail->to_name ? mail->to_name : "",
		 mail->to_name ? " <" : "", mail->to, mail->to_name ? ">" : "", mail->subject, mail->text);
}

int compose(struct state *state, struct plans *plans, struct ledger *cells, struct str *message, struct err *e)
{
	const struct delivery *first = &cells->items[0];
	cleanup(letter_done) struct letter letter = {0};
	cleanup(reply_done) struct reply reply = {0};

	reply_offer(&reply, state, first);
	int result = write_letter(state, plans, cells, &reply, &letter, e);
	if (result < 0)
		return result;
	told_complain_of_template(state, result, e);
	add_redirection(state, first, &letter);
	cleanup(cleanup_mem) char *name = first->name ? str_escape(first->name) : NULL;
	struct mail mail = {
		.from = state->conf->smtp.from ? state->conf->smtp.from : "vmroll@localhost",
		.from_name = "vmroll",
		.to = compose_recipient(state, first),
		.to_name = name,
		.reply_to = reply.address,
		.subject = letter.subject,
		.date = when_now(),
		.message_id = first->message_id,
		.in_reply_to = thread_of(state, first),
		.text = letter.text,
		.html = letter.html,
	};
	if (state->dry_run)
		show(&mail, message);
	return state->dry_run ? 0 : mail_compose(&mail, message, e);
}
