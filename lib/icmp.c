/* icmp.c - echo requests to many addresses, and which of them came back in time. */
#include "config.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
/* After netinet/in.h, which it would else contradict. */
#include <linux/icmp.h>

#include "icmp.h"
#include "icmp_private.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum {
	SWEEP_MAX = 1 << 17, /* packets looked at before the caller gets to send again */
	FLIGHT_INITIAL = 256,
	SEND_TRIES = 4,
	NONCES = 128
};

static const int64_t NANOSECOND_PER_SECOND = 1000000000;
static const int64_t STALL_NS = 10000000; /* no batch takes so long to send: we were not running */

enum flight_state { FLIGHT_WAITING, FLIGHT_SETTLED };

/* A request on its way. */
struct flight {
	uint64_t nonce;
	int64_t sent_ns;
	uint32_t target;
	uint8_t state;
};

enum sweep { SWEEP_START, SWEEP_RECEIVE, SWEEP_EXPIRE };

struct icmp {
	struct icmp_channel channels[2];
	struct icmp_address *targets;
	size_t target_count;
	int64_t timeout_ns;

	/* A ring: the requests from OLDEST up to, not including, NEXT. */
	struct flight *flights;
	size_t flight_mask;
	uint64_t oldest;
	uint64_t next;
	uint64_t blind_before; /* requests below this number may have been answered into a full buffer */
	VEC(struct icmp_outcome) failed;
	size_t failed_next;

	enum sweep sweep;
	int64_t sweep_ns;   /* when this sweep began */
	int64_t batch_ns;   /* when the packets at hand were taken from the socket */
	int64_t drained_ns; /* when the sockets were last found empty */
	size_t sweep_channel;
	size_t received;
	size_t received_next;
	size_t looked_at;
	int64_t realtime_offset_ns;

	uint64_t nonces[NONCES];
	size_t nonces_left;
};

MEM_DEFINE_CLEANUP(struct icmp, icmp_free)

void cleanup_icmp(struct icmp **icmp)
{
	icmp_free(*icmp);
}

int icmp_open(struct icmp **icmp, struct err *e)
{
	cleanup(cleanup_icmp_free) struct icmp *opened = mem_zalloc(1, sizeof *opened);
	uint16_t id;

	opened->timeout_ns = NANOSECOND_PER_SECOND;
	opened->flights = mem_zalloc(FLIGHT_INITIAL, sizeof *opened->flights);
	opened->flight_mask = FLIGHT_INITIAL - 1;
	opened->drained_ns = when_monotonic_ns();
	for (size_t i = 0; i < 2; i++)
		opened->channels[i].fd = opened->channels[i].send_fd = -1;
	if (getrandom(&id, sizeof id, 0) != sizeof id || getrandom(&opened->next, sizeof opened->next / 2, 0) < 0)
		return err_set_errno(e, ERR_ENV, errno, "random numbers");
	opened->oldest = opened->next;
	bool v4 = icmp_open_channel(&opened->channels[0], AF_INET, id) == 0;
	bool v6 = icmp_open_channel(&opened->channels[1], AF_INET6, id) == 0;
	if (!v4 && !v6)
		return err_set_errno(e, ERR_ENV, opened->channels[0].socket_error,
				     "ICMP socket (cap_net_raw or net.ipv4.ping_group_range is needed)");
	*icmp = opened;
	opened = NULL;
	return 0;
}

void icmp_free(struct icmp *icmp)
{
	if (!icmp)
		return;
	for (size_t i = 0; i < 2; i++) {
		if (icmp->channels[i].send_fd != icmp->channels[i].fd)
			cleanup_fd(&icmp->channels[i].send_fd);
		cleanup_fd(&icmp->channels[i].fd);
	}
	free(icmp->targets);
	free(icmp->flights);
	vec_done(&icmp->failed);
	free(icmp);
}

void icmp_set_targets(struct icmp *icmp, const struct icmp_address *addresses, size_t count)
{
	free(icmp->targets);
	icmp->targets = count > 0 ? mem_copy(addresses, count * sizeof *addresses) : NULL;
	icmp->target_count = count;
	icmp->oldest = icmp->next;
	icmp->channels[0].queued = icmp->channels[1].queued = 0;
	icmp->failed.count = icmp->failed_next = 0;
}

void icmp_set_timeout(struct icmp *icmp, int64_t timeout_ns)
{
	icmp->timeout_ns = timeout_ns;
}

