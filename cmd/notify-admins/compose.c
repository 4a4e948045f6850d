/* compose.c - the message that a person gets: what concerns them, as it is now. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "mail.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

const char *compose_recipient(const struct state *state, const struct delivery *cell)
{
	return state->conf->notify.redirect ? state->conf->notify.redirect : cell->address;
}

static bool tells(const struct ledger *cells, const char *id)
{
	vec_foreach(cells, cell)
		if (strcmp(cell->incident, id) == 0)
			return true;
	return false;
}

/* Of what concerns the person only what these cells tell. The caller frees concerned and items. */
static struct notice narrow(const struct plan *plan, const struct notice *notice, const struct ledger *cells)
{
	struct notice narrowed = *notice;

	narrowed.concerned = mem_zalloc(plan->incidents.count, sizeof *narrowed.concerned);
	narrowed.items = NULL;
	narrowed.count = narrowed.capacity = 0;
	for (size_t i = 0; i < plan->incidents.count; i++)
		narrowed.concerned[i] = notice->concerned[i] && tells(cells, plan->incidents.items[i].id);
	vec_foreach(notice, item)
		if (narrowed.concerned[item->incident])
			vec_push(&narrowed, *item);
	return narrowed;
}

/* Who was told and is not in the list any more is told the end, without VMs. The caller frees concerned. */
static struct notice only_told(const struct plan *plan, const struct delivery *cell, const struct ledger *cells)
{
	struct notice notice = {.person = cell->person, .name = cell->name, .address = cell->address};

	notice.concerned = mem_zalloc(plan->incidents.count, sizeof *notice.concerned);
	for (size_t i = 0; i < plan->incidents.count; i++)
		notice.concerned[i] = tells(cells, plan->incidents.items[i].id);
	return notice;
}

static int write_undelivered(struct state *state, const struct plan *plan, struct letter *letter, struct err *e)
{
	struct {
		const struct delivery **items;
		size_t count, capacity;
	} failed = {0};

	vec_foreach(&state->cells, cell) {
		const struct incident *incident = state_incident(state, cell->incident);
		if (cell->kind == DELIVERY_FIRST && cell->state == DELIVERY_FAILED && !cell->fallback &&
		    incident && str_equal(incident->group, plan->group))
			vec_push(&failed, cell);
	}
	if (failed.count > 0)
		letter_undelivered(letter, &plan->notices, failed.items, failed.count, when_now());
	else
		err_set(e, ERR_NOT_FOUND, "nobody is left who could not be told");
	size_t count = failed.count;
	vec_done(&failed);
	return count > 0 ? 0 : e->code;
}

static int write_letter(struct state *state, struct plans *plans, struct ledger *cells, struct letter *letter,
			struct err *e)
{
	struct delivery *first = &cells->items[0];
	const struct incident *incident = state_incident(state, first->incident);
	const char *group = incident && incident->group ? incident->group : first->incident;
	const struct plan *plan = plans_get(plans, state, group, PLAN_FRESH_MS);

	if (!plan)
		return err_set(e, ERR_ENV, "incident %s: not in the store", first->incident);
	if (first->kind == DELIVERY_UNDELIVERED)
		return write_undelivered(state, plan, letter, e);
	const struct notice *notice = notices_find(&plan->notices, first->person);
	if (!notice && first->kind == DELIVERY_FIRST && !first->fallback)
		return err_set(e, ERR_PERMANENT, "not listed any more, and was not told before");
	if (!notice && first->kind != DELIVERY_RECOVERY)
		return err_set(e, ERR_NOT_FOUND, "%s is not concerned any more", first->person);
	struct notice told = notice ? narrow(plan, notice, cells) : only_told(plan, first, cells);
	letter_write(letter, first->kind, &plan->notices, &told, when_now());
	bool complete = notice_is_complete(&told);
	free(told.concerned);
	vec_done(&told);
	vec_foreach(cells, cell)
		cell->complete = complete;
	return 0;
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

static const char *thread_of(struct state *state, const struct delivery *cell)
{
	const struct delivery *told =
		cell->kind == DELIVERY_FIRST
			? NULL
			: state_cell_of(state, cell->incident, DELIVERY_FIRST, cell->person);

	return told ? told->message_id : NULL;
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

	if (write_letter(state, plans, cells, &letter, e) < 0)
		return e->code;
	add_redirection(state, first, &letter);
	cleanup(cleanup_mem) char *name = first->name ? str_escape(first->name) : NULL;
	struct mail mail = {
		.from = state->conf->smtp.from ? state->conf->smtp.from : "vmroll@localhost",
		.from_name = "vmroll",
		.to = compose_recipient(state, first),
		.to_name = name,
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
