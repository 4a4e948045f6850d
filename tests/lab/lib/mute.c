/* mute.c - a TCP server that a libvirt client should not wait for
 *
 * usage: mute mute|half|garbage PORT
 *
 * It accepts on every address, holds each connection until the client goes,
 * and answers what it hears: not at all, with the first half of a message
 * header of libvirt's RPC, or with bytes that are none.
 */
#define _GNU_SOURCE

#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct answer {
	const char *mode;
	const char *bytes;
	size_t size;
};

static const struct answer answers[] = {
	{"mute", "", 0},
	/* 28 bytes are announced, of the remote program 0x20008086 */
	{"half", "\0\0\0\x1c\x20\0", 6},
	{"garbage", "HTTP/1.0 400 Bad Request\r\n\r\n", 28},
};

static const struct answer *answer_find(const char *mode)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (strcmp(answers[i].mode, mode) == 0)
			return &answers[i];
	errx(2, "%s: unknown mode", mode);
}

static int listen_on(int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 4096) < 0)
		err(1, "port %d", port);
	return fd;
}

static void take(int poll_fd, int listener)
{
	struct epoll_event event = {.events = EPOLLIN};

	event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (event.data.fd >= 0 && epoll_ctl(poll_fd, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
		close(event.data.fd);
}

static void hear(int fd, const struct answer *answer)
{
	char heard[4096];

	if (read(fd, heard, sizeof(heard)) <= 0)
		close(fd);
	else if (answer->size > 0)
		(void)!write(fd, answer->bytes, answer->size);
}

int main(int argc, char **argv)
{
	const struct rlimit files = {65536, 65536};
	struct epoll_event event = {.events = EPOLLIN};
	const struct answer *answer;
	int listener, poll_fd;

	if (argc != 3)
		errx(2, "usage: mute mute|half|garbage PORT");
	answer = answer_find(argv[1]);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	listener = listen_on((int)strtol(argv[2], NULL, 10));
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = listener;
	if (poll_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event) < 0)
		err(1, "epoll");
	for (;;) {
		if (epoll_wait(poll_fd, &event, 1, -1) != 1)
			continue;
		if (event.data.fd == listener)
			take(poll_fd, listener);
		else
			hear(event.data.fd, answer);
	}
}
