/* sip_redirect.c - libre follows redirects by itself: what goes out and comes in is looked at, so that it follows none. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sip_private.h"

static bool is_of_invite(const struct sip_msg *message)
{
	return pl_strcmp(&message->cseq.met, "INVITE") == 0;
}

static struct sip_call *find_by_id(struct sip *sip, const struct pl *id)
{
	for (struct le *le = list_head(&sip->calls); le; le = le->next) {
		struct sip_call *call = le->data;
		const char *its = call->session ? sip_dialog_callid(sipsess_dialog(call->session)) : NULL;
		if (its && pl_strcmp(id, its) == 0)
			return call;
	}
	return NULL;
}

/* As libre finds the request that a response is to (RFC 3261, 17.1.3): whatever else the response says is theirs. */
static struct sip_call *find_by_branch(struct sip *sip, const struct pl *branch)
{
	for (struct le *le = list_head(&sip->calls); le; le = le->next) {
		struct sip_call *call = le->data;
		if (call->branch && pl_strcmp(branch, call->branch) == 0)
			return call;
	}
	return NULL;
}

static void note_branch(struct sip *sip, const struct sip_msg *message)
{
	struct sip_call *call = find_by_id(sip, &message->callid);

	/* The first goes out before there is a session to be found. */
	if (!call)
		call = sip->connecting;
	if (!call || !is_of_invite(message) || pl_strcmp(&message->met, "INVITE") != 0)
		return;
	free(call->branch);
	call->branch = mem_string_n(message->via.branch.p, message->via.branch.l);
}

static void stop_redirect(struct sip *sip, const struct sip_msg *message)
{
	struct sip_call *call = find_by_branch(sip, &message->via.branch);

	/* One that is up has had its answer, and libre hears no other. */
	if (!call || call->state == SIP_UP || message->scode < 300 || message->scode > 399 ||
	    !is_of_invite(message))
		return;
	cleanup(cleanup_mem) char *text = sip_call_response_text(message);
	cleanup(cleanup_mem) char *whole = mem_format("%s: redirects are not followed", text);
	sip_call_end(call, sip_end_of_response(message->scode, false), whole);
	/* Now, not from the loop: libre goes on to handle the response, and follows only for a session that is wanted. */
	call->session = mem_deref(call->session);
}

void sip_redirect_trace(bool sent, enum sip_transp transport, const struct sa *from, const struct sa *to,
			const uint8_t *packet, size_t length, void *context)
{
	struct sip_msg *message = NULL;
	struct mbuf *copy = mbuf_alloc(length);

	(void)transport;
	(void)from;
	(void)to;
	if (!copy)
		mem_exhausted();
	(void)mbuf_write_mem(copy, packet, length);
	copy->pos = 0;
	if (sip_msg_decode(&message, copy) == 0 && message->req == sent) {
		if (sent)
			note_branch(context, message);
		else
			stop_redirect(context, message);
	}
	mem_deref(message);
	mem_deref(copy);
}
