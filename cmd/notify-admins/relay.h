/* relay.h - the mail relay as the settings describe it. */
#ifndef NOTIFY_RELAY_H
#define NOTIFY_RELAY_H

#include "conf.h"
#include "err.h"
#include "http.h"

/* Runs password_command if there is one. ERR_USAGE: smtp.url or smtp.from is not set; ERR_AUTH: no password. */
int relay_open(struct smtp **smtp, const struct conf *conf, struct err *e);

#endif
