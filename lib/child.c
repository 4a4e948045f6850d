/* child.c - child processes that can be given up. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum { HEADER_SIZE = 5, RECEIVE_SIZE = 64 << 10, KILL_WAIT_MS = 50 };

/* Killed, and not seen to end: a process that is not collected stays a zombie. */
static VEC(pid_t) killed;

static int gone(struct err *e, int errnum)
{
	if (errnum == 0 || errnum == EPIPE || errnum == ECONNRESET)
		return err_set(e, ERR_NET, "the other process is gone");
	return err_set_errno(e, ERR_NET, errnum, "channel");
}

static int send_all(int fd, const char *bytes, size_t length, int flags, struct err *e)
{
	while (length > 0) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | flags);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return gone(e, errno);
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}

int channel_send(struct channel *channel, unsigned char kind, const void *bytes, size_t length, struct err *e)
{
	char header[HEADER_SIZE];
	uint32_t size = (uint32_t)length;

	if (length > CHANNEL_FRAME_MAX)
		return err_set(e, ERR_TOO_LARGE, "frame of %zu bytes", length);
	memcpy(header, &size, sizeof size);
	header[4] = (char)kind;
	int result = send_all(channel->fd, header, sizeof header, length ? MSG_MORE : 0, e);
	return result < 0 ? result : send_all(channel->fd, bytes, length, 0, e);
}

/* What was taken is dropped only when more comes in, so that frames stay valid until then. */
static void drop_taken(struct channel *channel)
{
	if (channel->taken == 0)
		return;
	memmove(channel->in.data, channel->in.data + channel->taken, channel->in.length - channel->taken);
	channel->in.length -= channel->taken;
	channel->taken = 0;
}

static int receive(struct channel *channel, int flags, struct err *e)
{
	char bytes[RECEIVE_SIZE];
	ssize_t received;

	do
		received = recv(channel->fd, bytes, sizeof bytes, flags);
	while (received < 0 && errno == EINTR);
	if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (received <= 0)
		return gone(e, received < 0 ? errno : 0);
	drop_taken(channel);
	str_add_n(&channel->in, bytes, (size_t)received);
	return 1;
}

int channel_fill(struct channel *channel, struct err *e)
{
	return receive(channel, MSG_DONTWAIT, e);
}

int channel_next(struct channel *channel, struct frame *frame, struct err *e)
{
	size_t left = channel->in.length - channel->taken;
	uint32_t length;

	if (left < HEADER_SIZE)
		return 0;
	const char *start = channel->in.data + channel->taken;
	memcpy(&length, start, sizeof length);
	if (length > CHANNEL_FRAME_MAX)
		return err_set(e, ERR_CORRUPT, "frame of %u bytes", (unsigned)length);
	if (left - HEADER_SIZE < length)
		return 0;
	*frame = (struct frame){
		.kind = (unsigned char)start[4],
		.bytes = start + HEADER_SIZE,
		.length = length,
	};
	channel->taken += HEADER_SIZE + length;
	return 1;
}

int channel_wait(struct channel *channel, struct frame *frame, struct err *e)
{
	for (;;) {
		int result = channel_next(channel, frame, e);
		if (result != 0)
			return result;
		result = receive(channel, 0, e);
		if (result < 0)
			return result;
	}
}

static void default_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	/* A host that goes while libvirt writes to it is an error to tell, not the end of us. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Locks by flock(2) and half-read pipes live as long as any copy of their descriptor. */
static void close_others(int keep)
{
	if (keep > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0);
	close_range((unsigned)keep + 1, UINT_MAX, 0);
}

static void silence(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		_exit(4);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

static void become_child(int *fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before the line above. */
	if (getppid() != parent)
		_exit(4);
	default_signals();
	/* Without a terminal ssh(1) has nowhere to ask, and the parent can kill the whole group. */
	setsid();
	if (*fd <= STDERR_FILENO)
		*fd = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	silence();
	close_others(*fd);
}

int child_start(struct child *child, int (*body)(struct channel *channel, void *context), void *context,
		struct err *e)
{
	int ends[2];
	pid_t parent = getpid();

	child_reap(0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set_errno(e, ERR_ENV, errno, "socketpair");
	pid_t pid = fork();
	if (pid < 0) {
		int errnum = errno;
		close(ends[0]);
		close(ends[1]);
		return err_set_errno(e, ERR_ENV, errnum, "fork");
	}
	if (pid == 0) {
		struct channel channel = {.fd = ends[1]};
		vec_done(&killed);
		become_child(&channel.fd, parent);
		_exit(body(&channel, context));
	}
	close(ends[1]);
	*child = (struct child){.pid = pid, .channel = {.fd = ends[0]}};
	return 0;
}

static void forget(struct child *child)
{
	close(child->channel.fd);
	str_done(&child->channel.in);
	*child = (struct child){0};
}

void child_reap(int64_t wait_ms)
{
	int64_t until = when_monotonic() + wait_ms;

	for (;;) {
		for (size_t i = 0; i < killed.count; i++)
			if (waitpid(killed.items[i], NULL, WNOHANG) != 0)
				killed.items[i--] = killed.items[--killed.count];
		if (killed.count == 0)
			vec_done(&killed);
		if (killed.count == 0 || when_monotonic() >= until)
			return;
		poll(NULL, 0, 1);
	}
}

void child_kill(struct child *child)
{
	if (child->pid == 0)
		return;
	/* The group exists only from the child's setsid on. */
	kill(child->pid, SIGKILL);
	kill(-child->pid, SIGKILL);
	vec_push(&killed, child->pid);
	child_reap(KILL_WAIT_MS);
	forget(child);
}

int child_collect(struct child *child, char *text, size_t size)
{
	int status = 0;

	snprintf(text, size, "ended");
	kill(child->pid, SIGKILL);
	kill(-child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		snprintf(text, size, "killed by signal %d", WTERMSIG(status));
	else if (WIFEXITED(status))
		snprintf(text, size, "exit status %d", WEXITSTATUS(status));
	forget(child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
