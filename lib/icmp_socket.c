/* icmp_socket.c - opening the sockets, and giving up what that took. */
#include "config.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>
/* After netinet/in.h, which they would else contradict. */
#include <linux/filter.h>
#include <linux/icmp.h>

#include "icmp.h"
#include "icmp_private.h"
#include "mem.h"

enum { RECEIVE_BUFFER = 32 << 20, SEND_BUFFER = 1 << 20 };

/*
 * A raw socket gets the echo replies of every process. Those with another
 * identifier are dropped by the kernel, so that they cannot fill the buffer.
 */
static int filter_raw(const struct icmp_channel *channel)
{
	struct sock_filter v4[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X = length of the IP header */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, offsetof(struct icmp_request, id)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(channel->id), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ICMP_RECEIVE_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter v6[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct icmp_request, id)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(channel->id), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ICMP_RECEIVE_SIZE),
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

static void enlarge_send_buffer(int fd)
{
	int send = SEND_BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof send);
}

/* Without room for the replies of a second, hosts seem dead: a raw socket holds 256 of them by default. */
static void enlarge_buffers(int fd)
{
	int receive = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
	enlarge_send_buffer(fd);
}

/* Never needed at this size, and the kernel is spared finding an identification for each packet. */
static void forbid_fragments(const struct icmp_channel *channel)
{
	int always = IP_PMTUDISC_DO;

	if (channel->family == AF_INET)
		setsockopt(channel->send_fd, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always);
}

static void prepare_batches(struct icmp_channel *channel)
{
	for (size_t i = 0; i < ICMP_SEND_BATCH; i++) {
		channel->send_parts[i] = (struct iovec){&channel->requests[i], sizeof channel->requests[i]};
		channel->send[i].msg_hdr.msg_iov = &channel->send_parts[i];
		channel->send[i].msg_hdr.msg_iovlen = 1;
		channel->send[i].msg_hdr.msg_name = &channel->to[i];
	}
	for (size_t i = 0; i < ICMP_RECEIVE_BATCH; i++) {
		channel->receive_parts[i] = (struct iovec){channel->data[i], ICMP_RECEIVE_SIZE};
		channel->receive[i].msg_hdr.msg_iov = &channel->receive_parts[i];
		channel->receive[i].msg_hdr.msg_iovlen = 1;
		channel->receive[i].msg_hdr.msg_name = &channel->from[i];
		channel->receive[i].msg_hdr.msg_control = channel->control[i];
	}
}

/*
 * A request that our own full queue drops is an error only where IP_RECVERR is
 * set (raw(7)), which also reports what routers say, at whatever call comes
 * next. So that is a socket for sending alone, which takes nothing in.
 */
static int open_sender(const struct icmp_channel *channel)
{
	struct icmp_filter none = {~0U};
	int on = 1;
	int smallest = 0;

	if (!channel->raw || channel->family != AF_INET)
		return channel->fd;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0)
		return channel->fd;
	if (setsockopt(fd, SOL_RAW, ICMP_FILTER, &none, sizeof none) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on) < 0) {
		close(fd);
		return channel->fd;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest);
	return fd;
}

int icmp_open_channel(struct icmp_channel *channel, int family, uint16_t id)
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
		channel->fd = channel->send_fd = -1;
		return -1;
	}
	channel->send_fd = open_sender(channel);
	enlarge_buffers(channel->fd);
	if (channel->send_fd != channel->fd)
		enlarge_send_buffer(channel->send_fd);
	forbid_fragments(channel);
	prepare_batches(channel);
	return 0;
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
