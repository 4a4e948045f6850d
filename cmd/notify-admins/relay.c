/* relay.c - the mail relay as the settings describe it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "hooks.h"
#include "mem.h"
#include "relay.h"

enum { TIMEOUT_MS = 60 * 1000 };

int relay_open(struct smtp **smtp, const struct conf *conf, struct err *e)
{
	static const enum smtp_tls tls[] = {
		[CONF_TLS_REQUIRED] = SMTP_TLS_REQUIRED,
		[CONF_TLS_OPPORTUNISTIC] = SMTP_TLS_OPPORTUNISTIC,
		[CONF_TLS_NONE] = SMTP_TLS_NONE,
	};
	const struct conf_smtp *settings = &conf->smtp;
	cleanup(cleanup_mem) char *password = mem_string(settings->password);

	if (!settings->url || !settings->from)
		return err_set(e, ERR_USAGE, "smtp.url and smtp.from must be set before anybody can be told");
	if (settings->user && settings->password_command.count > 0) {
		free(password);
		password = NULL;
		if (hooks_first_line(settings->password_command.items, &password, e) < 0)
			return e->code;
	}
	struct smtp_relay relay = {
		.url = settings->url,
		.tls = tls[settings->tls],
		.user = settings->user,
		.password = password,
		.ca_file = settings->ca_file,
		.timeout_ms = TIMEOUT_MS,
	};
	int result = smtp_new(smtp, &relay, e);
	if (password)
		explicit_bzero(password, strlen(password));
	return result;
}
