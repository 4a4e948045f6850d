/* sip_media.c - the socket of a call's sound: whose packets are taken. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sip_private.h"

enum {
	PORT_TRIES = 32,
	PACKET_MAX_BYTES = 1500,
	COMFORT_NOISE = 13 /* RFC 3389 */
};

static bool is_ours_to_hear(const struct sip_media *media, uint8_t payload)
{
	return payload == 0 || payload == 8 || payload == COMFORT_NOISE || payload == SIP_EVENT_PAYLOAD ||
	       payload == media->event_payload;
}

/* The first packet fixes where the others must come from; see sip.h. */
static bool is_from_peer(struct sip_media *media, const struct sa *from)
{
	if (sa_isset(&media->source, SA_ADDR))
		return sa_cmp(from, &media->source, SA_ALL);
	if (!sa_cmp(from, &media->named, SA_ADDR) && !sa_cmp(from, &media->signalling, SA_ADDR))
		return false;
	media->source = *from;
	return true;
}

static void received(const struct sa *from, struct mbuf *packet, void *context)
{
	struct sip_call *call = context;
	struct rtp_header header;

	if (rtp_hdr_decode(&header, packet) || header.ver != RTP_VERSION ||
	    !is_ours_to_hear(&call->media, header.pt) || !sa_isset(&call->media.named, SA_ADDR) ||
	    !is_from_peer(&call->media, from))
		return;
	call->media.received++;
	if (header.pt >= 96)
		sip_keys_rtp(call, &header, packet);
	sip_pace_send_due(call->sip);
}

/* A free even port (RFC 3550, 11) of the kernel's ephemeral range; odd ones are held until one is found, or they would come again. */
int sip_media_open(struct sip_call *call)
{
	struct udp_sock *odd[PORT_TRIES];
	struct sip_media *media = &call->media;
	size_t tried = 0;
	int error = 0;

	media->local = call->sip->address;
	while (!media->socket && !error) {
		struct udp_sock *socket = NULL;
		sa_set_port(&media->local, 0);
		error = udp_listen(&socket, &media->local, received, call);
		if (!error)
			error = udp_local_get(socket, &media->local);
		if (!error && (sa_port(&media->local) % 2 == 0 || tried == PORT_TRIES))
			media->socket = socket;
		else if (socket && tried < PORT_TRIES)
			odd[tried++] = socket;
	}
	while (tried > 0)
		mem_deref(odd[--tried]);
	if (error)
		return error;
	udp_rxsz_set(media->socket, PACKET_MAX_BYTES);
	sa_init(&media->named, AF_UNSPEC);
	sa_init(&media->source, AF_UNSPEC);
	media->event_payload = SIP_EVENT_PAYLOAD;
	return 0;
}

void sip_media_close(struct sip_call *call)
{
	sip_pace_stop(call);
	call->media.socket = mem_deref(call->media.socket);
	free(call->media.samples);
	call->media.samples = NULL;
}

void sip_call_play(struct sip_call *call, const int16_t *samples, size_t count)
{
	struct sip_media *media = &call->media;

	free(media->samples);
	media->samples = count > 0 ? mem_copy(samples, count * sizeof *samples) : NULL;
	media->count = count;
	media->next = 0;
}

uint64_t sip_call_received(const struct sip_call *call)
{
	return call->media.received;
}
