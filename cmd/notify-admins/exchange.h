/* exchange.h - the telephone exchange as the settings describe it. */
#ifndef NOTIFY_EXCHANGE_H
#define NOTIFY_EXCHANGE_H

#include "call.h"
#include "conf.h"
#include "err.h"

/* Runs password_command if there is one; rings nobody yet. ERR_USAGE: as caller_start; ERR_AUTH: no password. */
int exchange_open(struct caller **caller, const struct conf *conf, struct err *e);

#endif
