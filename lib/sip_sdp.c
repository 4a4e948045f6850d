/* sip_sdp.c - what is offered in SDP (RFC 4566, RFC 3264), and what is believed of theirs. */
#include "config.h"

#include <string.h>

#include "mem.h"
#include "sip_private.h"

/* Whether sound may be sent to ADDRESS: a single host that can be reached from LOCAL. */
static bool is_callable_address(const struct sa *address, const struct sa *local)
{
	const unsigned char *bytes;

	if (sa_af(address) != sa_af(local) || sa_is_any(address) || sa_port(address) == 0)
		return false;
	if (sa_is_loopback(address) && !sa_is_loopback(local))
		return false;
	if (sa_af(address) == AF_INET6)
		return address->u.in6.sin6_addr.s6_addr[0] != 0xFF;
	bytes = (const unsigned char *)&address->u.in.sin_addr;
	return bytes[0] < 224 && bytes[0] != 0; /* 224/4 multicast, 240/4 reserved and broadcast */
}

static int make(struct sip_call *call)
{
	struct sdp_media *audio;
	int error = sdp_session_alloc(&call->sdp, &call->media.local);

	if (error)
		return error;
	error = sdp_media_add(&audio, call->sdp, sdp_media_audio, sa_port(&call->media.local), sdp_proto_rtpavp);
	if (error)
		return error;
	call->audio = audio;
	error = sdp_format_add(NULL, audio, false, "0", "PCMU", SIP_RATE, 1, NULL, NULL, NULL, false, NULL);
	error |= sdp_format_add(NULL, audio, false, "8", "PCMA", SIP_RATE, 1, NULL, NULL, NULL, false, NULL);
	error |= sdp_format_add(NULL, audio, false, "101", "telephone-event", SIP_RATE, 1, NULL, NULL, NULL,
				false, "0-15");
	return error | sdp_media_set_lattr(audio, true, "ptime", "20");
}

int sip_sdp_offer(struct sip_call *call, struct mbuf **body)
{
	int error = call->sdp ? 0 : make(call);

	return error ? error : sdp_encode(body, call->sdp, true);
}

static bool is_named(const struct sdp_format *format, const char *name, int payload)
{
	return format->name ? str_casecmp(format->name, name) == 0 : format->pt == payload;
}

/* The first codec of theirs that is ours too: they list them by preference. */
static bool take_formats(struct sip_call *call)
{
	const struct list *formats = sdp_media_format_lst(call->audio, false);
	bool found = false;

	call->media.event_payload = SIP_EVENT_PAYLOAD;
	for (struct le *le = list_head(formats); le; le = le->next) {
		const struct sdp_format *format = le->data;
		if (!format->sup)
			continue;
		if (is_named(format, "telephone-event", SIP_EVENT_PAYLOAD) && format->pt >= 96)
			call->media.event_payload = (uint8_t)format->pt;
		if (!found && ((is_named(format, "PCMU", 0) && format->pt == 0) ||
			       (is_named(format, "PCMA", 8) && format->pt == 8))) {
			call->media.payload = (uint8_t)format->pt;
			found = true;
		}
	}
	return found;
}

/* Their SDP says 0.0.0.0 (RFC 2543), sendonly or inactive (RFC 3264, 8.4) while the call is held. */
static bool is_hold(const struct sip_call *call)
{
	return sa_is_any(sdp_media_raddr(call->audio)) || !(sdp_media_dir(call->audio) & SDP_SENDONLY);
}

int sip_sdp_take(struct sip_call *call, const struct sip_msg *message, bool is_offer, struct err *e)
{
	struct sip_media *media = &call->media;
	const struct sa *address;
	int error;

	if (mbuf_get_left(message->mb) == 0)
		return err_set(e, ERR_PERMANENT, "no SDP");
	error = sdp_decode(call->sdp, message->mb, is_offer);
	if (error)
		return err_set_errno(e, ERR_PERMANENT, error, "SDP that cannot be read");
	if (sdp_media_rport(call->audio) == 0)
		return err_set(e, ERR_PERMANENT, "SDP without audio");
	if (!take_formats(call))
		return err_set(e, ERR_PERMANENT, "no common codec: neither PCMU nor PCMA");
	address = sdp_media_raddr(call->audio);
	media->is_held = is_hold(call);
	if (media->is_held)
		return 0;
	if (!is_callable_address(address, &media->local))
		return err_set(e, ERR_PERMANENT, "SDP with an address that no sound can be sent to");
	media->named = *address;
	media->signalling = message->src;
	sa_init(&media->source, AF_UNSPEC);
	return 0;
}
