/* sip_call.c - a call from INVITE to BYE. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "sip_private.h"
#include "str.h"

static bool has_rung(const struct sip_call *call)
{
	return call->state == SIP_RINGING || call->state == SIP_UP;
}

static void finish(void *context)
{
	struct sip_call *call = context;

	tmr_cancel(&call->ring);
	call->session = mem_deref(call->session); /* CANCEL or BYE, unless they were first */
	sip_media_close(call);
	if (call->handlers->ended)
		call->handlers->ended(call->context, call->end, call->text);
	sip_call_free(call);
}

void sip_call_end(struct sip_call *call, enum sip_end end, const char *text)
{
	if (call->state == SIP_OVER)
		return;
	call->state = SIP_OVER;
	call->end = end;
	call->text = str_escape(text);
	tmr_start(&call->ending, 0, finish, call);
}

void sip_call_free(struct sip_call *call)
{
	tmr_cancel(&call->ring);
	tmr_cancel(&call->ending);
	list_unlink(&call->le);
	mem_deref(call->session);
	sip_media_close(call);
	mem_deref(call->sdp);
	free(call->uri);
	free(call->branch);
	free(call->text);
	free(call);
}

void sip_call_hang_up(struct sip_call *call)
{
	sip_call_end(call, SIP_END_HUNG_UP, "hung up");
}

void sip_call_key(struct sip_call *call, char key)
{
	if (call->state == SIP_UP && call->handlers->key)
		call->handlers->key(call->context, key);
}

char *sip_call_response_text(const struct sip_msg *message)
{
	return mem_format("%u %.*s", message->scode, (int)message->reason.l, message->reason.p);
}

static void end_by_response(struct sip_call *call, const struct sip_msg *message)
{
	cleanup(cleanup_mem) char *text = sip_call_response_text(message);
	bool is_withheld = (message->scode == 401 || message->scode == 407) && call->sip->password &&
			   !sip_call_is_trusted(call);
	cleanup(cleanup_mem) char *whole =
		is_withheld ? mem_format("%s: the password is for the exchange alone", text) : NULL;

	sip_call_end(call, sip_end_of_response(message->scode, has_rung(call)), whole ? whole : text);
}

static void end_by_error(struct sip_call *call, int error)
{
	cleanup(cleanup_mem) char *text = NULL;

	if (error == ETIMEDOUT)
		text = mem_format("%s does not answer", call->uri);
	else if (error == EDESTADDRREQ)
		text = mem_format("%s: the DNS has no address for that name", call->uri);
	else
		text = mem_format("%s: %s", call->uri, strerror(error));
	sip_call_end(call, SIP_END_UNREACHABLE, text);
}

static void ring_too_long(void *context)
{
	struct sip_call *call = context;
	long long seconds = (call->sip->ring_timeout_ms + 500) / 1000;
	cleanup(cleanup_mem) char *text = NULL;

	if (call->state == SIP_RINGING)
		text = mem_format("rang for %lld s", seconds);
	else if (call->state == SIP_WAITING)
		text = mem_format("registration at %s: no answer within %lld s", call->sip->registrar, seconds);
	else
		text = mem_format("%s did not ring within %lld s", call->uri, seconds);
	sip_call_end(call, call->state == SIP_RINGING ? SIP_END_NO_ANSWER : SIP_END_UNREACHABLE, text);
}

static void start_ring_timer(struct sip_call *call)
{
	tmr_start(&call->ring, (uint64_t)call->sip->ring_timeout_ms, ring_too_long, call);
}

/* 100 says only that the next hop has it; early media (183 with SDP) is let pass by. */
static void progressed(const struct sip_msg *message, void *context)
{
	struct sip_call *call = context;

	if (message->scode < 180 || call->state != SIP_TRYING)
		return;
	call->state = SIP_RINGING;
	start_ring_timer(call);
	if (call->handlers->ringing)
		call->handlers->ringing(call->context);
}

