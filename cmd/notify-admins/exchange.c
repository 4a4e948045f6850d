/* exchange.c - the telephone exchange as the settings describe it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "hooks.h"
#include "mem.h"

int exchange_open(struct caller **caller, const struct conf *conf, struct err *e)
{
	const struct conf_sip *settings = &conf->sip;
	cleanup(cleanup_mem) char *password = NULL;

	if (settings->from && settings->password_command.count > 0) {
		if (hooks_first_line(settings->password_command.items, &password, e) < 0)
			return err_wrap(e, "sip.password_command");
	} else {
		password = mem_string(settings->password);
	}
	int result = caller_start(caller, settings, password, e);
	if (password)
		explicit_bzero(password, strlen(password));
	return result;
}
