/*
 * message_private.h - what the parts of message.c share.
 */
#ifndef VMROLL_MESSAGE_PRIVATE_H
#define VMROLL_MESSAGE_PRIVATE_H

#include "message.h"

/* One message being written. */
struct message {
	struct str *out;
	enum delivery_kind kind;
	const struct notices *notices;
	const struct notice *notice;
	struct template *where; /* NULL: not read yet */
	const struct wording *wording;
	size_t rows_left;
	struct err *e;
	int result; /* 1: a template had to be passed over */
};

/* KEY_date, KEY_clock and KEY_zone of INSTANT, or date, clock and zone where PREFIX is ""; null for WHEN_UNKNOWN. */
void message_add_stamp(struct str *out, const char *prefix, int64_t instant);
/* The member KEY: RFC 3339, or null. */
void message_add_instant(struct str *out, const char *key, int64_t instant);
/* The member KEY: the time of day, with the date where that is not the one of REFERENCE; or null. */
void message_add_short_time(struct str *out, const char *key, int64_t instant, int64_t reference);
/* The member KEY: "3m21s", or null. */
void message_add_duration(struct str *out, const char *key, int64_t from, int64_t to);
void message_add_text(struct str *out, const char *key, const char *text);
void message_add_number(struct str *out, const char *key, uint64_t number);
void message_add_truth(struct str *out, const char *key, bool truth);

/* One item of `hosts`. */
void message_add_host(struct message *message, size_t incident);
/* The list KEY of those ITEMS that are of INCIDENT (SIZE_MAX: of any) and for that REASON, and KEY_more. */
void message_add_vms(struct message *message, const char *key, const struct notice *notice, size_t incident,
		     enum notice_reason reason);

#endif