void icmp_descriptors(const struct icmp *icmp, int descriptors[2])
{
	descriptors[0] = icmp->channels[0].fd;
	descriptors[1] = icmp->channels[1].fd;
}

static struct flight *flight_of(const struct icmp *icmp, uint64_t number)
{
	return &icmp->flights[number & icmp->flight_mask];
}

static void grow_flights(struct icmp *icmp)
{
	size_t capacity = 2 * (icmp->flight_mask + 1);
	struct flight *grown = mem_zalloc(capacity, sizeof *grown);

	for (uint64_t number = icmp->oldest; number != icmp->next; number++)
		grown[number & (capacity - 1)] = *flight_of(icmp, number);
	free(icmp->flights);
	icmp->flights = grown;
	icmp->flight_mask = capacity - 1;
}

static uint64_t take_nonce(struct icmp *icmp)
{
	if (icmp->nonces_left == 0) {
		/* At most 256 bytes come whole or, early at boot only, not at all (getrandom(2)). */
		for (size_t i = 0; i < sizeof icmp->nonces; i += 256)
			while (getrandom((char *)icmp->nonces + i, 256, 0) != 256)
				;
		icmp->nonces_left = NONCES;
	}
	return icmp->nonces[--icmp->nonces_left];
}

/* RFC 1071. IPv6 and datagram sockets compute their own; a raw IPv4 socket does not. */
static uint16_t checksum(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2) {
		uint16_t word;
		memcpy(&word, bytes + i, sizeof word);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)~sum;
}

static void fail_flight(struct icmp *icmp, uint64_t number, int errnum)
{
	struct flight *flight = flight_of(icmp, number);

	flight->state = FLIGHT_SETTLED;
	vec_push(&icmp->failed, (struct icmp_outcome){.target = flight->target,
						      .result = ICMP_BLIND,
						      .errnum = errnum,
						      .sent_ns = flight->sent_ns});
}

/* What tells of the target's side of the network stays waited for, and is lost in its time. */
static bool is_about_target(int errnum)
{
	return errnum == EHOSTUNREACH || errnum == EHOSTDOWN || errnum == ECONNREFUSED;
}

/* One message that the batch stopped at. More than one try, because an error left on the socket by an earlier packet is reported once. */
static void send_single(struct icmp *icmp, struct icmp_channel *channel, size_t index)
{
	for (int tries = 0; tries < SEND_TRIES; tries++)
		if (sendmsg(channel->send_fd, &channel->send[index].msg_hdr, MSG_DONTWAIT) >= 0)
			return;
	if (!is_about_target(errno))
		fail_flight(icmp, channel->numbers[index], errno);
}

/*
 * The system call takes its time over a batch; a round trip must not include that of the others. Where we
 * were held up meanwhile, nobody knows when each went out: as late as can be, for no reply is late by our fault.
 */
static void spread_sent(struct icmp *icmp, const struct icmp_channel *channel, size_t count, int64_t begin_ns)
{
	int64_t took_ns = when_monotonic_ns() - begin_ns;

	if (took_ns > STALL_NS) {
		begin_ns += took_ns;
		took_ns = 0;
	}
	for (size_t i = 0; i < count; i++)
		flight_of(icmp, channel->numbers[i])->sent_ns = begin_ns + (int64_t)i * took_ns / (int64_t)count;
}

static void flush_channel(struct icmp *icmp, struct icmp_channel *channel)
{
	size_t count = channel->queued;
	size_t done = 0;
	int64_t begin_ns = when_monotonic_ns();

	channel->queued = 0;
	for (size_t i = 0; i < count; i++)
		flight_of(icmp, channel->numbers[i])->sent_ns = begin_ns;
	while (done < count) {
		int sent = sendmmsg(channel->send_fd, channel->send + done, (unsigned)(count - done),
				    MSG_DONTWAIT);
		if (sent > 0)
			done += (size_t)sent;
		else
			send_single(icmp, channel, done++);
	}
	spread_sent(icmp, channel, count, begin_ns);
}

void icmp_flush(struct icmp *icmp)
{
	for (size_t i = 0; i < 2; i++)
		if (icmp->channels[i].queued > 0)
			flush_channel(icmp, &icmp->channels[i]);
}

