/* icmp.c - echo requests to many addresses, and which of them came back in time. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
/* After net/if.h, which they would else contradict. */
#include <linux/filter.h>
#include <linux/icmp.h>

#include "icmp.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum {
	SEND_BATCH = 64,
	RECEIVE_BATCH = 64,
	RECEIVE_SIZE = 128,  /* the longest IPv4 header and a request of ours fit */
	CONTROL_SIZE = 96,   /* SCM_TIMESTAMPNS and SO_RXQ_OVFL */
	SWEEP_MAX = 1 << 17, /* packets looked at before the caller gets to send again */
	RECEIVE_BUFFER = 32 << 20,
	SEND_BUFFER = 1 << 20,
	FLIGHT_INITIAL = 256,
	NONCES = 128
};

static const int64_t NANOSECOND_PER_SECOND = 1000000000;

/* RFC 792, RFC 4443: both families share this header. */
struct request {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id;
	uint16_t sequence;
	uint64_t number; /* which request, never used twice */
	uint64_t nonce;
};

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* One socket and its batches. */
struct channel {
	int fd; /* -1: there is none, and SOCKET_ERROR says why */
	int socket_error;
	int family;
	bool raw;
	uint16_t id; /* network order */
	uint32_t overruns;
	size_t queued;
	uint64_t numbers[SEND_BATCH];
	struct request requests[SEND_BATCH];
	union endpoint to[SEND_BATCH];
	struct iovec send_parts[SEND_BATCH];
	struct mmsghdr send[SEND_BATCH];
	union endpoint from[RECEIVE_BATCH];
	struct iovec receive_parts[RECEIVE_BATCH];
	struct mmsghdr receive[RECEIVE_BATCH];
	char data[RECEIVE_BATCH][RECEIVE_SIZE];
	_Alignas(struct cmsghdr) char control[RECEIVE_BATCH][CONTROL_SIZE];
};

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
	struct channel channels[2];
	struct icmp_address *targets;
	size_t target_count;
	int64_t timeout_ns;

	/* A ring: the requests from OLDEST up to, not including, NEXT. */
	struct flight *flights;
	size_t flight_mask;
	uint64_t oldest;
	uint64_t next;
	uint64_t
	    blind_before; /* requests below this number may have been answered into a full buffer */
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

int icmp_address_parse(const char *text, struct icmp_address *address, struct err *e)
{
	struct icmp_address parsed = {.family = AF_INET};
	char plain[INET6_ADDRSTRLEN];
	const char *percent = strchr(text, '%');
	size_t length = percent ? (size_t)(percent - text) : strlen(text);

	if (!percent && inet_pton(AF_INET, text, parsed.bytes) == 1) {
		*address = parsed;
		return 0;
	}
	if (length >= sizeof plain)
		return err_set(e, ERR_USAGE, "'%.64s' is not an address", text);
	memcpy(plain, text, length);
	plain[length] = '\0';
	parsed.family = AF_INET6;
	if (inet_pton(AF_INET6, plain, parsed.bytes) != 1)
		return err_set(e, ERR_USAGE, "'%.64s' is not an address", text);
	if (percent) {
		parsed.scope = if_nametoindex(percent + 1);
		if (parsed.scope == 0)
			return err_set(e, ERR_USAGE, "'%.64s': no interface '%.16s'", text,
				       percent + 1);
	}
	*address = parsed;
	return 0;
}

