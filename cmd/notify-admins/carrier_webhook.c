/* carrier_webhook.c - a webhook as a way to reach people, or what speaks to them. */
#include "config.h"

#include "alert.h"
#include "carrier.h"
#include "mem.h"
#include "told.h"
#include "webhooks.h"

static int webhook_open(void **self, const struct conf *conf, struct err *e)
{
	struct webhooks *webhooks;

	if (webhooks_new(&webhooks, conf, e) < 0)
		return e->code;
	*self = webhooks;
	return 0;
}

static void webhook_close(void *self)
{
	webhooks_free(self);
}

static const char *webhook_address(const struct state *state, const struct delivery *cell)
{
	(void)state;
	return cell->address;
}

static int write_body(struct state *state, struct plans *plans, struct ledger *cells, struct str *json,
		      struct err *e)
{
	const struct conf_webhook *settings = conf_find_webhook(state->conf, cells->items[0].address);
	cleanup(told_done) struct told told = {0};

	if (!settings)
		return err_set(e, ERR_PERMANENT, "webhook %s: is not in the settings", cells->items[0].address);
	if (told_find(&told, state, plans, cells, e) < 0)
		return e->code;
	struct alert_source source = {
		.kind = told.kind,
		.notices = &told.plan->notices,
		.notice = told.kind == DELIVERY_UNDELIVERED ? NULL : &told.notice,
		.failed = told.failed.items,
		.failed_count = told.failed.count,
	};
	if (settings->format == CONF_WEBHOOK_SLACK)
		alert_write_slack(json, &source);
	else
		alert_write(json, &source, settings->name);
	return 0;
}

static int webhook_submit(void *self, struct state *state, struct plans *plans, uint64_t tag,
			  struct ledger *cells, struct err *e)
{
	const struct delivery *first = &cells->items[0];
	cleanup(str_done) struct str json = {0};

	if (write_body(state, plans, cells, &json, e) < 0)
		return e->code;
	return webhooks_submit(self, tag, first->address, &json, first->message_id, e);
}

static bool webhook_finished(void *self, uint64_t *tag, struct delivery_outcome *outcome)
{
	*outcome = (struct delivery_outcome){0};
	return webhooks_finished(self, tag, &outcome->err);
}

static int webhook_fd(const void *self)
{
	return webhooks_fd(self);
}

static int webhook_show(struct state *state, struct plans *plans, struct ledger *cells, struct str *text,
			struct err *e)
{
	cleanup(str_done) struct str json = {0};

	if (write_body(state, plans, cells, &json, e) < 0)
		return e->code;
	str_addf(text, "To: webhook %s\n\n%s\n\n", cells->items[0].address, str_text(&json));
	return 0;
}

const struct carrier carrier_webhook = {
	.open = webhook_open,
	.close = webhook_close,
	.submit = webhook_submit,
	.finished = webhook_finished,
	.fd = webhook_fd,
	.show = webhook_show,
	.address = webhook_address,
};
