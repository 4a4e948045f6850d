/* confirm.c - second opinions: TCP ports that accept or refuse prove a living kernel. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confirm.h"
#include "mem.h"

enum { ATTEMPTS_MAX = 4096, DESCRIPTORS_RESERVED = 64, NONE = -1 };

/* One connect under way. The list of them is in the order of their age. */
struct attempt {
	int fd; /* NONE: this place is free */
	int older, newer;
	bool refused; /* at once, by connect itself */
	uint32_t index;
	uint32_t number;
	int64_t until_ns;
};

struct confirm {
	int epoll;
	uint32_t tag;
	int64_t timeout_ns;
	struct attempt *attempts;
	int capacity;
	int in_use;
	int free; /* first free place, linked through `newer` */
	int oldest, newest;
};

/* Each attempt is a descriptor: as many as the hard limit permits. */
static int raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return DESCRIPTORS_RESERVED;
	rlim_t wanted = ATTEMPTS_MAX + DESCRIPTORS_RESERVED;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return ATTEMPTS_MAX;
	return limit.rlim_cur > 2 * DESCRIPTORS_RESERVED ? (int)limit.rlim_cur - DESCRIPTORS_RESERVED
							 : DESCRIPTORS_RESERVED;
}

struct confirm *confirm_new(int epoll, uint32_t tag, int64_t timeout_ns)
{
	struct confirm *confirm = mem_zalloc(1, sizeof *confirm);

	confirm->epoll = epoll;
	confirm->tag = tag;
	confirm->timeout_ns = timeout_ns;
	confirm->capacity = raise_descriptor_limit();
	confirm->attempts = mem_zalloc((size_t)confirm->capacity, sizeof *confirm->attempts);
	for (int i = 0; i < confirm->capacity; i++)
		confirm->attempts[i] = (struct attempt){.fd = NONE, .newer = i + 1};
	confirm->attempts[confirm->capacity - 1].newer = NONE;
	confirm->oldest = confirm->newest = NONE;
	return confirm;
}

/* Closing resets: neither end keeps a trace of the connection. */
static void end_attempt(struct confirm *confirm, int place)
{
	struct attempt *attempt = &confirm->attempts[place];
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	setsockopt(attempt->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(attempt->fd);
	if (attempt->older != NONE)
		confirm->attempts[attempt->older].newer = attempt->newer;
	else
		confirm->oldest = attempt->newer;
	if (attempt->newer != NONE)
		confirm->attempts[attempt->newer].older = attempt->older;
	else
		confirm->newest = attempt->older;
	attempt->fd = NONE;
	attempt->newer = confirm->free;
	confirm->free = place;
	confirm->in_use--;
}

void confirm_forget(struct confirm *confirm)
{
	while (confirm->oldest != NONE)
		end_attempt(confirm, confirm->oldest);
}

void confirm_free(struct confirm *confirm)
{
	if (!confirm)
		return;
	confirm_forget(confirm);
	free(confirm->attempts);
	free(confirm);
}

static void link_newest(struct confirm *confirm, int place, const struct attempt *started)
{
	struct attempt *attempt = &confirm->attempts[place];

	confirm->free = attempt->newer;
	*attempt = *started;
	attempt->older = confirm->newest;
	attempt->newer = NONE;
	if (confirm->newest != NONE)
		confirm->attempts[confirm->newest].newer = place;
	else
		confirm->oldest = place;
	confirm->newest = place;
	confirm->in_use++;
}

static bool start(struct confirm *confirm, struct attempt *attempt, const struct icmp_address *address,
		  uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = icmp_address_socket(address, port, &to);
	int place = confirm->free;
	struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT,
				    .data.u64 = (uint64_t)confirm->tag << 32 | (uint32_t)place};

	if (place == NONE)
		return false;
	attempt->fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0)
		return false;
	int connected = connect(attempt->fd, (struct sockaddr *)&to, length);
	attempt->refused = connected < 0 && errno == ECONNREFUSED;
	/* An answer that is there at once is reported by epoll like any other; a failure of our own says nothing. */
	if (connected < 0 && errno != EINPROGRESS && !attempt->refused) {
		close(attempt->fd);
		return true;
	}
	link_newest(confirm, place, attempt);
	if (epoll_ctl(confirm->epoll, EPOLL_CTL_ADD, attempt->fd, &event) < 0) {
		end_attempt(confirm, place);
		return false;
	}
	return true;
}

bool confirm_is_busy(const struct confirm *confirm)
{
	return confirm->in_use > confirm->capacity / 2;
}

bool confirm_try(struct confirm *confirm, uint32_t index, uint32_t number, const struct icmp_address *address,
		 const struct confirm_ports *ports, int64_t now_ns)
{
	struct attempt attempt = {.index = index, .number = number, .until_ns = now_ns + confirm->timeout_ns};
	bool tried = true;

	for (uint16_t i = 0; i < ports->count; i++)
		tried = start(confirm, &attempt, address, ports->ports[i]) && tried;
	return tried;
}

/* Accepted means that there is a peer: a socket that still connects has no error either. */
static bool is_alive(const struct attempt *attempt)
{
	struct sockaddr_storage peer;
	socklen_t peer_length = sizeof peer;
	int error = 0;
	socklen_t error_length = sizeof error;

	if (attempt->refused)
		return true;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &error_length) < 0)
		return false;
	return error == ECONNREFUSED ||
	       (error == 0 && getpeername(attempt->fd, (struct sockaddr *)&peer, &peer_length) == 0);
}

int confirm_ready(struct confirm *confirm, uint32_t place, struct confirm_answer *answer)
{
	if (place >= (uint32_t)confirm->capacity || confirm->attempts[place].fd == NONE)
		return 0;
	const struct attempt *attempt = &confirm->attempts[place];
	*answer = (struct confirm_answer){attempt->index, attempt->number};
	bool alive = is_alive(attempt);
	end_attempt(confirm, (int)place);
	return alive;
}

void confirm_expire(struct confirm *confirm, int64_t now_ns)
{
	while (confirm->oldest != NONE && confirm->attempts[confirm->oldest].until_ns <= now_ns)
		end_attempt(confirm, confirm->oldest);
}

int64_t confirm_deadline(const struct confirm *confirm)
{
	return confirm->oldest == NONE ? INT64_MAX : confirm->attempts[confirm->oldest].until_ns;
}