/* The answer to our offer, in the 200. An error has libre hang up. */
static int take_answer(const struct sip_msg *message, void *context)
{
	struct sip_call *call = context;
	struct err e = {0};

	if (sip_sdp_take(call, message, false, &e) == 0)
		return 0;
	sip_call_end(call, SIP_END_REFUSED, e.text);
	return EPROTO;
}

/* Their re-INVITE: hold, another address, or only a sign of life; without SDP they want ours. */
static int take_offer(struct mbuf **body, const struct sip_msg *message, void *context)
{
	struct sip_call *call = context;
	bool has_offer = mbuf_get_left(message->mb) > 0;

	*body = NULL;
	if (has_offer && sip_sdp_take(call, message, true, NULL) < 0)
		return EPROTO;
	return sdp_encode(body, call->sdp, !has_offer);
}

static void established(const struct sip_msg *message, void *context)
{
	struct sip_call *call = context;

	(void)message;
	if (call->state == SIP_OVER)
		return;
	tmr_cancel(&call->ring);
	call->state = SIP_UP;
	sip_pace_start(call);
	if (call->handlers->answered)
		call->handlers->answered(call->context);
}

static void closed(int error, const struct sip_msg *message, void *context)
{
	struct sip_call *call = context;

	if (message && message->scode >= 300)
		end_by_response(call, message);
	else if (call->state == SIP_UP && error == ECONNRESET)
		sip_call_end(call, SIP_END_BYE, "they hung up");
	else
		end_by_error(call, error ? error : ECONNABORTED);
}

bool sip_call_is_trusted(const struct sip_call *call)
{
	const struct sip *sip = call->sip;
	struct sip_uri uri = {0};
	bool is_trusted = false;

	if (sip_uri_parse(call->uri, &uri, NULL) == 0)
		is_trusted = (sip->exchange_host && strcasecmp(uri.host, sip->exchange_host) == 0) ||
			     (sip->registrar_host && strcasecmp(uri.host, sip->registrar_host) == 0);
	sip_uri_done(&uri);
	return is_trusted;
}

/* Whoever a list has us call could try passwords on our answer at leisure, and demand another without end. */
static int authenticate(char **user, char **password, const char *realm, void *context)
{
	const struct sip_call *call = context;

	return sip_call_is_trusted(call) ? sip_authenticate(user, password, realm, call->sip) : EAUTH;
}

static int connect_session(struct sip_call *call)
{
	struct sip *sip = call->sip;
	struct mbuf *offer = NULL;
	int error = sip_media_open(call);

	if (!error)
		error = sip_sdp_offer(call, &offer);
	sip->connecting = call;
	if (!error)
		error = sipsess_connect(&call->session, sip->sessions, call->uri, NULL, sip->from_uri,
					sip->contact, NULL, 0, "application/sdp", offer, authenticate, call,
					false, take_offer, take_answer, progressed, established,
					sip_keys_info, NULL, closed, call, NULL);
	sip->connecting = NULL;
	mem_deref(offer);
	return error;
}

void sip_call_start(struct sip_call *call)
{
	int error = connect_session(call);

	call->state = SIP_TRYING;
	start_ring_timer(call);
	if (error)
		end_by_error(call, error);
}

int sip_call(struct sip *sip, const char *uri, const struct sip_handlers *handlers, void *context,
	     struct sip_call **call, struct err *e)
{
	struct sip_call *made;

	if (sip_check_uri(uri, e) < 0)
		return ERR_USAGE;
	made = mem_zalloc(1, sizeof *made);
	made->sip = sip;
	made->handlers = handlers;
	made->context = context;
	made->uri = mem_string(uri);
	made->state = SIP_WAITING;
	list_append(&sip->calls, &made->le, made);
	*call = made;
	if (!sip->registrar || sip->registered == SIP_REGISTER_DONE) {
		sip_call_start(made);
		return 0;
	}
	start_ring_timer(made);
	sip_register(sip);
	return 0;
}