void icmp_send(struct icmp *icmp, uint32_t target)
{
	const struct icmp_address *address = &icmp->targets[target];
	struct icmp_channel *channel = &icmp->channels[address->family == AF_INET ? 0 : 1];

	if (icmp->next - icmp->oldest > icmp->flight_mask)
		grow_flights(icmp);
	uint64_t number = icmp->next++;
	struct flight *flight = flight_of(icmp, number);
	*flight = (struct flight){.nonce = take_nonce(icmp), .sent_ns = INT64_MAX, .target = target};
	if (channel->fd < 0) {
		flight->sent_ns = when_monotonic_ns();
		fail_flight(icmp, number, channel->socket_error);
		return;
	}
	size_t i = channel->queued++;
	struct icmp_request *request = &channel->requests[i];
	*request = (struct icmp_request){
		.type = address->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
		.id = channel->id,
		.sequence = htons((uint16_t)number),
		.number = number,
		.nonce = flight->nonce,
	};
	if (address->family == AF_INET)
		request->checksum = checksum(request, sizeof *request);
	channel->numbers[i] = number;
	channel->send[i].msg_hdr.msg_namelen = icmp_fill_endpoint(address, 0, &channel->to[i]);
	if (channel->queued == ICMP_SEND_BATCH)
		flush_channel(icmp, channel);
}

static bool comes_from(const struct icmp_address *address, const union icmp_endpoint *from)
{
	if (from->any.sa_family != address->family)
		return false;
	if (address->family == AF_INET)
		return memcmp(&from->v4.sin_addr, address->bytes, 4) == 0;
	return memcmp(&from->v6.sin6_addr, address->bytes, 16) == 0 &&
	       (address->scope == 0 || from->v6.sin6_scope_id == address->scope);
}

/* Finds the echo reply inside what the socket gave; a raw IPv4 socket puts the IP header first. */
static bool read_reply(const struct icmp_channel *channel, const char *data, size_t length,
		       struct icmp_request *reply)
{
	uint8_t expected = channel->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;

	if (channel->raw && channel->family == AF_INET) {
		size_t header = length > 0 ? 4 * (size_t)((unsigned char)data[0] & 0x0F) : 0;
		if (header < 20 || header > length)
			return false;
		data += header;
		length -= header;
	}
	if (length != sizeof *reply)
		return false;
	memcpy(reply, data, sizeof *reply);
	return reply->type == expected && reply->code == 0;
}

/* Reads what the kernel noted about a packet: when it came (0: not said), and that others were dropped before it. */
static int64_t read_control(struct icmp *icmp, struct icmp_channel *channel, struct msghdr *message)
{
	int64_t arrived = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec stamp;
			memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
			arrived = (int64_t)stamp.tv_sec * NANOSECOND_PER_SECOND + stamp.tv_nsec;
		} else if (c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t overruns;
			memcpy(&overruns, CMSG_DATA(c), sizeof overruns);
			if (overruns != channel->overruns)
				icmp->blind_before = icmp->next;
			channel->overruns = overruns;
		}
	}
	return arrived;
}

/*
 * The time stamp is wall time, which may be stepped: it is moved to the
 * monotonic clock and held within what must be true, since the socket was
 * empty at the end of the last sweep and the packet is here now.
 */
static int64_t arrival_ns(const struct icmp *icmp, int64_t stamp_ns)
{
	int64_t arrived = stamp_ns - icmp->realtime_offset_ns;

	if (stamp_ns == 0 || arrived > icmp->batch_ns)
		return icmp->batch_ns;
	return arrived < icmp->drained_ns ? icmp->drained_ns : arrived;
}

static bool take_reply(struct icmp *icmp, struct icmp_channel *channel, size_t index, struct icmp_outcome *outcome)
{
	struct msghdr *message = &channel->receive[index].msg_hdr;
	int64_t stamp_ns = read_control(icmp, channel, message);
	struct icmp_request reply;

	if (!read_reply(channel, channel->data[index], channel->receive[index].msg_len, &reply))
		return false;
	if (reply.number - icmp->oldest >= icmp->next - icmp->oldest)
		return false;
	struct flight *flight = flight_of(icmp, reply.number);
	if (flight->state != FLIGHT_WAITING || flight->nonce != reply.nonce ||
	    !comes_from(&icmp->targets[flight->target], &channel->from[index]))
		return false;
	int64_t rtt_ns = arrival_ns(icmp, stamp_ns) - flight->sent_ns;
	if (rtt_ns > icmp->timeout_ns)
		return false;
	flight->state = FLIGHT_SETTLED;
	*outcome = (struct icmp_outcome){
		.target = flight->target,
		.result = ICMP_ANSWERED,
		.sent_ns = flight->sent_ns,
		.rtt_us = rtt_ns < 1000 ? 1 : (uint32_t)(rtt_ns / 1000),
	};
	return true;
}

