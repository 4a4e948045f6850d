/* sip_keys.c - keys that the callee presses: RTP events (RFC 4733), or SIP INFO where there are none. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "sip_private.h"

enum {
	EVENT_SIZE = 4, /* RFC 4733, 2.3: event, E R volume, duration (2 bytes) */
	EVENT_END_BIT = 0x80,
	REPEAT_SAMPLES = 800,     /* 100 ms: nobody lets go of a key and presses it again so fast */
	SEGMENT_SAMPLES = 0xFFFF, /* RFC 4733, 2.5.1.3: a longer press goes on as a new event */
	INFO_MAX_BYTES = 256
};

static const char KEYS[] = "0123456789*#ABCD"; /* RFC 4733, 3.2: events 0 to 15 */

/*
 * Whether the packet is about a press that was counted already. The packets of
 * an event have the same timestamp, the end comes three times, and packets
 * may be late or lost: so the first packet of a timestamp counts, whichever
 * it is. Timestamps that grow within one event (some phones do so), and the
 * segments of a very long one, are told by the event not having ended.
 */
static bool is_known(const struct sip_keys *keys, const struct rtp_header *header, uint8_t event)
{
	uint32_t since = header->ts - keys->timestamp;

	if (keys->way != SIP_KEYS_RTP || header->ssrc != keys->source)
		return false;
	if (since == 0 || since > UINT32_MAX / 2)
		return true;
	return event == keys->event && !keys->is_over && !header->m &&
	       (since <= REPEAT_SAMPLES || since == SEGMENT_SAMPLES);
}

void sip_keys_rtp(struct sip_call *call, const struct rtp_header *header, struct mbuf *payload)
{
	struct sip_keys *keys = &call->keys;
	bool is_new, is_end;
	uint8_t event;

	if (mbuf_get_left(payload) < EVENT_SIZE || keys->way == SIP_KEYS_INFO)
		return;
	event = mbuf_buf(payload)[0];
	is_end = mbuf_buf(payload)[1] & EVENT_END_BIT;
	if (event >= strlen(KEYS))
		return;
	is_new = !is_known(keys, header, event);
	if (!is_new && header->ts - keys->timestamp > UINT32_MAX / 2)
		return;
	keys->is_over = is_end || (!is_new && header->ts == keys->timestamp && keys->is_over);
	keys->way = SIP_KEYS_RTP;
	keys->source = header->ssrc;
	keys->timestamp = header->ts;
	keys->event = event;
	if (is_new)
		sip_call_key(call, KEYS[event]);
}

/* The key of "Signal=5\r\nDuration=160" (application/dtmf-relay) or of "5" (application/dtmf); 0 if there is none. */
static char key_of_body(const char *body, bool is_relay)
{
	const char *text = body;
	size_t length;

	if (is_relay) {
		text = strcasestr(body, "signal");
		if (!text)
			return 0;
		text += strlen("signal");
		text += strspn(text, " \t");
		if (*text++ != '=')
			return 0;
	}
	text += strspn(text, " \t");
	length = strcspn(text, " \t\r\n;");
	if (length == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5')
		return KEYS[10 + (text[1] - '0')];
	if (length != 1)
		return 0;
	char key = (char)(text[0] >= 'a' && text[0] <= 'd' ? text[0] - 'a' + 'A' : text[0]);
	return strchr(KEYS, key) ? key : 0;
}

void sip_keys_info(struct libre_sip *stack, const struct sip_msg *message, void *context)
{
	struct sip_call *call = context;
	struct sip_keys *keys = &call->keys;
	bool is_relay = msg_ctype_cmp(&message->ctyp, "application", "dtmf-relay");
	char body[INFO_MAX_BYTES] = "";
	size_t length = mbuf_get_left(message->mb);
	char key;

	if (!is_relay && !msg_ctype_cmp(&message->ctyp, "application", "dtmf")) {
		(void)sip_reply(stack, message, 415, "Unsupported Media Type");
		return;
	}
	if (length >= sizeof body)
		length = sizeof body - 1;
	memcpy(body, mbuf_buf(message->mb), length);
	(void)sip_reply(stack, message, 200, "OK");
	key = key_of_body(body, is_relay);
	/* A repeated request (our answer was lost) has the number of the first. */
	if (!key || keys->way == SIP_KEYS_RTP ||
	    (keys->way == SIP_KEYS_INFO && message->cseq.num == keys->info_number))
		return;
	keys->way = SIP_KEYS_INFO;
	keys->info_number = message->cseq.num;
	sip_call_key(call, key);
}
