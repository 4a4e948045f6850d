/* delay.c - two TAP devices joined by a wire of a given length
 *
 * usage: delay TAP_A TAP_B MICROSECONDS
 *
 * Each frame that enters one device leaves the other MICROSECONDS later, in
 * order. A queue that is full drops, as a switch does.
 */
#define _GNU_SOURCE

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 2048, QUEUE_LEN = 4096 };

struct frame {
	int64_t due_ns;
	size_t size;
	char bytes[FRAME_MAX];
};

struct way {
	int from, to;
	unsigned head, tail;
	struct frame *queue;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int tap_open(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/net/tun");
	if (strlen(name) >= sizeof(request.ifr_name))
		errx(1, "%s: name too long", name);
	memcpy(request.ifr_name, name, strlen(name));
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		err(1, "%s", name);
	return fd;
}

static void way_take(struct way *w, int64_t delay_ns)
{
	char lost[FRAME_MAX];

	for (;;) {
		int full = w->tail - w->head == QUEUE_LEN;
		struct frame *f = &w->queue[w->tail % QUEUE_LEN];
		ssize_t n = read(w->from, full ? lost : f->bytes, FRAME_MAX);

		if (n <= 0)
			return;
		if (full)
			continue;
		f->size = (size_t)n;
		f->due_ns = now_ns() + delay_ns;
		w->tail++;
	}
}

static void way_give(struct way *w)
{
	int64_t now = now_ns();

	for (; w->head != w->tail; w->head++) {
		struct frame *f = &w->queue[w->head % QUEUE_LEN];

		if (f->due_ns > now)
			return;
		/* a device that is down drops, and so do we */
		(void)!write(w->to, f->bytes, f->size);
	}
}

static int64_t way_wait_ns(const struct way *w, int64_t wait_ns)
{
	int64_t left;

	if (w->head == w->tail)
		return wait_ns;
	left = w->queue[w->head % QUEUE_LEN].due_ns - now_ns();
	if (left < 0)
		left = 0;
	return wait_ns < 0 || left < wait_ns ? left : wait_ns;
}

int main(int argc, char **argv)
{
	struct way ways[2];
	int64_t delay_ns;
	int a, b;

	if (argc != 4)
		errx(2, "usage: delay TAP_A TAP_B MICROSECONDS");
	delay_ns = strtoll(argv[3], NULL, 10) * 1000;
	a = tap_open(argv[1]);
	b = tap_open(argv[2]);
	ways[0] = (struct way){.from = a, .to = b};
	ways[1] = (struct way){.from = b, .to = a};
	for (int i = 0; i < 2; i++)
		if (!(ways[i].queue = calloc(QUEUE_LEN, sizeof(struct frame))))
			err(1, NULL);

	for (;;) {
		struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
		int64_t wait_ns = way_wait_ns(&ways[1], way_wait_ns(&ways[0], -1));
		struct timespec t = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};

		if (ppoll(fds, 2, wait_ns < 0 ? NULL : &t, NULL) < 0 && errno != EINTR)
			err(1, "poll");
		if ((fds[0].revents | fds[1].revents) & POLLERR)
			errx(1, "a device is gone");
		for (int i = 0; i < 2; i++) {
			way_take(&ways[i], delay_ns);
			way_give(&ways[i]);
		}
	}
}
