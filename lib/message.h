/*
 * message.h - what a message says, as JSON: the one model behind mail, voice, webhook and command.
 *
 * Its keys are described in vmroll-templates(5). Names are as they are, not escaped; times are RFC 3339, and beside
 * them the parts that people read. Incidents and VMs that do not concern the person are not in it.
 */
#ifndef VMROLL_MESSAGE_H
#define VMROLL_MESSAGE_H

#include <stddef.h>

#include "err.h"
#include "ledger.h"
#include "notice.h"
#include "str.h"
#include "wording.h"

/* How much one message names; the rest is counted. */
enum {
	MESSAGE_HOSTS_MAX = 200,
	MESSAGE_VMS_MAX = 500 /* of one host, for one reason */
};

/*
 * Appends the message of that kind to the person of NOTICE (of DELIVERY_ESCALATION: see notice_for_others) as one JSON
 * object. IDEMPOTENCY_KEY (or NULL) is passed on as it is. WORDING gives the words of `where`. DELIVERY_UNDELIVERED is
 * message_undelivered. 0, or 1 if a template of the administrator's had to be passed over: *E says which and why.
 */
int message_write(struct str *json, enum delivery_kind kind, const struct notices *notices,
		  const struct notice *notice, const struct wording *wording, const char *idempotency_key,
		  struct err *e);

/* To the fallback: these of NOTICES could not be told (FAILED: their cells), and what they should have heard. As above. */
int message_undelivered(struct str *json, const struct notices *notices, const struct delivery *const *failed,
			size_t count, const struct wording *wording, const char *idempotency_key, struct err *e);

/* What it is about: a host, or trouble of our own. */
enum incident_kind message_event(const struct notices *notices, const struct notice *notice);

/* A trial for PERSON: kind "test", event "test". */
void message_test(struct str *json, const char *person, int64_t now, const struct wording *wording);

#endif
