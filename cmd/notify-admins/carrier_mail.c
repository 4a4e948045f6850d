/* carrier_mail.c - mail as a way to reach people. */
#include "config.h"

#include "carrier.h"
#include "compose.h"
#include "http.h"
#include "mem.h"
#include "relay.h"

/* Where nothing else is set up either, nobody can be told at all. */
static bool may_do_without(const struct conf *conf)
{
	return !conf->smtp.url && (conf->sip.from || conf->webhook_count > 0 || conf->command_count > 0);
}

static int mail_open(void **self, const struct conf *conf, struct err *e)
{
	struct smtp *smtp;

	if (may_do_without(conf))
		return 0;
	if (relay_open(&smtp, conf, e) < 0)
		return e->code;
	*self = smtp;
	return 0;
}

static void mail_close(void *self)
{
	smtp_free(self);
}

static int mail_submit(void *self, struct state *state, struct plans *plans, uint64_t tag,
		       struct ledger *cells, struct err *e)
{
	cleanup(str_done) struct str message = {0};

	if (!self)
		return err_set(e, ERR_PERMANENT, "smtp.url is not set: nothing can be mailed");
	if (compose(state, plans, cells, &message, e) < 0)
		return e->code;
	return smtp_submit(self, tag, state->conf->smtp.from, compose_recipient(state, &cells->items[0]),
			   message.data, message.length, e);
}

static bool mail_finished(void *self, uint64_t *tag, struct delivery_outcome *outcome)
{
	*outcome = (struct delivery_outcome){0};
	return self && smtp_finished(self, tag, &outcome->err);
}

static int mail_fd(const void *self)
{
	return smtp_fd(self);
}

const struct carrier carrier_mail = {
	.open = mail_open,
	.close = mail_close,
	.submit = mail_submit,
	.finished = mail_finished,
	.fd = mail_fd,
	.show = compose,
	.address = compose_recipient,
};
