/* trial_hooks.h - a trial message to a webhook or a command of the settings. */
#ifndef NOTIFY_TRIAL_HOOKS_H
#define NOTIFY_TRIAL_HOOKS_H

#include <stdbool.h>

#include "conf.h"
#include "err.h"
#include "str.h"

/* Whether CHANNEL is "webhook:NAME" or "command:NAME". */
bool trial_is_hook(const char *channel);
/* Appends what it would get for PERSON: one JSON object. ERR_USAGE: the settings have none of that name. */
int trial_hook_write(const struct conf *conf, const char *channel, const char *person, struct str *json,
		     struct err *e);
/* Delivers that, and waits for what comes of it: 0, or as the outcome of a delivery. */
int trial_hook_send(const struct conf *conf, const char *channel, const struct str *json, struct err *e);

#endif
