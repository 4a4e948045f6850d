/*
 * alert.h - a message as web servers for alerts expect it.
 *
 * Alertmanager's form is the body of its webhook_config in version 4, as the documentation of Prometheus has it
 * (Alerting, Alertmanager, Configuration, "webhook_config", and Notification template reference, "Alert"):
 * one alert for each host, and one for each VM; a fingerprint is the FNV-1a hash of the sorted labels, as in
 * Prometheus' common/model. An alert fires until its incident is over; what
 * does not fit in ALERT_BODY_MAX is counted in truncatedAlerts, hosts come first.
 *
 * Slack's form is {"text": ...} of an incoming webhook (docs.slack.dev, "Formatting message text"): & < > are
 * entities, and names stand between backticks, where neither Slack nor what imitates it (Mattermost, Rocket.Chat, Google Chat)
 * takes anything in them for formatting or for somebody's name.
 *
 * Pure: no clock; the same input gives the same bytes. Names come from guests and lists, and may be anything.
 */
#ifndef VMROLL_ALERT_H
#define VMROLL_ALERT_H

#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "notice.h"
#include "str.h"

enum {
	ALERT_BODY_MAX = 900 * 1000, /* bytes: what web servers take without being asked, often 1 MB */
	ALERT_TEXT_MAX = 3500        /* bytes of Slack's text before JSON; it recommends 4,000 characters */
};

/* What a message is made from; all is borrowed. */
struct alert_source {
	enum delivery_kind kind;
	const struct notices *notices;
	const struct notice *notice; /* whose message it is; NULL for DELIVERY_UNDELIVERED: all of NOTICES */
	/* DELIVERY_UNDELIVERED: the cells of those who could not be told. */
	const struct delivery *const *failed;
	size_t failed_count;
};

/* Each appends one JSON object. RECEIVER is the name of the webhook. */
void alert_write(struct str *json, const struct alert_source *source, const char *receiver);
void alert_write_slack(struct str *json, const struct alert_source *source);
/* A trial, which is about nothing: `notify-admins test`. */
void alert_write_test(struct str *json, const char *receiver, int64_t now);
void alert_write_slack_test(struct str *json, int64_t now);

#endif
