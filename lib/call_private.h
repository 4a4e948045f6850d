/* call_private.h - what the two sides of call.h, in two processes, tell each other. */
#ifndef VMROLL_CALL_PRIVATE_H
#define VMROLL_CALL_PRIVATE_H

#include "call.h"
#include "call_rules.h"
#include "child.h"
#include "str.h"

enum {
	CALL_ALIVE_MS = 2000,      /* so often a process that has calls says that it lives */
	CALL_TEXT_MAX = 16 * 1024, /* bytes of a text that are handed on; of which speech.h says less */
	CALL_LONGEST_MS = 6 * 60 * 1000 /* from answering, for whoever presses keys for ever; ringing and this are less than the lease of a claim */
};

/* The first goes down; the end of the channel says to hang up everything. */
enum call_frame {
	CALL_FRAME_ORDER,
	CALL_FRAME_TAKEN,   /* an order was; nothing inside */
	CALL_FRAME_ALIVE,   /* nothing inside */
	CALL_FRAME_OUTCOME, /* of one order */
	CALL_FRAME_TROUBLE, /* of all calls, which go on */
	CALL_FRAME_BROKEN   /* the same, and they do not: the process ends */
};

/* An order as it travels: an address that was checked, and what is said. */
struct call_job {
	uint64_t tag;
	char *uri;
	char *lang;
	char *texts[CALL_TEXT_COUNT]; /* "" where there is none */
	bool answer;
};
void call_job_done(struct call_job *job);

/* Records (rec.h). */
void call_order_encode(uint64_t tag, const char *uri, const struct call_order *order, struct str *out);
int call_order_decode(const struct frame *frame, struct call_job *job, struct err *e);
void call_outcome_encode(uint64_t tag, const struct delivery_outcome *outcome, struct str *out);
int call_outcome_decode(const struct frame *frame, uint64_t *tag, struct delivery_outcome *outcome,
			struct err *e);
void call_trouble_encode(const struct err *trouble, struct str *out);
int call_trouble_decode(const struct frame *frame, struct err *trouble, struct err *e);

/* What the process that calls is started with; it lives in the memory of the parent. */
struct call_settings {
	struct sip_settings sip;
	char *password; /* the one in SIP; wiped when it was handed over */
};
/* Its body, for child_start; CONTEXT is struct call_settings. */
int call_agent(struct channel *channel, void *context);

#endif
