/* trial_hooks.c - a trial message to a webhook or a command of the settings. */
#include "config.h"

#include <poll.h>
#include <string.h>

#include "alert.h"
#include "hooks.h"
#include "mem.h"
#include "message.h"
#include "programs.h"
#include "trial_hooks.h"
#include "webhooks.h"
#include "when.h"

#define WEBHOOK "webhook:"
#define COMMAND "command:"

bool trial_is_hook(const char *channel)
{
	return str_starts(channel, WEBHOOK) || str_starts(channel, COMMAND);
}

static const char *name_of(const char *channel)
{
	return strchr(channel, ':') + 1;
}

static int absent(const char *channel, struct err *e)
{
	cleanup(cleanup_mem) char *shown = str_escape(channel);

	return err_set(e, ERR_USAGE, "--channel %s: the settings have none of that name", shown);
}

int trial_hook_write(const struct conf *conf, const char *channel, const char *person, struct str *json,
		     struct err *e)
{
	const struct conf_webhook *webhook = conf_find_webhook(conf, name_of(channel));
	struct wording wording = {.folder = conf->notify.templates};

	if (str_starts(channel, COMMAND)) {
		if (!conf_find_command(conf, name_of(channel)))
			return absent(channel, e);
		message_test(json, person, when_now(), &wording);
		return 0;
	}
	if (!webhook)
		return absent(channel, e);
	if (webhook->format == CONF_WEBHOOK_SLACK)
		alert_write_slack_test(json, when_now());
	else
		alert_write_test(json, webhook->name, when_now());
	return 0;
}

static void wait_for(int fd)
{
	struct pollfd event = {.fd = fd, .events = POLLIN};

	poll(&event, 1, -1);
}

static int post(const struct conf *conf, const char *name, const struct str *json, struct err *e)
{
	cleanup(cleanup_webhooks) struct webhooks *webhooks = NULL;
	cleanup(cleanup_mem) char *key = mem_format("vmroll.test.%lld", (long long)when_now());
	uint64_t tag;

	if (webhooks_new(&webhooks, conf, e) < 0 || webhooks_submit(webhooks, 1, name, json, key, e) < 0)
		return e->code;
	while (!webhooks_finished(webhooks, &tag, e))
		wait_for(webhooks_fd(webhooks));
	return e->code;
}

static int run(const struct conf *conf, const char *name, const struct str *json, struct err *e)
{
	cleanup(cleanup_programs) struct programs *programs = NULL;
	uint64_t tag;

	hooks_set_environment(conf);
	if (programs_new(&programs, conf, e) < 0 || programs_submit(programs, 1, name, json, e) < 0)
		return e->code;
	while (!programs_finished(programs, &tag, e))
		wait_for(programs_fd(programs));
	return e->code;
}

int trial_hook_send(const struct conf *conf, const char *channel, const struct str *json, struct err *e)
{
	int result = str_starts(channel, WEBHOOK) ? post(conf, name_of(channel), json, e)
						  : run(conf, name_of(channel), json, e);

	return result < 0 ? err_wrap(e, "%s", channel) : 0;
}
