/*
 * sip_pace.c - when whose packet goes out.
 *
 * One timer of the kernel's ticks every 5 ms; each call sends at every fourth tick, and calls are spread over the
 * four, so that a packet waits for at most a quarter of the others. The schedule is absolute (CLOCK_MONOTONIC): a late
 * tick makes no later one late. What others sent may have come for all calls at once: between two such packets we look
 * whether ours are due, too.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>

#include "mem.h"
#include "sip_private.h"
#include "when.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <rem/rem_g711.h>
#pragma GCC diagnostic pop

enum { SLOTS = 4 };

static const int64_t TICK_NS = 5000000;
static const int64_t BEHIND_NS = 100000000; /* more than that is not made up for in a burst: time is skipped */
static const int64_t SECOND_NS = 1000000000;

static int16_t next_sample(struct sip_media *media)
{
	int16_t sample = media->samples && !media->is_held && media->next < media->count
				 ? media->samples[media->next++]
				 : 0;

	return sample == INT16_MIN ? -INT16_MAX : sample; /* librem's tables have no place for the lowest */
}

static void encode(struct sip_media *media, uint8_t *bytes)
{
	for (size_t i = 0; i < SIP_PACKET_SAMPLES; i++) {
		int16_t sample = next_sample(media);
		bytes[i] = media->payload == 8 ? g711_pcm2alaw(sample) : g711_pcm2ulaw(sample);
	}
}

static const struct sa *destination(const struct sip_media *media)
{
	bool is_elsewhere = sa_isset(&media->source, SA_ADDR) && !sa_cmp(&media->source, &media->named, SA_ADDR);

	return is_elsewhere ? &media->source : &media->named;
}

static void tell_if_played(struct sip_call *call)
{
	struct sip_media *media = &call->media;

	if (!media->samples || media->next < media->count)
		return;
	free(media->samples);
	media->samples = NULL;
	if (call->handlers->played)
		call->handlers->played(call->context);
}

static void send_packet(struct sip_call *call, struct mbuf *packet)
{
	struct sip_media *media = &call->media;
	struct rtp_header header = {
		.ver = RTP_VERSION,
		.m = media->is_marked,
		.pt = media->payload,
		.seq = media->sequence++,
		.ts = media->timestamp,
		.ssrc = media->ssrc,
	};

	media->timestamp += SIP_PACKET_SAMPLES;
	if (media->is_held) { /* sequence numbers tell of loss, so none is used up */
		media->sequence--;
		media->is_marked = true;
		return;
	}
	packet->pos = packet->end = 0;
	if (rtp_hdr_encode(packet, &header))
		return;
	encode(media, packet->buf + packet->pos);
	packet->end = packet->pos + SIP_PACKET_SAMPLES;
	packet->pos = 0;
	/* A packet that cannot be sent is as one that is lost on the way: what counts is whether a key comes back. */
	(void)udp_send(media->socket, destination(media), packet);
	media->is_marked = false;
	tell_if_played(call);
}

static void send_slot(struct sip *sip)
{
	struct le *le = list_head(&sip->calls);

	while (le) {
		struct sip_call *call = le->data;
		le = le->next;
		if (call->media.is_sending && call->media.slot == sip->pace.slot)
			send_packet(call, sip->pace.packet);
	}
}

/* We were not running for a while: who listens has heard the silence already. */
static void skip(struct sip *sip, int64_t behind_ns)
{
	int64_t packets = behind_ns / (SLOTS * TICK_NS);

	sip->pace.next_ns += packets * SLOTS * TICK_NS;
	for (struct le *le = list_head(&sip->calls); le; le = le->next) {
		struct sip_call *call = le->data;
		call->media.timestamp += (uint32_t)packets * SIP_PACKET_SAMPLES;
		call->media.is_marked = true;
	}
}

void sip_pace_send_due(struct sip *sip)
{
	struct sip_pace *pace = &sip->pace;
	int64_t now = when_monotonic_ns();

	if (pace->running > 0 && now - pace->next_ns > BEHIND_NS)
		skip(sip, now - pace->next_ns);
	while (pace->running > 0 && pace->next_ns <= now) {
		send_slot(sip);
		pace->slot = (pace->slot + 1) % SLOTS;
		pace->next_ns += TICK_NS;
	}
}

static void tick(int flags, void *context)
{
	struct sip *sip = context;
	uint64_t expirations;

	(void)flags;
	if (read(sip->pace.timer, &expirations, sizeof expirations) > 0)
		sip_pace_send_due(sip);
}

int sip_pace_open(struct sip *sip, struct err *e)
{
	struct sip_pace *pace = &sip->pace;
	int error;

	pace->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (pace->timer < 0)
		return err_set_errno(e, ERR_ENV, errno, "timer");
	pace->packet = mbuf_alloc(SIP_RTP_HEADER + SIP_PACKET_SAMPLES);
	if (!pace->packet)
		mem_exhausted();
	error = fd_listen(pace->timer, FD_READ, tick, sip);
	return error ? err_set_errno(e, ERR_ENV, error, "timer") : 0;
}

void sip_pace_close(struct sip *sip)
{
	struct sip_pace *pace = &sip->pace;

	if (pace->timer >= 0) {
		fd_close(pace->timer);
		close(pace->timer);
	}
	pace->timer = -1;
	pace->packet = mem_deref(pace->packet);
}

static void set_timer(struct sip_pace *pace, int64_t first_ns)
{
	struct itimerspec times = {0};

	if (first_ns) {
		times.it_value.tv_sec = first_ns / SECOND_NS;
		times.it_value.tv_nsec = first_ns % SECOND_NS;
		times.it_interval.tv_nsec = TICK_NS;
	}
	/* Can only fail for times that make none. */
	(void)timerfd_settime(pace->timer, TFD_TIMER_ABSTIME, &times, NULL);
}

static unsigned emptiest_slot(const struct sip *sip)
{
	size_t calls[SLOTS] = {0};
	unsigned best = 0;

	for (struct le *le = list_head(&sip->calls); le; le = le->next) {
		const struct sip_call *call = le->data;
		if (call->media.is_sending)
			calls[call->media.slot]++;
	}
	for (unsigned i = 1; i < SLOTS; i++)
		if (calls[i] < calls[best])
			best = i;
	return best;
}

void sip_pace_start(struct sip_call *call)
{
	struct sip_pace *pace = &call->sip->pace;
	struct sip_media *media = &call->media;

	media->slot = emptiest_slot(call->sip);
	media->sequence = rand_u16() & 0x7FFF;
	media->timestamp = rand_u32();
	media->ssrc = rand_u32();
	media->is_marked = true;
	media->is_sending = true;
	if (pace->running++ > 0)
		return;
	pace->next_ns = when_monotonic_ns() + TICK_NS;
	set_timer(pace, pace->next_ns);
}

void sip_pace_stop(struct sip_call *call)
{
	struct sip_pace *pace = &call->sip->pace;

	if (!call->media.is_sending)
		return;
	call->media.is_sending = false;
	if (--pace->running == 0)
		set_timer(pace, 0);
}