int icmp_address_from(const struct sockaddr *from, struct icmp_address *address, struct err *e)
{
	struct icmp_address taken = {.family = (uint8_t)from->sa_family};

	if (from->sa_family == AF_INET) {
		memcpy(taken.bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		memcpy(taken.bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
		taken.scope = ((const struct sockaddr_in6 *)from)->sin6_scope_id;
	} else {
		return err_set(e, ERR_USAGE, "neither an IPv4 nor an IPv6 address");
	}
	*address = taken;
	return 0;
}

const char *icmp_address_format(const struct icmp_address *address, char *text)
{
	char interface[IF_NAMESIZE];

	inet_ntop(address->family, address->bytes, text, ICMP_ADDRESS_TEXT_SIZE);
	if (address->scope != 0 && if_indextoname(address->scope, interface)) {
		size_t used = strlen(text);
		snprintf(text + used, ICMP_ADDRESS_TEXT_SIZE - used, "%%%s", interface);
	}
	return text;
}

static socklen_t fill_endpoint(const struct icmp_address *address, uint16_t port,
			       union endpoint *to)
{
	memset(to, 0, sizeof *to);
	if (address->family == AF_INET) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		memcpy(&to->v4.sin_addr, address->bytes, 4);
		return sizeof to->v4;
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(port);
	to->v6.sin6_scope_id = address->scope;
	memcpy(&to->v6.sin6_addr, address->bytes, 16);
	return sizeof to->v6;
}

socklen_t icmp_address_socket(const struct icmp_address *address, uint16_t port,
			      struct sockaddr_storage *to)
{
	union endpoint endpoint;
	socklen_t length = fill_endpoint(address, port, &endpoint);

	memset(to, 0, sizeof *to);
	memcpy(to, &endpoint, length);
	return length;
}

/*
 * A raw socket gets the echo replies of every process. Those with another
 * identifier are dropped by the kernel, so that they cannot fill the buffer.
 */
static int filter_raw(const struct channel *channel)
{
	struct sock_filter v4[] = {
	    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X = length of the IP header */
	    BPF_STMT(BPF_LD | BPF_H | BPF_IND, offsetof(struct request, id)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(channel->id), 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, RECEIVE_SIZE),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter v6[] = {
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct request, id)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(channel->id), 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, RECEIVE_SIZE),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	bool is_v4 = channel->family == AF_INET;
	struct sock_fprog program = {
	    .len = is_v4 ? sizeof v4 / sizeof v4[0] : sizeof v6 / sizeof v6[0],
	    .filter = is_v4 ? v4 : v6,
	};

	if (is_v4) {
		struct icmp_filter types = {~(1U << ICMP_ECHOREPLY)};
		if (setsockopt(channel->fd, SOL_RAW, ICMP_FILTER, &types, sizeof types) < 0)
			return -1;
	} else {
		struct icmp6_filter types;
		ICMP6_FILTER_SETBLOCKALL(&types);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &types);
		if (setsockopt(channel->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &types, sizeof types) < 0)
			return -1;
	}
	return setsockopt(channel->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* Without room for the replies of a second, hosts seem dead: a raw socket holds 256 of them by default. */
static void enlarge_buffers(int fd)
{
	int receive = RECEIVE_BUFFER;
	int send = SEND_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof send);
}

/* Never needed at this size, and the kernel is spared finding an identification for each packet. */
static void forbid_fragments(const struct channel *channel)
{
	int always = IP_PMTUDISC_DO;

	if (channel->family == AF_INET)
		setsockopt(channel->fd, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always);
}

static void prepare_batches(struct channel *channel)
{
	for (size_t i = 0; i < SEND_BATCH; i++) {
		channel->send_parts[i] =
		    (struct iovec){&channel->requests[i], sizeof channel->requests[i]};
		channel->send[i].msg_hdr.msg_iov = &channel->send_parts[i];
		channel->send[i].msg_hdr.msg_iovlen = 1;
		channel->send[i].msg_hdr.msg_name = &channel->to[i];
	}
	for (size_t i = 0; i < RECEIVE_BATCH; i++) {
		channel->receive_parts[i] = (struct iovec){channel->data[i], RECEIVE_SIZE};
		channel->receive[i].msg_hdr.msg_iov = &channel->receive_parts[i];
		channel->receive[i].msg_hdr.msg_iovlen = 1;
		channel->receive[i].msg_hdr.msg_name = &channel->from[i];
		channel->receive[i].msg_hdr.msg_control = channel->control[i];
	}
}

static int open_channel(struct channel *channel, int family, uint16_t id)
{
	int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int on = 1;

	channel->family = family;
	channel->id = id;
	channel->raw = false;
	channel->fd = socket(family, SOCK_DGRAM | flags, protocol);
	if (channel->fd < 0) {
		channel->raw = true;
		channel->fd = socket(family, SOCK_RAW | flags, protocol);
	}
	if (channel->fd < 0 || (channel->raw && filter_raw(channel) < 0) ||
	    setsockopt(channel->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
	    setsockopt(channel->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) < 0) {
		channel->socket_error = errno;
		cleanup_fd(&channel->fd);
		channel->fd = -1;
		return -1;
	}
	enlarge_buffers(channel->fd);
	forbid_fragments(channel);
	prepare_batches(channel);
	return 0;
}

int icmp_open(struct icmp **icmp, struct err *e)
{
	cleanup(cleanup_icmp_free)
	struct icmp *opened = mem_zalloc(1, sizeof *opened);
	uint16_t id;

	opened->timeout_ns = NANOSECOND_PER_SECOND;
	opened->flights = mem_zalloc(FLIGHT_INITIAL, sizeof *opened->flights);
	opened->flight_mask = FLIGHT_INITIAL - 1;
	opened->drained_ns = when_monotonic_ns();
	opened->channels[0].fd = opened->channels[1].fd = -1;
	if (getrandom(&id, sizeof id, 0) != sizeof id ||
	    getrandom(&opened->next, sizeof opened->next / 2, 0) < 0)
		return err_set_errno(e, ERR_ENV, errno, "random numbers");
	opened->oldest = opened->next;
	bool v4 = open_channel(&opened->channels[0], AF_INET, id) == 0;
	bool v6 = open_channel(&opened->channels[1], AF_INET6, id) == 0;
	if (!v4 && !v6)
		return err_set_errno(
		    e, ERR_ENV, opened->channels[0].socket_error,
		    "ICMP socket (cap_net_raw or net.ipv4.ping_group_range is needed)");
	*icmp = opened;
	opened = NULL;
	return 0;
}

void icmp_free(struct icmp *icmp)
{
	if (!icmp)
		return;
	cleanup_fd(&icmp->channels[0].fd);
	cleanup_fd(&icmp->channels[1].fd);
	free(icmp->targets);
	free(icmp->flights);
	vec_done(&icmp->failed);
	free(icmp);
}

/* cap_set_mode also locks the bounding set and securebits, but only root may; others have nothing left to gain once the sets are empty. */
int icmp_drop_capabilities(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set_errno(e, ERR_ENV, errno, "no_new_privs");
	if (cap_set_mode(CAP_MODE_NOPRIV) == 0)
		return 0;
	cap_t none = cap_init();
	int result = none ? cap_set_proc(none) : -1;
	int saved = errno;
	cap_free(none);
	if (result < 0)
		return err_set_errno(e, ERR_ENV, saved, "dropping capabilities");
	return 0;
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

/* One message that the batch stopped at. A second try, because an error left on the socket by an earlier packet is reported once. */
static void send_single(struct icmp *icmp, struct channel *channel, size_t index)
{
	if (sendmsg(channel->fd, &channel->send[index].msg_hdr, MSG_DONTWAIT) < 0 &&
	    !is_about_target(errno))
		fail_flight(icmp, channel->numbers[index], errno);
}

static void flush_channel(struct icmp *icmp, struct channel *channel)
{
	size_t count = channel->queued;
	size_t done = 0;
	int64_t begin_ns = when_monotonic_ns();

	channel->queued = 0;
	for (size_t i = 0; i < count; i++)
		flight_of(icmp, channel->numbers[i])->sent_ns = begin_ns;
	while (done < count) {
		int sent = sendmmsg(channel->fd, channel->send + done, (unsigned)(count - done),
				    MSG_DONTWAIT);
		if (sent > 0)
			done += (size_t)sent;
		else
			send_single(icmp, channel, done++);
	}
	/* The system call takes its time over a batch; a round trip must not include that of the others. */
	int64_t each_ns = count > 1 ? (when_monotonic_ns() - begin_ns) / (int64_t)count : 0;
	for (size_t i = 1; i < count; i++)
		flight_of(icmp, channel->numbers[i])->sent_ns = begin_ns + (int64_t)i * each_ns;
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
	struct channel *channel = &icmp->channels[address->family == AF_INET ? 0 : 1];

	if (icmp->next - icmp->oldest > icmp->flight_mask)
		grow_flights(icmp);
	uint64_t number = icmp->next++;
	struct flight *flight = flight_of(icmp, number);
	*flight =
	    (struct flight){.nonce = take_nonce(icmp), .sent_ns = INT64_MAX, .target = target};
	if (channel->fd < 0) {
		flight->sent_ns = when_monotonic_ns();
		fail_flight(icmp, number, channel->socket_error);
		return;
	}
	size_t i = channel->queued++;
	struct request *request = &channel->requests[i];
	*request = (struct request){
	    .type = address->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
	    .id = channel->id,
	    .sequence = htons((uint16_t)number),
	    .number = number,
	    .nonce = flight->nonce,
	};
	if (address->family == AF_INET)
		request->checksum = checksum(request, sizeof *request);
	channel->numbers[i] = number;
	channel->send[i].msg_hdr.msg_namelen = fill_endpoint(address, 0, &channel->to[i]);
	if (channel->queued == SEND_BATCH)
		flush_channel(icmp, channel);
}

static bool comes_from(const struct icmp_address *address, const union endpoint *from)
{
	if (from->any.sa_family != address->family)
		return false;
	if (address->family == AF_INET)
		return memcmp(&from->v4.sin_addr, address->bytes, 4) == 0;
	return memcmp(&from->v6.sin6_addr, address->bytes, 16) == 0 &&
	       (address->scope == 0 || from->v6.sin6_scope_id == address->scope);
}

/* Finds the echo reply inside what the socket gave; a raw IPv4 socket puts the IP header first. */
static bool read_reply(const struct channel *channel, const char *data, size_t length,
		       struct request *reply)
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
static int64_t read_control(struct icmp *icmp, struct channel *channel, struct msghdr *message)
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

static bool take_reply(struct icmp *icmp, struct channel *channel, size_t index,
		       struct icmp_outcome *outcome)
{
	struct msghdr *message = &channel->receive[index].msg_hdr;
	int64_t stamp_ns = read_control(icmp, channel, message);
	struct request reply;

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

static void receive_batch(struct icmp *icmp, struct channel *channel)
{
	for (size_t i = 0; i < RECEIVE_BATCH; i++) {
		channel->receive[i].msg_hdr.msg_namelen = sizeof channel->from[i];
		channel->receive[i].msg_hdr.msg_controllen = CONTROL_SIZE;
	}
	int count = recvmmsg(channel->fd, channel->receive, RECEIVE_BATCH, MSG_DONTWAIT, NULL);
	icmp->received = count > 0 ? (size_t)count : 0;
	icmp->received_next = 0;
	icmp->looked_at += icmp->received;
	if (icmp->received == 0)
		return;
	icmp->batch_ns = when_monotonic_ns();
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	icmp->realtime_offset_ns =
	    (int64_t)wall.tv_sec * NANOSECOND_PER_SECOND + wall.tv_nsec - icmp->batch_ns;
}

/* 1 with an answer; 0 when both sockets are empty. */
static int next_answer(struct icmp *icmp, struct icmp_outcome *outcome)
{
	while (icmp->sweep_channel < 2) {
		struct channel *channel = &icmp->channels[icmp->sweep_channel];
		while (icmp->received_next < icmp->received)
			if (take_reply(icmp, channel, icmp->received_next++, outcome))
				return 1;
		bool more = icmp->received == RECEIVE_BATCH || icmp->received == 0;
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
		    (flight->sent_ns == INT64_MAX ||
		     flight->sent_ns + icmp->timeout_ns > before_ns))
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
