/* carrier_command.c - an executable of the administrator's as a way to reach people. */
#include "config.h"

#include "carrier.h"
#include "mem.h"
#include "message.h"
#include "programs.h"
#include "told.h"

static int command_open(void **self, const struct conf *conf, struct err *e)
{
	struct programs *programs;

	if (programs_new(&programs, conf, e) < 0)
		return e->code;
	*self = programs;
	return 0;
}

static void command_close(void *self)
{
	programs_free(self);
}

static const char *command_address(const struct state *state, const struct delivery *cell)
{
	(void)state;
	return cell->address;
}

static int write_message(struct state *state, struct plans *plans, struct ledger *cells, struct str *json,
			 struct err *e)
{
	const struct delivery *first = &cells->items[0];
	cleanup(told_done) struct told told = {0};

	if (told_find(&told, state, plans, cells, e) < 0)
		return e->code;
	const struct notices *notices = &told.plan->notices;
	struct wording wording = told_wording(&told, state, first);
	int result =
		told.kind == DELIVERY_UNDELIVERED
			? message_undelivered(json, notices, told.failed.items, told.failed.count, &wording,
					      first->message_id, e)
			: message_write(json, told.kind, notices, &told.notice, &wording, first->message_id, e);
	told_complain_of_template(state, result, e);
	return result < 0 ? result : 0;
}

static int command_submit(void *self, struct state *state, struct plans *plans, uint64_t tag,
			  struct ledger *cells, struct err *e)
{
	cleanup(str_done) struct str json = {0};

	if (write_message(state, plans, cells, &json, e) < 0)
		return e->code;
	return programs_submit(self, tag, cells->items[0].address, &json, e);
}

static bool command_finished(void *self, uint64_t *tag, struct delivery_outcome *outcome)
{
	*outcome = (struct delivery_outcome){0};
	return programs_finished(self, tag, &outcome->err);
}

static int command_fd(const void *self)
{
	return programs_fd(self);
}

static int command_show(struct state *state, struct plans *plans, struct ledger *cells, struct str *text,
			struct err *e)
{
	cleanup(str_done) struct str json = {0};

	if (write_message(state, plans, cells, &json, e) < 0)
		return e->code;
	str_addf(text, "To: command %s\n\n%s\n\n", cells->items[0].address, str_text(&json));
	return 0;
}

const struct carrier carrier_command = {
	.open = command_open,
	.close = command_close,
	.submit = command_submit,
	.finished = command_finished,
	.fd = command_fd,
	.show = command_show,
	.address = command_address,
};
