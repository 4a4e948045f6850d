/*
 * webhooks.h - posting to the webhooks of the settings, each with the headers that prove who we are.
 *
 * What headers_command prints goes with every request of its webhook. It is run beside everything else, when it is
 * needed, at most once in 5 minutes, and again after the server refused what it printed
 * (401, 403): then the request is made once more. What it prints is shown nowhere.
 */
#ifndef NOTIFY_WEBHOOKS_H
#define NOTIFY_WEBHOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "str.h"

struct webhooks;

/* One that cannot be set up fails what is submitted to it, not this. CONF must outlive it. The caller calls webhooks_free, which abandons what is pending. */
int webhooks_new(struct webhooks **webhooks, const struct conf *conf, struct err *e);
void webhooks_free(struct webhooks *webhooks); /* NULL-safe */
void cleanup_webhooks(struct webhooks **webhooks);
/* Queues JSON (copied) for the webhook NAME; KEY is its Idempotency-Key, the same however often the same message is tried. */
int webhooks_submit(struct webhooks *webhooks, uint64_t tag, const char *name, const struct str *json,
		    const char *key, struct err *e);
/* True with the outcome (as of poster_finished) of what was submitted under *TAG. */
bool webhooks_finished(struct webhooks *webhooks, uint64_t *tag, struct err *outcome);
int webhooks_fd(const struct webhooks *webhooks); /* readable when webhooks_finished has something to do */

#endif