static void receive_batch(struct icmp *icmp, struct icmp_channel *channel)
{
	for (size_t i = 0; i < ICMP_RECEIVE_BATCH; i++) {
		channel->receive[i].msg_hdr.msg_namelen = sizeof channel->from[i];
		channel->receive[i].msg_hdr.msg_controllen = ICMP_CONTROL_SIZE;
	}
	int count = recvmmsg(channel->fd, channel->receive, ICMP_RECEIVE_BATCH, MSG_DONTWAIT, NULL);
	icmp->received = count > 0 ? (size_t)count : 0;
	icmp->received_next = 0;
	icmp->looked_at += icmp->received;
	if (icmp->received == 0)
		return;
	icmp->batch_ns = when_monotonic_ns();
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	icmp->realtime_offset_ns = (int64_t)wall.tv_sec * NANOSECOND_PER_SECOND + wall.tv_nsec - icmp->batch_ns;
}

/* 1 with an answer; 0 when both sockets are empty. */
static int next_answer(struct icmp *icmp, struct icmp_outcome *outcome)
{
	while (icmp->sweep_channel < 2) {
		struct icmp_channel *channel = &icmp->channels[icmp->sweep_channel];
		while (icmp->received_next < icmp->received)
			if (take_reply(icmp, channel, icmp->received_next++, outcome))
				return 1;
		bool more = icmp->received == ICMP_RECEIVE_BATCH || icmp->received == 0;
		icmp->received = icmp->received_next = 0;
		if (more && channel->fd >= 0 && icmp->looked_at < SWEEP_MAX)
			receive_batch(icmp, channel);
		if (icmp->received == 0)
			icmp->sweep_channel++;
	}
	return 0;
}

/* 1 with a request whose time ran out before the sockets were found empty. */
static int next_expired(struct icmp *icmp, int64_t before_ns, struct icmp_outcome *outcome)
{
	while (icmp->oldest != icmp->next) {
		struct flight *flight = flight_of(icmp, icmp->oldest);
		if (flight->state == FLIGHT_WAITING &&
		    (flight->sent_ns == INT64_MAX || flight->sent_ns + icmp->timeout_ns > before_ns))
			return 0;
		uint64_t number = icmp->oldest++;
		if (flight->state == FLIGHT_SETTLED)
			continue;
		bool blind = number < icmp->blind_before;
		*outcome = (struct icmp_outcome){
			.target = flight->target,
			.result = blind ? ICMP_BLIND : ICMP_LOST,
			.errnum = blind ? ENOBUFS : 0,
			.sent_ns = flight->sent_ns,
		};
		return 1;
	}
	return 0;
}

static void begin_sweep(struct icmp *icmp)
{
	icmp->sweep = SWEEP_RECEIVE;
	icmp->sweep_channel = icmp->received = icmp->received_next = icmp->looked_at = 0;
	icmp->sweep_ns = when_monotonic_ns();
}

int icmp_next(struct icmp *icmp, struct icmp_outcome *outcome)
{
	if (icmp->failed_next < icmp->failed.count) {
		*outcome = icmp->failed.items[icmp->failed_next++];
		return 1;
	}
	icmp->failed.count = icmp->failed_next = 0;
	if (icmp->sweep == SWEEP_START)
		begin_sweep(icmp);
	if (icmp->sweep == SWEEP_RECEIVE) {
		if (next_answer(icmp, outcome))
			return 1;
		if (icmp->looked_at < SWEEP_MAX)
			icmp->drained_ns = icmp->sweep_ns;
		icmp->sweep = SWEEP_EXPIRE;
	}
	if (icmp->looked_at < SWEEP_MAX && next_expired(icmp, icmp->drained_ns, outcome))
		return 1;
	icmp->sweep = SWEEP_START;
	return 0;
}

int64_t icmp_deadline(const struct icmp *icmp)
{
	for (uint64_t number = icmp->oldest; number != icmp->next; number++) {
		const struct flight *flight = flight_of(icmp, number);
		if (flight->state == FLIGHT_WAITING && flight->sent_ns != INT64_MAX)
			return flight->sent_ns + icmp->timeout_ns;
	}
	return INT64_MAX;
}
